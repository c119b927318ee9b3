#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tidemark::worker
{
// How many connections each client address has open, over all workers. One short lock at accept and
// at close; asked only where a limit is set.
class AddressCounts
{
  public:
    // The number with this one.
    std::uint32_t add(const std::string& address)
    {
        const std::lock_guard lock(mutex_);
        return ++counts_[address];
    }
    void remove(const std::string& address)
    {
        const std::lock_guard lock(mutex_);
        const auto found = counts_.find(address);
        if (found != counts_.end() && --found->second == 0) counts_.erase(found);
    }
    [[nodiscard]] std::size_t addresses() const
    {
        const std::lock_guard lock(mutex_);
        return counts_.size();
    }

  private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::uint32_t> counts_;
};
} // namespace tidemark::worker
