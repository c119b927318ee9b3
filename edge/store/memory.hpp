#pragma once
#include "core/sync/epoch.hpp"
#include "edge/store/record.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

// The memory tier. A sharded index: readers (any worker, online in the epoch domain) take no lock
// and count no reference; writers take their shard's mutex. What is removed is released after the
// epoch has passed.
//
// The budget is one for all shards. It counts what is stored and reserved and what index and
// eviction take for it; a removed record stops counting when it is unlinked, though its memory
// lives until the turn of its last reader has ended. When insert(), reserve() or set_budget()
// returns, the sum is within the budget (but for other threads that are inside one of these at that
// moment); only what is reserved can keep it above after the budget has shrunk.
namespace tidemark::store
{
struct MemoryOptions {
    std::uint64_t budget_bytes = 256ULL
                                 << 20;  // records, index, ghost lists and bodies being fetched
    std::uint32_t variants_per_key = 64; // beyond it the oldest goes
    std::uint32_t shards = 64;           // power of two, at most 2^16
};

struct MemoryCounters {
    std::uint64_t records = 0;
    std::uint64_t record_bytes = 0;
    std::uint64_t reserved_bytes = 0;
    std::uint64_t index_bytes = 0;
    std::uint64_t inserted = 0;
    std::uint64_t evicted = 0;
    std::uint64_t erased = 0;
};

class MemoryStore
{
  public:
    MemoryStore(const MemoryOptions& options, sync::EpochDomain& epochs);
    ~MemoryStore();

    // Visits the stored responses of `key`, newest first; `visit(const StoredResponse&)` returns
    // false to stop. The records are borrowed for the turn.
    template <class Visit>
    void each_variant(std::uint64_t key_hash, std::string_view key, Visit&& visit) const
    {
        const StoredResponse* one = nullptr;
        for (const StoredResponse* record : variants(key_hash, key, one))
            if (!visit(*record)) return;
    }

    enum class Insert : std::uint8_t {
        stored,
        // A stored response of the same variant has a higher fence, and was sent for no earlier: it
        // stays.
        superseded,
        no_room, // does not fit the budget even after eviction (larger than it, or all is reserved)
    };
    // Takes the record. It replaces the record with the same key, vary and variant. `in_any_case`:
    // whatever the fence of that; for one whose own was lowered by who answered.
    [[nodiscard]] Insert insert(StoredRef record, bool in_any_case = false);
    // Removes exactly this record, if it is still the stored one. Removes every variant of `key`.
    // For a worker that found the record in this turn, or holds a reference.
    void erase(const StoredResponse& record);
    std::size_t erase_key(std::uint64_t key_hash, std::string_view key);

    // Bytes that a fetch is about to buffer count against the budget; false: no room even after
    // eviction.
    [[nodiscard]] bool reserve(std::uint64_t bytes);
    void unreserve(std::uint64_t bytes) noexcept;

    // For the sweeper: visits about `count` records from `cursor` on (0 starts a round), returns
    // the next cursor, 0 at the end of the round. `keep(const StoredResponse&)` false: erased. Any
    // one thread, online.
    std::uint64_t sweep(std::uint64_t cursor, std::size_t count,
                        const std::function<bool(const StoredResponse&)>& keep);
    [[nodiscard]] MemoryCounters counters() const;
    void set_budget(std::uint64_t bytes); // on reload; shrinks by evicting

  private:
    // The stored responses of a key, newest first, immutable in this turn. `one` keeps a single one
    // in place.
    [[nodiscard]] std::span<const StoredResponse* const>
    variants(std::uint64_t key_hash, std::string_view key, const StoredResponse*& one) const;
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::store
