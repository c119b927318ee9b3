#pragma once
#include "core/net/address.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace tidemark::worker::test
{
// Gives every connection's first request the same answer, then closes; with an empty answer it
// holds the connection instead. On a thread of its own.
class OnePageOrigin
{
  public:
    explicit OnePageOrigin(std::string answer) : answer_(std::move(answer))
    {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t bytes = sizeof at;
        auto* plain = reinterpret_cast<sockaddr*>(&at);
        if (::bind(listener_, plain, bytes) != 0 || ::listen(listener_, 16) != 0 ||
            ::getsockname(listener_, plain, &bytes) != 0)
            std::abort();
        port_ = ntohs(at.sin_port);
        thread_ = std::thread([this] { run(); });
    }
    ~OnePageOrigin()
    {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        for (const int held : held_)
            ::close(held);
    }
    OnePageOrigin(const OnePageOrigin&) = delete;
    OnePageOrigin& operator=(const OnePageOrigin&) = delete;

    [[nodiscard]] net::Address address() const
    {
        return net::Address::parse("127.0.0.1:" + std::to_string(port_)).value();
    }
    [[nodiscard]] int requests() const noexcept { return requests_.load(); }
    void wait_for_request() const noexcept { requests_.wait(0); }

  private:
    void run()
    {
        for (;;) {
            const int peer = ::accept(listener_, nullptr, nullptr);
            if (peer < 0) return;
            char head[4096];
            if (::recv(peer, head, sizeof head, 0) > 0) {
                ++requests_;
                requests_.notify_all();
            }
            if (answer_.empty()) {
                held_.push_back(peer);
                continue;
            }
            for (std::size_t sent = 0; sent < answer_.size();) {
                const ssize_t more =
                    ::send(peer, answer_.data() + sent, answer_.size() - sent, MSG_NOSIGNAL);
                if (more <= 0) break;
                sent += static_cast<std::size_t>(more);
            }
            ::shutdown(peer, SHUT_WR);
            while (::recv(peer, head, sizeof head, 0) > 0) {
            }
            ::close(peer);
        }
    }

    const std::string answer_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> requests_{0};
    std::vector<int> held_;
    std::thread thread_;
};
} // namespace tidemark::worker::test
