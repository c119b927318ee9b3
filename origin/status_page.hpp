#pragma once
#include "core/base/time.hpp"
#include "origin/control.hpp"

#include <cstdint>
#include <optional>
#include <string>

// What the origin says of itself: /v1/status (JSON) and /metrics.
namespace tidemark::origin
{
struct StatusView {
    Control& control;
    std::string version; // of the program
    WallTime started;
    std::optional<WallTime> certificate_expires; // of our own certificate
    std::string link;                            // where edges connect
    // Of the admin API: requests that were refused.
    std::uint64_t too_many_selectors = 0;
    std::uint64_t too_fast = 0;
};
[[nodiscard]] std::string status_json(const StatusView& view, WallTime now);
[[nodiscard]] std::string metrics_text(const StatusView& view, WallTime now);
} // namespace tidemark::origin
