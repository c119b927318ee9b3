#include "bench/relay/door.hpp"

#include <algorithm>

namespace tidemark::bench::relay
{
namespace
{
constexpr std::size_t kDatagramBytesMax = 64 * 1024;
constexpr std::size_t kFlowsMax = 64;     // client addresses of a door
constexpr std::size_t kStreamsMax = 1024; // of a door
constexpr int kPerEvent = 64;             // datagrams or connections before others have their turn

// The relay loses what it is told to, and nothing by itself.
void enlarge_buffers(int fd)
{
    const int bytes = 4 * 1024 * 1024;
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF})
        if (::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) != 0) continue;
}

} // namespace

Bound bind_both()
{
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        Bound bound{opened(SOCK_STREAM), opened(SOCK_DGRAM), 0};
        sockaddr_in at = loopback(0);
        socklen_t bytes = sizeof at;
        if (::bind(bound.tcp.get(), generic(at), sizeof at) != 0) throw_errno("bind");
        ::getsockname(bound.tcp.get(), generic(at), &bytes);
        if (::bind(bound.udp.get(), generic(at), sizeof at) != 0) continue;
        if (::listen(bound.tcp.get(), SOMAXCONN) != 0) throw_errno("listen");
        enlarge_buffers(bound.udp.get());
        bound.port = ntohs(at.sin_port);
        return bound;
    }
    throw_errno("bind TCP and UDP to one port");
}

Flow::Flow(int epoll, Door& door, const sockaddr_in& client, std::uint16_t target)
    : door_(door), client_(client), socket_(epoll, opened(SOCK_DGRAM), *this)
{
    enlarge_buffers(fd());
    const sockaddr_in to = loopback(target);
    if (::connect(fd(), generic(to), sizeof to) != 0) throw_errno("connect");
    socket_.want(EPOLLIN);
}

void Flow::on_ready()
{
    door_.take_answers(*this);
}

void Door::take_answers(Flow& flow)
{
    const auto same = [&](const std::shared_ptr<Flow>& other) { return other.get() == &flow; };
    const auto found = std::find_if(flows_.begin(), flows_.end(), same);
    if (found == flows_.end()) return; // it was closed in this turn
    const std::shared_ptr<Flow> kept = *found;
    char buffer[kDatagramBytesMax];
    for (int i = 0; i < kPerEvent; ++i) {
        const ssize_t got = ::recv(flow.fd(), buffer, sizeof buffer, 0);
        // Nobody listening there yet is told as an error, once.
        if (got < 0 && errno == ECONNREFUSED) continue;
        if (got < 0) return;
        take_datagram({buffer, static_cast<std::size_t>(got)}, kept, Way::to_client);
    }
}

void Door::receive()
{
    char buffer[kDatagramBytesMax];
    for (int i = 0; i < kPerEvent; ++i) {
        sockaddr_in from{};
        socklen_t bytes = sizeof from;
        const ssize_t got =
            ::recvfrom(receiver_.socket.fd(), buffer, sizeof buffer, 0, generic(from), &bytes);
        if (got < 0) return;
        take_datagram({buffer, static_cast<std::size_t>(got)}, flow_of(from), Way::to_target);
    }
}

std::shared_ptr<Flow> Door::flow_of(const sockaddr_in& client)
{
    const auto found =
        std::find_if(flows_.begin(), flows_.end(),
                     [&](const std::shared_ptr<Flow>& flow) { return flow->is_of(client); });
    if (found != flows_.end()) {
        flows_.splice(flows_.begin(), flows_, found);
        return flows_.front();
    }
    if (flows_.size() == kFlowsMax) {
        flows_.back()->close();
        shared_.closed_flows.push_back(std::move(flows_.back()));
        flows_.pop_back();
    }
    flows_.push_front(std::make_shared<Flow>(shared_.epoll.get(), *this, client, shared_.target));
    return flows_.front();
}

void Door::take_datagram(std::string_view bytes, const std::shared_ptr<Flow>& flow, Way way)
{
    WayCounters& counter = counted(way);
    ++counter.datagrams;
    counter.datagram_bytes += bytes.size();
    const Fate fate = path(way).next(shared_.now);
    if (fate.lost || partitioned || udp_blocked) {
        ++counter.lost;
        return;
    }
    const auto send = [&](Nanos delay) {
        shared_.on_their_way.push(
            {shared_.now + delay, shared_.sent++, this, flow, way, std::string(bytes)});
    };
    send(fate.delay);
    if (!fate.copy_delay) return;
    ++counter.duplicated;
    send(*fate.copy_delay);
}

void Door::deliver(const Datagram& datagram)
{
    if (partitioned || udp_blocked) {
        ++counted(datagram.way).lost;
        return;
    }
    const std::string& bytes = datagram.bytes;
    if (datagram.way == Way::to_target) {
        ::send(datagram.flow->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return;
    }
    const sockaddr_in& to = datagram.flow->client();
    ::sendto(receiver_.socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL, generic(to),
             sizeof to);
}

Door::Door(Shared& shared, Bound bound, std::uint64_t seed)
    : port(bound.port), shared_(shared), paths_{Path(2 * seed), Path(2 * seed + 1)},
      listener_(*this, shared.epoll.get(), std::move(bound.tcp)),
      receiver_(*this, shared.epoll.get(), std::move(bound.udp))
{
}

void Door::accept()
{
    for (int i = 0; i < kPerEvent; ++i) {
        UniqueFd client(
            ::accept4(listener_.socket.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client.is_open()) return;
        if (streams_.size() == kStreamsMax) continue; // closed at once
        ++counters.streams;
        streams_.emplace_back(shared_, *this, std::move(client));
    }
}

void Door::pump_streams()
{
    for (Stream& stream : streams_)
        stream.pump();
    streams_.remove_if([](const Stream& stream) { return stream.over(); });
}

std::optional<MonoTime> Door::next_due() const
{
    std::optional<MonoTime> first;
    for (const Stream& stream : streams_) {
        const auto due = stream.next_due();
        if (due && (!first || *due < *first)) first = due;
    }
    return first;
}

void Door::break_streams()
{
    for (Stream& stream : streams_)
        stream.reset();
}
} // namespace tidemark::bench::relay
