#pragma once
#include "journal/compaction.hpp"
#include "journal/journal.hpp"
#include "journal/mark_file.hpp"
#include "journal/sqlite_database.hpp"
#include "journal/sqlite_scan.hpp"

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

// The journal in DIRECTORY/journal.db: every call waits for the disk. Belongs to one thread at a
// time.
//
// Rows above the base are this journal's records, one for each version. Rows at or below it are
// kept for people only, until retention takes them.
namespace tidemark::journal
{
class SqliteStore
{
  public:
    // Errors: a sentence for the operator.
    [[nodiscard]] static Result<std::unique_ptr<SqliteStore>, std::string>
    open(const std::string& directory);
    // An empty directory becomes a journal that continues another one's sequence.
    struct Seed {
        StoreHead head;
        purge::SharedRecord snapshot; // null where the base is 0
        std::vector<purge::RegisteredEdge> edges;
    };
    [[nodiscard]] static Result<std::unique_ptr<SqliteStore>, std::string>
    create(const std::string& directory, const Seed& seed);

    [[nodiscard]] JournalStart take_start(); // once

    // Drafts that go together: all or none of them.
    struct Order {
        std::vector<Draft> drafts;
        WallTime issued_at{};
    };
    // All orders in one transaction; what each of them comes to.
    [[nodiscard]] std::vector<Result<Appended, AppendError>> append(std::span<Order> orders);
    // As they are, with their versions, one transaction (an import).
    [[nodiscard]] Result<void, AppendError> append_records(std::span<const Bytes> records);

    [[nodiscard]] Result<void, AppendError> put_edge(const purge::RegisteredEdge& edge);
    [[nodiscard]] Result<void, AppendError> drop_edge(const std::string& name);
    [[nodiscard]] Result<JournalStart, AppendError> mint(Version above);

    // Retention, in small steps.
    struct Compacted {
        Version base = 0;
        purge::SharedRecord snapshot;
        purge::Digest state;
        purge::Digest root_at_base;
    };
    void begin_tidy(const Retention& retention, WallTime now);
    [[nodiscard]] bool tidying() const noexcept { return tidy_.has_value(); }
    [[nodiscard]] std::optional<Compacted> tidy_step();

    [[nodiscard]] Version mark() const noexcept { return mark_; }
    [[nodiscard]] Version base() const noexcept { return head_.base; }

  private:
    struct Tidy {
        Retention retention;
        WallTime now{};
        Version reached = 0; // in `compaction`
        purge::Digest root;
        Compaction compaction;
        bool compacting = true; // then: deleting
    };
    SqliteStore() = default;
    [[nodiscard]] Result<void, std::string> open_files(const std::string& directory);
    [[nodiscard]] Result<void, std::string> create_tables(const Seed& seed);
    [[nodiscard]] Result<void, std::string> check_format(bool& fresh);
    [[nodiscard]] Result<void, std::string> prepare();
    [[nodiscard]] Result<void, std::string> load();
    [[nodiscard]] Result<void, std::string> load_head();
    [[nodiscard]] Result<void, std::string> load_edges();
    [[nodiscard]] Result<void, std::string> cut_tail(Version from);
    [[nodiscard]] Result<void, std::string> compare_mark();

    [[nodiscard]] AppendError error() const;
    template <class Work> [[nodiscard]] Result<void, AppendError> in_transaction(Work&& work);
    [[nodiscard]] Result<Appended, AppendError> plan(const Order& order, Version& next);
    [[nodiscard]] Result<std::optional<Version>, AppendError> version_of_key(const Draft& draft);
    [[nodiscard]] bool insert(const purge::Message& message, ByteView record);
    [[nodiscard]] bool write_head(const StoreHead& head, const purge::SharedRecord& snapshot);
    [[nodiscard]] bool delete_rows(std::span<const purge::Message> messages);
    [[nodiscard]] JournalStart start_of(purge::DigestTree tree) const;
    void set_mark(Version mark);

    // Up to `limit` decoded rows of first … last. Nothing: the disk failed.
    struct Row {
        purge::Message message;
        purge::Digest digest;
    };
    [[nodiscard]] std::optional<std::vector<Row>> rows(Version first, Version last,
                                                       std::size_t limit);
    [[nodiscard]] bool expired(const purge::Message& message) const;
    [[nodiscard]] std::optional<Compacted> compact_step();
    void delete_step();

    std::string directory_;
    DirectoryLock lock_;
    MarkFile mark_file_;
    Database database_;
    Statement insert_record_;
    Statement insert_key_;
    Statement find_key_;
    StoreHead head_;
    Version mark_ = 0;
    purge::CompactState state_; // at the base
    std::set<Version> undone_;  // above the base
    std::vector<purge::RegisteredEdge> edges_;
    std::optional<Tidy> tidy_;
    std::optional<purge::DigestTree> tree_; // until take_start()
    std::vector<std::string> remarks_;
};
[[nodiscard]] std::string database_path(const std::string& directory);
// A number that no journal has had: random, not 0.
[[nodiscard]] JournalId draw_journal_id();
} // namespace tidemark::journal
