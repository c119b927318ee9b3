#pragma once
#include "core/net/address.hpp"
#include "core/net/loop.hpp"

#include <functional>
#include <memory>
#include <string>

#include <uv.h>

namespace tidemark::net
{
// A listening socket, opened before the workers start so that a taken port is an error of start-up.
// Each worker has one of its own (SO_REUSEPORT); a unix socket is opened once and shared by
// descriptor.
class ListenSocket
{
  public:
    // `shared`: further sockets of this process may listen there too. The first one is refused if
    // anybody else already does, for a second daemon started by mistake must not take half of the
    // connections. Errors: a text for the operator. A stale unix socket file that nobody listens on
    // is replaced.
    enum class Sharing : std::uint8_t { alone, first, further };
    [[nodiscard]] static Result<ListenSocket, std::string> open(const Address& at, Sharing sharing);
    ListenSocket(ListenSocket&& other) noexcept;
    ListenSocket& operator=(ListenSocket&& other) noexcept;
    ~ListenSocket();
    // Another descriptor for the same socket.
    [[nodiscard]] ListenSocket duplicate() const;
    [[nodiscard]] int release() noexcept;
    [[nodiscard]] const Address& address() const noexcept { return address_; } // with the real port

  private:
    ListenSocket() = default;
    int fd_ = -1;
    Address address_;
};

// Accepts on a loop. `incoming(server, is_unix)` must call Stream::accept at once. close() is
// final.
class Listener
{
  public:
    Listener(Loop& loop, ListenSocket socket, std::function<void(uv_stream_t*, bool)> incoming);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

  private:
    struct Handle;
    Handle* handle_;
};
} // namespace tidemark::net
