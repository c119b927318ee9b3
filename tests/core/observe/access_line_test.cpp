#include "core/observe/access_line.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::observe;

namespace
{
AccessEntry entry()
{
    AccessEntry e;
    e.received = WallTime{Millis{1'795'470'049'999}};
    e.client = "192.0.2.7";
    e.method = "GET";
    e.target = "/a?b=c";
    e.protocol = "HTTP/1.1";
    e.status = 200;
    e.body_bytes = 5124;
    e.referer = "http://b/";
    e.user_agent = "curl/8 (x)";
    e.host = "example.org";
    e.cache = "hit";
    e.total = Nanos{123'456};
    return e;
}

std::string line_of(const AccessEntry& e)
{
    std::string line;
    append_access_line(line, e);
    return line;
}
} // namespace

BOOST_AUTO_TEST_SUITE(access_line)

BOOST_AUTO_TEST_CASE(a_line_is_the_combined_format_with_cache_and_timings_behind)
{
    BOOST_TEST(
        line_of(entry()) ==
        "192.0.2.7 - - [23/Nov/2026:21:40:49 +0000] \"GET /a?b=c HTTP/1.1\" 200 5124 \"http://b/\" "
        "\"curl/8 (x)\" host=\"example.org\" cache=hit total=0.000123 upstream=- complete\n");
}

BOOST_AUTO_TEST_CASE(an_exchange_cut_short_and_an_upstream_are_told)
{
    AccessEntry e = entry();
    e.upstream = Nanos{1'500'000'000};
    e.total = Nanos{61'000'000'000};
    e.complete = false;
    BOOST_TEST(line_of(e).ends_with(" total=61.000000 upstream=1.500000 cut\n"));
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_a_dash)
{
    BOOST_TEST(line_of(AccessEntry{}) == "- - - [01/Jan/1970:00:00:00 +0000] \"- - -\" 0 0 \"-\" "
                                         "\"-\" host=\"-\" cache=- total=0.000000 "
                                         "upstream=- complete\n");
}

BOOST_AUTO_TEST_CASE(no_value_leaves_its_place)
{
    AccessEntry e = entry();
    e.target = "/\"\r\n\\ \xc3\xa9\x7f";
    e.user_agent = std::string_view{"a\0b\"", 4};
    e.method = "G T";
    e.cache = "hit x";
    const std::string line = line_of(e);
    BOOST_TEST(line.find("\"G\\x20T /\\x22\\x0d\\x0a\\x5c \\xc3\\xa9\\x7f HTTP/1.1\"") !=
               line.npos);
    BOOST_TEST(line.find("\"a\\x00b\\x22\"") != line.npos);
    BOOST_TEST(line.find("cache=hit\\x20x ") != line.npos);
}

BOOST_AUTO_TEST_CASE(a_long_value_is_cut)
{
    AccessEntry e = entry();
    const std::string agent(kLoggedValueBytesMax + 1, 'a');
    e.user_agent = agent;
    BOOST_TEST(line_of(e).find("\"" + agent.substr(1) + "...\"") != std::string::npos);
}

RC_BOOST_PROP(any_values_make_one_line_of_printable_ascii,
              (const std::string& target, const std::string& agent, const std::string& host))
{
    AccessEntry e = entry();
    e.target = target;
    e.user_agent = agent;
    e.host = host;
    const std::string line = line_of(e);
    RC_ASSERT(line.find('\n') == line.size() - 1);
    RC_ASSERT(std::count(line.begin(), line.end(), '"') == 8);
    RC_ASSERT(
        std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= 0x20 && c < 0x7f; }));
}

BOOST_AUTO_TEST_SUITE_END()
