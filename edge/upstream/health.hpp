#pragma once
#include "core/base/time.hpp"
#include "core/net/address.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

// The upstreams of one site as all workers share them: where they are, whether they answer, whose
// turn it is.
namespace tidemark::upstream
{
// After `fail_after` failures in a row an upstream rests for `retry_after`; then one request at a
// time tries it again. Counts are shared by the workers without locks; a lost update only delays
// the verdict by one failure.
class Health
{
  public:
    Health(std::uint32_t fail_after, Millis retry_after) noexcept
        : fail_after_(fail_after), retry_after_(retry_after)
    {
    }
    // True if a request may go there now. A resting upstream whose time is over lets one request
    // through per retry_after.
    [[nodiscard]] bool admits(MonoTime now) noexcept;
    [[nodiscard]] bool up(MonoTime now) const noexcept;
    // True if this changed the verdict, for the log.
    bool succeeded() noexcept;
    bool failed(MonoTime now) noexcept;
    // A new configuration's; what was counted stays.
    void set_rules(std::uint32_t fail_after, Millis retry_after) noexcept;

  private:
    [[nodiscard]] std::int64_t rest_from(MonoTime now) const noexcept;

    std::atomic<std::uint32_t> fail_after_;
    std::atomic<Millis> retry_after_;
    std::atomic<std::uint32_t> failures_{0};
    std::atomic<std::int64_t> resting_until_ns_{0}; // 0: up
};

struct Upstream {
    Upstream(std::string configured, std::string authority_text, std::uint32_t fail_after,
             Millis retry_after)
        : name(std::move(configured)), authority(std::move(authority_text)),
          health(fail_after, retry_after)
    {
    }

    const std::string name;      // as configured
    const std::string authority; // for a Host field where the site does not keep the client's
    Health health;
    std::atomic<std::uint32_t> connections{0}; // all workers together
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> failures{0};

    // Names are looked up again now and then; connections in the pool stay.
    [[nodiscard]] std::vector<net::Address> addresses() const;
    void set_addresses(std::vector<net::Address> addresses);

  private:
    mutable std::mutex mutex_;
    std::vector<net::Address> addresses_;
};

// Round robin over those that are up; when none is, over all of them (somebody has to find out).
class UpstreamGroup
{
  public:
    explicit UpstreamGroup(std::vector<std::shared_ptr<Upstream>> members)
        : members_(std::move(members))
    {
    }
    // Skips `except` (which has just failed this request) if there is another. Never null.
    [[nodiscard]] const std::shared_ptr<Upstream>& pick(MonoTime now,
                                                        const Upstream* except = nullptr);
    [[nodiscard]] const std::vector<std::shared_ptr<Upstream>>& members() const noexcept
    {
        return members_;
    }

  private:
    std::vector<std::shared_ptr<Upstream>> members_;
    std::atomic<std::uint32_t> turn_{0};
};
} // namespace tidemark::upstream
