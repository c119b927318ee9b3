#include "sim/disk.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace tidemark::sim
{
namespace
{
journal::DurableRecord record_of(Version version, JournalId id, WallTime now,
                                 purge::MessageBody body, std::string key)
{
    auto message = std::make_shared<purge::Message>();
    message->version = version;
    message->journal = id;
    message->issued_at = now;
    message->site = std::string{"*"};
    message->key = std::move(key);
    message->body = std::move(body);
    auto record = std::make_shared<Bytes>();
    purge::encode_message(*message, *record);
    return {version, std::move(record), std::move(message)};
}
// What a snapshot would be that drops what a floor covers, and the floor with it.
purge::CompactState without_floor(const purge::CompactState& state)
{
    purge::CompactState stripped;
    const auto apply = [&](const purge::CompactKey& key, Version version, purge::OrderMode mode) {
        if (version == 0) return;
        purge::Message message;
        message.version = version;
        message.site = key.site;
        message.body = purge::Invalidate{{{key.scope, mode, Seconds{0}, key.selector}}, false};
        stripped.apply(message);
    };
    for (const auto& [key, entry] : state.entries()) {
        apply(key, entry.hard, purge::OrderMode::hard);
        apply(key, entry.soft, purge::OrderMode::soft);
    }
    return stripped;
}
} // namespace

// ---- the journal

SimJournal::SimJournal(Random random, Plant plant) : random_(random), plant_(plant)
{
    held_.id = random_.next() | 1;
}

bool SimJournal::begin_batch(WallTime now)
{
    if (busy() || waiting_.empty()) return false;
    Version version = mark();
    for (Draft& draft : std::exchange(waiting_, {})) {
        ++version;
        // Drafts were made before it was known which version they become.
        if (auto* floor = std::get_if<purge::Floor>(&draft.body))
            floor->floor = std::min(floor->floor, version);
        if (auto* push = std::get_if<purge::Push>(&draft.body))
            push->as_of = std::min(push->as_of, version - 1);
        writing_.records.push_back(
            record_of(version, held_.id, now, std::move(draft.body), std::move(draft.key)));
        writing_.tags.push_back(draft.tag);
    }
    return true;
}

SimJournal::Committed SimJournal::commit()
{
    Committed committed = std::exchange(writing_, {});
    held_.records.insert(held_.records.end(), committed.records.begin(), committed.records.end());
    return committed;
}

std::vector<purge::SharedRecord> SimJournal::read(Version first, Version last,
                                                  std::size_t bytes_max) const
{
    std::vector<purge::SharedRecord> records;
    std::size_t bytes = 0;
    for (Version version = std::max(first, held_.base + 1); version <= std::min(last, mark());
         ++version) {
        const purge::SharedRecord& record = find(version)->record;
        if (!records.empty() && bytes + record->size() > bytes_max) break;
        bytes += record->size();
        records.push_back(record);
    }
    return records;
}

std::optional<Version> SimJournal::version_of(std::string_view key) const
{
    // The last ones are what is asked for.
    for (auto record = held_.records.rbegin(); record != held_.records.rend(); ++record)
        if (record->message->key == key) return record->version;
    return std::nullopt;
}

purge::Digest SimJournal::root_at(Version version) const
{
    purge::Digest root = held_.root_at_base;
    for (const journal::DurableRecord& record : held_.records)
        if (record.version <= version) root += purge::digest_of(*record.record);
    return root;
}

const journal::DurableRecord* SimJournal::find(Version version) const
{
    if (version <= held_.base || version > mark()) return nullptr;
    return &held_.records[static_cast<std::size_t>(version - held_.base - 1)];
}

void SimJournal::put_edge(const purge::RegisteredEdge& edge)
{
    const auto same = [&](const purge::RegisteredEdge& one) { return one.name == edge.name; };
    const auto found = std::ranges::find_if(held_.edges, same);
    if (found == held_.edges.end())
        held_.edges.push_back(edge);
    else
        *found = edge;
    // A backup from before an edge was known would let it serve unseen for a lease; whoever
    // restores one must know that. It is not what is tested here.
    for (Held& backup : backups_)
        if (std::ranges::find_if(backup.edges, same) == backup.edges.end())
            backup.edges.push_back(edge);
}

void SimJournal::drop_edge(const std::string& name)
{
    std::erase_if(held_.edges, [&](const purge::RegisteredEdge& one) { return one.name == name; });
}

void SimJournal::crash()
{
    waiting_.clear();
    Committed torn = std::exchange(writing_, {});
    const bool reached = random_.chance(0.5);
    const std::size_t whole = reached ? random_.below(torn.records.size() + 1) : 0;
    torn.records.resize(whole);
    held_.records.insert(held_.records.end(), torn.records.begin(), torn.records.end());
    if (plant_ != Plant::ack_before_fsync) return;
    // What was only acknowledged was not yet on the disk.
    const std::size_t unsynced = std::min<std::size_t>(random_.below(4), held_.records.size());
    held_.records.resize(held_.records.size() - unsynced);
}

void SimJournal::back_up()
{
    backups_.push_back(held_);
    if (backups_.size() > kBackups) backups_.pop_front();
}

std::optional<SimJournal::Restored> SimJournal::restore(bool mark_kept)
{
    if (backups_.empty()) return std::nullopt;
    const Version before = mark();
    held_ = backups_[random_.index_of(backups_)];
    backups_.clear();
    Restored restored{held_.id, mark(), mark_kept};
    if (mark_kept && plant_ == Plant::restored_journal_keeps_its_id)
        fold(std::max(mark(), before));
    else if (mark_kept)
        mint(before);
    return restored;
}

// Everything up to the mark into the snapshot, and versions go on above `through`.
void SimJournal::fold(Version through)
{
    for (const journal::DurableRecord& record : held_.records) {
        held_.below.apply(*record.message);
        held_.root_at_base += purge::digest_of(*record.record);
    }
    held_.records.clear();
    held_.base = through;
}

void SimJournal::mint(Version above)
{
    const Version mark_before = mark();
    fold(std::max(mark_before, above));
    if (plant_ == Plant::restored_journal_keeps_its_id) return;
    held_.id = random_.next() | 1;
    held_.root_at_base = {};
}

void SimJournal::compact(Version base)
{
    while (held_.base < base && !held_.records.empty()) {
        held_.below.apply(*held_.records.front().message);
        held_.root_at_base += purge::digest_of(*held_.records.front().record);
        held_.records.pop_front();
        ++held_.base;
    }
}

journal::JournalStart SimJournal::start() const
{
    journal::JournalStart start;
    start.id = held_.id;
    start.durable = true;
    start.base = held_.base;
    start.root_at_base = held_.root_at_base;
    start.tree = purge::DigestTree{held_.base, held_.root_at_base};
    for (const journal::DurableRecord& record : held_.records)
        start.tree.append(record.version, purge::digest_of(*record.record));
    if (held_.base > 0) {
        const bool strip = plant_ == Plant::snapshot_without_floor;
        const purge::CompactState state = strip ? without_floor(held_.below) : held_.below;
        auto snapshot = std::make_shared<Bytes>();
        purge::encode_snapshot(state, *snapshot);
        start.snapshot = std::move(snapshot);
        start.snapshot_state = state.digest();
    }
    start.edges = held_.edges;
    return start;
}

// ---- an edge's log

void FollowDisk::keep(Bytes records)
{
    if (kept_) entries_.push_back({0, std::move(records), 0, {}});
}

void FollowDisk::keep_snapshot(JournalId journal, Bytes snapshot, Version through,
                               const purge::Digest& root)
{
    if (kept_) entries_.push_back({journal, std::move(snapshot), through, root});
}

void FollowDisk::keep_journal(JournalId journal)
{
    if (kept_) entries_.push_back({journal, {}, 0, {}});
}

void FollowDisk::lose_end(double share)
{
    const auto fresh = static_cast<double>(entries_.size() - safe_);
    entries_.resize(safe_ + static_cast<std::size_t>(fresh * share));
    safe_ = entries_.size();
}

void FollowDisk::roll_back(double share)
{
    entries_.resize(static_cast<std::size_t>(static_cast<double>(entries_.size()) * share));
    safe_ = entries_.size();
}

follow::Restored FollowDisk::restore(follow::Applier& applier, follow::Now now) const
{
    follow::Restored restored;
    std::size_t first = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i)
        if (entries_[i].journal != 0) first = i;
    if (entries_.empty()) return restored;
    const Entry& head = entries_[first];
    restored.journal = head.journal;
    restored.applied = purge::VersionSet{head.through};
    restored.tree = purge::DigestTree{head.through, head.root};
    if (!head.bytes.empty()) {
        const auto state = purge::decode_snapshot(head.bytes);
        TIDEMARK_CHECK(state.has_value());
        applier.load(*state, now);
    }
    std::map<Version, purge::Digest> early;
    for (std::size_t i = first + 1; i < entries_.size(); ++i)
        for (ByteView bytes = entries_[i].bytes; !bytes.empty();) {
            ByteView same = bytes;
            const auto record = purge::next_record(same);
            const auto message = purge::decode_message(bytes);
            TIDEMARK_CHECK(record && message);
            if (restored.applied.add(message->version) != purge::VersionSet::Added::fresh) continue;
            applier.apply({&*message, 1}, now);
            early.emplace(message->version, purge::digest_of(record->bytes));
        }
    for (auto next = early.upper_bound(restored.tree.last());
         next != early.end() && next->first == restored.tree.last() + 1; ++next)
        restored.tree.append(next->first, next->second);
    restored.heard = restored.applied.highest();
    // As the real log does: what lies beyond a gap comes again.
    restored.applied = purge::VersionSet{restored.tree.last()};
    return restored;
}
} // namespace tidemark::sim
