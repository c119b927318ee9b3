#include "core/net/address.hpp"

#include "core/base/text.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/un.h>

namespace tidemark::net
{
namespace
{
Result<std::uint16_t, std::string> parse_port(std::string_view text)
{
    const auto port = parse_decimal(text);
    if (!port || *port > 65535)
        return fail(std::string("not a port: \"") + std::string(text) + "\"");
    return static_cast<std::uint16_t>(*port);
}
} // namespace

Result<Address, std::string> Address::parse(std::string_view text)
{
    Address out;
    if (text.starts_with("unix:")) {
        out.path_ = text.substr(5);
        if (out.path_.empty() || out.path_.size() >= sizeof(sockaddr_un::sun_path))
            return fail(std::string("not a socket path of 1 to 107 bytes"));
        out.storage_.ss_family = AF_UNIX;
        return out;
    }
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return fail(std::string("no port: expected ADDR:PORT"));
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return fail(port.error());
    std::string host(text.substr(0, colon));
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    if (host.empty()) host = "::";
    if (bracketed || host == "::") {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage_);
        if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) != 1)
            return fail("not an IPv6 address: \"" + host + "\"");
        v6->sin6_family = AF_INET6;
    } else {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage_);
        if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) != 1)
            return fail("not an IP address: \"" + host + "\"");
        v4->sin_family = AF_INET;
    }
    out.set_port(*port);
    return out;
}

Address Address::from(const sockaddr* address)
{
    Address out;
    if (address->sa_family == AF_INET)
        std::memcpy(&out.storage_, address, sizeof(sockaddr_in));
    else if (address->sa_family == AF_INET6)
        std::memcpy(&out.storage_, address, sizeof(sockaddr_in6));
    else
        out.storage_.ss_family = AF_UNIX;
    return out;
}

std::uint16_t Address::port() const noexcept
{
    if (family() == AF_INET)
        return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    if (family() == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    return 0;
}

void Address::set_port(std::uint16_t port) noexcept
{
    if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
    if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage_)->sin6_port = htons(port);
}

bool Address::is_loopback() const noexcept
{
    if (family() == AF_UNIX) return true;
    if (family() == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
        return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

std::string Address::host_text() const
{
    char text[INET6_ADDRSTRLEN] = {};
    if (family() == AF_INET) {
        inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
                  sizeof text);
        return text;
    }
    if (family() != AF_INET6) return "unix";
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    else
        inet_ntop(AF_INET6, &v6, text, sizeof text);
    return text;
}

std::string Address::text() const
{
    if (family() == AF_UNIX) return "unix:" + path_;
    const std::string host = host_text();
    const bool colons = host.find(':') != std::string::npos;
    return (colons ? "[" + host + "]" : host) + ":" + std::to_string(port());
}
} // namespace tidemark::net
