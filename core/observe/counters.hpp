#pragma once
#include "core/base/time.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What happened, counted where it happens: each worker adds to numbers of its own without a locked
// instruction, and whoever is asked for metrics adds the workers' up.
namespace tidemark::observe
{
enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct Label {
    std::string_view name; // "" ends the list
    std::string_view value;
};

// A row of a table that an enum indexes: what /metrics says of it. Rows of one name differ in their
// labels and agree in the rest.
struct MetricInfo {
    std::string_view name; // Prometheus': a counter's ends in _total, a duration's in _seconds
    std::string_view help;
    MetricType type = MetricType::counter;
    std::array<Label, 2> labels{};
};

// One number that one thread changes and any thread reads.
class Counter
{
  public:
    void add(std::uint64_t n = 1) noexcept
    {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    // For gauges. The sum over all workers is what counts: one that closes what another opened goes
    // below zero.
    void sub(std::uint64_t n = 1) noexcept { add(0 - n); }
    [[nodiscard]] std::uint64_t value() const noexcept
    {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

// Durations in buckets of microseconds: four to each power of two, so a quantile is at most a
// quarter too high. What exceeds the last bound, 134 s, counts in the last bucket.
struct LatencyBuckets {
    static constexpr std::size_t kCount = 104;
    // The bucket with `below < duration <= bound`.
    [[nodiscard]] static std::size_t index_of(Nanos duration) noexcept
    {
        const auto nanos =
            duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) - 1 : 0;
        const std::uint64_t micros = nanos / 1000;
        if (micros < 4) return static_cast<std::size_t>(micros);
        const auto shift = static_cast<unsigned>(std::bit_width(micros)) - 3;
        const std::uint64_t index = 4 * std::uint64_t{shift} + (micros >> shift);
        return index < kCount ? static_cast<std::size_t>(index) : kCount - 1;
    }
    [[nodiscard]] static std::chrono::microseconds bound_of(std::size_t index) noexcept
    {
        if (index < 8) return std::chrono::microseconds{index + 1};
        const std::size_t shift = (index - 4) / 4;
        return std::chrono::microseconds{(index - 4 * shift + 1) << shift};
    }
};

// A histogram as it was read: plain numbers, to be added up.
struct LatencySnapshot {
    std::array<std::uint64_t, LatencyBuckets::kCount> buckets{};
    Nanos sum{0};
    void operator+=(const LatencySnapshot& other) noexcept;
    [[nodiscard]] std::uint64_t count() const noexcept;
    // The bound of the bucket in which the q-th part (0 to 1) of all durations is reached; 0 where
    // there are none.
    [[nodiscard]] std::chrono::microseconds quantile(double q) const noexcept;
};

// As Counter: one thread records, any reads.
class LatencyHistogram
{
  public:
    void record(Nanos duration) noexcept
    {
        buckets_[LatencyBuckets::index_of(duration)].add();
        sum_nanos_.add(duration.count() > 0 ? static_cast<std::uint64_t>(duration.count()) : 0);
    }
    [[nodiscard]] LatencySnapshot read() const noexcept;

  private:
    std::array<Counter, LatencyBuckets::kCount> buckets_;
    Counter sum_nanos_;
};

// One metric at the moment of asking.
struct Sample {
    std::string name;
    std::string help;
    MetricType type = MetricType::counter;
    std::vector<std::pair<std::string, std::string>> labels;
    double value = 0;                         // of counters and gauges
    std::optional<LatencySnapshot> histogram; // of histograms, in seconds
};
[[nodiscard]] Sample sample_of(const MetricInfo& info);

// All counters and gauges of one worker, by an enum that ends in `count_`.
template <class Id> class Counters
{
  public:
    static constexpr auto kCount = static_cast<std::size_t>(Id::count_);
    using Table = std::array<MetricInfo, kCount>;

    [[nodiscard]] Counter& operator[](Id id) noexcept
    {
        return counters_[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] const Counter& operator[](Id id) const noexcept
    {
        return counters_[static_cast<std::size_t>(id)];
    }

  private:
    alignas(64) std::array<Counter, kCount> counters_; // no other worker's numbers in these lines
};

template <class Id> class Histograms
{
  public:
    static constexpr auto kCount = static_cast<std::size_t>(Id::count_);
    using Table = std::array<MetricInfo, kCount>;

    [[nodiscard]] LatencyHistogram& operator[](Id id) noexcept
    {
        return histograms_[static_cast<std::size_t>(id)];
    }
    [[nodiscard]] const LatencyHistogram& operator[](Id id) const noexcept
    {
        return histograms_[static_cast<std::size_t>(id)];
    }

  private:
    alignas(64) std::array<LatencyHistogram, kCount> histograms_;
};

// Appends a sample for each row of `table`, summed over the workers.
template <class Id>
void collect(std::vector<Sample>& into, const typename Counters<Id>::Table& table,
             std::span<const Counters<Id>* const> workers)
{
    for (std::size_t i = 0; i < table.size(); ++i) {
        std::uint64_t sum = 0;
        for (const Counters<Id>* worker : workers)
            sum += (*worker)[static_cast<Id>(i)].value();
        Sample sample = sample_of(table[i]);
        sample.value = table[i].type == MetricType::gauge
                           ? static_cast<double>(static_cast<std::int64_t>(sum))
                           : static_cast<double>(sum);
        into.push_back(std::move(sample));
    }
}
template <class Id>
void collect(std::vector<Sample>& into, const typename Histograms<Id>::Table& table,
             std::span<const Histograms<Id>* const> workers)
{
    for (std::size_t i = 0; i < table.size(); ++i) {
        Sample sample = sample_of(table[i]);
        sample.histogram.emplace();
        for (const Histograms<Id>* worker : workers)
            *sample.histogram += (*worker)[static_cast<Id>(i)].read();
        into.push_back(std::move(sample));
    }
}
} // namespace tidemark::observe
