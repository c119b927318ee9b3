#pragma once
#include "core/net/loop.hpp"
#include "edge/worker/shared.hpp"

#include <memory>

// After a purge, takes what it removed out of the store, a slice at a time, on the control thread:
// look-ups never wait for it, and the memory does not wait for look-ups.
namespace tidemark::worker
{
class Sweeper
{
  public:
    Sweeper(net::Loop& loop, Shared& shared);
    ~Sweeper();
    Sweeper(const Sweeper&) = delete;
    Sweeper& operator=(const Sweeper&) = delete;

  private:
    void sweep();

    Shared& shared_;
    net::Loop& loop_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    net::Timer timer_;
    std::uint64_t swept_generation_ = 0; // everything was looked at since this one
    std::uint64_t round_generation_ = 0; // when the round under way began
    std::uint64_t cursor_ = 0;
};
} // namespace tidemark::worker
