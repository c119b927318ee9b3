#pragma once
#include <cstdint>

namespace tidemark::bench
{
// SplitMix64: small, fast, and the same sequence for the same seed on every machine.
class Random
{
  public:
    explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

    constexpr std::uint64_t next() noexcept
    {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // In [0, 1), 53 random bits.
    constexpr double unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  private:
    std::uint64_t state_;
};

// Ranks 1..count, rank k drawn with probability proportional to 1 / k^alpha; alpha 0 is uniform,
// web traffic lies near 0.8–1. Rejection-inversion (Hörmann and Derflinger 1996): no table, so a
// million ranks cost what ten do, and on average fewer than 1.2 draws.
class Zipf
{
  public:
    // count ≥ 1; alpha ≥ 0 and finite.
    Zipf(std::uint64_t count, double alpha) noexcept;
    [[nodiscard]] std::uint64_t draw(Random& random) const noexcept;

  private:
    [[nodiscard]] double density(double x) const noexcept;
    [[nodiscard]] double integral(double x) const noexcept;
    [[nodiscard]] double integral_inverse(double y) const noexcept;

    double count_;
    double alpha_;
    double integral_of_first_;
    double integral_of_last_;
    double accept_within_;
};
} // namespace tidemark::bench
