#pragma once
#include "core/base/time.hpp"
#include "purge/session.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

// Time, chance and the order of things: all that a run is made of besides the machines. Nothing
// here or above reads a clock or a random device, so a seed is a run.
namespace tidemark::sim
{
// True time, which no node can see: nodes have clocks that drift.
struct TrueClock {
    using duration = Nanos;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<TrueClock>;
    static constexpr bool is_steady = true;
};
using Instant = TrueClock::time_point;

// xoshiro256** (Blackman, Vigna), seeded by splitmix64. The standard's distributions differ between
// libraries, so these are our own.
class Random
{
  public:
    explicit Random(std::uint64_t seed)
    {
        for (std::uint64_t& word : words_)
            word = mix(seed += 0x9E3779B97F4A7C15U);
    }
    std::uint64_t next()
    {
        const std::uint64_t result = rotated(words_[1] * 5, 7) * 9;
        const std::uint64_t t = words_[1] << 17;
        words_[2] ^= words_[0];
        words_[3] ^= words_[1];
        words_[1] ^= words_[2];
        words_[0] ^= words_[3];
        words_[2] ^= t;
        words_[3] = rotated(words_[3], 45);
        return result;
    }
    // 0 … count − 1; count is small beside 2^64, so the bias does not matter.
    std::uint64_t below(std::uint64_t count) { return next() % count; }
    template <class T> std::size_t index_of(const T& container)
    {
        return static_cast<std::size_t>(below(container.size()));
    }
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
    bool chance(double p) { return p > 0 && unit() < p; }
    double between(double low, double high) { return low + (high - low) * unit(); }
    Nanos between(Nanos low, Nanos high)
    {
        return low + Nanos{static_cast<std::int64_t>(
                         below(static_cast<std::uint64_t>((high - low).count()) + 1))};
    }
    // Of a memoryless process.
    Nanos exponential(Nanos mean)
    {
        const double drawn = -std::log1p(-unit()) * static_cast<double>(mean.count());
        return Nanos{static_cast<std::int64_t>(drawn)};
    }
    // Another, independent source.
    Random fork() { return Random{next()}; }

    static constexpr std::uint64_t mix(std::uint64_t x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
        return x ^ (x >> 31);
    }

  private:
    static constexpr std::uint64_t rotated(std::uint64_t x, unsigned by)
    {
        return x << by | x >> (64 - by);
    }
    std::uint64_t words_[4]{};
};

// A node's clock: runs too fast or too slow by a constant share, and began anywhere. Two of them
// differ by less than purge::kDriftMarginPercent.
class DriftClock
{
  public:
    static constexpr std::int64_t kPpmMax = 4950;

    DriftClock() = default;
    DriftClock(Instant from, Nanos base, std::int64_t ppm) : from_(from), base_(base), ppm_(ppm) {}

    [[nodiscard]] purge::Now at(Instant t) const
    {
        const Nanos local = local_at(t);
        return {MonoTime{local}, purge::BootTime{local + kBootAhead},
                WallTime{Millis{1'700'000'000'000 + t.time_since_epoch().count() / 1'000'000}}};
    }
    // When this clock will show `mono`, or a nanosecond later.
    [[nodiscard]] Instant when(MonoTime mono) const
    {
        const double ahead = static_cast<double>((mono.time_since_epoch() - base_).count());
        if (ahead <= 0) return from_;
        const double passed = ahead / (1.0 + static_cast<double>(ppm_) * 1e-6);
        return from_ + Nanos{static_cast<std::int64_t>(passed) + 1};
    }

