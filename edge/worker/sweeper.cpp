#include "edge/worker/sweeper.hpp"

#include "edge/cache/cache_key.hpp"

#include <algorithm>

namespace tidemark::worker
{
Sweeper::Sweeper(net::Loop& loop, Shared& shared, const SweeperOptions& options)
    : options_(options), shared_(shared), loop_(loop), participant_(shared.epochs.join()),
      timer_(loop, [this] { sweep(); }), target_(options.settle)
{
    swept_generation_ = shared.purges.generation();
    timer_.start(options_.pause, options_.pause);
}

Sweeper::~Sweeper() = default;

void Sweeper::note_applied()
{
    const follow::Standing& standing = shared_.standing;
    target_.note(loop_.mono(), standing.journal(),
                 {standing.applied(), shared_.purges.fence().local});
}

bool Sweeper::begin_round(std::uint64_t generation)
{
    const MonoTime now = loop_.mono();
    lift_.reset();
    if (shared_.purges.entries() > options_.lift_above && now >= next_lift_)
        lift_ = target_.at(now);
    if (lift_ && lift_->version <= shared_.purges.floor().version) lift_.reset();
    if (!lift_ && generation == swept_generation_) return false;
    round_generation_ = generation;
    journal_ = shared_.standing.journal();
    if (!lift_) return true;
    floor_ = *lift_;
    next_lift_ = now + options_.between_lifts;
    shared_.standing.never_reusable(lift_->local);
    return true;
}

void Sweeper::sweep()
{
    note_applied();
    const std::uint64_t generation = shared_.purges.generation();
    if (cursor_ == 0 && !begin_round(generation)) return;
    if (shared_.standing.journal() != journal_) lift_.reset();
    participant_->online();
    cursor_ =
        shared_.store.sweep(cursor_, options_.slice, [&](const store::StoredResponse& record) {
            return keep(record, generation);
        });
    participant_->offline();
    shared_.epochs.reclaim();
    if (cursor_ == 0) end_round();
}

bool Sweeper::keep(const store::StoredResponse& record, std::uint64_t generation)
{
    purge::Verdict verdict = purge::Verdict::valid;
    const std::uint64_t verified = record.verified_generation();
    if (verified != generation) {
        const std::string_view uri = cache::uri_of_key(record.key());
        const purge::Subject subject{uri, record.tags(), sites_ ? sites_->hash_of(uri) : 0};
        verdict =
            shared_.purges.verdict(subject, record.fence(), loop_.mono(), generation, verified);
    }
    if (verdict == purge::Verdict::valid) {
        if (verified != generation) record.set_verified_generation(generation);
        // `generation` is younger than the target: all up to it counted in the verdict.
        if (lift_) record.lift_fence(*lift_);
    }
    // Below the floor it would lose the rest of its allowance.
    if (verdict == purge::Verdict::soft_stale) {
        floor_.version = std::min(floor_.version, record.fence().version);
        floor_.local = std::min(floor_.local, record.fence().local);
    }
    return verdict != purge::Verdict::removed;
}

void Sweeper::end_round()
{
    swept_generation_ = round_generation_;
    if (lift_ && shared_.standing.journal() == journal_) shared_.purges.raise_floor(floor_);
    lift_.reset();
}
} // namespace tidemark::worker
