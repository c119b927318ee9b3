#include "bench/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidemark::bench
{
namespace
{
constexpr std::uint64_t kSteps = std::uint64_t{1} << Histogram::kStepBits;

// The first two powers' worth of values have buckets one wide; from there each power of two shares
// kSteps buckets.
constexpr unsigned shift_of(std::uint64_t value) noexcept
{
    const auto width = static_cast<unsigned>(std::bit_width(value));
    return width <= Histogram::kStepBits + 1 ? 0 : width - Histogram::kStepBits - 1;
}

constexpr std::size_t bucket_of(std::uint64_t value) noexcept
{
    const unsigned shift = shift_of(value);
    return shift * kSteps + (value >> shift);
}

constexpr unsigned shift_of_bucket(std::size_t bucket) noexcept
{
    return bucket < 2 * kSteps ? 0 : static_cast<unsigned>(bucket / kSteps - 1);
}

constexpr std::uint64_t lowest_of(std::size_t bucket) noexcept
{
    const unsigned shift = shift_of_bucket(bucket);
    return (bucket - shift * kSteps) << shift;
}

constexpr std::uint64_t highest_of(std::size_t bucket) noexcept
{
    return lowest_of(bucket) + (std::uint64_t{1} << shift_of_bucket(bucket)) - 1;
}

constexpr Nanos nanos(std::uint64_t count) noexcept
{
    return Nanos{static_cast<std::int64_t>(count)};
}

constexpr std::size_t kBuckets =
    bucket_of(static_cast<std::uint64_t>(Histogram::kLargest.count())) + 1;
} // namespace

Histogram::Histogram() : counts_(kBuckets) {}

void Histogram::record(Nanos value) noexcept
{
    const Nanos kept = std::clamp(value, Nanos{0}, kLargest);
    ++counts_[bucket_of(static_cast<std::uint64_t>(kept.count()))];
    ++count_;
    const Nanos exact = std::max(value, Nanos{0});
    sum_ns_ += static_cast<double>(exact.count());
    max_ = std::max(max_, exact);
}

void Histogram::merge(const Histogram& other) noexcept
{
    for (std::size_t i = 0; i < counts_.size(); ++i)
        counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ns_ += other.sum_ns_;
    max_ = std::max(max_, other.max_);
}

void Histogram::clear() noexcept
{
    std::fill(counts_.begin(), counts_.end(), 0);
    count_ = 0;
    sum_ns_ = 0;
    max_ = Nanos{0};
}

Nanos Histogram::mean() const noexcept
{
    if (count_ == 0) return Nanos{0};
    return Nanos{static_cast<std::int64_t>(sum_ns_ / static_cast<double>(count_))};
}

Nanos Histogram::percentile(double percent) const noexcept
{
    if (count_ == 0) return Nanos{0};
    const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
    // 99.9 % of 1000 is 999, though the doubles multiply to a little more.
    constexpr double kRounding = 1e-6;
    const double exact = share * static_cast<double>(count_);
    const auto wanted = static_cast<std::uint64_t>(std::max(std::ceil(exact - kRounding), 0.0));
    const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        seen += counts_[i];
        if (seen < rank) continue;
        // The last bucket also holds what lies beyond it.
        return i + 1 == counts_.size() ? max_ : std::min(nanos(highest_of(i)), max_);
    }
    return max_;
}

std::vector<Histogram::Bucket> Histogram::filled_buckets() const
{
    std::vector<Bucket> filled;
    for (std::size_t i = 0; i < counts_.size(); ++i)
        if (counts_[i] != 0)
            filled.push_back({nanos(lowest_of(i)), nanos(highest_of(i)), counts_[i]});
    return filled;
}
} // namespace tidemark::bench
