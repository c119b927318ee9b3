#pragma once
#include "purge/frames.hpp"
#include "purge/lease.hpp"
#include "purge/mac.hpp"
#include "purge/message.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

// Where this edge stands with its origin: written by the control thread, read by every worker.
//
// Reuse while adrift needs to know when a stored response's request was sent. Its fence tells: the
// control thread takes a local sequence at every tick (InvalidationState::tick), and remembers
// when.
namespace tidemark::follow
{
// What a worker may do at a moment.
enum class Footing : std::uint8_t {
    in_sync,    // the lease holds, or there is no origin
    revalidate, // adrift: only what was sent for within a lease is reused unvalidated
    serve,      // adrift, and told to serve all the same (and to say so)
    fail,       // adrift, and told to answer 503
};

// For the hello (design: I4): may this edge serve what a purge covers that it has not applied, once
// its lease has run out? Only the policy decides. With `revalidate` and `fail` nothing that was
// sent for more than a lease ago is served unvalidated: not stale while revalidating, not stale on
// error (verdict_on() says must_validate, and stale_on_error_allowed() refuses that), not from a
// flight. What a soft purge that *is* applied leaves servable, stale on error too, is its own
// allowance; of a hard one nothing is left.
[[nodiscard]] constexpr bool may_serve_beyond_lease(purge::Adrift policy) noexcept
{
    return policy == purge::Adrift::serve;
}

class Standing
{
  public:
    // -- Control thread
    // Before the workers start. `unclean`: serve acts as revalidate until it was in sync once.
    void follow(purge::Adrift policy, bool unclean);
    void set_lease(purge::BootTime until, Nanos lease) noexcept;
    // The local sequence that was taken at `now`, which was read *before* it was taken: a fence
    // that has it is no older. At least every lease / 8.
    void on_tick(purge::BootTime now, std::uint64_t local) noexcept;
    void set_applied(purge::JournalId journal, purge::Version contiguous) noexcept;
    // The newest key signs; the one before still proves.
    void add_key(const purge::FenceKey& key);
    // Fences are about to be lifted to this local sequence (worker/sweeper.hpp): from now on it
    // tells nothing about when a request was sent.
    void never_reusable(std::uint64_t local) noexcept;

    // -- Workers, lock-free but for keys()
    [[nodiscard]] bool follows() const noexcept { return follows_.load(std::memory_order_relaxed); }
    // `now`: read after the request's bytes. Only worth asking when follows().
    [[nodiscard]] Footing footing(purge::BootTime now) const noexcept;
    // While footing() is revalidate: a fence with a local part below this was not surely taken
    // within the last lease. The greatest number if that cannot be told of any: nothing was heard
    // of the control thread for half a lease.
    [[nodiscard]] std::uint64_t reusable_from(purge::BootTime now) const noexcept;
    [[nodiscard]] purge::JournalId journal() const noexcept
    {
        return journal_.load(std::memory_order_acquire);
    }
    [[nodiscard]] purge::Version applied() const noexcept
    {
        return applied_.load(std::memory_order_acquire);
    }
    // Is everything up to `version` of this journal applied?
    [[nodiscard]] bool has_applied(purge::JournalId journal, purge::Version version) const noexcept;
    using Keys = purge::KeyRing;
    // Null: no key has come yet.
    [[nodiscard]] std::shared_ptr<const Keys> keys() const;

  private:
    struct Tick {
        std::atomic<std::int64_t> at{std::numeric_limits<std::int64_t>::min()};
        std::atomic<std::uint64_t> local{0};
    };
    static constexpr std::size_t kTicks = 16;
    std::atomic<bool> follows_{false};
    std::atomic<purge::Adrift> policy_{purge::Adrift::revalidate};
    std::atomic<bool> serve_counts_{true};
    std::atomic<std::int64_t> until_{
        std::numeric_limits<std::int64_t>::min()}; // nanoseconds of the boot clock
    std::atomic<std::int64_t> lease_{0};
    std::atomic<std::uint64_t> journal_{0};
    std::atomic<std::uint64_t> applied_{0};
    std::atomic<std::uint64_t> journals_{0}; // how often it became another
    std::array<Tick, kTicks> ticks_;
    std::size_t next_tick_ = 0; // the control thread's
    std::atomic<std::uint64_t> never_reusable_{0};
    mutable std::mutex keys_mutex_;
    std::shared_ptr<const Keys> keys_;
};
} // namespace tidemark::follow
