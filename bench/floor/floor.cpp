#include "bench/floor/floor.hpp"

#include "bench/sockets.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <sys/epoll.h>
#include <unordered_map>
#include <vector>

namespace tidemark::bench
{
namespace
{
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kUnsentBytesMax = std::size_t{256} * 1024 * 1024;
constexpr int kEventsAtOnce = 256;

std::string response_of(std::uint64_t body_bytes)
{
    std::string response = "HTTP/1.1 200 OK\r\nServer: floor\r\nContent-Type: text/plain\r\n"
                           "Cache-Control: public, max-age=60\r\nContent-Length: " +
                           std::to_string(body_bytes) + "\r\n\r\n";
    response.append(body_bytes, 'x');
    return response;
}

struct Connection {
    UniqueFd fd;
    std::size_t head_bytes = 0; // of a head that has not ended
    unsigned matched = 0;       // bytes of kHeadEnd seen at its end
    std::string unsent;
    bool wants_write = false;
};

// The state of `matched` after one more byte; 4 is a whole end.
unsigned next_match(unsigned matched, char c) noexcept
{
    if (c == kHeadEnd[matched]) return matched + 1;
    return c == '\r' ? 1 : 0;
}

class Floor
{
  public:
    Floor(UniqueFd listener, std::uint64_t body_bytes)
        : listener_(std::move(listener)), epoll_(epoll_create1(EPOLL_CLOEXEC)),
          response_(response_of(body_bytes))
    {
        set_interest(EPOLL_CTL_ADD, listener_.get(), EPOLLIN);
    }

    void serve()
    {
        std::array<epoll_event, kEventsAtOnce> events;
        for (;;) {
            const int count = epoll_wait(epoll_.get(), events.data(), kEventsAtOnce, -1);
            if (count < 0 && errno != EINTR) return;
            for (int i = 0; i < count; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_.get())
                    accept_all();
                else
                    on_event(event.events, connections_[static_cast<std::size_t>(event.data.fd)]);
            }
        }
    }

  private:
    void set_interest(int operation, int fd, std::uint32_t events)
    {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        epoll_ctl(epoll_.get(), operation, fd, &event);
    }

    void accept_all()
    {
        for (;;) {
            UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd.is_open()) return;
            disable_delay(fd.get());
            set_interest(EPOLL_CTL_ADD, fd.get(), EPOLLIN);
            const auto slot = static_cast<std::size_t>(fd.get());
            if (connections_.size() <= slot) connections_.resize(slot + 1);
            connections_[slot] = Connection{};
            connections_[slot].fd = std::move(fd);
        }
    }

    void on_event(std::uint32_t events, Connection& connection)
    {
        if (!connection.fd.is_open()) return;
        if (connection.wants_write) {
            if (events & (EPOLLERR | EPOLLHUP)) return connection.fd.close();
            send_unsent(connection);
            return;
        }
        const ssize_t got = recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (got <= 0) return connection.fd.close();
        answer(connection, count_heads(connection, static_cast<std::size_t>(got)));
    }

    // How many heads end in the bytes just read.
    std::size_t count_heads(Connection& connection, std::size_t bytes)
    {
        const std::string_view read(buffer_.data(), bytes);
        if (connection.matched == 0 && read.ends_with(kHeadEnd) &&
            read.find(kHeadEnd) + kHeadEnd.size() == bytes) { // one request, whole: the usual case
            connection.head_bytes = 0;
            return 1;
        }
        std::size_t heads = 0;
        for (const char c : read) {
            ++connection.head_bytes;
            connection.matched = next_match(connection.matched, c);
            if (connection.matched < kHeadEnd.size()) continue;
            ++heads;
            connection.matched = 0;
            connection.head_bytes = 0;
        }
        return heads;
    }

    // All answers in one write.
    void answer(Connection& connection, std::size_t heads)
    {
        if (connection.head_bytes > kHeadBytesMax) return connection.fd.close();
        if (heads == 0) return;
        if (response_.size() * heads > kUnsentBytesMax) return connection.fd.close();
        std::string_view out = response_;
        if (heads > 1) {
            while (many_.size() < response_.size() * heads)
                many_ += response_;
            out = std::string_view(many_).substr(0, response_.size() * heads);
        }
        const ssize_t sent = send(connection.fd.get(), out.data(), out.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return connection.fd.close();
        const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        if (taken == out.size()) return;
        connection.unsent.assign(out.substr(taken));
        connection.wants_write = true; // and reads no more until it is sent
        set_interest(EPOLL_CTL_MOD, connection.fd.get(), EPOLLOUT);
    }

    void send_unsent(Connection& connection)
    {
        const ssize_t sent = send(connection.fd.get(), connection.unsent.data(),
                                  connection.unsent.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) return connection.fd.close();
        connection.unsent.erase(0, static_cast<std::size_t>(sent));
        if (!connection.unsent.empty()) return;
        connection.wants_write = false;
        set_interest(EPOLL_CTL_MOD, connection.fd.get(), EPOLLIN);
    }

    UniqueFd listener_;
    UniqueFd epoll_;
    std::string response_;
    std::string many_; // response_ several times over
    std::array<char, kReadBytes> buffer_;
    std::vector<Connection> connections_; // by descriptor
};
} // namespace

int run_floor(const FloorOptions& options)
{
    const auto where = parse_host_port(options.listen);
    const auto address = where ? resolve(*where) : fail(where.error());
    auto listener = address ? listen_on(*address, SOCK_NONBLOCK) : fail(address.error());
    if (!listener) {
        std::fprintf(stderr, "tidemark-bench floor: %s\n", listener.error().c_str());
        return 2;
    }
    std::printf("listening on %s\n", local_address(*listener).text().c_str());
    std::fflush(stdout);
    Floor(std::move(*listener), options.body_bytes).serve();
    return 0;
}
} // namespace tidemark::bench
