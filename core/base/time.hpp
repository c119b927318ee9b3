#pragma once
#include <chrono>
#include <cstdint>

namespace tidemark
{
using Seconds = std::chrono::duration<std::int64_t>;
using Millis = std::chrono::duration<std::int64_t, std::milli>;
using Nanos = std::chrono::duration<std::int64_t, std::nano>;

// Clock types without now(): pure code cannot read the time, it is handed in. Only net::Loop reads
// the clocks.
struct WallClock {
    using duration = Millis;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<WallClock>;
    static constexpr bool is_steady = false;
};
struct MonoClock {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonoClock>;
    static constexpr bool is_steady = true;
};

// CLOCK_BOOTTIME: runs on while the machine sleeps, so that nobody wakes up with a valid lease.
struct BootClock {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

// Milliseconds since 1970-01-01T00:00Z.
using WallTime = WallClock::time_point;
// Nanoseconds of a clock that never steps.
using MonoTime = MonoClock::time_point;
using BootTime = BootClock::time_point;

[[nodiscard]] constexpr WallTime wall_time_of(Seconds since_epoch)
{
    return WallTime{std::chrono::duration_cast<Millis>(since_epoch)};
}
[[nodiscard]] constexpr Seconds since_epoch(WallTime t)
{
    return std::chrono::floor<Seconds>(t.time_since_epoch());
}
} // namespace tidemark