  private:
    // So that a mix-up of the two clocks shows.
    static constexpr Nanos kBootAhead{3'600'000'000'000};
    [[nodiscard]] Nanos local_at(Instant t) const
    {
        const Nanos passed = t - from_;
        return base_ + passed + Nanos{passed.count() / 1'000'000 * ppm_} +
               Nanos{passed.count() % 1'000'000 * ppm_ / 1'000'000};
    }
    Instant from_{};
    Nanos base_{};
    std::int64_t ppm_ = 0;
};

enum class EventKind : std::uint8_t {
    hub_time,      // a: incarnation
    hub_commit,    // a: incarnation
    hub_read,      // a: incarnation, b: slot of a pending read
    hub_edge_kept, // a: incarnation, b: slot
    hub_minted,    // a: incarnation, b: above
    hub_check,     // a: incarnation; are waits over?
    hub_datagram,  // node, a: slot, b: flags
    hub_crash,
    hub_start,
    edge_time,         // node, a: incarnation
    edge_datagram,     // node, a: slot, b: flags
    edge_dial,         // node, a: incarnation
    edge_erased,       // node, a: incarnation, b: version
    edge_read,         // node: clients ask
    edge_tick,         // node, a: incarnation
    edge_crash,        // node, b: how
    edge_start,        // node
    edge_pause,        // node, b: for how long
    edge_resume,       // node
    stream_accept,     // a: session
    stream_open,       // a: session
    stream_to_hub,     // a: session
    stream_to_edge,    // a: session
    stream_left,       // a: session, b: bytes: they have left the origin's buffers
    fetch_at_upstream, // a: flight
    fetch_at_shield,   // a: flight
    fetch_waited,      // a: flight: the shield has waited for versions
    fetch_done,        // a: flight
    partition,         // node
    heal,              // node
    blackhole,         // node: large datagrams are lost
    break_stream,      // node
    back_up,
    publish,
    raise_floor,
    change_weather,
    finish,
};

struct Event {
    Instant at;
    std::uint64_t order; // of those at one moment, first scheduled first
    EventKind kind;
    std::uint32_t node;
    std::uint64_t a;
    std::uint64_t b;
};

// The heap of what is to come, the moment that is now, and the hash of all that was.
class Engine
{
  public:
    explicit Engine(std::uint64_t seed) : random(seed), trace_(Random::mix(seed)) {}

    [[nodiscard]] Instant now() const noexcept { return now_; }
    void at(Instant when, EventKind kind, std::uint32_t node = 0, std::uint64_t a = 0,
            std::uint64_t b = 0)
    {
        heap_.push_back({std::max(when, now_), next_order_++, kind, node, a, b});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    void in(Nanos wait, EventKind kind, std::uint32_t node = 0, std::uint64_t a = 0,
            std::uint64_t b = 0)
    {
        at(now_ + wait, kind, node, a, b);
    }
    [[nodiscard]] std::optional<Event> pop()
    {
        if (heap_.empty()) return std::nullopt;
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Event event = heap_.back();
        heap_.pop_back();
        now_ = event.at;
        note(static_cast<std::uint64_t>(event.at.time_since_epoch().count()) ^
             static_cast<std::uint64_t>(event.kind) << 56);
        note(event.node ^ event.a << 20 ^ event.b << 40);
        ++events_;
        return event;
    }
    // Something observable happened.
    void note(std::uint64_t what) noexcept
    {
        trace_ = (trace_ ^ what) * 0x9E3779B97F4A7C15U;
        trace_ ^= trace_ >> 29;
    }
    [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

    Random random;
    double crash_at_step = 0; // of whoever performs actions, after each

  private:
    static bool later(const Event& a, const Event& b)
    {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
    std::vector<Event> heap_;
    Instant now_{};
    std::uint64_t next_order_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t trace_;
};

// Things that events name by number.
template <class T> class Slots
{
  public:
    std::uint64_t put(T value)
    {
        if (free_.empty()) {
            values_.push_back(std::move(value));
            return values_.size() - 1;
        }
        const std::uint64_t slot = free_.back();
        free_.pop_back();
        values_[slot] = std::move(value);
        return slot;
    }
    [[nodiscard]] T take(std::uint64_t slot)
    {
        T value = std::move(values_[slot]);
        values_[slot] = T{};
        free_.push_back(slot);
        return value;
    }
    [[nodiscard]] T& operator[](std::uint64_t slot) { return values_[slot]; }

  private:
    std::vector<T> values_;
    std::vector<std::uint64_t> free_;
};
} // namespace tidemark::sim
