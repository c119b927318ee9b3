#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>

// Everything a test waits for has a deadline; one that passed is an exception that says what for.
namespace tidemark::support
{
using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

// Long enough for a sanitized program on a busy machine: only a failing test ever waits for it.
inline constexpr std::chrono::seconds kPatience{30};
[[nodiscard]] Deadline soon(Clock::duration patience = kPatience);

struct Timeout : std::runtime_error {
    explicit Timeout(const std::string& what) : std::runtime_error("in vain waited for " + what) {}
};

// True as soon as `condition` holds, false if it still does not at the deadline. For what only
// polling can see: another process's files, memory, sockets. Threads of ours use a Gate.
[[nodiscard]] bool poll_until(Deadline deadline, const std::function<bool()>& condition);

// Holds threads until somebody opens it; open for ever afterwards.
class Gate
{
  public:
    void open();
    // False at the deadline.
    [[nodiscard]] bool wait(Deadline deadline = soon());
    // Until `count` threads have come to wait here, those since gone included. Throws Timeout.
    void wait_for_arrivals(int count, Deadline deadline = soon());

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int arrivals_ = 0;
    bool open_ = false;
};
} // namespace tidemark::support
