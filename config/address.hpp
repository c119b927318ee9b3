#pragma once
#include "core/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// Where to listen and where to connect, as text from a file or a flag. Pure: names are not resolved
// here.
namespace tidemark::config
{
struct TcpAddress {
    std::string host; // an IPv4 or IPv6 literal without brackets; "" listens on all interfaces,
                      // IPv6 and IPv4 in one socket; in an upstream also a name to resolve
    std::uint16_t port = 0;
    friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};
struct UnixAddress {
    std::string path;
    friend bool operator==(const UnixAddress&, const UnixAddress&) = default;
};
using Address = std::variant<TcpAddress, UnixAddress>;

// What a text should have been. Both are sentences' parts for ConfigError.
struct Misread {
    std::string message;
    std::string expected;
};

// "127.0.0.1:8080", "[::1]:8080", ":8080", "localhost:8080" (which is 127.0.0.1), "unix:/path".
// Port 0 lets the system choose.
[[nodiscard]] Result<Address, Misread> parse_listen_address(std::string_view text);
// The text that parse_listen_address reads.
[[nodiscard]] std::string text_of(const Address& address);
// Only this machine can reach it: 127.0.0.0/8, ::1, a unix socket.
[[nodiscard]] bool is_loopback(const Address& address) noexcept;
// Four decimal octets without leading zeros; RFC 4291 §2.2 with at most one "::" and no zone.
[[nodiscard]] bool is_ipv4(std::string_view text) noexcept;
[[nodiscard]] bool is_ipv6(std::string_view text) noexcept;

struct UpstreamUrl {
    Address address;
    std::string authority; // host[:port] for a Host field, port left out where it is 80;
                           // "localhost" for a unix socket
    std::string text;      // as configured: names the upstream in logs, counters and status
    friend bool operator==(const UpstreamUrl&, const UpstreamUrl&) = default;
};
// "http://host[:port]", "http://[::1]:3000", "unix:/path" (or "http+unix:/path"); one '/' after the
// authority is allowed.
[[nodiscard]] Result<UpstreamUrl, Misread> parse_upstream_url(std::string_view text);
} // namespace tidemark::config
