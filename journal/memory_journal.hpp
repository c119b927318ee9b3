#pragma once
#include "core/net/loop.hpp"
#include "journal/compaction.hpp"
#include "journal/journal.hpp"

#include <memory>

// A journal that ends with the process: the same contract without a disk, under a fresh id.
namespace tidemark::journal
{
struct MemoryOptions {
    JournalId id = 0;                  // drawn by the owner, not 0
    std::size_t records_max = 100'000; // older ones go into the snapshot
    OnCompacted on_compacted;
};
struct OpenedInMemory {
    std::unique_ptr<Journal> journal;
    JournalStart start;
};
[[nodiscard]] OpenedInMemory open_in_memory(net::Loop& loop, MemoryOptions options);
} // namespace tidemark::journal
