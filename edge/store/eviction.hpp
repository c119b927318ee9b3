#pragma once
#include "edge/store/record.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

// Which stored response goes when room is needed: one object per shard, under its lock. This is the
// seam for other policies: insert, replace, erase and victim are all that the store asks for, and
// readers only touch() the record.
//
// S3-FIFO (Yang et al., SOSP 2023): what is new stands in a small queue (a tenth of the bytes) and
// moves to the main queue only if it is used again there; what leaves unused is remembered by a
// fingerprint and goes straight to the main queue when it comes back. A flood of responses that
// nobody asks for twice passes through the small queue alone.
namespace tidemark::store
{
// Fingerprints of what was evicted lately: buckets of four, the oldest of a bucket forgotten first.
// False positives and forgotten ones only cost quality.
class GhostList
{
  public:
    void resize(std::size_t entries); // about so many are remembered; keeps what fits
    void add(std::uint64_t hash);
    [[nodiscard]] bool take(std::uint64_t hash); // was it there? It is not afterwards.
    [[nodiscard]] std::size_t capacity() const noexcept { return prints_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept
    {
        return prints_.capacity() * sizeof(std::uint32_t);
    }

  private:
    static constexpr std::size_t kWays = 4;
    [[nodiscard]] std::uint32_t* bucket(std::uint32_t print) noexcept;
    void push(std::uint32_t print) noexcept;
    std::vector<std::uint32_t> prints_; // a power of two of buckets; 0: free
};

// First in, first out, with removal from the middle: a record keeps its running number
// (StoredResponse::place).
class RecordQueue
{
  public:
    explicit RecordQueue(std::uint32_t mark) : mark_(mark) {}
    void push(StoredResponse& record, std::uint64_t cost);
    [[nodiscard]] StoredResponse* front() const noexcept; // null: empty
    void erase(StoredResponse& record, std::uint64_t cost);
    void replace(StoredResponse& old, std::uint64_t old_cost, StoredResponse& now,
                 std::uint64_t cost);
    [[nodiscard]] bool holds(const StoredResponse& record) const noexcept
    {
        return (record.place() & kMarkBit) == mark_;
    }
    [[nodiscard]] std::uint64_t record_bytes() const noexcept { return record_bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return records_.size() - holes_; }
    [[nodiscard]] std::size_t bytes() const noexcept;

    static constexpr std::uint32_t kMarkBit = 0x80000000;

  private:
    [[nodiscard]] std::size_t index_of(const StoredResponse& record) const noexcept;
    void drop_leading_holes();
    void close_holes();

    std::uint32_t mark_;      // 0 or kMarkBit: tells the two queues apart in place()
    std::uint32_t first_ = 0; // the running number of records_.front(), 31 bits
    std::size_t holes_ = 0;
    std::uint64_t record_bytes_ = 0;
    std::deque<StoredResponse*> records_; // null: a hole
};

class Eviction
{
  public:
    // `hash` is the key's; `cost` the record's cost_bytes(), the same in every call.
    void insert(StoredResponse& record, std::uint64_t hash, std::uint64_t cost);
    // `now` takes the place of `old` and the uses it had.
    void replace(StoredResponse& old, std::uint64_t old_cost, StoredResponse& now,
                 std::uint64_t cost);
    void erase(StoredResponse& record, std::uint64_t cost);
    // The one to go, no longer held; null: none is left.
    [[nodiscard]] StoredResponse* victim();
    // What the policy itself takes of the memory.
    [[nodiscard]] std::size_t bytes() const noexcept
    {
        return small_.bytes() + main_.bytes() + ghosts_.bytes();
    }

  private:
    [[nodiscard]] RecordQueue& queue_of(const StoredResponse& record) noexcept
    {
        return main_.holds(record) ? main_ : small_;
    }
    [[nodiscard]] StoredResponse* victim_of_small();
    [[nodiscard]] StoredResponse* victim_of_main();
    void remember(const StoredResponse& record);

    RecordQueue small_{0};
    RecordQueue main_{RecordQueue::kMarkBit};
    GhostList ghosts_;
};
} // namespace tidemark::store
