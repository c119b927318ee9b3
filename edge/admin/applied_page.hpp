#pragma once
#include "admin/pages.hpp"
#include "edge/follow/applied_times.hpp"

#include <functional>

namespace tidemark::admin
{
// GET /v1/applied[?first=V&last=V]: {"through": up to which version this edge has applied all,
// "times": [{"version", "monotonic_ns"}]}, a time for each of those versions that it applied by
// itself and remembers. The clock is CLOCK_MONOTONIC of this machine, so that programs on it can
// compare. For a page that is asked on the control thread; what is borrowed outlives it.
inline constexpr std::uint64_t kAppliedMost = follow::AppliedTimes::kKept; // versions in one answer

[[nodiscard]] Page applied_page(const follow::AppliedTimes& times,
                                std::function<purge::Version()> through);
} // namespace tidemark::admin
