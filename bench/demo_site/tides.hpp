#pragma once
#include "core/base/time.hpp"

#include <span>
#include <string_view>
#include <vector>

// Tides of harbours that do not exist, computed as tides of real ones are: a sum of cosines, one
// for each motion of moon and sun that matters.
namespace tidemark::demo
{
struct Constituent {
    double degrees_per_hour; // the same everywhere on earth
    double metres;           // the harbour's own
    double phase_degrees;    // the harbour's own
};

struct Harbour {
    std::string_view slug;
    std::string_view name;
    std::string_view about;
    double mean_metres; // above chart datum
    Constituent constituents[5];
};
[[nodiscard]] std::span<const Harbour> harbours() noexcept;

[[nodiscard]] double height_metres(const Harbour& harbour, WallTime t) noexcept;

struct Water {
    WallTime at;
    double metres;
    bool high;
};
// High and low waters from `from` on, in order of time.
[[nodiscard]] std::vector<Water> waters(const Harbour& harbour, WallTime from, Seconds length);
} // namespace tidemark::demo
