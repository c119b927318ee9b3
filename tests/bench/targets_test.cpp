#include "bench/load/targets.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark::bench;

namespace
{
std::string request(const Targets& targets, std::uint64_t number)
{
    Random random(1);
    std::string out;
    targets.append_request(out, number, random);
    return out;
}
} // namespace

BOOST_AUTO_TEST_SUITE(bench_targets)

BOOST_AUTO_TEST_CASE(a_url_is_split_into_where_and_what)
{
    const struct {
        const char* text;
        Url url;
    } rows[] = {
        {"http://a.example", {"a.example", "80", "a.example", "/"}},
        {"http://a.example:8080/x?y=1", {"a.example", "8080", "a.example:8080", "/x?y=1"}},
        {"HTTP://127.0.0.1:1?q", {"127.0.0.1", "1", "127.0.0.1:1", "/?q"}},
        {"http://[::1]:81/", {"::1", "81", "[::1]:81", "/"}},
        {"http://[::1]/", {"::1", "80", "[::1]", "/"}},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.text)
        {
            const auto url = parse_url(row.text);
            BOOST_TEST_REQUIRE(url.has_value());
            BOOST_TEST(url->host == row.url.host);
            BOOST_TEST(url->port == row.url.port);
            BOOST_TEST(url->authority == row.url.authority);
            BOOST_TEST(url->path == row.url.path);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_plain_http_url_is_refused)
{
    for (const char* text :
         {"", "a.example", "https://a.example/", "http://", "http://:80/", "http://a:99999/",
          "http://a:b/", "http://me@a/", "http://a/ b", "http://a/#top", "http://a/\r\nX: 1"})
        BOOST_TEST(!parse_url(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(popularity_is_a_count_and_an_exponent)
{
    const auto popularity = parse_popularity("100000,0.9");
    BOOST_TEST_REQUIRE(popularity.has_value());
    BOOST_TEST(popularity->count == 100'000U);
    BOOST_TEST(popularity->alpha == 0.9);
    for (const char* text : {"", "10", "0,1", "10,", "10,x", "10,-1", "10,1x", "10,nan", "10,inf"})
        BOOST_TEST(!parse_popularity(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(listed_urls_are_asked_in_turn)
{
    const auto targets =
        Targets::make({"http://h:1/a", "http://h:1/b"}, {"X-Y: z"}, std::nullopt, true);
    BOOST_TEST_REQUIRE(targets.has_value());
    BOOST_TEST(request(*targets, 0) == "GET /a HTTP/1.1\r\nHost: h:1\r\nX-Y: z\r\n\r\n");
    BOOST_TEST(request(*targets, 1) == "GET /b HTTP/1.1\r\nHost: h:1\r\nX-Y: z\r\n\r\n");
    BOOST_TEST(request(*targets, 2) == request(*targets, 0));
}

BOOST_AUTO_TEST_CASE(a_host_field_replaces_the_one_of_the_url)
{
    const auto targets = Targets::make({"http://h:1/"}, {"host: site"}, std::nullopt, true);
    BOOST_TEST_REQUIRE(targets.has_value());
    BOOST_TEST(request(*targets, 0) == "GET / HTTP/1.1\r\nhost: site\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(the_drawn_number_takes_the_place_of_the_braces)
{
    const auto targets = Targets::make({"http://h/o/{}.js"}, {}, Popularity{1, 1.0}, true);
    BOOST_TEST_REQUIRE(targets.has_value());
    BOOST_TEST(request(*targets, 0) == "GET /o/1.js HTTP/1.1\r\nHost: h\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(targets_that_make_no_sense_are_refused)
{
    const std::vector<std::string> two_servers{"http://a/", "http://b/"};
    BOOST_TEST(!Targets::make({}, {}, std::nullopt, true).has_value());
    BOOST_TEST(!Targets::make(two_servers, {}, std::nullopt, true).has_value());
    BOOST_TEST(Targets::make(two_servers, {}, std::nullopt, false).has_value());
    BOOST_TEST(!Targets::make({"http://a/"}, {"no field"}, std::nullopt, true).has_value());
    BOOST_TEST(!Targets::make({"http://a/"}, {"A: b\r\nC: d"}, std::nullopt, true).has_value());
    BOOST_TEST(!Targets::make({"http://a/"}, {}, Popularity{5, 1.0}, true).has_value());
    BOOST_TEST(!Targets::make({"http://a/{}/{}"}, {}, Popularity{5, 1.0}, true).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
