#include "edge/follow/link_state.hpp"

#include <algorithm>

// Heartbeats: what they prove, and what happens when the digests of the two sides differ.
//
//   agreed ──differ──→ walking ──blocks named──→ repairing ──all came──→ comparing anew
//   comparing ──agree──→ agreed;  ──differ──→ walking;  too often, or no way to name them → anew
namespace tidemark::follow
{
namespace
{
constexpr unsigned kWalksMax = 3;
constexpr std::size_t kBlocksAsked = 64; // at once: they fit into a frame
} // namespace

void Follower::Impl::on_heartbeat(const purge::Heartbeat& beat, Now now)
{
    if (beat.journal != journal) {
        ++counters.impossible_heartbeats;
        return;
    }
    ack_wanted = true;
    mark = std::max(mark, beat.mark);
    hear(beat.mark);
    on_verdict(watch.on_told(beat.mark, beat.root, tree), now);
    if (disputed) return;
    // To have its versions proves nothing while they may be those of a journal that was restored.
    if (!agreed && applied.contiguous() >= beat.mark) return;
    granted = beat.lease > Millis{0} ? beat.lease : granted;
    const auto renewal = lease.on_heartbeat(beat, applied.contiguous(), now.boot);
    if (renewal == purge::EdgeLease::Renewal::impossible) ++counters.impossible_heartbeats;
}

void Follower::Impl::on_verdict(purge::RootWatch::Verdict verdict, Now now)
{
    if (verdict == purge::RootWatch::Verdict::unknown || walk || !blocks.empty() || hopeless)
        return;
    if (verdict == purge::RootWatch::Verdict::agree) return end_dispute();
    if (phase != Phase::linked) return;
    ++counters.mismatches;
    disputed = true;
    earlier_lease = BootTime::min();
    lease.revoke();
    remark(true, "the digests differ at version " + std::to_string(tree.last()));
    if (++failed_walks > kWalksMax) return give_up("they differ again and again");
    begin_walk(now);
}

void Follower::Impl::end_dispute()
{
    agreed = true;
    ack_wanted = true;
    disputed = false;
    failed_walks = 0;
}

void Follower::Impl::drop_walk()
{
    walk.reset();
    blocks.clear();
    blocks_asked = 0;
    tail_before.reset();
}

// ---- the walk

void Follower::Impl::begin_walk(Now now)
{
    drop_walk();
    const auto theirs = watch.told_at(tree.last());
    if (!theirs) return; // the next heartbeat that can be compared begins it
    const std::uint64_t unfinished = purge::full_blocks(tree.last());
    if (unfinished >= tree.first_block()) tail_before = tree.block(unfinished);
    walk.emplace(tree, ++walks, *theirs);
    walk_at = now.mono;
    asked.reset();
    take_step(walk->start(), now);
}

void Follower::Impl::on_reply(const purge::DigestReply& reply, Now now)
{
    if (!walk) return;
    if (const auto step = walk->on_reply(reply)) take_step(*step, now);
}

void Follower::Impl::take_step(const purge::Reconcile::Step& step, Now now)
{
    walk_at = now.mono;
    if (const auto* query = std::get_if<purge::DigestQuery>(&step)) return stream(*query);
    if (const auto* difference = std::get_if<purge::Difference>(&step)) {
        const purge::Difference found = *difference;
        walk.reset();
        return repair_blocks(found, now);
    }
    give_up("what differs cannot be named");
}

// ---- the repair

void Follower::Impl::repair_blocks(const purge::Difference& difference, Now now)
{
    applier.cap(difference.agreed, now);
    for (const std::uint64_t block : difference.blocks)
        blocks.push_back({{block * purge::kBlockVersions + 1, (block + 1) * purge::kBlockVersions},
                          tree.block(block),
                          {}});
    if (difference.tail && tail_before) blocks.push_back({*difference.tail, *tail_before, {}});
    remark(true, "nothing differs up to version " + std::to_string(difference.agreed) + "; " +
                     std::to_string(blocks.size()) + " blocks are fetched again");
    if (!blocks.empty()) ask_for_blocks(now);
}

void Follower::Impl::ask_for_blocks(Now now)
{
    ++counters.repairs;
    blocks_asked = std::min(blocks.size(), kBlocksAsked);
    purge::Received received;
    received.contiguous = blocks.front().range.first - 1;
    for (std::size_t i = 0; i < blocks_asked; ++i) {
        const purge::VersionRange& range = blocks[i].range;
        if (!received.missing.empty() && received.missing.back().last + 1 == range.first)
            received.missing.back().last = range.last;
        else
            received.missing.push_back(range);
    }
    received.span = received.missing.back().last - received.contiguous;
    asked = Asked{received.missing.back().last, wanted(), now.mono};
    stream(purge::RepairRequest{received});
}

bool Follower::Impl::repairs(Version version) const
{
    const auto end = blocks.begin() + static_cast<std::ptrdiff_t>(blocks_asked);
    const auto block = std::partition_point(
        blocks.begin(), end, [&](const BlockRepair& b) { return b.range.last < version; });
    return block != end && block->range.first <= version && block->came.count(version) == 0;
}

// The blocks' records come in order, so the front block is whole first.
void Follower::Impl::collect(Version version, const purge::Digest& digest)
{
    const auto block = std::partition_point(
        blocks.begin(), blocks.end(), [&](const BlockRepair& b) { return b.range.last < version; });
    block->came.emplace(version, digest);
}

// Those asked for are whole: they hold what came instead of what we held.
void Follower::Impl::finish_blocks(Now now)
{
    const auto end = blocks.begin() + static_cast<std::ptrdiff_t>(blocks_asked);
    const auto whole = [](const BlockRepair& block) {
        return block.came.size() == block.range.last - block.range.first + 1;
    };
    if (!std::all_of(blocks.begin(), end, whole)) return;
    for (auto block = blocks.begin(); block != end; ++block) {
        const std::uint64_t number = purge::block_of(block->range.first);
        purge::Digest digest = tree.block(number) - block->before; // what came since the walk
        for (const auto& [version, record] : block->came)
            digest += record;
        tree.replace_block(number, digest);
    }
    blocks.erase(blocks.begin(), end);
    blocks_asked = 0;
    asked.reset();
    if (!blocks.empty()) return ask_for_blocks(now);
    on_verdict(watch.on_appended(tree), now);
}

// Not here and now: somebody may be in the middle of appending.
void Follower::Impl::give_up(const char* why)
{
    remark(true, std::string(why) + ": everything is fetched anew");
    walk.reset();
    hopeless = true;
}

void Follower::Impl::start_over(Now now)
{
    applier.cap(0, now);
    begin_anew();
    failed_walks = 0;
    if (phase == Phase::linked && wanted() > 0) ask_for_gaps(now);
}
} // namespace tidemark::follow
