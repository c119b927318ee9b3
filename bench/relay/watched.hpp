#pragma once
#include "bench/sockets.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

// Descriptors that epoll looks at, of the relay's one thread.
namespace tidemark::bench::relay
{
inline sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

inline const sockaddr* generic(const sockaddr_in& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}
inline sockaddr* generic(sockaddr_in& address)
{
    return reinterpret_cast<sockaddr*>(&address);
}

[[noreturn]] inline void throw_errno(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

inline UniqueFd opened(int type)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) throw_errno("socket");
    return fd;
}

// What epoll points at.
class Source
{
  public:
    virtual void on_ready() = 0;

  protected:
    ~Source() = default;
};

// A descriptor and what epoll is asked about it. Asked nothing, it is taken out: errors and
// hang-ups would be reported all the same.
class Watched
{
  public:
    Watched(int epoll, UniqueFd fd, Source& source)
        : epoll_(epoll), fd_(std::move(fd)), source_(source)
    {
    }
    ~Watched() { want(0); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    void want(std::uint32_t events)
    {
        if (events == wanted_) return;
        epoll_event event{};
        event.events = events;
        event.data.ptr = &source_;
        const int change = events == 0    ? EPOLL_CTL_DEL
                           : wanted_ == 0 ? EPOLL_CTL_ADD
                                          : EPOLL_CTL_MOD;
        ::epoll_ctl(epoll_, change, fd_.get(), &event);
        wanted_ = events;
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    int epoll_;
    UniqueFd fd_;
    Source& source_;
    std::uint32_t wanted_ = 0;
};
} // namespace tidemark::bench::relay
