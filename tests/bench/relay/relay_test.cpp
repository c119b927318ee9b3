#include "bench/relay/relay.hpp"

#include "tests/support/ports.hpp"
#include "tests/support/socket.hpp"

#include <arpa/inet.h>
#include <boost/test/unit_test.hpp>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <vector>

using namespace tidemark;
using namespace tidemark::bench;
using namespace std::chrono_literals;
using support::Clock;
using support::Endpoint;
using support::poll_until;
using support::Socket;
using support::soon;

namespace
{
sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

class UdpPeer
{
  public:
    UdpPeer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in at = loopback(0);
        socklen_t bytes = sizeof at;
        BOOST_TEST_REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), bytes) == 0);
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &bytes);
        port_ = ntohs(at.sin_port);
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    void send(std::uint16_t to, const std::string& bytes) const
    {
        const sockaddr_in at = loopback(to);
        ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&at),
                 sizeof at);
    }
    struct Got {
        std::string bytes;
        std::uint16_t from;
    };
    // Nothing, if none came in that time.
    [[nodiscard]] std::optional<Got> receive(std::chrono::milliseconds patience = 20s) const
    {
        pollfd wanted{fd_.get(), POLLIN, 0};
        if (::poll(&wanted, 1, static_cast<int>(patience.count())) != 1) return std::nullopt;
        char buffer[2048];
        sockaddr_in from{};
        socklen_t bytes = sizeof from;
        const ssize_t got = ::recvfrom(fd_.get(), buffer, sizeof buffer, 0,
                                       reinterpret_cast<sockaddr*>(&from), &bytes);
        BOOST_TEST_REQUIRE(got >= 0);
        return Got{std::string(buffer, static_cast<std::size_t>(got)), ntohs(from.sin_port)};
    }

  private:
    support::FileDescriptor fd_;
    std::uint16_t port_ = 0;
};

// A listener, and the streams that come through the relay to it.
struct TcpTarget {
    TcpTarget() : listener(support::listen_on(at, 16)) {}
    [[nodiscard]] Socket accept() const
    {
        support::wait_until_ready(listener.get(), POLLIN, soon(), "a connection");
        return Socket(support::FileDescriptor(
            ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)));
    }
    Endpoint at;
    support::FileDescriptor listener;
};

Endpoint door_of(const Relay& relay, std::size_t door = 0)
{
    Endpoint at;
    at.port = relay.port(door);
    return at;
}

std::string read_bytes(Socket& from, std::size_t count)
{
    std::string all;
    while (all.size() < count) {
        const std::string piece = from.read_some();
        if (piece.empty()) break;
        all += piece;
    }
    return all;
}

bool ends_by_reset(Socket& socket)
{
    try {
        while (!socket.read_some().empty()) {
        }
    } catch (const support::ConnectionReset&) {
        return true;
    }
    return false;
}

Nanos since(Clock::time_point start)
{
    return Clock::now() - start;
}
} // namespace

BOOST_AUTO_TEST_SUITE(relay)

BOOST_AUTO_TEST_CASE(datagrams_go_both_ways_and_every_client_has_an_address_of_its_own)
{
    const UdpPeer target;
    const UdpPeer a;
    const UdpPeer b;
    const Relay relay(target.port());
    a.send(relay.port(), "from a");
    const auto first = target.receive();
    BOOST_TEST_REQUIRE(first.has_value());
    BOOST_TEST(first->bytes == "from a");
    b.send(relay.port(), "from b");
    const auto second = target.receive();
    BOOST_TEST_REQUIRE(second.has_value());
    BOOST_TEST(second->from != first->from);
    target.send(first->from, "to a");
    target.send(second->from, "to b");
    BOOST_TEST(a.receive()->bytes == "to a");
    BOOST_TEST(b.receive()->bytes == "to b");

    const DoorCounters seen = relay.counters();
    BOOST_TEST(seen.to_target.datagrams == 2U);
    BOOST_TEST(seen.to_target.datagram_bytes == 12U);
    BOOST_TEST(seen.to_client.datagrams == 2U);
    BOOST_TEST(seen.to_client.lost == 0U);
}

BOOST_AUTO_TEST_CASE(delay_loss_and_copies_are_as_told)
{
    const UdpPeer target;
    const UdpPeer client;
    Relay relay(target.port());
    relay.set_delay(50ms);
    const auto start = Clock::now();
    client.send(relay.port(), "late");
    BOOST_TEST(target.receive().has_value());
    BOOST_TEST((since(start) >= 50ms));

    PathConditions twice;
    twice.duplicate = 1;
    relay.set(twice);
    client.send(relay.port(), "twice");
    BOOST_TEST(target.receive()->bytes == "twice");
    BOOST_TEST(target.receive()->bytes == "twice");

    relay.set_loss(1);
    client.send(relay.port(), "lost");
    BOOST_TEST(poll_until(soon(), [&] { return relay.counters().to_target.lost == 1; }));
    relay.set(PathConditions{});
    client.send(relay.port(), "found");
    BOOST_TEST(target.receive()->bytes == "found");
}

