#include "bench/load/zipf.hpp"

#include <algorithm>
#include <cmath>

namespace tidemark::bench
{
namespace
{
// log(1 + x) / x and (exp(x) - 1) / x, continuous through 0, where alpha = 1 takes us.
double log1p_over(double x) noexcept
{
    return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x * (0.5 - x / 3);
}
double expm1_over(double x) noexcept
{
    return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x * 0.5 * (1 + x / 3);
}
} // namespace

Zipf::Zipf(std::uint64_t count, double alpha) noexcept
    : count_(static_cast<double>(std::max<std::uint64_t>(count, 1))), alpha_(alpha),
      integral_of_first_(integral(1.5) - 1), integral_of_last_(integral(count_ + 0.5)),
      accept_within_(2 - integral_inverse(integral(2.5) - density(2)))
{
}

double Zipf::density(double x) const noexcept
{
    return std::exp(-alpha_ * std::log(x));
}

double Zipf::integral(double x) const noexcept
{
    const double log_x = std::log(x);
    return expm1_over((1 - alpha_) * log_x) * log_x;
}

double Zipf::integral_inverse(double y) const noexcept
{
    const double t = std::max(y * (1 - alpha_), -1.0); // rounding may step over the edge
    return std::exp(log1p_over(t) * y);
}

std::uint64_t Zipf::draw(Random& random) const noexcept
{
    for (;;) {
        const double u =
            integral_of_last_ + random.unit() * (integral_of_first_ - integral_of_last_);
        const double x = integral_inverse(u);
        const double rank = std::clamp(std::floor(x + 0.5), 1.0, count_);
        if (rank - x <= accept_within_ || u >= integral(rank + 0.5) - density(rank))
            return static_cast<std::uint64_t>(rank);
    }
}
} // namespace tidemark::bench
