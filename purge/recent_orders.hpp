#pragma once
#include "purge/soft.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <vector>

// The orders that can still be undone, oldest application first. Those of one selector are a chain,
// each with what its selector's entry held before it: so the oldest of a chain knows what has
// collapsed, and collapsing an order is to forget it. One thread at a time.
namespace tidemark::purge
{
class RecentOrders
{
  public:
    using Id = std::uint64_t;
    static constexpr Id kNone = 0;

    struct SoftPart {
        MonoTime deadline; // of a soft order
        Soft before;
    };
    struct Order {
        std::uint64_t version = 0;
        std::uint64_t hash = 0; // of its selector
        Id previous = kNone;    // of the same selector; may have collapsed
        std::uint64_t hard_before = 0;
        std::unique_ptr<SoftPart> soft; // if it is soft or stands on soft ones
        std::uint32_t applied_second = 0;
        Mode mode = Mode::hard;
        bool undone = false; // no longer in its chain
    };

    Id push(Order order)
    {
        if (chunks_.empty() || chunks_.back().orders.size() == kChunkOrders) chunks_.emplace_back();
        Chunk& chunk = chunks_.back();
        chunk.lowest = std::min(chunk.lowest, order.version);
        chunk.highest = std::max(chunk.highest, order.version);
        chunk.orders.push_back(std::move(order));
        return next_++;
    }
    // Null: kNone, or it has collapsed. Valid until the next push or pop.
    [[nodiscard]] Order* find(Id id)
    {
        if (id < first_ || id >= next_) return nullptr;
        const Id index = id - chunks_begin_;
        return &chunks_[index / kChunkOrders].orders[index % kChunkOrders];
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == next_; }
    [[nodiscard]] std::size_t size() const noexcept { return next_ - first_; }
    [[nodiscard]] Order& front() { return *find(first_); }
    void pop_front()
    {
        front().soft.reset();
        if (++first_ - chunks_begin_ < kChunkOrders) return;
        chunks_.pop_front();
        chunks_begin_ = first_;
    }
    void clear()
    {
        chunks_.clear();
        chunks_begin_ = first_ = next_;
    }

    // Every order of `version`. Skips what cannot hold one by the chunk.
    template <class Visit> void each_of(std::uint64_t version, Visit&& visit)
    {
        Id begin = chunks_begin_;
        for (Chunk& chunk : chunks_) {
            if (chunk.lowest <= version && version <= chunk.highest)
                for (std::size_t i = begin < first_ ? first_ - begin : 0; i < chunk.orders.size();
                     ++i)
                    if (chunk.orders[i].version == version) visit(chunk.orders[i]);
            begin += kChunkOrders;
        }
    }

  private:
    static constexpr std::size_t kChunkOrders = 1024;
    struct Chunk {
        std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
        std::uint64_t highest = 0;
        std::vector<Order> orders;
    };
    std::deque<Chunk> chunks_; // all full but the last
    Id chunks_begin_ = 1;      // of the first chunk's first order
    Id first_ = 1;
    Id next_ = 1;
};
} // namespace tidemark::purge
