#pragma once
#include "sim/engine.hpp"
#include "sim/truth.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The invariants of the design, as questions about each answer and each restart.
namespace tidemark::sim
{
enum class Invariant : std::uint8_t {
    no_resurrection,    // I1
    convergence,        // I2
    bounded_staleness,  // I3
    done_means_done,    // I4: stale after a 200
    nothing_lost,       // I5
    only_origin_speaks, // I6
};
inline constexpr std::array<std::string_view, 6> kInvariantNames{
    "I1 no resurrected content", "I2 convergence",  "I3 bounded staleness",
    "I4 200 means done",         "I5 nothing lost", "I6 only the origin speaks"};

struct Violation {
    Invariant invariant;
    Instant at;
    std::string text;
};

// How an answer was given.
enum class Served : std::uint8_t {
    hit,     // stored, as valid, in sync
    adrift,  // stored, as valid, validated within a lease
    anyway,  // stored, past the lease, by policy
    stale,   // stored, after a soft purge, while it is being validated
    fetched, // from the upstream or a shield
};
inline constexpr std::size_t kServedKinds = 5;

// One answer: judged by what was true when its request arrived.
struct Answer {
    std::uint32_t edge = 0;
    ObjectId object = 0;
    Content content = 0;
    Served how = Served::hit;
    Instant arrived{};
    Content promised = 0; // Truth::promised() then
    Content applied = 0;  // what this edge had applied then
    JournalId journal = 0;
    Nanos lease{}; // the longest that can stand behind it
    bool serves_adrift = false;
};

struct Tally {
    std::uint64_t reads = 0;
    std::array<std::uint64_t, kServedKinds> by{};
    std::uint64_t old = 0; // older than the upstream's, allowed or not
    std::uint64_t unanswered = 0;
    std::uint64_t purges = 0;
    std::uint64_t done = 0;
    std::uint64_t mints = 0;
    std::uint64_t restores = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t caps = 0;
    Tally& operator+=(const Tally& other);
};

class Checkers
{
  public:
    Checkers(const Truth& truth, Engine& engine) : truth_(truth), engine_(engine) {}

    void on_answer(const Answer& answer)
    {
        ++tally.reads;
        ++tally.by[static_cast<std::size_t>(answer.how)];
        engine_.note(std::uint64_t{answer.content} << 32 | answer.object << 8 | answer.edge);
        if (answer.content == truth_.content(answer.object)) return;
        ++tally.old;
        judge(answer);
    }
    void fail(Invariant invariant, std::string text);

    [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
    // Answers older than what a client had been told to be gone.
    [[nodiscard]] std::uint64_t stale_after_done() const { return stale_after_done_; }
    Tally tally;

  private:
    static constexpr std::size_t kKept = 20;
    void judge(const Answer& answer);

    const Truth& truth_;
    Engine& engine_;
    std::vector<Violation> violations_;
    std::uint64_t stale_after_done_ = 0;
};
} // namespace tidemark::sim
