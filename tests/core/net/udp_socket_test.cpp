#include "core/net/udp_socket.hpp"
#include "tests/core/net/running.hpp"

#include <boost/test/unit_test.hpp>
#include <set>
#include <string>
#include <vector>

namespace tidemark::net
{
namespace
{
Address address_of(const std::string& text)
{
    return Address::parse(text).value();
}

// A socket that notes what comes.
struct Receiver {
    Receiver(Loop& loop, const std::string& at)
        : socket(UdpSocket::open(loop, address_of(at), [this](const Address& from, ByteView bytes) {
                     froms.push_back(from);
                     texts.emplace_back(bytes);
                 }).value())
    {
    }
    // Where `other` finds it: an address of this machine, whatever it is bound to.
    [[nodiscard]] Address at(const std::string& host) const
    {
        Address out = address_of(host + ":1");
        out.set_port(socket->local().port());
        return out;
    }

    std::vector<Address> froms;
    std::vector<std::string> texts;
    std::unique_ptr<UdpSocket> socket;
};

std::size_t send(UdpSocket& from, const Address& to, ByteView bytes)
{
    const Datagram one{&to, bytes};
    return from.send({&one, 1});
}

bool has_ipv6(Loop& loop)
{
    return UdpSocket::open(loop, address_of("[::1]:0"), [](const Address&, ByteView) {})
        .has_value();
}
} // namespace

BOOST_AUTO_TEST_SUITE(udp_socket)

BOOST_AUTO_TEST_CASE(datagrams_arrive_whole_with_their_sender)
{
    test::RunningLoop running;
    std::vector<std::string> hosts = {"127.0.0.1"};
    if (has_ipv6(running.loop)) hosts.emplace_back("[::1]");
    for (const std::string& host : hosts)
        BOOST_TEST_CONTEXT(host)
        {
            Receiver a(running.loop, host + ":0");
            Receiver b(running.loop, host + ":0");
            BOOST_TEST(send(*a.socket, b.socket->local(), "one") == 1U);
            BOOST_TEST(send(*a.socket, b.socket->local(), "") == 1U);
            BOOST_TEST(send(*a.socket, b.socket->local(), std::string(1200, 'x')) == 1U);
            running.until([&] { return b.texts.size() == 3; });
            BOOST_TEST((b.texts == std::vector<std::string>{"one", "", std::string(1200, 'x')}));
            for (const Address& from : b.froms)
                BOOST_TEST(from.text() == a.socket->local().text());
            BOOST_TEST(a.socket->counters().sent == 3U);
            BOOST_TEST(b.socket->counters().received == 3U);
        }
}

BOOST_AUTO_TEST_CASE(one_socket_on_every_address_speaks_ipv4_and_ipv6)
{
    test::RunningLoop running;
    if (!has_ipv6(running.loop)) return;
    Receiver both(running.loop, ":0");
    for (const char* host : {"127.0.0.1", "[::1]"})
        BOOST_TEST_CONTEXT(host)
        {
            Receiver other(running.loop, std::string(host) + ":0");
            BOOST_TEST(send(*other.socket, both.at(host), "to") == 1U);
            running.until([&] { return !both.texts.empty(); });
            BOOST_TEST(both.froms[0].text() == other.socket->local().text());
            // The sender is told in the form that an answer can use.
            BOOST_TEST(send(*both.socket, both.froms[0], "fro") == 1U);
            running.until([&] { return !other.texts.empty(); });
            BOOST_TEST(other.texts[0] == "fro");
            both.texts.clear();
            both.froms.clear();
        }
}

BOOST_AUTO_TEST_CASE(a_call_may_send_many_to_several)
{
    test::RunningLoop running;
    Receiver from(running.loop, "127.0.0.1:0");
    Receiver a(running.loop, "127.0.0.1:0");
    Receiver b(running.loop, "127.0.0.1:0");
    std::vector<std::string> texts;
    for (int i = 0; i < 300; ++i)
        texts.push_back(std::to_string(i));
    std::vector<Datagram> datagrams;
    const Address to_a = a.socket->local();
    const Address to_b = b.socket->local();
    for (std::size_t i = 0; i < texts.size(); ++i)
        datagrams.push_back({i % 3 == 0 ? &to_a : &to_b, texts[i]});
    BOOST_TEST(from.socket->send(datagrams) == 300U);
    running.until([&] { return a.texts.size() + b.texts.size() == 300; });
    BOOST_TEST(a.texts.size() == 100U);
    std::set<std::string> all(a.texts.begin(), a.texts.end());
    all.insert(b.texts.begin(), b.texts.end());
    BOOST_TEST(all.size() == 300U);
}

BOOST_AUTO_TEST_CASE(a_datagram_that_cannot_go_does_not_hold_up_the_others)
{
    test::RunningLoop running;
    Receiver from(running.loop, "127.0.0.1:0");
    Receiver to(running.loop, "127.0.0.1:0");
    const Address there = to.socket->local();
    const Address v6 = address_of("[::1]:9");
    const std::string huge(100'000, 'x');
    const Datagram datagrams[] = {
        {&there, "one"}, {&v6, "not from an IPv4 socket"}, {&there, huge}, {&there, "two"}};
    BOOST_TEST(from.socket->send(datagrams) == 2U);
    BOOST_TEST(from.socket->counters().dropped == 2U);
    running.until([&] { return to.texts.size() == 2; });
    BOOST_TEST(to.texts[1] == "two");
}

BOOST_AUTO_TEST_CASE(of_what_is_longer_than_any_of_ours_only_the_front_is_received)
{
    test::RunningLoop running;
    Receiver from(running.loop, "127.0.0.1:0");
    Receiver to(running.loop, "127.0.0.1:0");
    send(*from.socket, to.socket->local(), std::string(UdpSocket::kDatagramBytesMax + 1, 'x'));
    send(*from.socket, to.socket->local(), std::string(UdpSocket::kDatagramBytesMax, 'y'));
    running.until([&] { return to.texts.size() == 2; });
    BOOST_TEST((to.texts[0] == std::string(UdpSocket::kDatagramBytesMax, 'x')));
    BOOST_TEST((to.texts[1] == std::string(UdpSocket::kDatagramBytesMax, 'y')));
    BOOST_TEST(to.socket->counters().received == 2U);
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_gone_does_not_stop_the_socket)
{
    test::RunningLoop running;
    Receiver from(running.loop, "127.0.0.1:0");
    Receiver to(running.loop, "127.0.0.1:0");
    Address nobody;
    {
        const Receiver gone(running.loop, "127.0.0.1:0");
        nobody = gone.socket->local();
    }
    for (int i = 0; i < 3; ++i) {
        send(*from.socket, nobody, "to nobody");
        running.idle(); // the kernel may report the refusal to either call
    }
    while (to.texts.empty()) {
        send(*from.socket, to.socket->local(), "still here");
        running.idle();
    }
    BOOST_TEST(to.texts[0] == "still here");
}

BOOST_AUTO_TEST_CASE(a_socket_may_be_destroyed_in_its_own_call)
{
    test::RunningLoop running;
    Receiver from(running.loop, "127.0.0.1:0");
    std::unique_ptr<UdpSocket> socket;
    int calls = 0;
    socket =
        UdpSocket::open(running.loop, address_of("127.0.0.1:0"), [&](const Address&, ByteView) {
            ++calls;
            socket.reset();
        }).value();
    const Address at = socket->local();
    send(*from.socket, at, "one");
    send(*from.socket, at, "two");
    running.until([&] { return calls > 0; });
    running.idle();
    BOOST_TEST(calls == 1);
    const Receiver next(running.loop, at.text()); // the port is free at once
    BOOST_TEST(next.socket->local().text() == at.text());
}

BOOST_AUTO_TEST_CASE(a_taken_port_and_a_path_are_refused_in_words)
{
    test::RunningLoop running;
    const Receiver there(running.loop, "127.0.0.1:0");
    const auto ignore = [](const Address&, ByteView) {};
    const auto taken = UdpSocket::open(running.loop, there.socket->local(), ignore);
    BOOST_TEST_REQUIRE(!taken.has_value());
    BOOST_TEST(taken.error() == "cannot receive datagrams on " + there.socket->local().text() +
                                    ": Address already in use");
    BOOST_TEST(!UdpSocket::open(running.loop, address_of("unix:/tmp/x"), ignore).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::net
