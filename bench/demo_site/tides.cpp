#include "bench/demo_site/tides.hpp"

#include <cmath>
#include <numbers>

namespace tidemark::demo
{
namespace
{
constexpr double kM2 = 28.9841042;
constexpr double kS2 = 30.0;
constexpr double kN2 = 28.4397295;
constexpr double kK1 = 15.0410686;
constexpr double kO1 = 13.9430356;

constexpr Harbour kHarbours[] = {
    {"larkmouth",
     "Larkmouth",
     "A fishing harbour behind a shingle bar. Boats drawing more than a metre wait for half tide.",
     2.9,
     {{kM2, 1.95, 172}, {kS2, 0.66, 214}, {kN2, 0.38, 151}, {kK1, 0.09, 118}, {kO1, 0.07, 340}}},
    {"grey-point",
     "Grey Point",
     "Deep water at every state of the tide, and a lighthouse that has been white since 1911.",
     1.6,
     {{kM2, 0.88, 301}, {kS2, 0.31, 340}, {kN2, 0.18, 279}, {kK1, 0.12, 134}, {kO1, 0.11, 12}}},
    {"saltby-quay",
     "Saltby Quay",
     "Dries to mud twice a day. Bring boots, or bring patience.",
     3.6,
     {{kM2, 2.61, 18}, {kS2, 0.93, 63}, {kN2, 0.49, 355}, {kK1, 0.15, 97}, {kO1, 0.12, 301}}},
    {"north-ferry",
     "North Ferry",
     "The ferry has sailed on the hour since the bridge was not built.",
     2.1,
     {{kM2, 1.22, 96}, {kS2, 0.40, 139}, {kN2, 0.24, 70}, {kK1, 0.10, 160}, {kO1, 0.10, 28}}},
};
} // namespace

std::span<const Harbour> harbours() noexcept
{
    return kHarbours;
}

double height_metres(const Harbour& harbour, WallTime t) noexcept
{
    const double hours = static_cast<double>(t.time_since_epoch().count()) / 3.6e6;
    double metres = harbour.mean_metres;
    for (const Constituent& part : harbour.constituents) {
        const double degrees = std::fmod(part.degrees_per_hour * hours, 360.0) - part.phase_degrees;
        metres += part.metres * std::cos(degrees * std::numbers::pi / 180);
    }
    return metres;
}

std::vector<Water> waters(const Harbour& harbour, WallTime from, Seconds length)
{
    constexpr Seconds kStep{60}; // timetables go to the minute
    std::vector<Water> found;
    double before = height_metres(harbour, from - kStep);
    double here = height_metres(harbour, from);
    for (WallTime t = from; t < from + length; t += kStep) {
        const double after = height_metres(harbour, t + kStep);
        if (here > before && here >= after) found.push_back({t, here, true});
        if (here < before && here <= after) found.push_back({t, here, false});
        before = here;
        here = after;
    }
    return found;
}
} // namespace tidemark::demo
