#pragma once
#include "core/net/loop.hpp"
#include "journal/compaction.hpp"
#include "journal/journal.hpp"

#include <memory>
#include <string>

// The durable journal: DIRECTORY/journal.db (SQLite, WAL, synced at each commit), with a thread
// that writes and one that reads.
namespace tidemark::journal
{
struct SqliteOptions {
    Retention retention;
    Millis tidy_every{10'000};                // how often retention is looked at
    std::size_t waiting_drafts_max = 1 << 18; // more are refused with no_space
    OnCompacted on_compacted;                 // on the owner's thread; may be empty
};
struct Opened {
    std::unique_ptr<Journal> journal;
    JournalStart start;
};

// Makes DIRECTORY if there is none. Reads all records (about a second for each million). Errors: a
// sentence for the operator: in use by another process, damaged (which version), not a journal.
// On the loop's thread, which owns the journal from then on; the loop outlives it.
[[nodiscard]] Result<Opened, std::string> open(net::Loop& loop, const std::string& directory,
                                               SqliteOptions options = {});
} // namespace tidemark::journal
