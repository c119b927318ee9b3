#pragma once
#include "core/base/time.hpp"
#include "purge/message.hpp"
#include "purge/state.hpp"

#include <deque>
#include <optional>

// To which fence stored responses that are found valid may be lifted, so that the floor can follow
// and the table of invalidations does not grow for ever. Pure.
//
// What was applied some time ago, not just now: the floor then rises above no request that is still
// under way, unless it takes longer than that or its fence was lowered by who answered. Such an
// answer is judged to be below the floor: it must be validated, which is safe and rare.
namespace tidemark::worker
{
class LiftTarget
{
  public:
    explicit LiftTarget(Seconds settle) : settle_(settle) {}

    // Everything up to applied.version of `journal` is applied, `applied.local` was taken before
    // now. Another journal, or a version that fell, starts anew.
    void note(MonoTime now, purge::JournalId journal, const purge::Fence& applied);
    [[nodiscard]] std::optional<purge::Fence> at(MonoTime now) const;

  private:
    struct Sample {
        MonoTime at;
        purge::Fence applied;
    };
    Seconds settle_;
    purge::JournalId journal_ = 0;
    std::deque<Sample> samples_; // oldest first; at most one a second, and one that is old enough
};
} // namespace tidemark::worker
