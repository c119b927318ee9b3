#pragma once
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace tidemark::journal
{
// Work for one thread. Everything that waits is taken at once.
template <class T> class WorkQueue
{
  public:
    void push(T work)
    {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(work));
        }
        changed_.notify_one();
    }
    // What is not taken by now never will be.
    void stop()
    {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_one();
    }
    // All that waits into `taken`; with `wait` at least one. False: stopped.
    [[nodiscard]] bool take(std::vector<T>& taken, bool wait)
    {
        taken.clear();
        std::unique_lock lock(mutex_);
        if (wait) changed_.wait(lock, [&] { return stopped_ || !waiting_.empty(); });
        taken.swap(waiting_);
        return !stopped_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<T> waiting_;
    bool stopped_ = false;
};
} // namespace tidemark::journal
