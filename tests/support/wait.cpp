#include "tests/support/wait.hpp"

#include <poll.h>

namespace tidemark::support
{
Deadline soon(Clock::duration patience)
{
    return Clock::now() + patience;
}

bool poll_until(Deadline deadline, const std::function<bool()>& condition)
{
    constexpr int kPauseMs = 2;
    while (!condition()) {
        if (Clock::now() >= deadline) return condition();
        ::poll(nullptr, 0, kPauseMs);
    }
    return true;
}

void Gate::open()
{
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
}

bool Gate::wait(Deadline deadline)
{
    std::unique_lock lock(mutex_);
    ++arrivals_;
    changed_.notify_all();
    return changed_.wait_until(lock, deadline, [this] { return open_; });
}

void Gate::wait_for_arrivals(int count, Deadline deadline)
{
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [&] { return arrivals_ >= count; }))
        throw Timeout(std::to_string(count) + " arrivals at a gate, saw " +
                      std::to_string(arrivals_));
}
} // namespace tidemark::support
