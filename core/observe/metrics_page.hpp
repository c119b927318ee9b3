#pragma once
#include "core/observe/counters.hpp"

#include <span>
#include <string>

namespace tidemark::observe
{
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// Prometheus' text exposition. Samples of one name form one family, wherever they stand; the first
// of them gives help and type. A histogram's buckets are shown at powers of two from 16 µs, in
// seconds.
[[nodiscard]] std::string metrics_page(std::span<const Sample> samples);
} // namespace tidemark::observe
