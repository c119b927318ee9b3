#include "config/address.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark::config;

namespace
{
struct Row {
    std::string text;
    std::string result; // the address read, or "! " and what was wrong
};

std::string listen_result(const std::string& text)
{
    const auto address = parse_listen_address(text);
    return address ? text_of(*address) : "! " + address.error().message;
}

std::string upstream_result(const std::string& text)
{
    const auto url = parse_upstream_url(text);
    return url ? text_of(url->address) + " as " + url->authority : "! " + url.error().message;
}
} // namespace

BOOST_AUTO_TEST_SUITE(address)

BOOST_AUTO_TEST_CASE(a_listen_address_is_an_interface_and_a_port_or_a_socket)
{
    const Row rows[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080"},
        {":8080", ":8080"},
        {"*:8080", ":8080"},
        {"[::1]:8080", "[::1]:8080"},
        {"[::]:0", "[::]:0"},
        {"localhost:80", "127.0.0.1:80"},
        {"unix:/run/edge.sock", "unix:/run/edge.sock"},
        {"", "! \"\" has no port"},
        {"8080", "! \"8080\" has no port"},
        {"127.0.0.1", "! \"127.0.0.1\" has no port"},
        {"::1:8080", "! the port of \"::1:8080\" is none"},
        {"[::1]8080", "! \"[::1]8080\" is no address"},
        {"[::1:8080", "! \"[::1:8080\" is no address"},
        {"[1.2.3.4]:80", "! \"1.2.3.4\" in \"[1.2.3.4]:80\" is no IPv6 address"},
        {"127.0.0.256:80", "! \"127.0.0.256\" in \"127.0.0.256:80\" is no IP address"},
        {"example.org:80", "! \"example.org\" in \"example.org:80\" is no IP address"},
        {":65536", "! the port of \":65536\" is none"},
        {":http", "! the port of \":http\" is none"},
        {":-1", "! the port of \":-1\" is none"},
        {"unix:", "! \"unix:\" has no absolute path after unix:"},
        {"unix:edge.sock", "! \"unix:edge.sock\" has no absolute path after unix:"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(listen_result(row.text) == row.result);
        }
}

BOOST_AUTO_TEST_CASE(a_unix_path_must_fit_a_socket_address)
{
    BOOST_TEST(parse_listen_address("unix:/" + std::string(106, 'a')).has_value());
    BOOST_TEST(!parse_listen_address("unix:/" + std::string(107, 'a')).has_value());
}

BOOST_AUTO_TEST_CASE(an_upstream_url_is_a_scheme_and_an_authority)
{
    const Row rows[] = {
        {"http://127.0.0.1:3000", "127.0.0.1:3000 as 127.0.0.1:3000"},
        {"http://app.internal", "app.internal:80 as app.internal"},
        {"HTTP://App:80/", "App:80 as app"},
        {"http://[::1]:3000", "[::1]:3000 as [::1]:3000"},
        {"http://[2001:DB8::1]", "[2001:DB8::1]:80 as [2001:db8::1]"},
        {"unix:/run/app.sock", "unix:/run/app.sock as localhost"},
        {"http+unix:/run/app.sock", "unix:/run/app.sock as localhost"},
        {"https://example.org", "! https upstreams are not supported yet by this build"},
        {"http://example.org/app",
         "! the upstream URL \"http://example.org/app\" has a path or a query"},
        {"http://example.org//",
         "! the upstream URL \"http://example.org//\" has a path or a query"},
        {"http://example.org?x=1",
         "! the upstream URL \"http://example.org?x=1\" has a path or a query"},
        {"http://me:secret@example.org", "! the upstream URL names a user"},
        {"http://", "! \"\" in \"http://\" is neither a host name nor an address"},
        {"http://:3000", "! \"\" in \"http://:3000\" is neither a host name nor an address"},
        {"http://127.0.0.1.5:80",
         "! \"127.0.0.1.5\" in \"http://127.0.0.1.5:80\" is neither a host name nor an address"},
        {"http://a b", "! \"a b\" in \"http://a b\" is neither a host name nor an address"},
        {"http://app:0", "! the port of \"http://app:0\" is none"},
        {"http://app:", "! the port of \"http://app:\" is none"},
        {"127.0.0.1:3000", "! \"127.0.0.1:3000\" is no upstream URL"},
        {"ftp://app", "! \"ftp://app\" is no upstream URL"},
        {"", "! \"\" is no upstream URL"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(upstream_result(row.text) == row.result);
        }
}

BOOST_AUTO_TEST_CASE(a_secret_in_an_upstream_url_is_not_repeated)
{
    const auto url = parse_upstream_url("http://me:secret@example.org");
    BOOST_REQUIRE(!url.has_value());
    BOOST_TEST(url.error().message.find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(ipv6_addresses_follow_rfc4291_section_2_2)
{
    for (const char* good :
         {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
          "::ffff:192.0.2.7", "2001:db8:0:0:1::192.0.2.7", "FE80::abcd"})
        BOOST_TEST_CONTEXT(good)
        {
            BOOST_TEST(is_ipv6(good));
        }
    for (const char* bad : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                            ":1::2", "1:2:3:4:5:6:7:", "12345::", "g::", "::192.0.2", "192.0.2.7::",
                            "fe80::1%eth0", "1:2:3:4:5:6:7:192.0.2.7", "1:2:3:4::5:6:7:8"})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!is_ipv6(bad));
        }
}

BOOST_AUTO_TEST_CASE(ipv4_addresses_are_four_plain_octets)
{
    for (const char* good : {"0.0.0.0", "127.0.0.1", "255.255.255.255"})
        BOOST_TEST_CONTEXT(good)
        {
            BOOST_TEST(is_ipv4(good));
        }
    for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "1.2.3.", "01.2.3.4", "256.1.1.1", "1..2.3",
                            "a.b.c.d", "1.2.3.4 "})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!is_ipv4(bad));
        }
}

BOOST_AUTO_TEST_CASE(only_this_machine_reaches_a_loopback_address)
{
    for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "unix:/a", "localhost:1"})
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_TEST(is_loopback(parse_listen_address(text).value()));
        }
    for (const char* text : {":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1"})
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_TEST(!is_loopback(parse_listen_address(text).value()));
        }
}

BOOST_AUTO_TEST_SUITE_END()
