#include "tests/e2e/stand.hpp"

#include <boost/test/unit_test.hpp>

// What a client sees of RFC 9111, RFC 5861, RFC 9211 and RFC 9213.
using namespace tidemark::e2e;

BOOST_AUTO_TEST_SUITE(caching)

BOOST_AUTO_TEST_CASE(a_fresh_page_is_a_miss_then_a_hit)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "hello");
    const Message miss = stand.get("/a");
    const Message hit = stand.get("/a");
    BOOST_TEST(miss.body == "hello");
    BOOST_TEST(hit.body == "hello");
    BOOST_TEST(forwarded_for(miss) == "uri-miss");
    BOOST_TEST(is_hit(hit));
    BOOST_TEST(hit.has("Age"));
    BOOST_TEST(hit.has("Date"));
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(cache_status_counts_down_the_time_to_live_of_a_hit)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=600"}, {"Age", "100"}}, "x");
    stand.get("/a");
    const Message hit = stand.get("/a");
    BOOST_TEST(std::stoi(hit.value("Age")) >= 100);
    const std::string status = hit.value("Cache-Status");
    const auto at = status.find("ttl=");
    BOOST_REQUIRE(at != std::string::npos);
    BOOST_TEST(std::stoi(status.substr(at + 4)) <= 500);
}

BOOST_AUTO_TEST_CASE(the_query_is_part_of_the_key)
{
    Stand stand;
    stand.origin.page("/a?x=1", kFresh, "one");
    stand.origin.page("/a?x=2", kFresh, "two");
    BOOST_TEST(stand.get("/a?x=1").body == "one");
    BOOST_TEST(stand.get("/a?x=2").body == "two");
    BOOST_TEST(stand.get("/a?x=1").body == "one");
    BOOST_TEST(stand.origin.total() == 2);
}

BOOST_AUTO_TEST_CASE(the_host_is_part_of_the_key)
{
    Stand stand;
    stand.origin.on("/", [](Exchange& x) { x.answer(200, kFresh, x.request().value("Host")); });
    BOOST_TEST(stand.get("/", {{"Host", "one.example"}}).body == "one.example");
    BOOST_TEST(stand.get("/", {{"Host", "two.example"}}).body == "two.example");
    BOOST_TEST(is_hit(stand.get("/", {{"Host", "ONE.example"}})));
}

struct ReuseCase {
    const char* name;
    Fields answer;
    Fields request;
    bool reused;
};
const ReuseCase kReuseCases[] = {
    {"no-store", {{"Cache-Control", "no-store"}}, {}, false},
    {"private", {{"Cache-Control", "private, max-age=60"}}, {}, false},
    {"no-cache", {{"Cache-Control", "no-cache, max-age=60"}}, {}, false},
    {"no freshness and no Last-Modified", {}, {}, false},
    {"max-age=0", {{"Cache-Control", "max-age=0"}}, {}, false},
    {"s-maxage outranks max-age", {{"Cache-Control", "max-age=60, s-maxage=0"}}, {}, false},
    {"s-maxage alone", {{"Cache-Control", "max-age=0, s-maxage=60"}}, {}, true},
    {"CDN-Cache-Control outranks Cache-Control",
     {{"Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=60"}},
     {},
     true},
    {"CDN-Cache-Control no-store",
     {{"Cache-Control", "max-age=60"}, {"CDN-Cache-Control", "no-store"}},
     {},
     false},
    {"Expires and Date",
     {{"Date", "Tue, 01 Jan 2030 00:00:00 GMT"}, {"Expires", "Tue, 01 Jan 2030 01:00:00 GMT"}},
     {},
     true},
    {"Expires: 0", {{"Expires", "0"}}, {}, false},
    {"an Age beyond the lifetime", {{"Cache-Control", "max-age=60"}, {"Age", "61"}}, {}, false},
    {"Vary: *", {{"Cache-Control", "max-age=60"}, {"Vary", "X-A, *"}}, {}, false},
    {"Authorization", {{"Cache-Control", "max-age=60"}}, {{"Authorization", "Basic eA=="}}, false},
    {"Authorization with public",
     {{"Cache-Control", "max-age=60, public"}},
     {{"Authorization", "Basic eA=="}},
     true},
    {"Authorization with s-maxage",
     {{"Cache-Control", "s-maxage=60"}},
     {{"Authorization", "Basic eA=="}},
     true},
    {"Set-Cookie with explicit freshness",
     {{"Cache-Control", "max-age=60"}, {"Set-Cookie", "a=b"}},
     {},
     true},
    {"a client's no-cache does not bust the cache",
     {{"Cache-Control", "max-age=60"}},
     {{"Cache-Control", "no-cache"}, {"Pragma", "no-cache"}},
     true},
};

