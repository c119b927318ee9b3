#include "edge/worker/sweeper.hpp"

#include "edge/cache/cache_key.hpp"

namespace tidemark::worker
{
namespace
{
constexpr Millis kPause{20};
constexpr std::size_t kSlice = 2'000; // stored responses between two pauses
} // namespace

Sweeper::Sweeper(net::Loop& loop, Shared& shared)
    : shared_(shared), loop_(loop), participant_(shared.epochs.join()),
      timer_(loop, [this] { sweep(); })
{
    swept_generation_ = shared.purges.generation();
    timer_.start(kPause, kPause);
}

Sweeper::~Sweeper() = default;

void Sweeper::sweep()
{
    const std::uint64_t generation = shared_.purges.generation();
    if (cursor_ == 0 && generation == swept_generation_) return;
    if (cursor_ == 0) round_generation_ = generation;
    participant_->online();
    cursor_ = shared_.store.sweep(cursor_, kSlice, [&](const store::StoredResponse& record) {
        if (record.verified_generation() == generation) return true;
        const purge::Subject subject{cache::uri_of_key(record.key()), record.tags()};
        const purge::Verdict verdict =
            shared_.purges.verdict(subject, record.fence(), loop_.mono(),
                                   shared_.purges.generation(), record.verified_generation());
        if (verdict == purge::Verdict::valid) record.set_verified_generation(generation);
        return verdict != purge::Verdict::removed;
    });
    participant_->offline();
    shared_.epochs.reclaim();
    if (cursor_ == 0) swept_generation_ = round_generation_;
}
} // namespace tidemark::worker
