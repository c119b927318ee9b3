#include "edge/follow/link_state.hpp"

#include <algorithm>

// Records: each is applied once, whatever order they come in, and only then acknowledged.
namespace tidemark::follow
{
namespace
{
// Beyond it, what comes early is not taken; it comes again, as if it had been lost.
constexpr std::size_t kEarlyMax = 262'144;

bool erases(const purge::Message& message)
{
    const auto* purge = std::get_if<purge::Invalidate>(&message.body);
    return purge != nullptr && purge->erase;
}
} // namespace

void Follower::Impl::hear(Version version)
{
    if (version <= heard) return;
    heard = version;
    applier.hear(version);
}

void Follower::Impl::on_records(ByteView records, bool by_stream, Now now)
{
    ack_wanted = true;
    if (by_stream && asked) asked->progress_at = now.mono;
    while (!records.empty()) {
        const auto record = purge::next_record(records);
        if (record && record->journal != journal) {
            ++counters.foreign_records;
            continue;
        }
        if (record && take_record(*record)) continue;
        if (by_stream) return bad_frame("not made of records");
        ++counters.bad_frames;
        return;
    }
}

bool Follower::Impl::take_record(const purge::RecordView& record)
{
    if (record.version == 0 || record.version > purge::kVersionMax) return false;
    const bool wanted_again = repairs(record.version);
    const bool known = applied.contains(record.version);
    if (known && !wanted_again) {
        ++counters.repeated_records;
        // It may have been one too many for the acknowledgements when it came first.
        if (erasing.count(record.version) == 0) told.add(record.version);
        return true;
    }
    if (!known && record.version > tree.last() + fresh_digests.size() + 1 &&
        early.size() >= kEarlyMax)
        return true;
    ByteView bytes = record.bytes;
    auto message = purge::decode_message(bytes);
    if (!message) return false;
    if (!known && applied.add(record.version) == purge::VersionSet::Added::full) return true;
    if (erases(*message))
        erasing.insert(record.version);
    else
        told.add(record.version);
    hear(record.version);
    ++counters.records;
    const purge::Digest digest = purge::digest_of(record.bytes);
    if (wanted_again && known)
        collect(record.version, digest);
    else
        fresh_digests.emplace_back(record.version, digest);
    fresh.push_back(std::move(*message));
    fresh_records += record.bytes;
    return true;
}

void Follower::Impl::apply_fresh(Now now)
{
    if (fresh.empty()) return;
    applier.apply(fresh, now);
    fresh.clear();
    actions.emplace_back(KeepRecords{std::exchange(fresh_records, {})});
    for (const auto& [version, digest] : std::exchange(fresh_digests, {}))
        if (version == tree.last() + 1)
            append(version, digest, now);
        else
            early.emplace(version, digest);
    append_early(now);
    if (!blocks.empty()) finish_blocks(now);
    if (agreed && !disputed) lease.on_applied(applied.contiguous());
}

void Follower::Impl::append(Version version, const purge::Digest& digest, Now now)
{
    tree.append(version, digest);
    on_verdict(watch.on_appended(tree), now);
}

void Follower::Impl::append_early(Now now)
{
    while (!early.empty() && early.begin()->first == tree.last() + 1) {
        append(early.begin()->first, early.begin()->second, now);
        early.erase(early.begin());
    }
}

// What is stored counts as valid no more; what was proved was proved of another journal.
void Follower::Impl::adopt_journal(purge::JournalId id, Now now)
{
    if (journal != 0) {
        ++counters.resets;
        remark(true, "the origin has another journal: starting over");
    }
    journal = id;
    heard = mark = 0;
    earlier_lease = BootTime::min();
    lease.revoke();
    end_dispute();
    begin_anew();
    applier.reset(id, now);
    welcomed = true;
}

// As if nothing of this journal were applied.
void Follower::Impl::begin_anew()
{
    drop_walk();
    hopeless = false;
    applied = purge::VersionSet{};
    told = purge::VersionSet{};
    erasing.clear();
    loaded_through = 0;
    tree = purge::DigestTree{};
    early.clear();
    watch = purge::RootWatch{};
    gap.reset();
    asked.reset();
    assembly.reset();
    actions.emplace_back(KeepJournal{journal});
}
} // namespace tidemark::follow
