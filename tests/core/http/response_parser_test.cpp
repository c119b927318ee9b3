#include "heads.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>
#include <vector>

namespace tidemark::http::test
{
namespace
{
using namespace std::string_view_literals;
using Kind = BodyFraming::Kind;

const std::string kPage = "HTTP/1.1 200 OK\r\n"
                          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                          "Content-Type: text/html; charset=utf-8\r\n"
                          "Cache-Control: public, max-age=60\r\n"
                          "ETag: \"abc\"\r\n"
                          "Vary: Accept-Encoding\r\n"
                          "Set-Cookie: a=b; Path=/\r\n"
                          "Set-Cookie: c=d\r\n"
                          "X-Empty:\r\n"
                          "Content-Length: 12\r\n"
                          "\r\n";

template <class Look> void with_head(std::string_view bytes, Method method, Look&& look)
{
    ResponseParser parser{HeadLimits{}};
    parser.set_request_method(method);
    std::size_t consumed = 0;
    const auto progress = parser.feed(bytes, consumed);
    BOOST_TEST_REQUIRE(progress.has_value());
    BOOST_TEST_REQUIRE((*progress == HeadProgress::complete));
    BOOST_TEST(consumed == bytes.size());
    look(parser.head());
}

BOOST_AUTO_TEST_SUITE(http_response_parser)

BOOST_AUTO_TEST_CASE(a_page_is_read_in_full)
{
    with_head(kPage, Method::get, [](const ResponseHead& head) {
        BOOST_TEST(head.status == 200);
        BOOST_TEST(head.reason == "OK");
        BOOST_TEST(head.minor_version == 1);
        BOOST_TEST(head.framing == (BodyFraming{Kind::length, 12}));
        BOOST_TEST(head.keep_alive);
        BOOST_TEST(head.fields.size() == 9U);
        BOOST_TEST(head.fields.first(FieldId::etag) == "\"abc\"");
        BOOST_TEST(head.fields.lines_of(FieldId::set_cookie) == 2U);
        BOOST_TEST(head.fields[7].value.empty());
    });
}

BOOST_AUTO_TEST_CASE(an_interim_and_the_final_response_may_share_a_read)
{
    ResponseParser parser{HeadLimits{}};
    const std::string both = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + kPage;
    std::size_t consumed = 0;
    BOOST_TEST(!parser.started());
    BOOST_TEST((parser.feed(both, consumed) == HeadProgress::complete));
    BOOST_TEST(parser.started());
    BOOST_TEST(parser.head().status == 103);
    BOOST_TEST(parser.head().framing == BodyFraming{});
    parser.reset();
    BOOST_TEST(!parser.started());
    const std::string_view rest = std::string_view(both).substr(consumed);
    BOOST_TEST((parser.feed(rest, consumed) == HeadProgress::complete));
    BOOST_TEST(consumed == rest.size());
    BOOST_TEST(parser.head().status == 200);
}

// RFC 9112 §4
BOOST_AUTO_TEST_CASE(status_lines_of_real_servers_are_taken)
{
    struct Row {
        std::string_view line;
        std::uint16_t status;
        std::string_view reason;
    };
    const Row rows[] = {
        {"HTTP/1.1 200 OK", 200, "OK"},
        {"HTTP/1.1 200 ", 200, ""},
        {"HTTP/1.1 200", 200, ""},
        {"HTTP/1.0 404 Not Found", 404, "Not Found"},
        {"HTTP/1.1 200 a  b\tc ", 200, "a  b\tc "},
        {"HTTP/1.1 200 caf\xc3\xa9", 200, "caf\xc3\xa9"},
        {"HTTP/1.1 100 Continue", 100, "Continue"},
        {"HTTP/1.1 599 x", 599, "x"},
        {"HTTP/1.1 999 x", 999, "x"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const std::string bytes = std::string(row.line) + "\r\nContent-Length: 0\r\n\r\n";
            with_head(bytes, Method::get, [&](const ResponseHead& head) {
                BOOST_TEST(head.status == row.status);
                BOOST_TEST(head.reason == row.reason);
            });
            BOOST_TEST(read_response(bytes, {1}) == read_response(bytes));
        }
}

BOOST_AUTO_TEST_CASE(heads_out_of_grammar_are_refused)
{
    struct Row {
        std::string_view what;
        HeadError error;
        std::string_view bytes;
    };
    constexpr HeadError malformed = HeadError::malformed;
    const Row rows[] = {
        {"a blank line first", malformed, "\r\nHTTP/1.1 200 OK\r\n\r\n"},
        {"a space first", malformed, " HTTP/1.1 200 OK\r\n\r\n"},
        {"a request", malformed, "GET / HTTP/1.1\r\n\r\n"},
        {"noise", malformed, "\x15\x03\x01"},
        {"lower-case http", malformed, "http/1.1 200 OK\r\n\r\n"},
        {"another protocol", malformed, "RTSP/1.0 200 OK\r\n\r\n"},
        {"ICY", malformed, "ICY 200 OK\r\n\r\n"},
        {"two spaces before the status", malformed, "HTTP/1.1  200 OK\r\n\r\n"},
        {"a tab before the status", malformed, "HTTP/1.1\t200 OK\r\n\r\n"},
        {"no space before the status", malformed, "HTTP/1.1200 OK\r\n\r\n"},
        {"a tab behind the status", malformed, "HTTP/1.1 200\tOK\r\n\r\n"},
        {"no status", malformed, "HTTP/1.1 OK\r\n\r\n"},
        {"a version alone", malformed, "HTTP/1.1\r\n\r\n"},
        {"a version and a space", malformed, "HTTP/1.1 \r\n\r\n"},
        {"two digits", malformed, "HTTP/1.1 20 OK\r\n\r\n"},
        {"four digits", malformed, "HTTP/1.1 2000 OK\r\n\r\n"},
        {"four digits and no reason", malformed, "HTTP/1.1 2000\r\n\r\n"},
        {"a status below 100", malformed, "HTTP/1.1 099 OK\r\n\r\n"},
        {"status zero", malformed, "HTTP/1.1 000 OK\r\n\r\n"},
        {"a sign", malformed, "HTTP/1.1 +20 OK\r\n\r\n"},
        {"a letter in the status", malformed, "HTTP/1.1 2x0 OK\r\n\r\n"},
        {"a dot in the status", malformed, "HTTP/1.1 2.0 OK\r\n\r\n"},
        {"a bare LF", malformed, "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"},
        {"bare LFs everywhere", malformed, "HTTP/1.1 200 OK\nContent-Length: 0\n\n"},
        {"a bare LF behind the status", malformed, "HTTP/1.1 200\n\r\n"},
        {"a bare CR", malformed, "HTTP/1.1 200 O\rK\r\n\r\n"},
        {"two CRs", malformed, "HTTP/1.1 200 OK\r\r\n\r\n"},
        {"a CTL in the reason", malformed, "HTTP/1.1 200 O\x01K\r\n\r\n"},
        {"a NUL in the reason", malformed, "HTTP/1.1 200 O\0K\r\n\r\n"sv},
        {"a DEL in the reason", malformed, "HTTP/1.1 200 O\x7fK\r\n\r\n"},
        {"HTTP/1.2", HeadError::version, "HTTP/1.2 200 OK\r\n\r\n"},
        {"HTTP/2.0", HeadError::version, "HTTP/2.0 200 OK\r\n\r\n"},
        {"HTTP/0.9", HeadError::version, "HTTP/0.9 200 OK\r\n\r\n"},
        {"HTTP/2", malformed, "HTTP/2 200 OK\r\n\r\n"},
        {"a space before the colon", malformed, "HTTP/1.1 200 OK\r\nA : b\r\n\r\n"},
        {"an empty name", malformed, "HTTP/1.1 200 OK\r\n: b\r\n\r\n"},
        {"obs-fold", malformed, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"},
        {"obs-fold behind an empty value", malformed, "HTTP/1.1 200 OK\r\nA:\r\n c\r\n\r\n"},
        {"a space before the first field", malformed, "HTTP/1.1 200 OK\r\n A: b\r\n\r\n"},
        {"a line without a colon", malformed, "HTTP/1.1 200 OK\r\nabc\r\n\r\n"},
        {"a NUL in a value", malformed, "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n"sv},
        {"a bare CR in a value", malformed, "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"},
        {"a bare LF in a value", malformed, "HTTP/1.1 200 OK\r\nA: b\nc: d\r\n\r\n"},
        {"a bare LF at the end", malformed, "HTTP/1.1 200 OK\r\nA: b\r\n\n"},
        {"a space in the name", malformed, "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"},
        {"a DEL in a value", malformed, "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n"},
        {"two lengths that differ", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {"two lengths alike", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {"a list of lengths", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n"},
        {"a length with a sign", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n"},
        {"an empty length", HeadError::bad_framing, "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"},
        {"a length of 2^63", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n"},
        {"length and chunked", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"chunked and length", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"},
        {"gzip", HeadError::bad_framing, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"},
        {"gzip, chunked", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        {"chunked, gzip", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"},
        {"identity", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"},
        {"chunked twice", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"chunked in HTTP/1.0", HeadError::bad_framing,
         "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {"an empty coding", HeadError::bad_framing,
         "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            Reading expected;
            expected.error = row.error;
            BOOST_TEST(read_response(row.bytes) == expected);
            BOOST_TEST(read_response(row.bytes, {1}) == expected);
        }
}

// RFC 9112 §6.3
BOOST_AUTO_TEST_CASE(method_status_and_fields_decide_the_body)
{
    struct Row {
        std::string_view what;
        Method method;
        std::string_view status, lines;
        BodyFraming framing;
    };
    const Row rows[] = {
        {"a length", Method::get, "200", "Content-Length: 5\r\n", {Kind::length, 5}},
        {"length zero", Method::get, "200", "Content-Length: 0\r\n", {Kind::length, 0}},
        {"chunked", Method::get, "200", "Transfer-Encoding: Chunked\r\n", {Kind::chunked, 0}},
        {"neither", Method::get, "200", "", {Kind::until_close, 0}},
        {"neither, an error", Method::get, "404", "", {Kind::until_close, 0}},
        {"neither, to POST", Method::post, "200", "", {Kind::until_close, 0}},
        {"205 with a length", Method::get, "205", "Content-Length: 0\r\n", {Kind::length, 0}},
        {"HEAD", Method::head, "200", "Content-Length: 5\r\n", {}},
        {"HEAD, chunked", Method::head, "200", "Transfer-Encoding: chunked\r\n", {}},
        {"HEAD, neither", Method::head, "404", "", {}},
        {"204", Method::get, "204", "", {}},
        {"204 with a length", Method::get, "204", "Content-Length: 5\r\n", {}},
        {"304", Method::get, "304", "", {}},
        {"304 with the length of the 200", Method::get, "304", "Content-Length: 5\r\n", {}},
        {"304, chunked", Method::get, "304", "Transfer-Encoding: chunked\r\n", {}},
        {"100", Method::get, "100", "", {}},
        {"103 with a length", Method::get, "103", "Content-Length: 5\r\n", {}},
        {"101", Method::get, "101", "Upgrade: websocket\r\nConnection: upgrade\r\n", {}},
        {"CONNECT answered by 200", Method::connect, "200", "", {}},
        {"CONNECT refused", Method::connect, "407", "Content-Length: 5\r\n", {Kind::length, 5}},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            const std::string bytes =
                "HTTP/1.1 " + std::string(row.status) + " x\r\n" + std::string(row.lines) + "\r\n";
            with_head(bytes, row.method,
                      [&](const ResponseHead& head) { BOOST_TEST(head.framing == row.framing); });
            BOOST_TEST(read_response(bytes, {1}, {}, row.method) ==
                       read_response(bytes, {}, {}, row.method));
        }
}

// RFC 9112 §9.3
BOOST_AUTO_TEST_CASE(a_connection_stays_open_only_if_the_end_of_the_body_is_known)
{
    struct Row {
        std::string_view bytes;
        bool keep_alive;
    };
    const Row rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\n\r\n", false},
        {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", false},
        {"HTTP/1.1 204 x\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", true},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.bytes)
        {
            with_head(row.bytes, Method::get, [&](const ResponseHead& head) {
                BOOST_TEST(head.keep_alive == row.keep_alive);
            });
        }
}

BOOST_AUTO_TEST_CASE(limits_hold_before_the_head_ends)
{
    HeadLimits limits;
    limits.line_bytes = 32;
    limits.head_bytes = 128;
    limits.fields = 2;
    for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{}, {1}, {9}}) {
        const auto error_of = [&](const std::string& bytes) {
            return read_response(bytes, pieces, limits).error;
        };
        const std::string line = "HTTP/1.1 200 ";
        BOOST_TEST((error_of(line + std::string(100, 'a')) == HeadError::head_too_large));
        BOOST_TEST(
            (error_of(line + "\r\nA: " + std::string(200, 'a')) == HeadError::head_too_large));
        BOOST_TEST((error_of(line + "\r\nA: a\r\nB: b\r\nC: ") == HeadError::too_many_fields));
        BOOST_TEST(!error_of(line + "\r\nA: a\r\nB: b\r\n\r\n").has_value());
    }
}

RC_BOOST_PROP(any_split_of_a_response_reads_alike, ())
{
    const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "HTTP/1.1 200 OK\r\n", "HTTP/1.0 304\r\n", "Content-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "A: b\r\n", "A:\r\n", ": c\r\n",
        " d\r\n", "\r\n", "\r\n", "\n", "\r", "x", ":", " ", "\x01"));
    std::string text = *rc::gen::element<std::string>("", "HTTP/1.1 200 OK\r\n");
    for (const std::string& part : parts)
        text += part;
    const auto pieces = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 20)));
    HeadLimits limits;
    limits.line_bytes = 40;
    limits.head_bytes = 120;
    limits.fields = 4;
    RC_ASSERT(read_response(text, pieces, limits) == read_response(text, {}, limits));
    RC_ASSERT(read_response(text, {1}, limits) == read_response(text, {}, limits));
}

RC_BOOST_PROP(one_byte_changed_in_a_good_head_reads_alike_in_any_split, ())
{
    std::string text = kPage;
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = static_cast<char>(*rc::gen::inRange(0, 256));
    const auto cut = *rc::gen::inRange<std::size_t>(1, text.size());
    const Reading whole = read_response(text);
    RC_ASSERT(read_response(text, {cut, text.size()}) == whole);
    RC_ASSERT(read_response(text, {1}) == whole);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http::test
