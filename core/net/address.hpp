#pragma once
#include "core/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace tidemark::net
{
// Where a socket listens or connects: an IPv4 or IPv6 address with a port, or a unix socket's path.
class Address
{
  public:
    Address() = default;
    // "127.0.0.1:80", "[::1]:80", ":80" (every address, IPv6 and IPv4), "unix:/path". Names are not
    // resolved here.
    [[nodiscard]] static Result<Address, std::string> parse(std::string_view text);
    [[nodiscard]] static Address from(const sockaddr* address);

    [[nodiscard]] bool is_unix() const noexcept { return !path_.empty(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const sockaddr* raw() const noexcept
    {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] bool is_loopback() const noexcept; // unix sockets count
    void set_port(std::uint16_t port) noexcept;
    // The address alone: "192.0.2.7", "2001:db8::1" (a mapped IPv4 address as IPv4), "unix".
    [[nodiscard]] std::string host_text() const;
    // With the port: "192.0.2.7:80", "[2001:db8::1]:80", "unix:/path".
    [[nodiscard]] std::string text() const;

  private:
    sockaddr_storage storage_{};
    std::string path_;
};
} // namespace tidemark::net
