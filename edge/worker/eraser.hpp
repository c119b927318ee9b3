#pragma once
#include "core/net/loop.hpp"
#include "edge/worker/shared.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

// After a purge with "purge": true: takes what it removed out of the store at full speed, in slices
// on the control thread, and says when the bytes are gone.
//
// Gone: the store and the epoch domain have let go of them. An exchange that streams such a body at
// this moment, or one that is being fetched, goes on to its end with its own reference (a client
// that was promised a length gets it, and nobody new can join); those are not waited for, or one
// slow client could hold up the answer for ever. Nothing of that is stored again: whoever judged by
// the old state has ended its turn before the walk begins.
namespace tidemark::worker
{
class Eraser
{
  public:
    using Done = std::function<void(std::uint64_t version)>;
    // `sites` is the control thread's: it changes on reload.
    Eraser(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites);
    ~Eraser(); // no `done` after this
    Eraser(const Eraser&) = delete;
    Eraser& operator=(const Eraser&) = delete;

    // `version` is applied. `done` comes in a later turn. Those that come during a walk share the
    // next one.
    void erase(std::uint64_t version, Done done);

    [[nodiscard]] std::uint64_t erased() const noexcept { return erased_; } // stored responses
    [[nodiscard]] std::uint64_t walks() const noexcept { return walks_; }
    [[nodiscard]] bool busy() const noexcept { return phase_ != Phase::idle; }

  private:
    //   idle → settling (turns of the old state end) → walking → letting go → idle, or settling
    enum class Phase : std::uint8_t { idle, settling, walking, letting_go };
    struct Order {
        std::uint64_t version;
        Done done;
    };
    void begin();
    void step();
    void walk();
    void mark();
    [[nodiscard]] bool passed() const;
    void finish();

    net::Loop& loop_;
    Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    net::Timer timer_;  // while it waits
    net::Wakeup again_; // while it walks: the loop's next turn
    Phase phase_ = Phase::idle;
    std::vector<Order> waiting_;
    std::vector<Order> served_; // by the walk under way
    std::shared_ptr<std::atomic<bool>> passed_;
    std::uint64_t cursor_ = 0;
    std::uint64_t erased_ = 0;
    std::uint64_t walks_ = 0;
};
} // namespace tidemark::worker
