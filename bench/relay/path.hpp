#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>
#include <random>

namespace tidemark::bench
{
// What one direction of a path does to what travels on it.
struct PathConditions {
    double loss = 0;      // share of the datagrams that never arrive, 0..1
    Nanos burst{0};       // mean length of the times in which all are lost; 0: each for itself
    Nanos delay{0};       // one way; streams have it too
    Nanos jitter{0};      // at most so much more for a datagram: they overtake each other
    double duplicate = 0; // share of the datagrams that arrive twice, 0..1
};

struct Fate {
    bool lost = false;
    Nanos delay{0};
    std::optional<Nanos> copy_delay; // it arrives a second time
};

// Draws the fates of datagrams. Pure: the same seed and the same times give the same fates.
//
// Bursts are a path that goes bad and good again by itself (Gilbert and Elliott, in continuous
// time): bad for `burst` on average, and so often that `loss` of all time is bad.
class Path
{
  public:
    explicit Path(std::uint64_t seed) : fates_(seed), spells_(~seed) {}

    // From the next datagram on. `loss` and `duplicate` are clamped to 0..1.
    void set(const PathConditions& conditions);
    [[nodiscard]] const PathConditions& conditions() const noexcept { return conditions_; }
    // `now` never goes back.
    [[nodiscard]] Fate next(MonoTime now);

  private:
    [[nodiscard]] bool bad_at(MonoTime now);
    void begin_spells(MonoTime now);
    [[nodiscard]] Nanos drawn_spell();
    [[nodiscard]] Nanos drawn_delay();

    PathConditions conditions_;
    std::mt19937_64 fates_;
    std::mt19937_64 spells_;
    bool began_ = false;
    bool bad_ = false;
    MonoTime spell_ends_{};
};
} // namespace tidemark::bench
