#include "sim/checkers.hpp"

#include "purge/lease.hpp"

namespace tidemark::sim
{
namespace
{
std::string describe(const Answer& answer, Content expected)
{
    return "edge " + std::to_string(answer.edge) + " answered object " +
           std::to_string(answer.object) + " with content " + std::to_string(answer.content) +
           ", expected " + std::to_string(expected) + " or later; kind " +
           std::to_string(static_cast<int>(answer.how));
}
} // namespace

Tally& Tally::operator+=(const Tally& other)
{
    reads += other.reads;
    for (std::size_t i = 0; i < kServedKinds; ++i)
        by[i] += other.by[i];
    old += other.old;
    unanswered += other.unanswered;
    purges += other.purges;
    done += other.done;
    mints += other.mints;
    restores += other.restores;
    snapshots += other.snapshots;
    caps += other.caps;
    return *this;
}

void Checkers::fail(Invariant invariant, std::string text)
{
    engine_.note(static_cast<std::uint64_t>(invariant) + 1);
    if (violations_.size() < kKept)
        violations_.push_back({invariant, engine_.now(), std::move(text)});
}

void Checkers::judge(const Answer& answer)
{
    if (answer.content < answer.promised) {
        ++stale_after_done_;
        fail(Invariant::done_means_done, describe(answer, answer.promised));
    }
    if (answer.content < answer.applied)
        fail(Invariant::no_resurrection, describe(answer, answer.applied));
    if (answer.serves_adrift || answer.how == Served::stale) return;
    const Instant before = answer.arrived - purge::with_margin(answer.lease);
    const Content due = truth_.valid_since(answer.object, before, answer.journal);
    if (answer.content < due) fail(Invariant::bounded_staleness, describe(answer, due));
}
} // namespace tidemark::sim
