#pragma once
#include "edge/follow/follower.hpp"
#include "journal/journal.hpp"
#include "sim/engine.hpp"
#include "sim/plan.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Disks that forget: the origin's journal and an edge's log, as they are after a crash, a torn
// write, a restored backup or a rollback.
namespace tidemark::sim
{
using purge::JournalId;
using purge::Version;

// Where versions are made. A batch is written, and durable some time later; a crash keeps a prefix
// of what was being written, or nothing.
class SimJournal
{
  public:
    SimJournal(Random random, Plant plant);

    // ---- Appending. One batch at a time; what comes meanwhile is the next (group commit).
    struct Draft {
        purge::MessageBody body;
        std::string key;       // names the fact behind it
        std::uint64_t tag = 0; // the caller's
    };
    void append(Draft draft) { waiting_.push_back(std::move(draft)); }
    // Begins to write what waits; false: nothing waits, or a batch is under way.
    [[nodiscard]] bool begin_batch(WallTime now);
    struct Committed {
        std::vector<journal::DurableRecord> records;
        std::vector<std::uint64_t> tags;
    };
    [[nodiscard]] Committed commit();

    [[nodiscard]] std::vector<purge::SharedRecord> read(Version first, Version last,
                                                        std::size_t bytes_max) const;
    void put_edge(const purge::RegisteredEdge& edge);
    void drop_edge(const std::string& name);

    // ---- What goes wrong
    // Only part of a batch that was being written survives.
    void crash();
    void back_up();
    // One of the last backups. `mark_kept`: what lies beside the journal tells that more had
    // been there; then another id is minted, as at any start that finds such a thing.
    struct Restored {
        JournalId journal = 0; // as in the backup
        Version mark = 0;
        bool minted = false;
    };
    std::optional<Restored> restore(bool mark_kept);
    void mint(Version above);
    // Retention: versions up to `base` are only in the snapshot from here on.
    void compact(Version base);

    [[nodiscard]] journal::JournalStart start() const;
    [[nodiscard]] JournalId id() const noexcept { return held_.id; }
    [[nodiscard]] Version base() const noexcept { return held_.base; }
    [[nodiscard]] Version mark() const noexcept { return held_.base + held_.records.size(); }
    [[nodiscard]] const journal::DurableRecord* find(Version version) const;
    [[nodiscard]] std::optional<Version> version_of(std::string_view key) const;
    // Of all versions up to `version`, from the base.
    [[nodiscard]] purge::Digest root_at(Version version) const;
    [[nodiscard]] bool busy() const noexcept { return !writing_.records.empty(); }

  private:
    struct Held {
        JournalId id = 0;
        Version base = 0;
        purge::Digest root_at_base;
        purge::CompactState below;
        std::deque<journal::DurableRecord> records; // base + 1 …
        std::vector<purge::RegisteredEdge> edges;
    };
    static constexpr std::size_t kBackups = 5;
    void fold(Version through);

    Random random_;
    Plant plant_;
    Held held_;
    std::vector<Draft> waiting_;
    Committed writing_;
    std::deque<Held> backups_;
};

// What an edge remembers over a restart. Written without fsync: a crash loses the end.
class FollowDisk
{
  public:
    explicit FollowDisk(bool kept = true) : kept_(kept) {}
    void keep(Bytes records);
    void keep_snapshot(JournalId journal, Bytes snapshot, Version through,
                       const purge::Digest& root);
    void keep_journal(JournalId journal);
    // Only the first `share` of what was written since the last call survives.
    void lose_end(double share);
    // The first `share` of all that was ever written is what is there.
    void roll_back(double share);
    [[nodiscard]] follow::Restored restore(follow::Applier& applier, follow::Now now) const;

  private:
    struct Entry {
        JournalId journal = 0; // 0: records
        Bytes bytes;
        Version through = 0;
        purge::Digest root;
    };
    bool kept_;
    std::vector<Entry> entries_;
    std::size_t safe_ = 0;
};
} // namespace tidemark::sim
