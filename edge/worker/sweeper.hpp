#pragma once
#include "core/net/loop.hpp"
#include "edge/worker/lift_target.hpp"
#include "edge/worker/shared.hpp"

#include <memory>
#include <optional>

// After a purge, takes what it removed out of the store, a slice at a time, on the control thread:
// look-ups never wait for it, and the memory does not wait for look-ups.
//
// Once invalidations are many, a round also lifts the fence of every stored response that it finds
// valid, and then raises the floor: what is at or below it leaves the table, and nothing valid
// stands below. It runs on the thread that applies what the origin says, so no other journal begins
// within a slice.
namespace tidemark::worker
{
struct SweeperOptions {
    Millis pause{20};                // between two slices
    std::size_t slice = 2'000;       // stored responses
    std::size_t lift_above = 10'000; // invalidations in the table; fewer cost nothing
    Seconds settle{600}; // see lift_target.hpp; an order below the floor cannot be undone
    Seconds between_lifts{10};
};

class Sweeper
{
  public:
    Sweeper(net::Loop& loop, Shared& shared, const SweeperOptions& options = {});
    ~Sweeper();
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;

    // Tells which site a stored response is of; until then orders for one site are judged strictly.
    void set_sites(std::shared_ptr<const serve::Sites> sites) { sites_ = std::move(sites); }

  private:
    void sweep();
    void note_applied();
    [[nodiscard]] bool begin_round(std::uint64_t generation);
    [[nodiscard]] bool keep(const store::StoredResponse& record, std::uint64_t generation);
    void end_round();

    const SweeperOptions options_;
    Shared& shared_;
    net::Loop& loop_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    net::Timer timer_;
    std::shared_ptr<const serve::Sites> sites_;
    std::uint64_t swept_generation_ = 0; // everything was looked at since this one
    std::uint64_t round_generation_ = 0; // when the round under way began
    std::uint64_t cursor_ = 0;

    LiftTarget target_;
    purge::JournalId journal_ = 0;     // in which the round began
    std::optional<purge::Fence> lift_; // in this round: to where
    purge::Fence floor_;               // what may follow: no higher than what had to stay below
    MonoTime next_lift_{};
};
} // namespace tidemark::worker
