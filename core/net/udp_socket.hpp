#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/net/address.hpp"
#include "core/net/loop.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace tidemark::net
{
struct Datagram {
    const Address* to; // outlives the call; an IPv4 address also where the socket is dual stack
    ByteView bytes;
};

// A bound UDP socket, IPv4 or IPv6; ":port" takes both. Sending never waits: what the kernel does
// not take now is lost, as datagrams are, and counted. One thread, the loop's.
class UdpSocket
{
  public:
    // `datagram` is borrowed for the call. May destroy the socket: no further call comes then.
    using Received = std::function<void(const Address& from, ByteView datagram)>;
    struct Counters {
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
        std::uint64_t dropped = 0; // not taken by the kernel
    };
    // Of one that is longer only so much is received: the owner sees, and counts, that it is too
    // long for any of ours.
    static constexpr std::size_t kDatagramBytesMax = 2048;

    // Errors: a text for the operator.
    [[nodiscard]] static Result<std::unique_ptr<UdpSocket>, std::string>
    open(Loop& loop, const Address& bind_to, Received received);
    ~UdpSocket(); // receives nothing more from here on
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;

    // The number that the kernel took. A datagram that is refused does not hold up the ones behind
    // it, but a full buffer does: the rest of the call is dropped then.
    std::size_t send(std::span<const Datagram> datagrams) noexcept;

    [[nodiscard]] const Address& local() const noexcept; // with the real port
    [[nodiscard]] const Counters& counters() const noexcept;

  private:
    struct Handle; // outlives the socket until libuv has let go of it
    explicit UdpSocket(Handle* handle) noexcept : handle_(handle) {}
    Handle* handle_;
};
} // namespace tidemark::net
