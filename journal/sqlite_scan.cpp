#include "journal/sqlite_scan.hpp"

#include "journal/compaction.hpp"

namespace tidemark::journal
{
namespace
{
std::string version_text(Version version)
{
    return "version " + std::to_string(version);
}

// Where message.hpp puts the kind, and the number that stands for undo there: only these few
// records are decoded, the others are checked by length and checksum.
constexpr std::size_t kKindOffset = 33;
constexpr char kUndo = 3;

void note_undo(ByteView record, std::set<Version>& undone)
{
    if (record[kKindOffset] != kUndo) return;
    const auto message = purge::decode_message(record);
    if (!message) return;
    if (const auto version = undone_by(message->body)) undone.insert(*version);
}

class Scanner
{
  public:
    explicit Scanner(const StoreHead& head)
        : head_(head), scan_{purge::DigestTree(head.base, head.root_at_base), {}, {}}
    {
    }

    [[nodiscard]] Result<void, std::string> on_row(Version version, ByteView record)
    {
        const bool whole = is_whole(record, head_.id, version);
        const Version expected = scan_.tree.last() + 1;
        if (!scan_.damaged_tail && !(whole && version == expected))
            scan_.damaged_tail = version == expected ? version : expected;
        if (!scan_.damaged_tail) {
            scan_.tree.append(version, purge::digest_of(record));
            note_undo(record, scan_.undone);
        } else if (whole) {
            return fail(version_text(*scan_.damaged_tail) + " is damaged or missing, but " +
                        version_text(version) +
                        " behind it is whole: this is no torn end. Restore the journal from an "
                        "export");
        }
        return {};
    }
    [[nodiscard]] Version next() const { return scan_.tree.last() + 1; }
    [[nodiscard]] Scan take() { return std::move(scan_); }

  private:
    const StoreHead& head_;
    Scan scan_;
};
} // namespace

bool is_whole(ByteView record, JournalId id, Version version)
{
    const auto view = purge::next_record(record);
    return view && record.empty() && view->version == version && view->journal == id;
}

Result<Scan, std::string> scan_records(Database& database, const StoreHead& head)
{
    auto rows = Statement::prepare(
        database, "SELECT version, record FROM records WHERE version > ? ORDER BY version");
    if (!rows) return fail(rows.error().text);
    rows->bind(1, head.base);
    Scanner scanner(head);
    while (true) {
        const Statement::Step step = rows->step();
        if (step == Statement::Step::done) return scanner.take();
        if (step == Statement::Step::failed)
            return fail("reading failed at " + version_text(scanner.next()) + ": " +
                        database.error().text);
        if (auto read = scanner.on_row(rows->number(0), rows->bytes(1)); !read)
            return fail(read.error());
    }
}
} // namespace tidemark::journal