BOOST_AUTO_TEST_CASE(doors_have_conditions_of_their_own)
{
    const UdpPeer target;
    const UdpPeer client;
    RelayOptions two;
    two.doors = 2;
    Relay relay(target.port(), two);
    PathConditions deaf;
    deaf.loss = 1;
    relay.set(deaf, 1, Way::to_client);
    client.send(relay.port(1), "in by the second");
    const auto came = target.receive();
    BOOST_TEST_REQUIRE(came.has_value());
    target.send(came->from, "never comes out");
    BOOST_TEST(poll_until(soon(), [&] { return relay.counters(1).to_client.lost == 1; }));
    client.send(relay.port(0), "in by the first");
    const auto other = target.receive();
    BOOST_TEST_REQUIRE(other.has_value());
    target.send(other->from, "comes out");
    BOOST_TEST(client.receive()->bytes == "comes out");
}

BOOST_AUTO_TEST_CASE(a_stream_passes_whole_in_both_directions_with_its_end)
{
    const TcpTarget target;
    RelayOptions options;
    options.stream_window = 64 * 1024;
    Relay relay(target.at.port, options);
    relay.set_delay(1ms);
    Socket client = Socket::connect(door_of(relay));
    Socket server = target.accept();
    std::string sent;
    for (int i = 0; sent.size() < 500'000; ++i)
        sent += std::to_string(i);
    std::thread writer([&] {
        client.write(sent);
        client.end_writing();
    });
    const bool whole = read_bytes(server, sent.size() + 1) == sent;
    writer.join();
    BOOST_TEST(whole);
    server.write("answer");
    server.end_writing();
    BOOST_TEST(read_bytes(client, 7) == "answer");
    BOOST_TEST(relay.counters().to_target.stream_bytes == sent.size());
    BOOST_TEST(relay.counters().streams == 1U);
}

BOOST_AUTO_TEST_CASE(streams_are_delayed_too)
{
    const TcpTarget target;
    Relay relay(target.at.port);
    relay.set_delay(40ms);
    Socket client = Socket::connect(door_of(relay));
    Socket server = target.accept();
    const auto start = Clock::now();
    client.write("ping");
    BOOST_TEST(read_bytes(server, 4) == "ping");
    BOOST_TEST((since(start) >= 40ms));
    server.write("pong");
    BOOST_TEST(read_bytes(client, 4) == "pong");
    BOOST_TEST((since(start) >= 80ms));
}

BOOST_AUTO_TEST_CASE(in_a_partition_datagrams_are_lost_and_streams_go_on_when_it_is_over)
{
    const TcpTarget target;
    Relay relay(target.at.port);
    Socket client = Socket::connect(door_of(relay));
    Socket server = target.accept();
    client.write("before ");
    BOOST_TEST(read_bytes(server, 7) == "before ");
    relay.partition(true);
    client.write("during");
    const UdpPeer sender;
    sender.send(relay.port(), "lost");
    BOOST_TEST(poll_until(soon(), [&] { return relay.counters().to_target.lost == 1; }));
    BOOST_TEST(relay.counters().to_target.stream_bytes == 7U);
    relay.partition(false);
    BOOST_TEST(read_bytes(server, 6) == "during");
}

BOOST_AUTO_TEST_CASE(with_udp_blocked_streams_pass)
{
    const TcpTarget target;
    Relay relay(target.at.port);
    relay.block_udp(true);
    const UdpPeer sender;
    sender.send(relay.port(), "lost");
    BOOST_TEST(poll_until(soon(), [&] { return relay.counters().to_target.lost == 1; }));
    Socket client = Socket::connect(door_of(relay));
    Socket server = target.accept();
    client.write("passes");
    BOOST_TEST(read_bytes(server, 6) == "passes");
}

BOOST_AUTO_TEST_CASE(broken_streams_are_reset_at_both_ends_and_new_ones_taken)
{
    const TcpTarget target;
    Relay relay(target.at.port);
    Socket client = Socket::connect(door_of(relay));
    Socket server = target.accept();
    relay.break_streams();
    BOOST_TEST(ends_by_reset(client));
    BOOST_TEST(ends_by_reset(server));
    Socket again = Socket::connect(door_of(relay));
    Socket at_target = target.accept();
    again.write("again");
    BOOST_TEST(read_bytes(at_target, 5) == "again");
}

BOOST_AUTO_TEST_CASE(where_nobody_listens_a_stream_is_reset)
{
    const support::ReservedPort nobody;
    const Relay relay(nobody.endpoint().port);
    bool reset = false;
    try {
        Socket client = Socket::connect(door_of(relay));
        reset = ends_by_reset(client);
    } catch (const std::system_error& error) { // as fast as that
        reset = error.code() == std::errc::connection_reset;
    }
    BOOST_TEST(reset);
}

BOOST_AUTO_TEST_SUITE_END()
