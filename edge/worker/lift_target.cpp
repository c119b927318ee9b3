#include "edge/worker/lift_target.hpp"

namespace tidemark::worker
{
void LiftTarget::note(MonoTime now, purge::JournalId journal, const purge::Fence& applied)
{
    constexpr Seconds kStep{1};
    const bool fell = !samples_.empty() && applied.version < samples_.back().applied.version;
    if (journal != journal_ || fell) samples_.clear();
    journal_ = journal;
    if (!samples_.empty() && now - samples_.back().at < kStep) return;
    samples_.push_back({now, applied});
    while (samples_.size() > 1 && now - samples_[1].at >= settle_)
        samples_.pop_front();
}

std::optional<purge::Fence> LiftTarget::at(MonoTime now) const
{
    if (samples_.empty() || now - samples_.front().at < settle_) return std::nullopt;
    return samples_.front().applied;
}
} // namespace tidemark::worker