BOOST_AUTO_TEST_CASE(a_second_request_is_a_hit_only_if_the_answer_allows_it)
{
    Stand stand;
    int row = 0;
    for (const ReuseCase& c : kReuseCases) {
        BOOST_TEST_CONTEXT(c.name)
        {
            const std::string target = "/reuse/" + std::to_string(row++);
            stand.origin.page(target, c.answer, "x");
            BOOST_TEST(!is_hit(stand.get(target, c.request)));
            BOOST_TEST(is_hit(stand.get(target, c.request)) == c.reused);
            BOOST_TEST(stand.origin.count(target) == (c.reused ? 1 : 2));
        }
    }
}

BOOST_AUTO_TEST_CASE(any_final_status_with_explicit_freshness_is_stored)
{
    Stand stand;
    for (const int status :
         {200, 203, 299, 301, 302, 303, 307, 400, 403, 404, 410, 499, 500, 503}) {
        BOOST_TEST_CONTEXT(status)
        {
            const std::string target = "/" + std::to_string(status);
            stand.origin.page(target, kFresh, "x", status);
            BOOST_TEST(stand.get(target).status() == status);
            const Message second = stand.get(target);
            BOOST_TEST(second.status() == status);
            BOOST_TEST(is_hit(second));
        }
    }
}

BOOST_AUTO_TEST_CASE(an_error_without_explicit_freshness_is_not_stored)
{
    Stand stand;
    stand.origin.page("/", {{"Last-Modified", "Tue, 01 Jan 2019 00:00:00 GMT"}}, "x", 500);
    stand.get("/");
    stand.get("/");
    BOOST_TEST(stand.origin.count("/") == 2);
}

BOOST_AUTO_TEST_CASE(head_is_answered_from_a_stored_get_without_a_body)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "hello");
    stand.get("/a");
    RawClient client = stand.client();
    const Message head = client.ask("HEAD", "/a");
    BOOST_TEST(is_hit(head));
    BOOST_TEST(head.value("Content-Length") == "5");
    BOOST_TEST(client.get("/a").body == "hello"); // nothing stood between the two
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(a_head_that_misses_goes_upstream_and_its_connection_lives_on)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "hello");
    RawClient client = stand.client();
    const Message head = client.ask("HEAD", "/a");
    BOOST_TEST(head.status() == 200);
    BOOST_TEST(head.value("Content-Length") == "5");
    BOOST_TEST(client.get("/a").body == "hello");
}

BOOST_AUTO_TEST_CASE(vary_keeps_one_response_for_each_value)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.answer(200, {{"Cache-Control", "max-age=60"}, {"Vary", "x-kind"}},
                 x.request().value("X-Kind"));
    });
    BOOST_TEST(stand.get("/a", {{"X-Kind", "red"}}).body == "red");
    BOOST_TEST(stand.get("/a", {{"X-Kind", "blue"}}).body == "blue");
    BOOST_TEST(stand.get("/a").body == "");
    for (const char* kind : {"red", "blue"}) {
        const Message hit = stand.get("/a", {{"X-Kind", kind}});
        BOOST_TEST(hit.body == kind);
        BOOST_TEST(is_hit(hit));
    }
    BOOST_TEST(stand.origin.count("/a") == 3);
}

