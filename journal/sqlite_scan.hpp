#pragma once
#include "journal/journal.hpp"
#include "journal/sqlite_database.hpp"

#include <set>

// All records of a journal, read once when it opens.
namespace tidemark::journal
{
// Whose records they are and where they begin.
struct StoreHead {
    JournalId id = 0;
    JournalId previous = 0; // the id before it was minted; 0: none
    Version base = 0;
    purge::Digest root_at_base;
};

struct Scan {
    purge::DigestTree tree;
    std::set<Version> undone;
    std::optional<Version> damaged_tail; // from here on nothing is whole
};

// Errors, as a sentence: damage with whole records behind it, a gap, a file that cannot be read.
[[nodiscard]] Result<Scan, std::string> scan_records(Database& database, const StoreHead& head);

// Is this the record of that version and journal, as a whole?
[[nodiscard]] bool is_whole(ByteView record, JournalId id, Version version);
} // namespace tidemark::journal
