#pragma once
#include "core/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidemark::bench
{
// Counts of durations in log-linear buckets, as HdrHistogram keeps them: every power of two is cut
// into 256 equal steps, so a reported value is never below a recorded one and at most 1/256 (0.4 %)
// above it. Values up to 511 ns are exact. Negative values count as 0, values beyond kLargest as
// kLargest; max() is exact all the same.
class Histogram
{
  public:
    static constexpr unsigned kStepBits = 8;
    static constexpr Nanos kLargest{(std::int64_t{1} << 42) - 1}; // 73 minutes

    Histogram();

    void record(Nanos value) noexcept;
    void merge(const Histogram& other) noexcept;
    void clear() noexcept;

    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] Nanos max() const noexcept { return max_; } // 0 when empty
    [[nodiscard]] Nanos mean() const noexcept;                // 0 when empty
    // The value that `percent` (0..100) of the recorded ones do not exceed: the upper end of its
    // bucket, never more than max(). 0 when empty.
    [[nodiscard]] Nanos percentile(double percent) const noexcept;

    struct Bucket {
        Nanos lowest;
        Nanos highest; // both belong to the bucket
        std::uint64_t count;
    };
    [[nodiscard]] std::vector<Bucket> filled_buckets() const; // in ascending order

  private:
    std::vector<std::uint64_t> counts_;
    std::uint64_t count_ = 0;
    double sum_ns_ = 0;
    Nanos max_{0};
};
} // namespace tidemark::bench