BOOST_AUTO_TEST_CASE(all_vary_lines_count)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=60"}, {"Vary", "X-One"}, {"Vary", "X-Two"}},
                      "x");
    stand.get("/a", {{"X-One", "1"}, {"X-Two", "1"}});
    BOOST_TEST(!is_hit(stand.get("/a", {{"X-One", "1"}, {"X-Two", "2"}})));
    BOOST_TEST(is_hit(stand.get("/a", {{"X-One", "1"}, {"X-Two", "1"}})));
}

struct UnsafeCase {
    const char* method;
    int status;
    bool invalidates;
};

BOOST_AUTO_TEST_CASE(an_unsafe_method_that_succeeds_invalidates_what_is_stored)
{
    const UnsafeCase cases[] = {{"POST", 200, true},    {"PUT", 204, true},   {"DELETE", 200, true},
                                {"PATCH", 302, true},   {"POST", 500, false}, {"POST", 404, false},
                                {"OPTIONS", 200, false}};
    Stand stand;
    int row = 0;
    for (const UnsafeCase& c : cases) {
        BOOST_TEST_CONTEXT(c.method << " answered " << c.status)
        {
            const std::string target = "/unsafe/" + std::to_string(row++);
            stand.origin.on(target, [c](Exchange& x) {
                if (x.request().method() == "GET")
                    x.answer(200, kFresh, "page");
                else
                    x.answer(c.status, {});
            });
            stand.get(target);
            BOOST_TEST(is_hit(stand.get(target)));
            BOOST_TEST(stand.ask(c.method, target, {{"Content-Length", "0"}}).status() == c.status);
            BOOST_TEST(is_hit(stand.get(target)) == !c.invalidates);
        }
    }
}

BOOST_AUTO_TEST_CASE(an_unsafe_answers_location_is_invalidated_too_on_the_same_host_only)
{
    Stand stand;
    stand.origin.page("/list", kFresh, "list");
    stand.origin.page("/form", {{"Location", "/list"}}, "", 303);
    stand.get("/list");
    stand.ask("POST", "/form", {}, "x=1");
    BOOST_TEST(!is_hit(stand.get("/list")));

    stand.origin.page("/foreign", {{"Location", "http://other.example/list"}}, "", 303);
    stand.ask("POST", "/foreign", {}, "x=1");
    BOOST_TEST(is_hit(stand.get("/list")));
}

BOOST_AUTO_TEST_CASE(a_get_with_a_body_is_not_answered_from_cache)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) { x.answer(200, kFresh, "body " + x.request().body); });
    stand.get("/a");
    BOOST_TEST(stand.ask("GET", "/a", {}, "q").body == "body q");
    BOOST_TEST(stand.get("/a").body == "body ");
}

BOOST_AUTO_TEST_CASE(a_targeted_field_reaches_the_client)
{
    Stand stand;
    stand.origin.page("/a", {{"CDN-Cache-Control", "max-age=60"}}, "x");
    BOOST_TEST(stand.get("/a").value("CDN-Cache-Control") == "max-age=60");
}

BOOST_AUTO_TEST_CASE(tags_do_not_reach_the_client)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=60"}, {"Surrogate-Key", "one two"}}, "x");
    BOOST_TEST(!stand.get("/a").has("Surrogate-Key"));
    BOOST_TEST(!stand.get("/a").has("Surrogate-Key"));
}

