#include "edge/serve/outcome.hpp"
#include "edge/serve/owned_request.hpp"
#include "tests/support/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

namespace tidemark::serve
{
namespace
{
using test::Request;

config::SiteSettings site_that_upgrades(std::vector<std::string> protocols)
{
    config::SiteSettings site;
    site.upgrade = std::move(protocols);
    return site;
}

struct Planned {
    Request request;
    RequestPlan plan;
};

Planned plan(std::string_view lines, bool bypass = false,
             const config::SiteSettings& site = site_that_upgrades({"websocket", "my-proto"}))
{
    Planned planned{Request(lines), {}};
    planned.plan = plan_request(*planned.request, site, bypass, "edge");
    return planned;
}
} // namespace

BOOST_AUTO_TEST_SUITE(request_plan)

BOOST_AUTO_TEST_CASE(some_requests_are_refused_here)
{
    struct Row {
        const char* lines;
        std::uint16_t status; // 0: not refused
    };
    const Row rows[] = {
        {"CONNECT example.org:443 HTTP/1.1\nHost: example.org:443", 405},
        {"TRACE / HTTP/1.1\nHost: h", 405},
        {"TRACE / HTTP/1.1\nHost: h\nMax-Forwards: 0", 405},
        {"GET / HTTP/1.1\nHost: h\nCDN-Loop: edge", 508},
        {"POST / HTTP/1.1\nHost: h\nCDN-Loop: a, Edge;x=1\nContent-Length: 0", 508},
        {"OPTIONS * HTTP/1.1\nHost: h\nCDN-Loop: edge", 508},
        {"GET / HTTP/1.1\nHost: h\nCDN-Loop: a, b", 0},
        {"OPTIONS * HTTP/1.1\nHost: h", 204},
        {"OPTIONS / HTTP/1.1\nHost: h\nMax-Forwards: 0", 204},
        {"OPTIONS / HTTP/1.1\nHost: h\nMax-Forwards: 00", 204},
        {"OPTIONS / HTTP/1.1\nHost: h\nMax-Forwards: 1", 0},
        {"OPTIONS / HTTP/1.1\nHost: h\nMax-Forwards: none", 0},
        {"OPTIONS / HTTP/1.1\nHost: h", 0},
        {"GET / HTTP/1.1\nHost: h\nMax-Forwards: 0", 0},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.lines)
        {
            const auto planned = plan(row.lines);
            BOOST_TEST((planned.plan.course == Course::refuse) == (row.status != 0));
            BOOST_TEST(planned.plan.status == row.status);
        }
}

BOOST_AUTO_TEST_CASE(method_body_conditions_and_rules_choose_the_course)
{
    struct Row {
        const char* lines;
        bool bypass;
        Course course;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1", false, Course::cache},
        {"GET / HTTP/1.0", false, Course::cache},
        {"HEAD / HTTP/1.1", false, Course::head},
        {"GET / HTTP/1.1", true, Course::pass},
        {"HEAD / HTTP/1.1", true, Course::pass},
        {"POST / HTTP/1.1\nContent-Length: 1", false, Course::pass},
        {"POST / HTTP/1.1\nContent-Length: 0", false, Course::pass},
        {"PUT / HTTP/1.1\nContent-Length: 1", false, Course::pass},
        {"DELETE / HTTP/1.1", false, Course::pass},
        {"PATCH / HTTP/1.1\nContent-Length: 1", false, Course::pass},
        {"OPTIONS / HTTP/1.1", false, Course::pass},
        {"M-SEARCH / HTTP/1.1", false, Course::pass},
        // A GET with a body is not answered from cache (the body may decide the answer).
        {"GET / HTTP/1.1\nContent-Length: 1", false, Course::pass},
        {"GET / HTTP/1.1\nTransfer-Encoding: chunked", false, Course::pass},
        {"GET / HTTP/1.1\nContent-Length: 0", false, Course::cache},
        {"HEAD / HTTP/1.1\nContent-Length: 1", false, Course::pass},
        // RFC 9111 §4.3.2: left to the origin server.
        {"GET / HTTP/1.1\nIf-Match: \"a\"", false, Course::pass},
        {"GET / HTTP/1.1\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", false, Course::pass},
        {"GET / HTTP/1.1\nIf-None-Match: \"a\"", false, Course::cache},
        {"GET / HTTP/1.1\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", false, Course::cache},
        {"GET / HTTP/1.1\nRange: bytes=0-1\nIf-Range: \"a\"", false, Course::cache},
        {"GET / HTTP/1.1\nConnection: upgrade\nUpgrade: websocket", false, Course::pass},
        {"GET / HTTP/1.1\nConnection: upgrade\nUpgrade: h2c", false, Course::cache},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.lines << (row.bypass ? " (bypass)" : ""))
        {
            const auto planned = plan(std::string(row.lines) + "\nHost: h", row.bypass);
            BOOST_TEST((planned.plan.course == row.course));
            BOOST_TEST(planned.plan.bypass == row.bypass);
            BOOST_TEST(planned.plan.status == 0);
        }
}

BOOST_AUTO_TEST_CASE(the_first_allowed_protocol_is_the_upgrade)
{
    struct Row {
        const char* fields;
        const char* upgrade;
    };
    const Row rows[] = {
        {"Connection: Upgrade\nUpgrade: websocket", "websocket"},
        {"Connection: keep-alive, upgrade\nUpgrade: WebSocket", "WebSocket"},
        {"Connection: keep-alive\nConnection: UPGRADE\nUpgrade: websocket", "websocket"},
        {"Connection: upgrade\nUpgrade: h2c, my-proto, websocket", "my-proto"},
        {"Connection: upgrade\nUpgrade: h2c\nUpgrade: websocket", "websocket"},
        {"Connection: upgrade\nUpgrade: h2c", ""},
        {"Connection: upgrade", ""},
        {"Upgrade: websocket", ""}, // RFC 9110 §7.8: Connection must name it
        {"Connection: upgrades\nUpgrade: websocket", ""},
        {"Connection: upgrade\nUpgrade: websocket2", ""},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.fields)
        {
            const auto planned = plan("GET / HTTP/1.1\nHost: h\n" + std::string(row.fields));
            BOOST_TEST(planned.plan.upgrade == row.upgrade);
        }
    BOOST_TEST(plan("GET / HTTP/1.1\nHost: h\nConnection: upgrade\nUpgrade: websocket", false,
                    site_that_upgrades({}))
                   .plan.upgrade == "");
}

BOOST_AUTO_TEST_CASE(one_valid_range_of_a_get_can_be_worked_with)
{
    struct Row {
        const char* lines;
        bool ranged;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\nRange: bytes=0-1", true},
        {"GET / HTTP/1.1\nRange: bytes=0-1, 4-, -5", true},
        {"GET / HTTP/1.1\nRange: bytes=5-", true},
        {"GET / HTTP/1.1", false},
        {"GET / HTTP/1.1\nRange: bytes=2-1", false},
        {"GET / HTTP/1.1\nRange: bytes=", false},
        {"GET / HTTP/1.1\nRange: lines=0-1", false},
        {"GET / HTTP/1.1\nRange: bytes=0-1\nRange: bytes=4-5", false},
        {"HEAD / HTTP/1.1\nRange: bytes=0-1", false},
        {"POST / HTTP/1.1\nContent-Length: 0\nRange: bytes=0-1", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.lines)
    BOOST_TEST(plan(std::string(row.lines) + "\nHost: h").plan.ranged == row.ranged);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(owned_request)

namespace
{
std::string text_of(const http::RequestHead& head)
{
    std::string out;
    for (const std::string_view part :
         {head.method_text, head.target, head.scheme, head.authority, head.path})
        out.append(part).append("|");
    out += std::to_string(static_cast<int>(head.method)) + std::to_string(head.minor_version) +
           std::to_string(static_cast<int>(head.framing.kind)) +
           std::to_string(head.framing.length_bytes) + (head.keep_alive ? "k" : "-") +
           (head.expect_continue ? "e" : "-");
    for (const http::Field& field : head.fields)
        out.append("|").append(field.name).append("=").append(field.value);
    return out;
}
} // namespace

BOOST_AUTO_TEST_CASE(it_says_the_same_when_the_bytes_it_came_from_are_gone)
{
    for (const char* lines :
         {"GET / HTTP/1.1\nHost: example.org",
          "POST http://example.org/a?b HTTP/1.1\nHost: example.org\nContent-Length: 12\nExpect: "
          "100-continue\nX-Empty:\nX-A: 1\nx-a: 2",
          "M-SEARCH /a HTTP/1.0\nHost: h\nTransfer: x", "OPTIONS * HTTP/1.1\nHost: h:80"})
        BOOST_TEST_CONTEXT(lines)
        {
            std::optional<Request> received(std::in_place, lines);
            const std::string said = text_of(**received);
            std::optional<OwnedRequest> owned(std::in_place, **received);
            received.reset();
            BOOST_TEST(text_of(owned->head()) == said);
            const OwnedRequest copy(*owned);
            owned.reset();
            BOOST_TEST(text_of(copy.head()) == said);
            BOOST_TEST(copy->fields.first(http::FieldId::host).size() > 0);
        }
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
