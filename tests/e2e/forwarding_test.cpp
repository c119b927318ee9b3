#include "tests/e2e/stand.hpp"

#include <boost/test/unit_test.hpp>

// What reaches the origin, and what reaches the client: rebuilt, never relayed (hardening.md 2 and
// 5).
using namespace tidemark::e2e;

namespace
{
Message seen_by_origin(Stand& stand, const Fields& fields)
{
    stand.origin.page("/f", kNoStore, "x");
    BOOST_TEST(stand.get("/f", fields).status() == 200);
    return stand.origin.last("/f");
}
} // namespace

BOOST_AUTO_TEST_SUITE(forwarding)

BOOST_AUTO_TEST_CASE(the_host_is_preserved)
{
    Stand stand;
    BOOST_TEST(seen_by_origin(stand, {{"Host", "shop.example:81"}}).value("Host") ==
               "shop.example:81");
}

BOOST_AUTO_TEST_CASE(the_origin_learns_who_asked_and_through_whom)
{
    Stand stand;
    const Message seen = seen_by_origin(stand, {{"Host", "shop.example"}});
    BOOST_TEST(seen.value("X-Forwarded-For") == "127.0.0.1");
    BOOST_TEST(seen.value("X-Forwarded-Proto") == "http");
    const std::string forwarded = seen.value("Forwarded");
    BOOST_TEST(forwarded.find("for=127.0.0.1") != std::string::npos);
    BOOST_TEST(forwarded.find("proto=http") != std::string::npos);
    BOOST_TEST(seen.value("Via") == "1.1 edge-1");
    BOOST_TEST(seen.value("CDN-Loop").find("edge-1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_nearest_address_is_the_last_one_named)
{
    Stand stand;
    const Message seen = seen_by_origin(
        stand,
        {{"X-Forwarded-For", "192.0.2.7"}, {"Forwarded", "for=192.0.2.7"}, {"Via", "1.0 p"}});
    BOOST_TEST(seen.value("X-Forwarded-For").ends_with("127.0.0.1"));
    const std::string forwarded = seen.value("Forwarded");
    BOOST_TEST(forwarded.rfind("for=127.0.0.1") != std::string::npos);
    BOOST_TEST(forwarded.find("127.0.0.1") > forwarded.find("192.0.2.7") + 1);
    BOOST_TEST(seen.value("Via").ends_with("1.1 edge-1"));
}

BOOST_AUTO_TEST_CASE(via_of_an_answer_is_kept)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=60"}, {"Via", "1.1 inner"}}, "x");
    // A gateway may add itself there, or not (RFC 9110 §7.6.3).
    for (int i = 0; i < 2; ++i)
        BOOST_TEST(stand.get("/a").value("Via").starts_with("1.1 inner"));
}

BOOST_AUTO_TEST_CASE(a_request_that_was_here_before_is_a_loop)
{
    Stand stand;
    stand.origin.page("/", kNoStore, "x");
    for (const char* loop : {"edge-1", "other, edge-1", "a; x=\"y\", edge-1; z=1"}) {
        BOOST_TEST_CONTEXT(loop)
        {
            BOOST_TEST(stand.get("/", {{"CDN-Loop", loop}}).status() == 508);
        }
    }
    BOOST_TEST(stand.origin.total() == 0);
    BOOST_TEST(stand.get("/", {{"CDN-Loop", "edge-10, \"edge-1\", x; edge-1=1"}}).status() == 200);
    BOOST_TEST(stand.origin.last("/").value("CDN-Loop").starts_with("edge-10"));
}

BOOST_AUTO_TEST_CASE(hop_by_hop_fields_and_those_connection_names_do_not_pass)
{
    Stand stand;
    const Fields hop{{"Connection", "X-Private, keep-alive, X-Other"},
                     {"X-Private", "1"},
                     {"X-Other", "2"},
                     {"Keep-Alive", "timeout=5"},
                     {"Proxy-Connection", "keep-alive"},
                     {"TE", "trailers"},
                     {"X-Kept", "3"}};
    const Message seen = seen_by_origin(stand, hop);
    for (const char* name : {"X-Private", "X-Other", "Keep-Alive", "Proxy-Connection"})
        BOOST_TEST(!seen.has(name), name);
    BOOST_TEST(seen.value("X-Kept") == "3");

    stand.origin.page("/back",
                      {{"Cache-Control", "max-age=60"},
                       {"Connection", "X-Private"},
                       {"X-Private", "1"},
                       {"Keep-Alive", "timeout=5"},
                       {"Proxy-Authenticate", "Basic"},
                       {"X-Kept", "3"}},
                      "x");
    for (int i = 0; i < 2; ++i) {
        const Message answer = stand.get("/back");
        for (const char* name : {"X-Private", "Keep-Alive"})
            BOOST_TEST(!answer.has(name), name);
        BOOST_TEST(answer.value("X-Kept") == "3");
    }
}

BOOST_AUTO_TEST_CASE(connection_cannot_take_away_what_the_message_needs)
{
    Stand stand;
    stand.origin.on("/p", [](Exchange& x) { x.answer(200, kNoStore, x.request().body); });
    RawClient client = stand.client();
    client.send(
        "POST /p HTTP/1.1\r\nHost: a\r\nConnection: content-length, host, "
        "transfer-encoding, cache-control, x-forwarded-for\r\nContent-Length: 4\r\n\r\nbody");
    const Message answer = client.read_response();
    if (answer.status() == 400) return; // refusing it is right too
    BOOST_TEST(answer.body == "body");
    BOOST_TEST(stand.origin.last("/p").value("Host") == "a");
    BOOST_TEST(stand.origin.last("/p").has("X-Forwarded-For"));
}

BOOST_AUTO_TEST_CASE(what_is_not_keyed_is_not_forwarded)
{
    Stand stand;
    const char* const names[] = {
        "X-Forwarded-Host",   "X-Original-URL",   "X-Rewrite-URL",         "X-Host",
        "X-Forwarded-Scheme", "X-Forwarded-Port", "X-HTTP-Method-Override"};
    Fields fields;
    for (const char* name : names)
        fields.push_back({name, "evil.example"});
    const Message seen = seen_by_origin(stand, fields);
    for (const char* name : names)
        BOOST_TEST(seen.value(name).find("evil") == std::string::npos, name);
}

BOOST_AUTO_TEST_CASE(values_pass_exactly_and_lines_keep_their_order)
{
    Stand stand;
    const std::string odd = "a  b,,c;\"q\\\"\" \xc3\xa9 \xff~";
    const Message seen = seen_by_origin(stand, {{"X-Odd", odd}, {"X-Two", "1"}, {"X-Two", "2"}});
    BOOST_TEST(seen.value("X-Odd") == odd);
    BOOST_TEST(seen.value("X-Two") == "1, 2");
    stand.origin.page("/back",
                      {{"Cache-Control", "max-age=60"},
                       {"X-Odd", odd},
                       {"Set-Cookie", "a=1"},
                       {"Set-Cookie", "b=2, c"}},
                      "x");
    for (int i = 0; i < 2; ++i) {
        const Message answer = stand.get("/back");
        BOOST_TEST(answer.value("X-Odd") == odd);
        BOOST_TEST(answer.count("Set-Cookie") == 2U);
    }
}

BOOST_AUTO_TEST_CASE(the_target_passes_exactly)
{
    Stand stand;
    stand.origin.otherwise([](Exchange& x) { x.answer(200, kNoStore, x.request().target()); });
    for (const char* target :
         {"/a%2Fb/../c//d?x=%20&y=a+b&&", "/?", "/%00", "/a?b?c", "/;p=1", "/~u/(x)'!*"}) {
        BOOST_TEST(stand.get(target).body == target);
    }
}

BOOST_AUTO_TEST_CASE(max_forwards_is_counted_down_and_honoured)
{
    Stand stand;
    stand.origin.on("/o", [](Exchange& x) { x.answer(200, kNoStore, "origin"); });
    BOOST_TEST(stand.ask("OPTIONS", "/o", {{"Max-Forwards", "0"}}).body != "origin");
    BOOST_TEST(stand.origin.total() == 0);
    stand.ask("OPTIONS", "/o", {{"Max-Forwards", "5"}});
    BOOST_TEST(stand.origin.last("/o").value("Max-Forwards") == "4");
}

BOOST_AUTO_TEST_CASE(the_admin_paths_are_not_reachable_through_the_site)
{
    Stand stand;
    for (const char* path : {"/healthz", "/metrics", "/v1/status"})
        BOOST_TEST(stand.get(path).status() == 404); // the origin's
    BOOST_TEST(stand.ask("POST", "/v1/purge", {}, "{\"type\":\"all\"}").status() == 404);
    BOOST_TEST(stand.origin.total() == 4);
}

BOOST_AUTO_TEST_SUITE_END()