BOOST_AUTO_TEST_CASE(more_pages_than_memory_holds_are_all_served_right)
{
    Stand stand({"--memory", "4MiB"});
    const std::string filler(64 * 1024, 'x');
    stand.origin.otherwise(
        [&](Exchange& x) { x.answer(200, kFresh, x.request().target() + filler); });
    RawClient client = stand.client();
    for (int i = 0; i < 300; ++i) {
        const std::string target = "/page/" + std::to_string(i);
        BOOST_REQUIRE(client.get(target).body == target + filler);
    }
    for (int i = 0; i < 300; ++i) {
        const std::string target = "/page/" + std::to_string(i);
        BOOST_REQUIRE(client.get(target).body == target + filler);
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(validation)

BOOST_AUTO_TEST_CASE(a_stale_response_is_validated_with_both_validators_and_freshened_by_a_304)
{
    constexpr const char* kModified = "Tue, 01 Jan 2019 00:00:00 GMT";
    Stand stand;
    stand.origin.on("/a", [&](Exchange& x) {
        if (x.nth() == 1)
            x.answer(200,
                     {{"Cache-Control", "max-age=60"},
                      {"Age", "61"},
                      {"ETag", "\"v1\""},
                      {"Last-Modified", kModified},
                      {"X-Seen", "first"}},
                     "hello");
        else
            x.answer(304,
                     {{"Cache-Control", "max-age=60"}, {"ETag", "\"v1\""}, {"X-Seen", "second"}});
    });
    stand.get("/a");
    const Message validated = stand.get("/a");
    BOOST_TEST(validated.status() == 200);
    BOOST_TEST(validated.body == "hello");
    BOOST_TEST(validated.value("X-Seen") == "second");
    BOOST_TEST(forwarded_for(validated) == "stale");
    const Message asked = stand.origin.last("/a");
    BOOST_TEST(asked.value("If-None-Match") == "\"v1\"");
    BOOST_TEST(asked.value("If-Modified-Since") == kModified);
    BOOST_TEST(is_hit(stand.get("/a")));
    BOOST_TEST(stand.origin.count("/a") == 2);
}

BOOST_AUTO_TEST_CASE(a_validation_answered_by_a_new_page_replaces_the_old)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        const std::string version = std::to_string(x.nth());
        x.answer(200,
                 {{"Cache-Control", "max-age=60"},
                  {"Age", x.nth() == 1 ? "61" : "0"},
                  {"ETag", "\"" + version + "\""}},
                 version);
    });
    BOOST_TEST(stand.get("/a").body == "1");
    BOOST_TEST(stand.get("/a").body == "2");
    const Message hit = stand.get("/a");
    BOOST_TEST(hit.body == "2");
    BOOST_TEST(is_hit(hit));
}

BOOST_AUTO_TEST_CASE(no_cache_is_stored_and_validated_every_time)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        const bool same = x.request().value("If-None-Match") == "\"e\"";
        x.answer(same ? 304 : 200, {{"Cache-Control", "no-cache"}, {"ETag", "\"e\""}},
                 same ? "" : "hello");
    });
    for (int i = 1; i <= 3; ++i) {
        const Message answer = stand.get("/a");
        BOOST_TEST(answer.status() == 200);
        BOOST_TEST(answer.body == "hello");
        BOOST_TEST(stand.origin.count("/a") == i);
    }
    BOOST_TEST(stand.origin.last("/a").has("If-None-Match"));
}

struct ConditionalCase {
    const char* name;
    Fields request;
    int status;
};

BOOST_AUTO_TEST_CASE(a_clients_conditional_request_is_answered_from_the_stored_response)
{
    constexpr const char* kModified = "Tue, 01 Jan 2019 00:00:00 GMT";
    const ConditionalCase cases[] = {
        {"the same tag", {{"If-None-Match", "\"e1\""}}, 304},
        {"weakly the same", {{"If-None-Match", "W/\"e1\""}}, 304},
        {"in a list", {{"If-None-Match", "\"x\", \"e1\""}}, 304},
        {"in a second line", {{"If-None-Match", "\"x\""}, {"If-None-Match", "\"e1\""}}, 304},
        {"any", {{"If-None-Match", "*"}}, 304},
        {"another tag", {{"If-None-Match", "\"x\""}}, 200},
        {"not modified since", {{"If-Modified-Since", kModified}}, 304},
        {"modified since", {{"If-Modified-Since", "Mon, 31 Dec 2018 00:00:00 GMT"}}, 200},
        {"no date", {{"If-Modified-Since", "yesterday"}}, 200},
        {"tags outrank dates", {{"If-None-Match", "\"x\""}, {"If-Modified-Since", kModified}}, 200},
    };
    Stand stand;
    stand.origin.page(
        "/a", {{"Cache-Control", "max-age=60"}, {"ETag", "\"e1\""}, {"Last-Modified", kModified}},
        "hi");
    stand.get("/a");
    RawClient client = stand.client();
    for (const ConditionalCase& c : cases) {
        BOOST_TEST_CONTEXT(c.name)
        {
            const Message answer = client.ask("GET", "/a", c.request);
            BOOST_TEST(answer.status() == c.status);
            BOOST_TEST(answer.value("ETag") == "\"e1\"");
            BOOST_TEST(answer.body == (c.status == 200 ? "hi" : ""));
        }
    }
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(a_conditional_request_that_misses_still_fills_the_cache)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        if (x.request().value("If-None-Match") == "\"e1\"")
            x.answer(304, {{"ETag", "\"e1\""}, {"Cache-Control", "max-age=60"}});
        else
            x.answer(200, {{"ETag", "\"e1\""}, {"Cache-Control", "max-age=60"}}, "hello");
    });
    BOOST_TEST(stand.get("/a", {{"If-None-Match", "\"e1\""}}).status() == 304);
    const Message whole = stand.get("/a");
    BOOST_TEST(whole.status() == 200);
    BOOST_TEST(whole.body == "hello");
}

