#include "edge/follow/standing.hpp"

#include <algorithm>

namespace tidemark::follow
{
namespace
{
constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();

std::int64_t nanos_of(BootTime time) noexcept
{
    return time.time_since_epoch().count();
}
} // namespace

void Standing::follow(purge::Adrift policy, bool unclean)
{
    policy_.store(policy, std::memory_order_relaxed);
    serve_counts_.store(!unclean, std::memory_order_relaxed);
    follows_.store(true, std::memory_order_release);
}

void Standing::set_lease(purge::BootTime until, Nanos lease) noexcept
{
    lease_.store(lease.count(), std::memory_order_relaxed);
    // A lease that was held proves that everything up to a mark was applied in this life.
    if (until > purge::BootTime::min()) serve_counts_.store(true, std::memory_order_relaxed);
    until_.store(nanos_of(until), std::memory_order_release);
}

// Slots are overwritten while they are read. The sequence is stored before its time and read after
// it, so a reader may see a sequence that is younger than the time it saw, which is only stricter.
void Standing::on_tick(purge::BootTime now, std::uint64_t local) noexcept
{
    Tick& tick = ticks_[next_tick_];
    next_tick_ = (next_tick_ + 1) % kTicks;
    tick.local.store(local, std::memory_order_release);
    tick.at.store(nanos_of(now), std::memory_order_release);
}

void Standing::set_applied(purge::JournalId journal, purge::Version contiguous) noexcept
{
    if (journal != journal_.load(std::memory_order_relaxed)) {
        journals_.fetch_add(1, std::memory_order_release);
        applied_.store(0, std::memory_order_release);
        journal_.store(journal, std::memory_order_release);
    }
    applied_.store(contiguous, std::memory_order_release);
}

void Standing::add_key(const purge::FenceKey& key)
{
    const std::lock_guard lock(keys_mutex_);
    if (keys_ && keys_->newest == key) return;
    auto keys = std::make_shared<Keys>();
    keys->newest = key;
    if (keys_) keys->before = keys_->newest;
    keys_ = std::move(keys);
}

void Standing::never_reusable(std::uint64_t local) noexcept
{
    if (local > never_reusable_.load(std::memory_order_relaxed))
        never_reusable_.store(local, std::memory_order_release);
}

Footing Standing::footing(purge::BootTime now) const noexcept
{
    if (!follows() || nanos_of(now) < until_.load(std::memory_order_acquire))
        return Footing::in_sync;
    switch (policy_.load(std::memory_order_relaxed)) {
    case purge::Adrift::serve:
        return serve_counts_.load(std::memory_order_relaxed) ? Footing::serve : Footing::revalidate;
    case purge::Adrift::fail:
        return Footing::fail;
    case purge::Adrift::revalidate:
        break;
    }
    return Footing::revalidate;
}

std::uint64_t Standing::reusable_from(purge::BootTime now) const noexcept
{
    const std::int64_t lease = lease_.load(std::memory_order_relaxed);
    if (lease <= 0) return kNothing;
    const std::int64_t cutoff = nanos_of(now) - lease;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
    std::uint64_t from = kNothing;
    for (const Tick& tick : ticks_) {
        const std::int64_t at = tick.at.load(std::memory_order_acquire);
        if (at < cutoff) continue;
        newest = std::max(newest, at);
        from = std::min(from, tick.local.load(std::memory_order_acquire));
    }
    if (from == kNothing || newest < nanos_of(now) - lease / 2) return kNothing;
    return std::max(from, never_reusable_.load(std::memory_order_acquire) + 1);
}

// Who saw a version of the next journal sees that its id or, had it come back, the count has
// changed.
bool Standing::has_applied(purge::JournalId journal, purge::Version version) const noexcept
{
    const std::uint64_t journals = journals_.load(std::memory_order_acquire);
    if (journal == 0 || journal_.load(std::memory_order_acquire) != journal) return false;
    return applied_.load(std::memory_order_acquire) >= version &&
           journal_.load(std::memory_order_acquire) == journal &&
           journals_.load(std::memory_order_acquire) == journals;
}

std::shared_ptr<const Standing::Keys> Standing::keys() const
{
    const std::lock_guard lock(keys_mutex_);
    return keys_;
}
} // namespace tidemark::follow
