#pragma once
#include "purge/frames.hpp"
#include "purge/lease.hpp"
#include "purge/session.hpp"

#include <cstdint>
#include <deque>
#include <optional>

// What reports are made of: when versions entered the mark, and what one edge has acknowledged.
namespace tidemark::origin
{
using purge::BootTime;
using purge::Now;
using purge::Version;

// When each version entered the mark, in runs. Never earlier than the truth: an edge must not count
// as clean too soon. Bounded: of what is forgotten, the oldest time that is known.
class Entered
{
  public:
    struct Run {
        Version last;
        BootTime began;
        BootTime entered;
    };
    Entered(Version mark, BootTime now) { runs_.push_back({mark, now, now}); }

    void add(Version last, BootTime now); // all up to `last` are in the mark
    // Nothing: not in the mark.
    [[nodiscard]] std::optional<BootTime> at(Version version) const;
    // Both last and entered rise.
    [[nodiscard]] const std::deque<Run>& runs() const noexcept { return runs_; }

  private:
    static constexpr std::size_t kRunsMax = 8192;
    static constexpr Millis kRunWidth{10};
    std::deque<Run> runs_;
};

// What the instance of an edge that spoke last holds of the present journal.
class Acknowledged
{
  public:
    // A session begins: the edge says that it holds so much of our journal. That counts for nothing
    // until an ack says so too, which it does only once the digests have agreed.
    void begin(Version contiguous, Version heard, Now now, std::size_t steps_max);
    // False: an old one, or nothing new.
    bool on_ack(const purge::Ack& ack, Now now, std::size_t steps_max);
    void forget() { *this = {}; } // another journal

    [[nodiscard]] bool covers(Version version) const
    {
        return acknowledged_ && received_.covers(version);
    }
    [[nodiscard]] Version contiguous() const noexcept { return received_.contiguous; }
    [[nodiscard]] Version heard() const noexcept { return heard_; }
    [[nodiscard]] std::optional<WallTime> applied_at(Version version) const;

  private:
    struct Step {
        Version contiguous;
        WallTime at;
    };
    void step(Now now, std::size_t steps_max);

    purge::Received received_;
    bool acknowledged_ = false; // in this session
    Version heard_ = 0;
    purge::Stamp stamp_ = 0;         // of this session
    std::optional<Version> unknown_; // up to here nobody knows when; nothing: not begun
    std::deque<Step> steps_;
};
} // namespace tidemark::origin
