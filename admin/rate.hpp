#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>

// How many a second: a bucket that holds what one second gives. Whoever asks for more than it ever
// holds gets it when it is full, and the next wait for the debt. Pure.
namespace tidemark::admin
{
class Rate
{
  public:
    explicit Rate(std::uint32_t per_second)
        : per_second_(per_second), left_(per_second) {} // 0: any
    // Nothing: taken. Else nothing was, and there is enough after so long.
    [[nodiscard]] std::optional<Seconds> take(std::uint64_t count, MonoTime now) noexcept;

  private:
    std::uint32_t per_second_;
    double left_;
    std::optional<MonoTime> filled_at_;
};
} // namespace tidemark::admin
