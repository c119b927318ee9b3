#pragma once
#include "bench/relay/path.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

// A bad network on loopback, between real programs: one port (a door) per edge, each forwarding
// datagrams and streams to the same target and back, as badly as it is told. One thread for all
// doors. Every member may be called from any thread.
namespace tidemark::bench
{
enum class Way : std::uint8_t { to_target, to_client };

// What a door has seen in one direction. Bytes are payload.
struct WayCounters {
    std::uint64_t datagrams = 0; // as sent to the relay, whatever became of them
    std::uint64_t datagram_bytes = 0;
    std::uint64_t lost = 0; // on purpose; of `datagrams`
    std::uint64_t duplicated = 0;
    std::uint64_t stream_bytes = 0;

    friend WayCounters operator-(WayCounters a, const WayCounters& b) noexcept;
};
struct DoorCounters {
    WayCounters to_target;
    WayCounters to_client;
    std::uint64_t streams = 0; // connections taken
};

struct RelayOptions {
    std::uint64_t seed = 1; // each direction of each door draws from its own
    std::size_t doors = 1;
    // How much of a stream may be on its way in one direction: a small window makes a slow stream.
    std::size_t stream_window = 8 * 1024 * 1024;
};

class Relay
{
  public:
    using Options = RelayOptions;
    static constexpr std::size_t kDoorsMax = 1'000;

    // Between 127.0.0.1:port() and 127.0.0.1:`target`, where nobody needs to listen yet. Throws
    // std::system_error.
    explicit Relay(std::uint16_t target, const Options& options = {});
    ~Relay(); // whatever is on its way is lost, streams are reset
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    // TCP and UDP both. The kernel chose it.
    [[nodiscard]] std::uint16_t port(std::size_t door = 0) const;
    [[nodiscard]] std::size_t doors() const noexcept;

    // For both directions of one door, or of all; what is on its way arrives as it would have.
    void set(const PathConditions& conditions);
    void set(const PathConditions& conditions, std::size_t door);
    void set(const PathConditions& conditions, std::size_t door, Way way);
    // One of the conditions, everywhere.
    void set_loss(double loss);
    void set_delay(Nanos delay);
    void set_burst(Nanos burst);

    // Nothing passes: datagrams are lost, streams stand still and go on when it is over.
    void partition(bool on, std::size_t door = 0);
    // Datagrams are lost, streams pass.
    void block_udp(bool on, std::size_t door = 0);
    // Resets the door's streams; new ones are taken as before.
    void break_streams(std::size_t door = 0);

    [[nodiscard]] DoorCounters counters(std::size_t door = 0) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::bench
