#include "edge/upstream/forward.hpp"
#include "tests/support/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <vector>

namespace tidemark::upstream
{
namespace
{
using test::Request;

ForwardRequest plainly(const Request& request)
{
    ForwardRequest forward;
    forward.request = &*request;
    forward.method = request->method_text;
    forward.path = request->path;
    forward.authority = request->authority;
    forward.client_address = "192.0.2.7";
    forward.edge_name = "edge";
    forward.framing = request->framing;
    return forward;
}

using Change = std::function<void(ForwardRequest&)>;

std::string forwarded(std::string_view lines, const Change& change = {})
{
    const Request request(lines);
    ForwardRequest forward = plainly(request);
    if (change) change(forward);
    std::string out;
    append_request_head(out, forward);
    return out;
}

// What every request brings along at its end.
std::string tail(std::string_view for_text = "192.0.2.7", std::string_view client = "192.0.2.7")
{
    return "X-Forwarded-For: " + std::string(client) +
           "\r\nForwarded: for=" + std::string(for_text) +
           ";host=\"example.org\";proto=http\r\nX-Forwarded-Proto: http\r\nVia: 1.1 edge\r\n"
           "CDN-Loop: edge\r\n";
}

// The field lines between Host and the tail.
std::string fields_forwarded(const std::string& fields, const Change& change = {})
{
    const std::string head = forwarded(
        "GET / HTTP/1.1\nHost: example.org" + (fields.empty() ? "" : "\n" + fields), change);
    static constexpr std::string_view kStart = "GET / HTTP/1.1\r\nHost: example.org\r\n";
    BOOST_TEST_REQUIRE(head.starts_with(kStart));
    const std::size_t end = head.find("X-Forwarded-For: 192.0.2.7\r\n");
    BOOST_TEST_REQUIRE(end != std::string::npos);
    return head.substr(kStart.size(), end - kStart.size());
}

const Change kForCache = [](ForwardRequest& forward) { forward.for_cache = true; };
} // namespace

BOOST_AUTO_TEST_SUITE(forward)

BOOST_AUTO_TEST_CASE(a_plain_request_is_rebuilt_byte_for_byte)
{
    BOOST_TEST(
        forwarded("GET /a?b=1 HTTP/1.1\nHost: example.org\nAccept: */*\nx-Odd-CASE:  v  1 ") ==
        "GET /a?b=1 HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nx-Odd-CASE: v  1\r\n" + tail() +
            "\r\n");
}

BOOST_AUTO_TEST_CASE(an_absolute_form_goes_on_in_origin_form_with_its_own_host)
{
    BOOST_TEST(
        forwarded("GET http://example.org/a HTTP/1.1\nHost: example.org")
            .starts_with("GET /a HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-For: 192.0.2.7\r\n"));
}

BOOST_AUTO_TEST_CASE(the_site_decides_path_authority_and_method)
{
    BOOST_TEST(
        forwarded("HEAD /a?utm_source=x HTTP/1.1\nHost: example.org", [](ForwardRequest& forward) {
            forward.method = "GET";
            forward.path = "/a";
            forward.authority = "backend:8080";
        }) == "GET /a HTTP/1.1\r\nHost: backend:8080\r\n" + tail() + "\r\n");
}

// RFC 9110 §7.6.1
BOOST_AUTO_TEST_CASE(what_belongs_to_the_clients_connection_ends_here)
{
    struct Row {
        const char* name;
        const char* fields;
        const char* expected;
    };
    const Row rows[] = {
        {"Connection itself", "Connection: keep-alive", ""},
        {"Keep-Alive", "Keep-Alive: timeout=5", ""},
        {"Proxy-Connection", "Proxy-Connection: keep-alive", ""},
        {"Proxy-Authorization", "Proxy-Authorization: Basic eA==", ""},
        {"TE", "TE: trailers", ""},
        {"Trailer", "Trailer: X-Sum", ""},
        {"an upgrade that the site does not allow", "Connection: upgrade\nUpgrade: h2c", ""},
        {"HTTP2-Settings, which Connection names",
         "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk", ""},
        {"a field that Connection names", "Connection: X-Hop\nX-Hop: 1\nX-Stays: 2",
         "X-Stays: 2\r\n"},
        {"in any case, and before the Connection line", "x-hop: 1\nConnection: close, X-HOP", ""},
        {"by any of several Connection lines", "Connection: x-a\nConnection: x-b\nX-A: 1\nX-B: 2",
         ""},
        {"Connection cannot name what decides about the answer",
         "Connection: Cache-Control, If-None-Match\nCache-Control: no-cache",
         "Cache-Control: no-cache\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name) BOOST_TEST(fields_forwarded(row.fields) == row.expected);
}

BOOST_AUTO_TEST_CASE(what_goes_between_nodes_is_never_taken_from_a_client)
{
    BOOST_TEST(fields_forwarded("Tidemark-Fence: 9\nTidemark-Read: v1\nTidemark-Debug: fence\n"
                                "Tidemark_Fence: 9\nTidemark-Purge-Version: 1\nX-A: b") ==
               "X-A: b\r\n");
    const std::string head = forwarded("GET / HTTP/1.1\nHost: example.org\nTidemark-Fence: 9",
                                       [](ForwardRequest& forward) { forward.fence = "our own"; });
    BOOST_TEST(head.find("Tidemark-Fence: our own\r\n") != std::string::npos);
    BOOST_TEST(head.find("Tidemark-Fence: 9") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(connection_cannot_name_host_or_the_framing)
{
    const std::string head =
        forwarded("POST / HTTP/1.1\nHost: example.org\nContent-Length: 5\nConnection: Host, "
                  "Content-Length, Via, X-Forwarded-For");
    BOOST_TEST(head ==
               "POST / HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n" + tail() + "\r\n");
}

BOOST_AUTO_TEST_CASE(fields_that_no_key_holds_are_not_forwarded)
{
    for (const char* name :
         {"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Scheme", "X-Forwarded-Server",
          "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-SSL", "X-Original-URL",
          "X-Original-Host", "X-Rewrite-URL", "x-rewrite-url", "X-HTTP-Method-Override",
          "X-HTTP-Method", "X-Method-Override", "X-Host", "X-HTTP-Host-Override", "Front-End-Https",
          "Tidemark-Purge-Version"})
        BOOST_TEST_CONTEXT(name) BOOST_TEST(fields_forwarded(std::string(name) + ": evil") == "");
    for (const char* name : {"X-Requested-With", "X-Hosting", "Front-End", "X-Forwarded",
                             "Accept-Language", "X", "Cookie"})
        BOOST_TEST_CONTEXT(name)
        {
            BOOST_TEST(fields_forwarded(std::string(name) + ": v") ==
                       std::string(name) + ": v\r\n");
            BOOST_TEST(!is_unkeyed(name));
        }
}

BOOST_AUTO_TEST_CASE(fields_that_the_site_strips_are_not_forwarded)
{
    const std::vector<std::string> strip = {"cookie", "x-debug"};
    BOOST_TEST(fields_forwarded("Cookie: a=1\nX-Debug: 1\nCookie: b=2\nX-Debugger: 2",
                                [&](ForwardRequest& forward) { forward.strip_fields = strip; }) ==
               "X-Debugger: 2\r\n");
}

BOOST_AUTO_TEST_CASE(repeated_lines_keep_their_order)
{
    BOOST_TEST(fields_forwarded("X-A: 1\nX-B: 2\nX-A: 3") == "X-A: 1\r\nX-B: 2\r\nX-A: 3\r\n");
}

BOOST_AUTO_TEST_CASE(the_client_is_named_as_its_address_demands)
{
    struct Row {
        const char* client;
        const char* for_text; // RFC 7239 §6: IPv6 in brackets and quotes
    };
    const Row rows[] = {
        {"192.0.2.7", "192.0.2.7"}, {"2001:db8::1", "\"[2001:db8::1]\""}, {"unix", "unknown"}};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.client)
    BOOST_TEST(forwarded("GET / HTTP/1.1\nHost: example.org",
                         [&](ForwardRequest& forward) { forward.client_address = row.client; }) ==
               "GET / HTTP/1.1\r\nHost: example.org\r\n" + tail(row.for_text, row.client) + "\r\n");
}

BOOST_AUTO_TEST_CASE(a_fetch_of_the_edges_own_names_no_client)
{
    BOOST_TEST(forwarded("GET / HTTP/1.1\nHost: example.org\nX-Forwarded-For: 9.9.9.9\n"
                         "Forwarded: for=9.9.9.9",
                         [](ForwardRequest& forward) { forward.client_address = {}; }) ==
               "GET / HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-Proto: http\r\nVia: 1.1 "
               "edge\r\nCDN-Loop: edge\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(the_lists_of_hops_grow_by_one_member_at_their_end)
{
    BOOST_TEST(
        forwarded("GET / HTTP/1.0\nHost: example.org\nVia: 1.1 a\nX-Forwarded-For: 10.0.0.1, "
                  "10.0.0.2\nVia: 1.0 b\nCDN-Loop: other; x=1\nX-Forwarded-For: 10.0.0.3\n"
                  "X-Forwarded-Proto: https\nForwarded: for=evil") ==
        "GET / HTTP/1.1\r\nHost: example.org\r\n"
        "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 10.0.0.3, 192.0.2.7\r\n"
        "Forwarded: for=192.0.2.7;host=\"example.org\";proto=http\r\n"
        "X-Forwarded-Proto: http\r\nVia: 1.1 a, 1.0 b, 1.0 edge\r\n"
        "CDN-Loop: other; x=1, edge\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(empty_lines_of_those_lists_leave_no_comma)
{
    BOOST_TEST(forwarded("GET / HTTP/1.1\nHost: example.org\nVia:\nX-Forwarded-For:\nCDN-Loop: ") ==
               "GET / HTTP/1.1\r\nHost: example.org\r\n" + tail() + "\r\n");
}

BOOST_AUTO_TEST_CASE(the_framing_is_of_the_body_that_follows_not_of_the_clients_fields)
{
    using Kind = http::BodyFraming::Kind;
    struct Row {
        const char* name;
        const char* fields;
        http::BodyFraming framing;
        const char* expected;
    };
    const Row rows[] = {
        {"no body", "X-A: 1", {}, "X-A: 1\r\n"},
        {"a length", "Content-Length: 7", {Kind::length, 7}, "Content-Length: 7\r\n"},
        {"a length of zero is said",
         "Content-Length: 0",
         {Kind::length, 0},
         "Content-Length: 0\r\n"},
        {"the largest length",
         "Content-Length: 9223372036854775807",
         {Kind::length, 9223372036854775807ULL},
         "Content-Length: 9223372036854775807\r\n"},
        {"chunked is chunked anew",
         "Transfer-Encoding: chunked",
         {Kind::chunked, 0},
         "Transfer-Encoding: chunked\r\n"},
        {"a body that is not sent on", "Content-Length: 7", {}, ""},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(fields_forwarded(row.fields, [&](ForwardRequest& forward) {
                   forward.framing = row.framing;
               }) == row.expected);
}

BOOST_AUTO_TEST_CASE(expect_is_ours_to_ask_for)
{
    BOOST_TEST(fields_forwarded("Expect: 100-continue\nContent-Length: 3") ==
               "Content-Length: 3\r\n");
    BOOST_TEST(fields_forwarded("Expect: 100-continue\nContent-Length: 3",
                                [](ForwardRequest& forward) { forward.expect_continue = true; }) ==
               "Content-Length: 3\r\nExpect: 100-continue\r\n");
}

BOOST_AUTO_TEST_CASE(an_allowed_upgrade_is_asked_for_alone)
{
    BOOST_TEST(forwarded("GET /chat HTTP/1.1\nHost: example.org\nConnection: Upgrade, X-Hop\n"
                         "Upgrade: h2c, websocket\nX-Hop: 1\nSec-WebSocket-Key: k",
                         [](ForwardRequest& forward) { forward.upgrade = "websocket"; }) ==
               "GET /chat HTTP/1.1\r\nHost: example.org\r\nSec-WebSocket-Key: k\r\n" + tail() +
                   "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

BOOST_AUTO_TEST_CASE(a_fetch_for_the_cache_asks_with_our_conditions_only)
{
    struct Row {
        const char* name;
        const char* fields;
        Change change;
        const char* expected;
    };
    const char* all = "If-Match: \"a\"\nIf-None-Match: \"b\"\nIf-Modified-Since: x\n"
                      "If-Unmodified-Since: y\nRange: bytes=0-1\nIf-Range: \"c\"";
    const Row rows[] = {
        {"passed on as they are",
         all,
         {},
         "If-Match: \"a\"\r\nIf-None-Match: \"b\"\r\nIf-Modified-Since: x\r\n"
         "If-Unmodified-Since: y\r\nRange: bytes=0-1\r\nIf-Range: \"c\"\r\n"},
        {"left out", all, kForCache, ""},
        {"but the range, where only a part is fetched", all,
         [](ForwardRequest& forward) {
             forward.for_cache = true;
             forward.keep_range = true;
         },
         "Range: bytes=0-1\r\nIf-Range: \"c\"\r\n"},
        {"replaced by validators of ours", all,
         [](ForwardRequest& forward) {
             forward.for_cache = true;
             forward.if_none_match = "\"stored\"";
             forward.if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT";
         },
         "If-None-Match: \"stored\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
        {"other fields stay", "Accept: a\nAuthorization: b\nPragma: c", kForCache,
         "Accept: a\r\nAuthorization: b\r\nPragma: c\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(fields_forwarded(row.fields, row.change) == row.expected);
}

// RFC 9110 §7.6.2
BOOST_AUTO_TEST_CASE(max_forwards_of_options_counts_down)
{
    struct Row {
        const char* request;
        const char* expected;
    };
    const Row rows[] = {
        {"OPTIONS / HTTP/1.1\nMax-Forwards: 10", "Max-Forwards: 9\r\n"},
        {"OPTIONS / HTTP/1.1\nMax-Forwards: 1", "Max-Forwards: 0\r\n"},
        {"OPTIONS / HTTP/1.1\nMax-Forwards: many", "Max-Forwards: many\r\n"},
        {"OPTIONS / HTTP/1.1\nMax-Forwards: 99999999999999999999",
         "Max-Forwards: 99999999999999999999\r\n"},
        {"GET / HTTP/1.1\nMax-Forwards: 10", "Max-Forwards: 10\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.request)
        {
            const std::string head = forwarded(std::string(row.request) + "\nHost: example.org");
            BOOST_TEST(head.find("\r\n" + std::string(row.expected)) != std::string::npos, head);
        }
}

// RFC 8586 §2
BOOST_AUTO_TEST_CASE(a_loop_is_seen_by_our_own_name_in_cdn_loop)
{
    struct Row {
        const char* fields;
        bool loops;
    };
    const Row rows[] = {
        {"X: y", false},
        {"CDN-Loop: edge", true},
        {"CDN-Loop: EDGE", true},
        {"CDN-Loop: other, edge", true},
        {"CDN-Loop: other; a=b, edge ; c=d", true},
        {"CDN-Loop: other\nCDN-Loop: edge", true},
        {"CDN-Loop: edge2, my-edge", false},
        {"CDN-Loop: other; by=edge", false},
        {"CDN-Loop: other; by=\"x, edge\"", false},
        {"CDN-Loop:", false},
        {"Via: 1.1 edge", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.fields)
        {
            const Request request("GET / HTTP/1.1\nHost: h\n" + std::string(row.fields));
            BOOST_TEST(loops(request->fields, "edge") == row.loops);
        }
}

BOOST_AUTO_TEST_CASE(what_we_send_ourselves_is_seen_as_a_loop_when_it_comes_back)
{
    std::string sent = forwarded("GET / HTTP/1.1\nHost: example.org\nCDN-Loop: a; v=1");
    std::string lines;
    for (const char c : sent)
        if (c != '\r') lines += c;
    const Request again(lines.substr(0, lines.size() - 2));
    BOOST_TEST(loops(again->fields, "edge"));
    BOOST_TEST(loops(again->fields, "a"));
    BOOST_TEST(!loops(again->fields, "b"));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::upstream
