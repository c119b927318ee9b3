#pragma once
#include "core/base/check.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace tidemark::observe
{
// Bytes from one thread to another, without locks and bounded. One thread calls put(), one other
// the rest.
class ByteRing
{
  public:
    // `capacity_bytes` is a power of two.
    explicit ByteRing(std::size_t capacity_bytes)
        : capacity_(capacity_bytes), bytes_(std::make_unique<char[]>(capacity_bytes))
    {
        TIDEMARK_CHECK(std::has_single_bit(capacity_bytes));
    }

    // All of `bytes` or, where there is no room, nothing: false.
    [[nodiscard]] bool put(std::string_view bytes) noexcept
    {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        const std::uint64_t used = tail - head_.load(std::memory_order_acquire);
        if (bytes.size() > capacity_ - used) return false;
        const std::size_t at = tail & (capacity_ - 1);
        const std::size_t first = std::min(bytes.size(), capacity_ - at);
        std::memcpy(bytes_.get() + at, bytes.data(), first);
        std::memcpy(bytes_.get(), bytes.data() + first, bytes.size() - first);
        tail_.store(tail + bytes.size(), std::memory_order_seq_cst);
        return true;
    }

    // What is there, as two pieces in order. They stand until take().
    [[nodiscard]] std::array<std::string_view, 2> peek() const noexcept
    {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        const auto used = static_cast<std::size_t>(tail_.load(std::memory_order_seq_cst) - head);
        const std::size_t at = head & (capacity_ - 1);
        const std::size_t first = std::min(used, capacity_ - at);
        return {std::string_view{bytes_.get() + at, first},
                std::string_view{bytes_.get(), used - first}};
    }
    void take(std::size_t count) noexcept
    {
        head_.store(head_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }

    // From either side: a moment's truth.
    [[nodiscard]] std::size_t used() const noexcept
    {
        const std::uint64_t head = head_.load(std::memory_order_acquire);
        return static_cast<std::size_t>(tail_.load(std::memory_order_seq_cst) - head);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  private:
    const std::size_t capacity_;
    const std::unique_ptr<char[]> bytes_;
    alignas(64) std::atomic<std::uint64_t> head_{0}; // of the reader; both only grow
    alignas(64) std::atomic<std::uint64_t> tail_{0}; // of the writer
};
} // namespace tidemark::observe
