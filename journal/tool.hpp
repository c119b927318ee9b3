#pragma once
#include "core/base/result.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <string>
#include <vector>

// What `tidemark journal export|import|verify` do. Errors are sentences for the operator.
//
// An export is one file: a line "tidemark-journal 1 CRC\n", CRC in 8 hex digits over the head that
// follows; the head (v a varint, text a varint length and as many bytes): 4 its length, 8 id,
// v base, 8+8 root at the base, v last, text snapshot (empty where base is 0), v edges, each: text
// name, 8 instance, v lease in ms, 1 adrift, 1 only_acks; then the records base + 1 … last.
namespace tidemark::journal
{
struct JournalSummary {
    purge::JournalId id = 0;
    purge::Version base = 0;
    purge::Version last = 0;
    std::uint64_t records = 0;     // above the base
    std::uint64_t old_records = 0; // at or below it, kept for people
    std::size_t edges = 0;
    std::vector<std::string> damage; // verify only; empty: none
};

// A daemon may be writing meanwhile: what is committed when the export begins is in it. The file
// is there as a whole or not at all.
[[nodiscard]] Result<JournalSummary, std::string> export_journal(const std::string& directory,
                                                                 const std::string& file);
// Into a directory without a journal. It begins under another id, above all that it holds, so that
// edges notice. A damaged file is refused, naming the version; nothing is left behind then.
[[nodiscard]] Result<JournalSummary, std::string> import_journal(const std::string& file,
                                                                 const std::string& directory);
// Reads everything; changes nothing.
[[nodiscard]] Result<JournalSummary, std::string> verify_journal(const std::string& directory);
} // namespace tidemark::journal
