#include "core/observe/metrics_page.hpp"

#include <algorithm>
#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace tidemark::observe
{
namespace
{
prometheus::MetricType type_of(MetricType type)
{
    switch (type) {
    case MetricType::counter:
        return prometheus::MetricType::Counter;
    case MetricType::gauge:
        return prometheus::MetricType::Gauge;
    case MetricType::histogram:
        break;
    }
    return prometheus::MetricType::Histogram;
}

// Of four buckets the last ends at a power of two: 16 µs is the bound of bucket 11.
bool is_shown(std::size_t index)
{
    return index >= 11 && index % 4 == 3 && index + 1 < LatencyBuckets::kCount;
}

prometheus::ClientMetric::Histogram histogram_of(const LatencySnapshot& snapshot)
{
    prometheus::ClientMetric::Histogram out;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < snapshot.buckets.size(); ++i) {
        seen += snapshot.buckets[i];
        if (!is_shown(i)) continue;
        const std::chrono::duration<double> bound = LatencyBuckets::bound_of(i);
        out.bucket.push_back({seen, bound.count()});
    }
    out.bucket.push_back({seen, std::numeric_limits<double>::infinity()});
    out.sample_count = seen;
    out.sample_sum = std::chrono::duration<double>{snapshot.sum}.count();
    return out;
}

prometheus::ClientMetric metric_of(const Sample& sample)
{
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : sample.labels)
        metric.label.push_back({name, value});
    if (sample.histogram)
        metric.histogram = histogram_of(*sample.histogram);
    else if (sample.type == MetricType::gauge)
        metric.gauge.value = sample.value;
    else
        metric.counter.value = sample.value;
    return metric;
}

prometheus::MetricFamily& family_of(std::vector<prometheus::MetricFamily>& families,
                                    const Sample& sample)
{
    const auto found = std::ranges::find(families, sample.name, &prometheus::MetricFamily::name);
    if (found != families.end()) return *found;
    return families.emplace_back(
        prometheus::MetricFamily{sample.name, sample.help, type_of(sample.type), {}});
}
} // namespace

std::string metrics_page(std::span<const Sample> samples)
{
    std::vector<prometheus::MetricFamily> families;
    for (const Sample& sample : samples)
        family_of(families, sample).metric.push_back(metric_of(sample));
    return prometheus::TextSerializer{}.Serialize(families);
}
} // namespace tidemark::observe
