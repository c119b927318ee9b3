#include "edge/follow/link_state.hpp"

#include <algorithm>

// What is missing: asked for by datagram first, then on the stream; snapshots.
namespace tidemark::follow
{
namespace
{
constexpr Millis kNoProgress{1'000}; // of what was asked for: ask again
// So many gaps are named at once; they fit into a frame. The others come next.
constexpr std::size_t kGapsNamed = 100;

purge::Received gaps_of(const purge::VersionSet& set, Version up_to)
{
    if (set.ranges().size() > kGapsNamed)
        up_to = std::min(up_to, std::next(set.ranges().begin(), kGapsNamed)->first - 1);
    return purge::received_of(set, up_to);
}
} // namespace

// The greatest version that we know there is.
Version Follower::Impl::wanted() const noexcept
{
    return std::max(mark, applied.highest());
}

void Follower::Impl::watch_gap(Now now)
{
    const Version first = applied.contiguous() + 1;
    if (first > wanted()) {
        gap.reset();
    } else if (!gap || gap->first != first) {
        gap = Gap{first, now.mono, false};
    }
    if (!asked || !blocks.empty() || applied.contiguous() < asked->through) return;
    // All that was named came. What was missing besides does not come by itself.
    const bool more = applied.contiguous() < asked->wanted;
    asked.reset();
    if (more) ask_for_gaps(now);
}

std::optional<MonoTime> Follower::Impl::gap_due() const
{
    if (walk) return walk_at + kNoProgress;
    if (asked) return asked->progress_at + kNoProgress;
    if (!gap) return std::nullopt;
    return gap->since + (gap->nacked ? settings.repair_after : settings.repair_after / 2);
}

void Follower::Impl::on_gap_time(Now now)
{
    const auto due = gap_due();
    if (!due || now.mono < *due) return;
    if (walk) return begin_walk(now);
    if (asked) return ask_again(now);
    if (!gap->nacked) {
        gap->nacked = true;
        datagram(purge::Nack{gaps_of(applied, wanted())});
        return;
    }
    ask_for_gaps(now);
}

void Follower::Impl::ask_again(Now now)
{
    assembly.reset();
    if (!blocks.empty()) return ask_for_blocks(now);
    asked.reset();
    if (applied.contiguous() < wanted()) ask_for_gaps(now);
}

void Follower::Impl::ask_for_gaps(Now now)
{
    ++counters.repairs;
    const purge::Received received = gaps_of(applied, wanted());
    asked = Asked{received.contiguous + received.span, wanted(), now.mono};
    stream(purge::RepairRequest{received});
}

// ---- snapshots

void Follower::Impl::on_piece(const purge::SnapshotPiece& piece, Now now)
{
    if (piece.journal != journal || piece.total_bytes > purge::kSnapshotBytesMax)
        return bad_frame("of no snapshot of ours");
    if (asked) asked->progress_at = now.mono;
    if (piece.offset == 0) {
        assembly = Assembly{piece, {}, now.mono};
        assembly->front.bytes = {};
    }
    if (!assembly) return bad_frame("a piece without its beginning");
    const purge::SnapshotPiece& front = assembly->front;
    if (piece.offset != assembly->bytes.size() || piece.through != front.through ||
        piece.total_bytes != front.total_bytes || !(piece.root == front.root) ||
        !(piece.state == front.state))
        return bad_frame("a piece of another snapshot");
    assembly->bytes += piece.bytes;
    if (assembly->bytes.size() == front.total_bytes) load_snapshot(now);
}

void Follower::Impl::load_snapshot(Now now)
{
    const Assembly whole = *std::exchange(assembly, std::nullopt);
    const auto state = purge::decode_snapshot(whole.bytes);
    if (!state || !(state->digest() == whole.front.state) || state->through() > whole.front.through)
        return bad_frame("a snapshot that is not what it was announced to be");
    const Version through = whole.front.through;
    if (through <= applied.contiguous()) return; // nothing new
    ++counters.snapshots;
    drop_walk();
    applier.load(*state, now);
    applied.add_through(through);
    erasing.erase(erasing.begin(), erasing.upper_bound(through));
    if (applier.erase_loaded(through))
        loaded_through = through;
    else
        told.add_through(through);
    tree = purge::DigestTree{through, whole.front.root};
    early.erase(early.begin(), early.upper_bound(through));
    watch = purge::RootWatch{};
    hear(through);
    actions.emplace_back(KeepSnapshot{whole.bytes, through, whole.front.root});
    append_early(now);
    if (agreed && !disputed) lease.on_applied(applied.contiguous());
    ack_wanted = true;
}
} // namespace tidemark::follow
