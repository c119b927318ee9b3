#pragma once
#include "bench/sockets.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_map>

namespace tidemark::bench
{
// The site behind the edges: every page is its generation, in digits, and may be stored for an
// hour. One thread of its own.
class Upstream
{
  public:
    Upstream(); // throws std::runtime_error
    ~Upstream();
    Upstream(const Upstream&) = delete;
    Upstream& operator=(const Upstream&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    // What is asked for from now on is new.
    std::uint64_t change() noexcept { return ++generation_; }

  private:
    void run();
    [[nodiscard]] bool serve(const UniqueFd& client, std::string& received);

    UniqueFd listener_;
    std::uint16_t port_ = 0;
    std::atomic<std::uint64_t> generation_{1};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};
} // namespace tidemark::bench
