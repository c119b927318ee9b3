#include "core/observe/counters.hpp"

#include <numeric>

namespace tidemark::observe
{
void LatencySnapshot::operator+=(const LatencySnapshot& other) noexcept
{
    for (std::size_t i = 0; i < buckets.size(); ++i)
        buckets[i] += other.buckets[i];
    sum += other.sum;
}

std::uint64_t LatencySnapshot::count() const noexcept
{
    return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

std::chrono::microseconds LatencySnapshot::quantile(double q) const noexcept
{
    const double wanted = q * static_cast<double>(count());
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        seen += buckets[i];
        if (seen > 0 && static_cast<double>(seen) >= wanted) return LatencyBuckets::bound_of(i);
    }
    return std::chrono::microseconds{0};
}

LatencySnapshot LatencyHistogram::read() const noexcept
{
    LatencySnapshot snapshot;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        snapshot.buckets[i] = buckets_[i].value();
    snapshot.sum = Nanos{static_cast<std::int64_t>(sum_nanos_.value())};
    return snapshot;
}

Sample sample_of(const MetricInfo& info)
{
    Sample sample;
    sample.name = info.name;
    sample.help = info.help;
    sample.type = info.type;
    for (const Label& label : info.labels)
        if (!label.name.empty()) sample.labels.emplace_back(label.name, label.value);
    return sample;
}
} // namespace tidemark::observe
