#pragma once
#include <cstdint>

namespace tidemark::purge
{
// How many of the datagrams to one edge are lost, learned from what it reports: the greatest packet
// number it opened, and how many. Old reports fade, so that it follows a path that changes.
class LossEstimate
{
  public:
    // Reports may come late or twice; only one that goes on from the last counts.
    void on_report(std::uint64_t highest, std::uint64_t received) noexcept;
    // New keys: numbers start again; what was learned stays.
    void on_new_epoch() noexcept { highest_ = received_ = 0; }

    // The share that is lost, 0 … kLossMax. 0.1 until 100 datagrams were reported. Leans high by
    // one standard error: a copy too many costs less than one too few.
    [[nodiscard]] double loss() const noexcept;

    static constexpr double kAssumed = 0.1;
    static constexpr double kLossMax = 0.9;

  private:
    static constexpr double kSamplesMin = 100;
    static constexpr double kSamplesMax = 2000; // beyond it, older ones fade
    std::uint64_t highest_ = 0;
    std::uint64_t received_ = 0;
    double samples_ = 0;
    double lost_ = 0;
};

// The fewest copies k, 2 … 16, of which all are lost with a chance of at most 1e-4.
[[nodiscard]] unsigned copies_for(double loss) noexcept;
// After how many rounds without an answer, 8 … 32, an edge counts as silent: answers are lost, too,
// and an edge that is there should look silent at most once in 10 000 times.
[[nodiscard]] unsigned rounds_until_silent(double loss) noexcept;
} // namespace tidemark::purge
