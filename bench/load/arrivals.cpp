#include "bench/load/arrivals.hpp"

#include <cmath>

namespace tidemark::bench
{
Arrivals::Arrivals(MonoTime start, double per_second, Lane lane) noexcept
    : start_(start), per_second_(per_second), lane_(lane)
{
}

MonoTime Arrivals::time_of(std::uint64_t n) const noexcept
{
    const double seconds = static_cast<double>(number_of(n)) / per_second_;
    return start_ + Nanos{std::llround(seconds * 1e9)};
}

std::uint64_t Arrivals::count_before(MonoTime t) const noexcept
{
    if (t <= start_) return 0;
    const double seconds = static_cast<double>((t - start_).count()) / 1e9;
    auto n = static_cast<std::uint64_t>(seconds * per_second_ / lane_.lanes);
    // The division is a guess within rounding; time_of() decides.
    while (n > 0 && time_of(n - 1) >= t)
        --n;
    while (time_of(n) < t)
        ++n;
    return n;
}
} // namespace tidemark::bench
