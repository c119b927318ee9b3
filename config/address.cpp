#include "config/address.hpp"

#include "config/quoted.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <optional>

namespace tidemark::config
{
namespace
{
constexpr std::string_view kListenExpected =
    R"("127.0.0.1:8080", "[::1]:8080", ":8080" (all interfaces) or "unix:/path")";
constexpr std::string_view kUpstreamExpected =
    R"("http://host:port", "http://[::1]:3000" or "unix:/path/app.sock")";
constexpr std::size_t kUnixPathBytesMax = 107; // sockaddr_un
constexpr std::size_t kHostBytesMax = 253;

auto misread(std::string message, std::string_view expected)
{
    return fail(Misread{std::move(message), std::string{expected}});
}

bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

bool is_hex(char c) noexcept
{
    return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
}

bool is_host_name(std::string_view text) noexcept
{
    const auto fits = [](char c) {
        const char l = to_lower(c);
        return is_digit(c) || (l >= 'a' && l <= 'z') || c == '-' || c == '.' || c == '_';
    };
    return !text.empty() && text.size() <= kHostBytesMax && text.front() != '.' &&
           text.front() != '-' && text.find("..") == text.npos && std::ranges::all_of(text, fits);
}

// All digits and dots: was meant as an address, so a wrong one is no name.
bool looks_like_ipv4(std::string_view text) noexcept
{
    return text.find_first_not_of("0123456789.") == text.npos;
}

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept
{
    const auto number = parse_decimal(text);
    if (!number || *number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

// Text of an address cut into its parts; the host's brackets are off.
struct HostPort {
    std::string_view host;
    bool bracketed = false;
    std::optional<std::string_view> port;
};

std::optional<HostPort> split_host_port(std::string_view text) noexcept
{
    HostPort parts;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos) return std::nullopt;
        parts.bracketed = true;
        parts.host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else {
        const std::size_t colon = std::min(text.find(':'), text.size());
        parts.host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (rest.empty()) return parts;
    if (rest.front() != ':') return std::nullopt;
    parts.port = rest.substr(1);
    return parts;
}

Result<Address, Misread> unix_address(std::string_view path, std::string_view text,
                                      std::string_view expected)
{
    if (!path.starts_with('/') || path.size() < 2 || path.find('\0') != path.npos)
        return misread(quoted(text) + " has no absolute path after unix:", expected);
    if (path.size() > kUnixPathBytesMax)
        return misread("the path of " + quoted(text) + " is longer than a unix socket's can be",
                       "at most 107 bytes");
    return UnixAddress{std::string{path}};
}

Result<std::string, Misread> listen_host(const HostPort& parts, std::string_view text)
{
    if (parts.bracketed) {
        if (is_ipv6(parts.host)) return std::string{parts.host};
        return misread(quoted(parts.host) + " in " + quoted(text) + " is no IPv6 address",
                       kListenExpected);
    }
    if (parts.host.empty() || parts.host == "*") return std::string{};
    if (iequals(parts.host, "localhost")) return std::string{"127.0.0.1"};
    if (is_ipv4(parts.host)) return std::string{parts.host};
    return misread(quoted(parts.host) + " in " + quoted(text) + " is no IP address",
                   kListenExpected);
}

Result<std::string, Misread> upstream_host(const HostPort& parts, std::string_view text)
{
    const bool good = parts.bracketed               ? is_ipv6(parts.host)
                      : looks_like_ipv4(parts.host) ? is_ipv4(parts.host)
                                                    : is_host_name(parts.host);
    if (good) return std::string{parts.host};
    return misread(quoted(parts.host) + " in " + quoted(text) +
                       " is neither a host name nor an address",
                   kUpstreamExpected);
}

std::string authority_of(const TcpAddress& address)
{
    std::string out;
    const bool ipv6 = address.host.find(':') != std::string::npos;
    if (ipv6) out += '[';
    append_lower(out, address.host);
    if (ipv6) out += ']';
    if (address.port != 80) out += ":" + std::to_string(address.port);
    return out;
}

Result<UpstreamUrl, Misread> unix_upstream(std::string_view path, std::string_view text)
{
    return unix_address(path, text, kUpstreamExpected).map([&](Address address) {
        return UpstreamUrl{std::move(address), "localhost", std::string{text}};
    });
}

// What follows "http://", without a single '/' at its end.
Result<UpstreamUrl, Misread> http_upstream(std::string_view authority, std::string_view text)
{
    if (authority.find('@') != authority.npos)
        return misread("the upstream URL names a user", kUpstreamExpected);
    if (authority.ends_with('/')) authority.remove_suffix(1);
    if (authority.find_first_of("/?#") != authority.npos)
        return misread("the upstream URL " + quoted(text) + " has a path or a query",
                       kUpstreamExpected);

    const auto parts = split_host_port(authority);
    if (!parts) return misread(quoted(text) + " is no upstream URL", kUpstreamExpected);
    const auto port = parse_port(parts->port.value_or("80"));
    if (!port || *port == 0)
        return misread("the port of " + quoted(text) + " is none", "a port from 1 to 65535");
    return upstream_host(*parts, text).map([&](std::string host) {
        const TcpAddress address{std::move(host), *port};
        return UpstreamUrl{address, authority_of(address), std::string{text}};
    });
}

// Groups of one side of "::". Nothing if one is wrong. The last may be a dotted IPv4 address, which
// counts twice.
std::optional<std::size_t> count_ipv6_groups(std::string_view text, bool last_side) noexcept
{
    std::size_t groups = 0;
    if (text.empty()) return groups;
    for (;;) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == text.npos && last_side && is_ipv4(group)) return groups + 2;
        if (group.empty() || group.size() > 4 || !std::ranges::all_of(group, is_hex))
            return std::nullopt;
        ++groups;
        if (colon == text.npos) return groups;
        text.remove_prefix(colon + 1);
    }
}
} // namespace

bool is_ipv4(std::string_view text) noexcept
{
    for (int octet = 0; octet < 4; ++octet) {
        const std::size_t end = octet < 3 ? text.find('.') : text.size();
        if (end == text.npos || end > 3) return false;
        const std::string_view digits = text.substr(0, end);
        const auto value = parse_decimal(digits);
        if (!value || *value > 255 || (digits.size() > 1 && digits.front() == '0')) return false;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return true;
}

bool is_ipv6(std::string_view text) noexcept
{
    if (text.size() > 45) return false;
    const std::size_t gap = text.find("::");
    if (gap == text.npos) return count_ipv6_groups(text, true) == 8;
    const auto before = count_ipv6_groups(text.substr(0, gap), false);
    const auto after = count_ipv6_groups(text.substr(gap + 2), true);
    return before && after && *before + *after <= 7;
}

Result<Address, Misread> parse_listen_address(std::string_view text)
{
    if (text.starts_with("unix:")) return unix_address(text.substr(5), text, kListenExpected);
    const auto parts = split_host_port(text);
    if (!parts) return misread(quoted(text) + " is no address", kListenExpected);
    if (!parts->port) return misread(quoted(text) + " has no port", kListenExpected);
    const auto port = parse_port(*parts->port);
    if (!port) return misread("the port of " + quoted(text) + " is none", "a port from 0 to 65535");
    return listen_host(*parts, text).map([&](std::string host) {
        return Address{TcpAddress{std::move(host), *port}};
    });
}

std::string text_of(const Address& address)
{
    if (const auto* local = std::get_if<UnixAddress>(&address)) return "unix:" + local->path;
    const auto& tcp = std::get<TcpAddress>(address);
    const bool ipv6 = tcp.host.find(':') != std::string::npos;
    return (ipv6 ? "[" + tcp.host + "]" : tcp.host) + ":" + std::to_string(tcp.port);
}

bool is_loopback(const Address& address) noexcept
{
    const auto* tcp = std::get_if<TcpAddress>(&address);
    if (tcp == nullptr) return true;
    return tcp->host == "::1" || (is_ipv4(tcp->host) && tcp->host.starts_with("127."));
}

Result<UpstreamUrl, Misread> parse_upstream_url(std::string_view text)
{
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view scheme = text.substr(0, colon);
    const std::string_view rest = text.substr(std::min(colon + 1, text.size()));
    if (scheme == "unix" || iequals(scheme, "http+unix")) return unix_upstream(rest, text);
    if (iequals(scheme, "https") && rest.starts_with("//"))
        return misread("https upstreams are not supported yet by this build", kUpstreamExpected);
    if (iequals(scheme, "http") && rest.starts_with("//"))
        return http_upstream(rest.substr(2), text);
    return misread(quoted(text) + " is no upstream URL", kUpstreamExpected);
}
} // namespace tidemark::config
