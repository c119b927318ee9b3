#include "edge/serve/cache_status.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::serve
{
BOOST_AUTO_TEST_SUITE(cache_status)

BOOST_AUTO_TEST_CASE(a_member_says_what_happened_in_the_rfcs_words)
{
    struct Row {
        const char* name;
        bool hit;
        Forward forward;
        std::uint16_t forward_status;
        std::optional<Seconds> ttl;
        bool stored;
        bool collapsed;
        const char* detail;
        const char* expected;
    };
    const Row rows[] = {
        {"nothing", false, Forward::none, 0, {}, false, false, "", ""},
        {"a hit", true, Forward::none, 0, Seconds{30}, false, false, "", "; hit; ttl=30"},
        {"a stale hit", true, Forward::none, 0, Seconds{-5}, false, false, "", "; hit; ttl=-5"},
        {"a miss that is stored", false, Forward::uri_miss, 0, Seconds{60}, true, false, "",
         "; fwd=uri-miss; ttl=60; stored"},
        {"a validation", false, Forward::stale, 304, Seconds{0}, false, false, "",
         "; fwd=stale; fwd-status=304; ttl=0"},
        {"a follower",
         false,
         Forward::vary_miss,
         0,
         {},
         false,
         true,
         "x",
         "; fwd=vary-miss; collapsed; detail=x"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            std::string out = "before";
            append_cache_status(out, "edge",
                                {row.hit,
                                 row.forward,
                                 row.forward_status,
                                 row.ttl,
                                 row.stored,
                                 row.collapsed,
                                 row.detail,
                                 {}});
            BOOST_TEST(out == "beforeCache-Status: edge" + std::string(row.expected) + "\r\n");
        }
}

BOOST_AUTO_TEST_CASE(fences_are_told_as_a_string_where_there_is_no_other_detail)
{
    CacheStatus status;
    status.hit = true;
    status.fences = {12, 7};
    std::string out;
    append_cache_status(out, "edge", status);
    BOOST_TEST(out == "Cache-Status: edge; hit; detail=\"v=12;f=7\"\r\n");
    status.detail = "adrift";
    out.clear();
    append_cache_status(out, "edge", status);
    BOOST_TEST(out == "Cache-Status: edge; hit; detail=adrift\r\n");
}

// RFC 9211 §2.2
BOOST_AUTO_TEST_CASE(forward_reasons_are_the_registered_ones)
{
    const std::pair<Forward, const char*> rows[] = {
        {Forward::none, ""},          {Forward::uri_miss, "uri-miss"},
        {Forward::miss, "miss"},      {Forward::vary_miss, "vary-miss"},
        {Forward::stale, "stale"},    {Forward::partial, "partial"},
        {Forward::method, "method"},  {Forward::bypass, "bypass"},
        {Forward::request, "request"}};
    for (const auto& [forward, text] : rows)
        BOOST_TEST(text_of(forward) == text);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_no_token_is_quoted)
{
    BOOST_TEST(cache_status_name("edge-1.example") == "edge-1.example");
    BOOST_TEST(cache_status_name("1edge") == "\"1edge\"");
    BOOST_TEST(cache_status_name("a \"b\" \\c") == "\"a \\\"b\\\" \\\\c\"");
    BOOST_TEST(cache_status_name("\xc3\xa4") == "tidemark"); // no sf-string can hold it
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
