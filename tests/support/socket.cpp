#include "tests/support/socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace tidemark::support
{
namespace
{
struct Address {
    sockaddr_storage storage{};
    socklen_t bytes = 0;
    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address address_of(const Endpoint& where)
{
    Address address;
    if (where.family == Family::ipv4) {
        auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
        in.sin_family = AF_INET;
        in.sin_port = htons(where.port);
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.bytes = sizeof in;
    } else if (where.family == Family::ipv6) {
        auto& in = reinterpret_cast<sockaddr_in6&>(address.storage);
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(where.port);
        in.sin6_addr = in6addr_loopback;
        address.bytes = sizeof in;
    } else {
        auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
        un.sun_family = AF_UNIX;
        where.path.copy(un.sun_path, sizeof un.sun_path - 1);
        address.bytes = sizeof un;
    }
    return address;
}

[[noreturn]] void throw_errno(const std::string& what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_socket(const Endpoint& where)
{
    FileDescriptor fd(::socket(address_of(where).storage.ss_family,
                               SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) throw_errno("socket");
    if (where.family != Family::unix_path) {
        const int on = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return fd;
}

bool gone(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ENOTCONN;
}
} // namespace

std::string Endpoint::authority() const
{
    if (family == Family::unix_path) return "localhost";
    return (family == Family::ipv4 ? "127.0.0.1:" : "[::1]:") + std::to_string(port);
}

std::string Endpoint::listen_flag() const
{
    return family == Family::unix_path ? "unix:" + path : authority();
}

std::string Endpoint::upstream_url() const
{
    return family == Family::unix_path ? "unix:" + path : "http://" + authority();
}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept
{
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int FileDescriptor::release() noexcept
{
    return std::exchange(fd_, -1);
}

void FileDescriptor::reset() noexcept
{
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void wait_until_ready(int fd, short events, Deadline deadline, const char* what)
{
    pollfd entry{fd, events, 0};
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        const int ready = ::poll(&entry, 1, static_cast<int>(std::max<long>(left, 0)));
        if (ready > 0) return;
        if (ready == 0) throw Timeout(what);
        if (errno != EINTR) throw_errno("poll");
    }
}

Socket Socket::connect(const Endpoint& where, Deadline deadline)
{
    FileDescriptor fd = open_socket(where);
    Address address = address_of(where);
    if (::connect(fd.get(), address.get(), address.bytes) != 0) {
        if (errno != EINPROGRESS) throw_errno("connect to " + where.listen_flag());
        wait_until_ready(fd.get(), POLLOUT, deadline, "a connection");
        socklen_t bytes = sizeof errno;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &errno, &bytes);
        if (errno != 0) throw_errno("connect to " + where.listen_flag());
    }
    return Socket(std::move(fd));
}

std::string Socket::read_some(std::size_t most, Deadline deadline)
{
    std::string bytes(most, '\0');
    for (;;) {
        const ssize_t got = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
        if (got >= 0) {
            bytes.resize(static_cast<std::size_t>(got));
            return bytes;
        }
        if (gone(errno)) throw ConnectionReset();
        if (errno != EAGAIN && errno != EINTR) throw_errno("recv");
        wait_until_ready(fd_.get(), POLLIN, deadline, "bytes of the peer");
    }
}

std::size_t Socket::write_now(std::string_view bytes)
{
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (gone(errno)) throw ConnectionReset();
    if (errno != EAGAIN && errno != EINTR) throw_errno("send");
    return 0;
}

bool Socket::write(std::string_view bytes, Deadline deadline)
{
    try {
        while (!bytes.empty()) {
            const std::size_t sent = write_now(bytes);
            bytes.remove_prefix(sent);
            if (sent == 0) wait_until_ready(fd_.get(), POLLOUT, deadline, "the peer to take bytes");
        }
        return true;
    } catch (const ConnectionReset&) {
        return false;
    }
}

void Socket::end_writing() noexcept
{
    ::shutdown(fd_.get(), SHUT_WR);
}

void Socket::abort() noexcept
{
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
}

void Socket::reset_peer() noexcept
{
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC; // disconnects (connect(2)), which on TCP is a reset
    static_cast<void>(::connect(fd_.get(), &nowhere, sizeof nowhere));
}

void Socket::wake() noexcept
{
    ::shutdown(fd_.get(), SHUT_RDWR);
}

void Socket::set_receive_buffer(int bytes) noexcept
{
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

FileDescriptor bound_socket(Endpoint& where, bool reuse_port)
{
    FileDescriptor fd = open_socket(where);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    Address address = address_of(where);
    if (::bind(fd.get(), address.get(), address.bytes) != 0)
        throw_errno("bind " + where.listen_flag());
    if (where.family != Family::unix_path) {
        ::getsockname(fd.get(), address.get(), &address.bytes);
        where.port = ntohs(reinterpret_cast<sockaddr_in&>(address.storage).sin_port);
    }
    return fd;
}

FileDescriptor listen_on(Endpoint& where, int backlog)
{
    FileDescriptor fd = bound_socket(where, false);
    if (::listen(fd.get(), backlog) != 0) throw_errno("listen");
    return fd;
}
} // namespace tidemark::support
