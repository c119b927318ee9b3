#pragma once
#include "core/net/loop.hpp"
#include "edge/worker/shared.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

// Takes what purges removed out of the store, slice after slice without a pause, and says when the
// bytes are gone: unlinked in a whole walk that began after the purge, and let go of by every
// reader. On the control thread.
namespace tidemark::admin
{
class EraseWalk
{
  public:
    EraseWalk(net::Loop& loop, worker::Shared& shared);
    ~EraseWalk(); // no `erased` after this
    EraseWalk(const EraseWalk&) = delete;
    EraseWalk& operator=(const EraseWalk&) = delete;

    // What is to go is applied. Calls during a walk share the next one.
    void erase(std::function<void()> erased);

  private:
    void step();
    void walk();
    void mark();

    net::Loop& loop_;
    worker::Shared& shared_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    net::Timer timer_;
    std::vector<std::function<void()>> waiting_;
    std::vector<std::function<void()>> served_; // by the walk under way
    std::shared_ptr<std::atomic<bool>> let_go_; // null: walking
    std::uint64_t cursor_ = 0;
    bool walking_ = false;
};
} // namespace tidemark::admin
