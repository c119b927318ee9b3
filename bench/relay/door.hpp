#pragma once
#include "bench/relay/relay.hpp"
#include "bench/relay/stream.hpp"
#include "bench/relay/watched.hpp"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// One port of the relay, with all that passes through it. On the relay's thread.
namespace tidemark::bench::relay
{
// Both protocols on one port.
struct Bound {
    UniqueFd tcp;
    UniqueFd udp;
    std::uint16_t port = 0;
};
// On a port that the kernel chose. Throws std::system_error.
[[nodiscard]] Bound bind_both();

// One address from which a client sends datagrams to a door, and the socket that the target sees
// in its place.
class Flow final : public Source
{
  public:
    Flow(int epoll, Door& door, const sockaddr_in& client, std::uint16_t target);
    void on_ready() override;
    void close() { socket_.want(0); }
    [[nodiscard]] bool is_of(const sockaddr_in& client) const
    {
        return client.sin_port == client_.sin_port &&
               client.sin_addr.s_addr == client_.sin_addr.s_addr;
    }
    [[nodiscard]] const sockaddr_in& client() const { return client_; }
    [[nodiscard]] int fd() const { return socket_.fd(); }

  private:
    Door& door_;
    const sockaddr_in client_;
    Watched socket_;
};

class Door
{
  public:
    Door(Shared& shared, Bound bound, std::uint64_t seed);

    void set(const PathConditions& conditions, Way way) { path(way).set(conditions); }
    [[nodiscard]] Path& path(Way way) { return paths_[static_cast<std::size_t>(way)]; }
    [[nodiscard]] WayCounters& counted(Way way)
    {
        return way == Way::to_target ? counters.to_target : counters.to_client;
    }
    void take_datagram(std::string_view bytes, const std::shared_ptr<Flow>& flow, Way way);
    void take_answers(Flow& flow);
    void deliver(const Datagram& datagram);
    void pump_streams();
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    void break_streams();

    std::uint16_t port;
    bool partitioned = false;
    bool udp_blocked = false;
    DoorCounters counters;

  private:
    struct Listener final : public Source {
        Listener(Door& of, int epoll, UniqueFd fd) : door(of), socket(epoll, std::move(fd), *this)
        {
            socket.want(EPOLLIN);
        }
        void on_ready() override { door.accept(); }
        Door& door;
        Watched socket;
    };
    struct Receiver final : public Source {
        Receiver(Door& of, int epoll, UniqueFd fd) : door(of), socket(epoll, std::move(fd), *this)
        {
            socket.want(EPOLLIN);
        }
        void on_ready() override { door.receive(); }
        Door& door;
        Watched socket;
    };
    void accept();
    void receive();
    std::shared_ptr<Flow> flow_of(const sockaddr_in& client);

    Shared& shared_;
    Path paths_[2];
    Listener listener_;
    Receiver receiver_;
    std::list<std::shared_ptr<Flow>> flows_; // used last, first
    std::list<Stream> streams_;
};
} // namespace tidemark::bench::relay
