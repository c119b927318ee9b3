#pragma once
#include "tests/support/socket.hpp"

#include <cstdint>

namespace tidemark::support
{
// A loopback port that is ours: the socket is bound but never listens, so the kernel gives the port
// to nobody else, another program may still listen on it (both set SO_REUSEADDR), and until one
// does a connection is refused.
class ReservedPort
{
  public:
    explicit ReservedPort(Family family = Family::ipv4);
    // One whose UDP port of the same number is free too. (That one cannot be kept: sharing it would
    // mean to share its datagrams.)
    [[nodiscard]] static ReservedPort free_for_udp_too();
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    FileDescriptor socket_;
    Endpoint endpoint_;
};

// A listener that never accepts and whose queue is full: a connection to it neither succeeds nor
// fails.
class BlackHole
{
  public:
    BlackHole();
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    FileDescriptor listener_;
    FileDescriptor fillers_[8];
    Endpoint endpoint_;
};
} // namespace tidemark::support
