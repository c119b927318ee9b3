#include "core/net/address.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <netinet/in.h>
#include <rapidcheck/boost_test.h>

namespace tidemark::net
{
BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(an_address_is_read_and_written_the_same)
{
    struct Row {
        const char* text;
        int family;
        const char* written;
        const char* host;
        std::uint16_t port;
        bool loopback;
    };
    const Row rows[] = {
        {"127.0.0.1:80", AF_INET, "127.0.0.1:80", "127.0.0.1", 80, true},
        {"127.255.0.9:1", AF_INET, "127.255.0.9:1", "127.255.0.9", 1, true},
        {"192.0.2.7:65535", AF_INET, "192.0.2.7:65535", "192.0.2.7", 65535, false},
        {"0.0.0.0:0", AF_INET, "0.0.0.0:0", "0.0.0.0", 0, false},
        {"[::1]:8080", AF_INET6, "[::1]:8080", "::1", 8080, true},
        {"[2001:DB8:0::1]:443", AF_INET6, "[2001:db8::1]:443", "2001:db8::1", 443, false},
        {":80", AF_INET6, "[::]:80", "::", 80, false},
        {"[::]:80", AF_INET6, "[::]:80", "::", 80, false},
        {"[::ffff:192.0.2.7]:80", AF_INET6, "192.0.2.7:80", "192.0.2.7", 80, false},
        {"unix:/run/edge.sock", AF_UNIX, "unix:/run/edge.sock", "unix", 0, true},
        {"unix:relative:1", AF_UNIX, "unix:relative:1", "unix", 0, true},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            const auto address = Address::parse(row.text);
            BOOST_TEST_REQUIRE(address.has_value());
            BOOST_TEST(address->family() == row.family);
            BOOST_TEST(address->text() == row.written);
            BOOST_TEST(address->host_text() == row.host);
            BOOST_TEST(address->port() == row.port);
            BOOST_TEST(address->is_loopback() == row.loopback);
            BOOST_TEST(address->is_unix() == (row.family == AF_UNIX));
            BOOST_TEST(address->raw()->sa_family == row.family);
        }
}

BOOST_AUTO_TEST_CASE(what_is_no_address_with_a_port_is_refused_with_a_reason)
{
    for (const char* text : {"",
                             "80",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:65536",
                             "127.0.0.1:-1",
                             "127.0.0.1:+1",
                             "127.0.0.1: 80",
                             "127.0.0.1:80 ",
                             "127.0.0.1:http",
                             "127.0.0:80",
                             "127.0.0.256:80",
                             "0127.0.0.1:80",
                             " 127.0.0.1:80",
                             "localhost:80",
                             "::1:80",
                             "[::1]",
                             "[::1",
                             "[::1]80",
                             "[]:80",
                             "[1.2.3.4]:80",
                             "[::1%lo]:80",
                             "[:::1]:80",
                             "unix:",
                             "127.0.0.1:99999999999999999999"})
        BOOST_TEST_CONTEXT(text)
        {
            const auto address = Address::parse(text);
            BOOST_TEST_REQUIRE(!address.has_value());
            BOOST_TEST(!address.error().empty());
        }
}

BOOST_AUTO_TEST_CASE(a_socket_path_fits_its_place_in_the_system)
{
    BOOST_TEST(Address::parse("unix:" + std::string(107, 'x')).has_value());
    BOOST_TEST(!Address::parse("unix:" + std::string(108, 'x')).has_value());
}

BOOST_AUTO_TEST_CASE(a_port_can_be_changed)
{
    for (const char* text : {"127.0.0.1:1", "[::1]:1"}) {
        auto address = Address::parse(text);
        address->set_port(54321);
        BOOST_TEST(address->port() == 54321);
        BOOST_TEST(address->text().ends_with(":54321"));
    }
    auto local = Address::parse("unix:/a");
    local->set_port(1);
    BOOST_TEST(local->text() == "unix:/a");
}

BOOST_AUTO_TEST_CASE(what_the_system_says_is_taken_over)
{
    for (const char* text : {"127.0.0.1:80", "[2001:db8::1]:443"})
        BOOST_TEST(Address::from(Address::parse(text)->raw()).text() == text);
    sockaddr_storage local{};
    local.ss_family = AF_UNIX;
    const Address peer = Address::from(reinterpret_cast<const sockaddr*>(&local));
    BOOST_TEST(peer.host_text() == "unix");
    BOOST_TEST(peer.is_loopback());
}

RC_BOOST_PROP(any_text_is_read_or_refused_and_what_is_read_is_read_again, (const std::string& text))
{
    const auto address = Address::parse(text);
    if (!address) return;
    const auto again = Address::parse(address->text());
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->text() == address->text());
}

RC_BOOST_PROP(any_ipv6_address_with_a_port_comes_back_as_it_was,
              (std::uint64_t high, std::uint64_t low, std::uint16_t port))
{
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr.s6_addr[0], &high, 8);
    std::memcpy(&v6.sin6_addr.s6_addr[8], &low, 8);
    const Address address = Address::from(reinterpret_cast<const sockaddr*>(&v6));
    const auto again = Address::parse(address.text());
    RC_ASSERT(again.has_value());
    RC_ASSERT(again->text() == address.text());
    RC_ASSERT(again->port() == port);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::net
