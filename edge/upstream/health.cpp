#include "edge/upstream/health.hpp"

namespace tidemark::upstream
{
bool Health::up(MonoTime now) const noexcept
{
    static_cast<void>(now);
    return resting_until_ns_.load(std::memory_order_relaxed) == 0;
}

bool Health::admits(MonoTime now) noexcept
{
    std::int64_t until = resting_until_ns_.load(std::memory_order_relaxed);
    if (until == 0) return true;
    if (now.time_since_epoch().count() < until) return false;
    return resting_until_ns_.compare_exchange_strong(until, rest_from(now),
                                                     std::memory_order_relaxed);
}

bool Health::succeeded() noexcept
{
    if (failures_.load(std::memory_order_relaxed) != 0)
        failures_.store(0, std::memory_order_relaxed);
    if (resting_until_ns_.load(std::memory_order_relaxed) == 0) return false;
    return resting_until_ns_.exchange(0, std::memory_order_relaxed) != 0;
}

bool Health::failed(MonoTime now) noexcept
{
    const std::uint32_t failures = failures_.fetch_add(1, std::memory_order_relaxed) + 1;
    if (failures < fail_after_.load(std::memory_order_relaxed)) return false;
    return resting_until_ns_.exchange(rest_from(now), std::memory_order_relaxed) == 0;
}

void Health::set_rules(std::uint32_t fail_after, Millis retry_after) noexcept
{
    fail_after_.store(fail_after, std::memory_order_relaxed);
    retry_after_.store(retry_after, std::memory_order_relaxed);
}

std::int64_t Health::rest_from(MonoTime now) const noexcept
{
    return (now + retry_after_.load(std::memory_order_relaxed)).time_since_epoch().count();
}

std::vector<net::Address> Upstream::addresses() const
{
    const std::lock_guard lock(mutex_);
    return addresses_;
}

void Upstream::set_addresses(std::vector<net::Address> addresses)
{
    const std::lock_guard lock(mutex_);
    addresses_ = std::move(addresses);
}

const std::shared_ptr<Upstream>& UpstreamGroup::pick(MonoTime now, const Upstream* except)
{
    const std::uint32_t start = turn_.fetch_add(1, std::memory_order_relaxed);
    const auto at = [&](std::size_t i) -> const std::shared_ptr<Upstream>& {
        return members_[(start + i) % members_.size()];
    };
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (at(i).get() != except && at(i)->health.admits(now)) return at(i);
    for (std::size_t i = 0; i < members_.size(); ++i)
        if (at(i).get() != except) return at(i);
    return at(0);
}
} // namespace tidemark::upstream
