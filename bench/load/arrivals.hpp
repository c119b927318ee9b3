#pragma once
#include "core/base/time.hpp"

#include <cstdint>

namespace tidemark::bench
{
// When requests are due at a constant rate. Of all arrivals, numbered from 0, one thread takes
// those whose number leaves `lane` when divided by `lanes`; together the lanes make one even
// stream. Times are computed from the number, not added up, so no rounding error grows.
class Arrivals
{
  public:
    struct Lane {
        std::uint32_t lane = 0;
        std::uint32_t lanes = 1;
    };
    // per_second > 0.
    Arrivals(MonoTime start, double per_second, Lane lane) noexcept;

    // The place in the whole stream of this lane's n-th arrival.
    [[nodiscard]] std::uint64_t number_of(std::uint64_t n) const noexcept
    {
        return n * lane_.lanes + lane_.lane;
    }
    [[nodiscard]] MonoTime time_of(std::uint64_t n) const noexcept;
    // How many of this lane's arrivals are due before `t`.
    [[nodiscard]] std::uint64_t count_before(MonoTime t) const noexcept;

  private:
    MonoTime start_;
    double per_second_;
    Lane lane_;
};
} // namespace tidemark::bench