BOOST_AUTO_TEST_CASE(an_only_once_valid_page_is_served_stale_while_it_is_revalidated)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        if (x.nth() > 1 && !gate.wait()) return x.abort();
        x.answer(200,
                 {{"Cache-Control", "max-age=10, stale-while-revalidate=600"},
                  {"Age", x.nth() == 1 ? "11" : "0"}},
                 std::to_string(x.nth()));
    });
    BOOST_TEST(stand.get("/a").body == "1");
    BOOST_TEST(stand.get("/a").body == "1"); // while the second is held
    stand.origin.wait_for("/a", 2);
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(stand.get("/a").body == "1");
    BOOST_TEST(stand.origin.count("/a") == 2); // one background fetch, however many ask
    gate.open();
    BOOST_TEST(poll_until(soon(), [&] { return stand.get("/a").body == "2"; }));
    BOOST_TEST(stand.origin.count("/a") == 2);
}

struct StaleOnErrorCase {
    const char* name;
    const char* control;
    FakeOrigin::Handler failure;
    bool stale;
};

BOOST_AUTO_TEST_CASE(a_stale_page_is_served_on_an_error_only_where_that_is_allowed)
{
    const auto error = [](Exchange& x) { x.answer(503, {}, "down"); };
    const auto dropped = [](Exchange& x) { x.abort(); };
    const StaleOnErrorCase cases[] = {
        {"stale-if-error, a 503", "max-age=10, stale-if-error=600", error, true},
        {"stale-if-error, dropped", "max-age=10, stale-if-error=600", dropped, true},
        {"a dropped connection even without it", "max-age=10", dropped, true},
        {"a 503 without it is the answer", "max-age=10", error, false},
        {"never with must-revalidate", "max-age=10, must-revalidate", dropped, false},
        {"never with proxy-revalidate", "max-age=10, proxy-revalidate", dropped, false},
        {"never with no-cache", "no-cache, max-age=10", dropped, false},
        {"an explicit one beside s-maxage", "s-maxage=10, stale-if-error=600", error, true},
        {"nothing implicit with s-maxage", "s-maxage=10", dropped, false},
    };
    Stand stand;
    int row = 0;
    for (const StaleOnErrorCase& c : cases) {
        BOOST_TEST_CONTEXT(c.name)
        {
            const std::string target = "/stale/" + std::to_string(row++);
            const Fields stale{{"Cache-Control", c.control}, {"Age", "11"}, {"ETag", "\"e\""}};
            stand.origin.page(target, stale, "old");
            stand.get(target);
            stand.origin.on(target, c.failure);
            const Message answer = stand.get(target);
            BOOST_TEST((answer.status() == 200) == c.stale);
            BOOST_TEST((answer.body == "old") == c.stale);
            if (!c.stale) BOOST_TEST(one_of(answer.status(), {502, 503, 504}));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ranges)

namespace
{
const Fields kRanged{{"Cache-Control", "max-age=60"}, {"ETag", "\"e1\""}};

struct RangeCase {
    const char* range;
    int status;
    const char* body;
    const char* content_range;
};
} // namespace

BOOST_AUTO_TEST_CASE(a_range_is_cut_from_the_stored_response)
{
    const RangeCase cases[] = {
        {"bytes=2-4", 206, "234", "bytes 2-4/10"},
        {"bytes=0-0", 206, "0", "bytes 0-0/10"},
        {"bytes=7-", 206, "789", "bytes 7-9/10"},
        {"bytes=-3", 206, "789", "bytes 7-9/10"},
        {"bytes=-30", 206, "0123456789", "bytes 0-9/10"},
        {"bytes=8-99", 206, "89", "bytes 8-9/10"},
        {"bytes=10-", 416, nullptr, "bytes */10"},
        {"bytes=-0", 416, nullptr, "bytes */10"},
        {"bytes=5-4", 200, "0123456789", ""}, // invalid: as if absent (RFC 9110 §14.2)
        {"lines=1-2", 200, "0123456789", ""},
        {"bytes=a-b", 200, "0123456789", ""},
    };
    Stand stand;
    stand.origin.page("/a", kRanged, "0123456789");
    stand.get("/a");
    RawClient client = stand.client();
    for (const RangeCase& c : cases) {
        BOOST_TEST_CONTEXT(c.range)
        {
            const Message answer = client.get("/a", {{"Range", c.range}});
            BOOST_TEST(answer.status() == c.status);
            BOOST_TEST(answer.value("Content-Range") == c.content_range);
            if (c.body != nullptr) BOOST_TEST(answer.body == c.body);
        }
    }
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(several_ranges_come_as_parts)
{
    Stand stand;
    stand.origin.page("/a", kRanged, "0123456789");
    stand.get("/a");
    const Message answer = stand.get("/a", {{"Range", "bytes=0-1,8-9"}});
    BOOST_TEST(answer.status() == 206);
    BOOST_TEST(answer.value("Content-Type").starts_with("multipart/byteranges"));
    BOOST_TEST(answer.body.find("bytes 0-1/10\r\n") != std::string::npos);
    BOOST_TEST(answer.body.find("bytes 8-9/10\r\n") != std::string::npos);
    BOOST_TEST(answer.body.find("\r\n\r\n01\r\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(if_range_decides_between_the_part_and_the_whole)
{
    Stand stand;
    stand.origin.page("/a", kRanged, "0123456789");
    stand.get("/a");
    const auto status = [&](const char* tag) {
        return stand.get("/a", {{"Range", "bytes=0-1"}, {"If-Range", tag}}).status();
    };
    BOOST_TEST(status("\"e1\"") == 206);
    BOOST_TEST(status("\"e2\"") == 200);
    BOOST_TEST(status("W/\"e1\"") == 200); // strong comparison (RFC 9110 §13.1.5)
}

BOOST_AUTO_TEST_CASE(a_small_range_miss_fetches_the_whole_once)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        if (x.request().has("Range"))
            x.answer(206,
                     {{"Cache-Control", "max-age=60"},
                      {"ETag", "\"e1\""},
                      {"Content-Range", "bytes 2-4/10"}},
                     "234");
        else
            x.answer(200, kRanged, "0123456789");
    });
    const Message part = stand.get("/a", {{"Range", "bytes=2-4"}});
    BOOST_TEST(part.status() == 206);
    BOOST_TEST(part.body == "234");
    const Message whole = stand.get("/a");
    BOOST_TEST(whole.status() == 200);
    BOOST_TEST(whole.body == "0123456789");
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(a_206_is_never_served_as_the_whole)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes 0-1/10"}},
                      "01", 206);
    BOOST_TEST(stand.get("/a").status() != 200); // nobody asked for a part
    BOOST_TEST(!is_hit(stand.get("/a")));
}

BOOST_AUTO_TEST_SUITE_END()
