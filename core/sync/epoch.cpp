#include "core/sync/epoch.hpp"

#include "core/base/check.hpp"

#include <deque>
#include <limits>

namespace tidemark::sync
{
namespace
{
constexpr std::uint64_t kOffline = 0;
} // namespace

// One participant's place. A line of its own: it is written twice per turn of the participant's
// loop.
struct alignas(64) EpochDomain::Participant::Slot {
    std::atomic<std::uint64_t> seen{kOffline}; // the epoch in which it came online
    bool taken = true;                         // guarded by Impl::mutex
};

struct EpochDomain::Impl {
    struct Retired {
        std::uint64_t epoch; // seen by whoever came online before the retirement
        void* object;
        void (*free_it)(void*);
    };

    // Every reader that is online saw an epoch of at least this.
    std::uint64_t oldest_seen()
    {
        std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
        for (const auto& slot : slots) {
            // A read-modify-write, so that it and online()'s exchange stand in one order: either we
            // see the reader, or its exchange reads what we wrote here and so sees everything that
            // was unlinked before.
            const std::uint64_t seen = slot->seen.fetch_add(0, std::memory_order_acq_rel);
            if (seen != kOffline && seen < oldest) oldest = seen;
        }
        return oldest;
    }

    std::atomic<std::uint64_t> epoch{1};
    std::atomic<std::size_t> waiting{0};
    std::mutex mutex;
    std::deque<Retired> retired; // oldest first
    std::vector<std::unique_ptr<Participant::Slot>>
        slots; // never shrinks: left slots are taken again
};

EpochDomain::EpochDomain() : impl_(std::make_unique<Impl>()) {}

EpochDomain::~EpochDomain()
{
    for (const auto& slot : impl_->slots)
        TIDEMARK_CHECK(!slot->taken);
    for (const Impl::Retired& r : impl_->retired)
        r.free_it(r.object);
}

std::unique_ptr<EpochDomain::Participant> EpochDomain::join()
{
    std::unique_ptr<Participant> participant(new Participant);
    participant->domain_ = this;
    const std::lock_guard lock(impl_->mutex);
    for (const auto& slot : impl_->slots) {
        if (slot->taken) continue;
        slot->taken = true;
        participant->slot_ = slot.get();
        return participant;
    }
    impl_->slots.push_back(std::make_unique<Participant::Slot>());
    participant->slot_ = impl_->slots.back().get();
    return participant;
}

void EpochDomain::retire(void* object, void (*free_it)(void*))
{
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t epoch = impl_->epoch.fetch_add(1, std::memory_order_acq_rel);
    impl_->retired.push_back({epoch, object, free_it});
    impl_->waiting.store(impl_->retired.size(), std::memory_order_relaxed);
}

void EpochDomain::reclaim()
{
    if (impl_->waiting.load(std::memory_order_relaxed) == 0) return;
    std::vector<Impl::Retired> free_now;
    {
        const std::unique_lock lock(impl_->mutex, std::try_to_lock);
        if (!lock.owns_lock()) return; // somebody else is at it
        const std::uint64_t oldest = impl_->oldest_seen();
        auto& retired = impl_->retired;
        while (!retired.empty() && retired.front().epoch < oldest) {
            free_now.push_back(retired.front());
            retired.pop_front();
        }
        impl_->waiting.store(retired.size(), std::memory_order_relaxed);
    }
    for (const Impl::Retired& r : free_now)
        r.free_it(r.object);
}

std::size_t EpochDomain::retired() const noexcept
{
    return impl_->waiting.load(std::memory_order_relaxed);
}

EpochDomain::Participant::~Participant()
{
    offline();
    const std::lock_guard lock(domain_->impl_->mutex);
    slot_->taken = false;
}

void EpochDomain::Participant::online() noexcept
{
    if (is_online()) return;
    // Acquire: whatever was retired in an earlier epoch is seen as unlinked.
    const std::uint64_t epoch = domain_->impl_->epoch.load(std::memory_order_acquire);
    slot_->seen.exchange(epoch, std::memory_order_acq_rel);
}

void EpochDomain::Participant::offline() noexcept
{
    slot_->seen.store(kOffline, std::memory_order_release);
}

bool EpochDomain::Participant::is_online() const noexcept
{
    return slot_->seen.load(std::memory_order_relaxed) != kOffline;
}
} // namespace tidemark::sync
