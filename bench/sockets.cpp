#include "bench/sockets.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace tidemark::bench
{
UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept
{
    if (this != &other) {
        close();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void UniqueFd::close() noexcept
{
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

std::string SocketAddress::text() const
{
    char host[NI_MAXHOST];
    char port[NI_MAXSERV];
    const int failed = getnameinfo(get(), bytes, host, sizeof host, port, sizeof port,
                                   NI_NUMERICHOST | NI_NUMERICSERV);
    if (failed != 0) return "(unknown address)";
    const bool v6 = storage.ss_family == AF_INET6;
    return (v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + port;
}

Result<HostPort, std::string> parse_host_port(std::string_view text)
{
    const auto bad = [&] {
        return fail("'" + std::string(text) + "' is not ADDRESS:PORT, as in 127.0.0.1:8080");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return bad();
    std::string_view host = text.substr(0, colon);
    if (host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return bad();
    if (host.empty()) return bad();
    return HostPort{std::string(host), std::string(text.substr(colon + 1))};
}

Result<SocketAddress, std::string> resolve(const HostPort& where)
{
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &found))
        return fail(where.host + ":" + where.port + ": " + gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
    SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.bytes = found->ai_addrlen;
    return address;
}

Result<UniqueFd, std::string> listen_on(const SocketAddress& address, int type_flags)
{
    UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | type_flags, 0));
    const int yes = 1;
    if (!fd.is_open() || setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd.get(), address.get(), address.bytes) != 0 || listen(fd.get(), SOMAXCONN) != 0)
        return fail("cannot listen on " + address.text() + ": " + std::strerror(errno));
    return fd;
}

SocketAddress local_address(const UniqueFd& socket)
{
    SocketAddress address;
    address.bytes = sizeof address.storage;
    getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.bytes);
    return address;
}

void disable_delay(int fd) noexcept
{
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

UniqueFd start_connect(const SocketAddress& address) noexcept
{
    UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd.is_open()) return fd;
    disable_delay(fd.get());
    if (connect(fd.get(), address.get(), address.bytes) != 0 && errno != EINPROGRESS) fd.close();
    return fd;
}
} // namespace tidemark::bench
