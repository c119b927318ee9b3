#pragma once
#include "bench/demo_site/tides.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark::demo
{
// The curve of one day as an SVG of 720 × 240.
[[nodiscard]] std::string tide_curve_svg(const Harbour& harbour, WallTime midnight);
[[nodiscard]] std::string_view logo_svg() noexcept;

struct Colour {
    std::uint8_t red, green, blue;
};
// An 8-bit palette PNG; `pixels` are indices, row by row, and as many as width × height. Not
// compressed.
[[nodiscard]] std::string palette_png(std::uint32_t width, std::uint32_t height,
                                      const std::vector<Colour>& palette, std::string_view pixels);
// A chart of depths around an island that does not exist, 480 × 200.
[[nodiscard]] std::string sea_chart_png();
} // namespace tidemark::demo
