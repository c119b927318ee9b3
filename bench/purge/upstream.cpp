#include "bench/purge/upstream.hpp"

#include <cerrno>
#include <list>
#include <poll.h>
#include <stdexcept>
#include <vector>

namespace tidemark::bench
{
namespace
{
constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr int kLookAroundMs = 50; // for the end

struct Client {
    UniqueFd fd;
    std::string received;
};
} // namespace

Upstream::Upstream()
{
    const auto where = resolve({"127.0.0.1", "0"});
    auto listener = where ? listen_on(*where, SOCK_NONBLOCK) : fail(where.error());
    if (!listener) throw std::runtime_error(listener.error());
    listener_ = std::move(*listener);
    const std::string text = local_address(listener_).text();
    port_ = static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1)));
    thread_ = std::thread([this] { run(); });
}

Upstream::~Upstream()
{
    stopping_ = true;
    thread_.join();
}

void Upstream::run()
{
    std::list<Client> clients;
    while (!stopping_) {
        std::vector<pollfd> wanted{{listener_.get(), POLLIN, 0}};
        for (const Client& client : clients)
            wanted.push_back({client.fd.get(), POLLIN, 0});
        if (::poll(wanted.data(), wanted.size(), kLookAroundMs) <= 0) continue;
        std::size_t i = 1;
        for (auto client = clients.begin(); client != clients.end(); ++i) {
            const bool goes_on = wanted[i].revents == 0 || serve(client->fd, client->received);
            client = goes_on ? std::next(client) : clients.erase(client);
        }
        UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (fd.is_open()) clients.push_back({std::move(fd), {}});
    }
}

// Requests have no bodies here.
bool Upstream::serve(const UniqueFd& client, std::string& received)
{
    char buffer[16 * 1024];
    const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
    if (got < 0) return errno == EAGAIN;
    if (got == 0 || received.size() > kHeadBytesMax) return false;
    received.append(buffer, static_cast<std::size_t>(got));
    for (std::size_t end = 0; (end = received.find("\r\n\r\n")) != std::string::npos;) {
        received.erase(0, end + 4);
        const std::string body = std::to_string(generation_.load());
        const std::string answer = "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\n"
                                   "Content-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body;
        if (::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return false;
    }
    return true;
}
} // namespace tidemark::bench
