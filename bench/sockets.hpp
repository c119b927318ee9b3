#pragma once
#include "core/base/result.hpp"

#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>

// Plain sockets, as the load generator and the floor use them: with nothing between them and the
// kernel.
namespace tidemark::bench
{
class UniqueFd
{
  public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    ~UniqueFd() { close(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
    void close() noexcept;

  private:
    int fd_ = -1;
};

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t bytes = 0;

    [[nodiscard]] const sockaddr* get() const noexcept
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] std::string text() const; // "127.0.0.1:8080", "[::1]:8080"
};

struct HostPort {
    std::string host; // without brackets
    std::string port;
};
// "127.0.0.1:8080", "[::1]:8080", "localhost:8080".
[[nodiscard]] Result<HostPort, std::string> parse_host_port(std::string_view text);

// The errors are sentences for the person at the terminal.
[[nodiscard]] Result<SocketAddress, std::string> resolve(const HostPort& where);
[[nodiscard]] Result<UniqueFd, std::string> listen_on(const SocketAddress& address, int type_flags);
[[nodiscard]] SocketAddress local_address(const UniqueFd& socket);
// Begins to connect a non-blocking stream socket without Nagle's delay; not open if that failed at
// once.
[[nodiscard]] UniqueFd start_connect(const SocketAddress& address) noexcept;
void disable_delay(int fd) noexcept;
} // namespace tidemark::bench
