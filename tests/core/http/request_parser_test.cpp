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

const std::string kBrowserGet =
    "GET /assets/img/logo.svg?v=3 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef; theme=dark\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "If-None-Match: \"5f3-60a\"\r\n"
    "\r\n";

// A head with these field lines behind a Host.
std::string get_with(std::string_view lines)
{
    return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

// Reads a good head and hands it to `look`.
template <class Look> void with_head(std::string_view bytes, Look&& look)
{
    RequestParser parser{HeadLimits{}};
    std::size_t consumed = 0;
    const auto progress = parser.feed(bytes, consumed);
    BOOST_TEST_REQUIRE(progress.has_value());
    BOOST_TEST_REQUIRE((*progress == HeadProgress::complete));
    look(parser.head());
}

struct RefusedRow {
    std::string_view what;
    HeadError error;
    std::string_view bytes;
};

// Every refusal must come however the bytes are cut.
void refuse_all(const std::vector<RefusedRow>& rows)
{
    for (const RefusedRow& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            Reading expected;
            expected.error = row.error;
            BOOST_TEST(read_request(row.bytes) == expected);
            BOOST_TEST(read_request(row.bytes, {1}) == expected);
        }
}

BOOST_AUTO_TEST_SUITE(http_request_parser)

BOOST_AUTO_TEST_CASE(a_browser_get_is_read_in_full)
{
    with_head(kBrowserGet, [](const RequestHead& head) {
        BOOST_TEST((head.method == Method::get));
        BOOST_TEST(head.method_text == "GET");
        BOOST_TEST(head.target == "/assets/img/logo.svg?v=3");
        BOOST_TEST(head.path == head.target);
        BOOST_TEST(head.scheme == "http");
        BOOST_TEST(head.authority == "www.example.com");
        BOOST_TEST(head.minor_version == 1);
        BOOST_TEST(head.framing == BodyFraming{});
        BOOST_TEST(head.keep_alive);
        BOOST_TEST(!head.expect_continue);
        BOOST_TEST(head.fields.size() == 9U);
        BOOST_TEST(head.fields[0].name == "Host");
        BOOST_TEST(head.fields.first(FieldId::accept_encoding) == "gzip, deflate, br");
        BOOST_TEST(head.fields.first(FieldId::if_none_match) == "\"5f3-60a\"");
        BOOST_TEST(head.fields[7].name == "Upgrade-Insecure-Requests");
        BOOST_TEST((head.fields[7].id == FieldId::other));
    });
}

BOOST_AUTO_TEST_CASE(a_head_in_one_read_is_not_copied)
{
    with_head(kBrowserGet, [](const RequestHead& head) {
        const auto inside = [](std::string_view view) {
            return view.data() >= kBrowserGet.data() &&
                   view.data() + view.size() <= kBrowserGet.data() + kBrowserGet.size();
        };
        BOOST_TEST(inside(head.method_text));
        BOOST_TEST(inside(head.path));
        BOOST_TEST(inside(head.authority));
        for (const Field& field : head.fields)
            BOOST_TEST((inside(field.name) && inside(field.value)));
    });
}

BOOST_AUTO_TEST_CASE(bytes_behind_the_head_are_left_alone)
{
    RequestParser parser{HeadLimits{}};
    const std::string two = kBrowserGet + "GET /second HTTP/1.1\r\nHost: b\r\n\r\nrest";
    std::size_t consumed = 0;
    BOOST_TEST((parser.feed(two, consumed) == HeadProgress::complete));
    BOOST_TEST(consumed == kBrowserGet.size());
    parser.reset();
    const std::string_view rest = std::string_view(two).substr(consumed);
    BOOST_TEST((parser.feed(rest, consumed) == HeadProgress::complete));
    BOOST_TEST(rest.substr(consumed) == "rest");
    BOOST_TEST(parser.head().target == "/second");
    BOOST_TEST(parser.head().fields.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_head_split_anywhere_leaves_the_bytes_behind_it_alone)
{
    const std::string with_body = kBrowserGet + "body";
    for (std::size_t cut = 1; cut < kBrowserGet.size(); ++cut)
        BOOST_TEST_CONTEXT(cut)
        {
            const Reading reading = read_request(with_body, {cut, with_body.size()});
            BOOST_TEST(reading == read_request(with_body));
            BOOST_TEST(reading.head_bytes == kBrowserGet.size());
        }
}

BOOST_AUTO_TEST_CASE(a_parser_that_failed_reads_again_after_a_reset)
{
    RequestParser parser{HeadLimits{}};
    std::size_t consumed = 0;
    BOOST_TEST(!parser.feed("GET / HTTP/1.1\r\nbad line\r\n\r\n", consumed).has_value());
    parser.reset();
    BOOST_TEST((parser.feed(kBrowserGet, consumed) == HeadProgress::complete));
    BOOST_TEST(parser.head().authority == "www.example.com");
}

BOOST_AUTO_TEST_CASE(a_head_has_started_with_its_first_byte_and_not_with_blank_lines)
{
    RequestParser parser{HeadLimits{}};
    std::size_t consumed = 0;
    BOOST_TEST(!parser.started());
    BOOST_TEST((parser.feed("\r\n\r", consumed) == HeadProgress::need_more));
    BOOST_TEST(consumed == 3U);
    BOOST_TEST(!parser.started());
    BOOST_TEST((parser.feed("\nG", consumed) == HeadProgress::need_more));
    BOOST_TEST(consumed == 2U);
    BOOST_TEST(parser.started());
    parser.reset();
    BOOST_TEST(!parser.started());
}

BOOST_AUTO_TEST_CASE(no_bytes_are_no_progress)
{
    RequestParser parser{HeadLimits{}};
    std::size_t consumed = 7;
    BOOST_TEST((parser.feed("", consumed) == HeadProgress::need_more));
    BOOST_TEST(consumed == 0U);
    BOOST_TEST(!parser.started());
}

BOOST_AUTO_TEST_CASE(a_parser_moves_with_what_it_has_read)
{
    RequestParser parser{HeadLimits{}};
    std::size_t consumed = 0;
    BOOST_TEST((parser.feed("GET /a HTTP/1.1\r\nHo", consumed) == HeadProgress::need_more));
    RequestParser moved = std::move(parser);
    BOOST_TEST((moved.feed("st: b\r\n\r\n", consumed) == HeadProgress::complete));
    BOOST_TEST(moved.head().authority == "b");
    BOOST_TEST(moved.head().path == "/a");
}

// RFC 9110 §9
BOOST_AUTO_TEST_CASE(methods_are_told_apart)
{
    struct Row {
        std::string_view text;
        Method method;
    };
    const Row rows[] = {
        {"GET", Method::get},         {"HEAD", Method::head},         {"POST", Method::post},
        {"PUT", Method::put},         {"DELETE", Method::delete_},    {"OPTIONS", Method::options},
        {"TRACE", Method::trace},     {"PATCH", Method::patch},       {"PURGE", Method::other},
        {"M-SEARCH", Method::other},  {"PROPFIND", Method::other},    {"REPORT", Method::other},
        {"SEARCH", Method::other},    {"LOCK", Method::other},        {"MKCALENDAR", Method::other},
        {"PROPPATCH", Method::other}, {"UNSUBSCRIBE", Method::other},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            with_head(std::string(row.text) + " /x HTTP/1.1\r\nHost: a\r\n\r\n",
                      [&](const RequestHead& head) {
                          BOOST_TEST((head.method == row.method));
                          BOOST_TEST(head.method_text == row.text);
                      });
        }
}

// RFC 9112 §3.2
BOOST_AUTO_TEST_CASE(each_form_of_target_gives_scheme_authority_and_path)
{
    struct Row {
        std::string_view line, host, scheme, authority, path;
    };
    const Row rows[] = {
        {"GET /", "a", "http", "a", "/"},
        {"GET /a/b?c=d&e=%20", "a:8080", "http", "a:8080", "/a/b?c=d&e=%20"},
        {"GET //double", "a", "http", "a", "//double"},
        {"GET /http://b/", "a", "http", "a", "/http://b/"},
        {"GET /a|b\\c\"d<e>{f}^`", "a", "http", "a", "/a|b\\c\"d<e>{f}^`"},
        {"GET http://b/c?d", "a", "http", "b", "/c?d"},
        {"GET http://b:81/", "a", "http", "b:81", "/"},
        {"GET HTTP://B/", "a", "http", "B", "/"},
        {"GET https://b/c", "a", "https", "b", "/c"},
        {"GET http://b", "a", "http", "b", "/"},
        {"GET http://b?c=/d", "a", "http", "b", "/?c=/d"},
        {"GET http://[::1]:80/x", "a", "http", "[::1]:80", "/x"},
        {"OPTIONS *", "a", "http", "a", "*"},
        {"OPTIONS /x", "a", "http", "a", "/x"},
        {"OPTIONS http://b", "a", "http", "b", "*"},
        {"OPTIONS http://b/", "a", "http", "b", "/"},
        {"CONNECT b:443", "a", "http", "b:443", ""},
        {"CONNECT [::1]:443", "a", "http", "[::1]:443", ""},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const std::string bytes =
                std::string(row.line) + " HTTP/1.1\r\nHost: " + std::string(row.host) + "\r\n\r\n";
            with_head(bytes, [&](const RequestHead& head) {
                BOOST_TEST(head.scheme == row.scheme);
                BOOST_TEST(head.authority == row.authority);
                BOOST_TEST(head.path == row.path);
            });
            BOOST_TEST(read_request(bytes) == read_request(bytes, {1}));
        }
}

BOOST_AUTO_TEST_CASE(the_transport_gives_the_scheme_of_an_origin_form)
{
    RequestParser parser{HeadLimits{}};
    parser.set_scheme("https");
    std::size_t consumed = 0;
    BOOST_TEST((parser.feed(kBrowserGet, consumed) == HeadProgress::complete));
    BOOST_TEST(parser.head().scheme == "https");
    parser.reset();
    BOOST_TEST((parser.feed("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", consumed) ==
                HeadProgress::complete));
    BOOST_TEST(parser.head().scheme == "http");
    parser.reset();
    BOOST_TEST((parser.feed(kBrowserGet, consumed) == HeadProgress::complete));
    BOOST_TEST(parser.head().scheme == "https");
}

// RFC 9112 §2.2, §3
BOOST_AUTO_TEST_CASE(request_lines_out_of_grammar_are_refused)
{
    constexpr HeadError malformed = HeadError::malformed;
    refuse_all({
        {"two spaces before the target", malformed, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"two spaces before the version", malformed, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a space behind the version", malformed, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
        {"a space before the method", malformed, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a tab behind the method", malformed, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a tab behind the target", malformed, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a space in the target", malformed, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"no target", malformed, "GET HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an empty target", malformed, "GET  HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"HTTP/0.9", malformed, "GET /\r\n\r\n"},
        {"a method alone", malformed, "GET\r\n\r\n"},
        {"an LF behind the method", malformed, "GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a bare LF at the end of the line", malformed, "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        {"bare LFs everywhere", malformed, "GET / HTTP/1.1\nHost: a\n\n"},
        {"a bare CR at the end of the line", malformed, "GET / HTTP/1.1\rHost: a\r\n\r\n"},
        {"a bare CR in the target", malformed, "GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"two CRs", malformed, "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"},
        {"a NUL in the target", malformed, "GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n"sv},
        {"a CTL in the target", malformed, "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a DEL in the target", malformed, "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a byte of 0x80 in the target", malformed, "GET /a\x80 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"UTF-8 in the target", malformed, "GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a fragment", malformed, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a fragment in a long target", malformed,
         "GET /abcdefghijklmnopqrstuvwxyz#b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a fragment in an absolute-form", malformed,
         "GET http://b/#c HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a relative target", malformed, "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a query alone", malformed, "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an asterisk for GET", malformed, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an asterisk and more", malformed, "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an authority-form for GET", malformed, "GET b:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a path for CONNECT", malformed, "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"CONNECT without a port", malformed, "CONNECT b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"CONNECT to IPv6 without a port", malformed, "CONNECT [::1] HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"CONNECT with an absolute-form", malformed,
         "CONNECT http://b:443/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"CONNECT with userinfo", malformed, "CONNECT u@b:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"the scheme ftp", malformed, "GET ftp://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"the scheme file", malformed, "GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"the scheme ws", malformed, "GET ws://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a scheme that begins as http", malformed, "GET httpx://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"one slash behind the scheme", malformed, "GET http:/b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an absolute-form without authority", malformed,
         "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"an absolute-form with a port alone", malformed,
         "GET http://:80/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"userinfo in an absolute-form", malformed, "GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"userinfo with a password", malformed, "GET http://u:p@b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a port out of range in an absolute-form", malformed,
         "GET http://b:65536/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a word instead of the version", malformed, "GET / FOO\r\nHost: a\r\n\r\n"},
        {"lower-case http", malformed, "GET / http/1.1\r\nHost: a\r\n\r\n"},
        {"HTTP without a version", malformed, "GET / HTTP/\r\nHost: a\r\n\r\n"},
        {"a version without minor", malformed, "GET / HTTP/1\r\nHost: a\r\n\r\n"},
        {"a version without a dot", malformed, "GET / HTTP/11\r\nHost: a\r\n\r\n"},
        {"a comma in the version", malformed, "GET / HTTP/1,1\r\nHost: a\r\n\r\n"},
        {"two digits of minor", malformed, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"},
        {"two digits of major", malformed, "GET / HTTP/11.1\r\nHost: a\r\n\r\n"},
        {"a leading zero", malformed, "GET / HTTP/01.1\r\nHost: a\r\n\r\n"},
        {"letters in the version", malformed, "GET / HTTP/x.y\r\nHost: a\r\n\r\n"},
        {"a signed version", malformed, "GET / HTTP/+1.1\r\nHost: a\r\n\r\n"},
        {"RTSP", malformed, "GET / RTSP/1.0\r\nHost: a\r\n\r\n"},
        {"ICE", malformed, "SOURCE / ICE/1.0\r\nHost: a\r\n\r\n"},
        {"HTTP/1.2", HeadError::version, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
        {"HTTP/1.9", HeadError::version, "GET / HTTP/1.9\r\nHost: a\r\n\r\n"},
        {"HTTP/0.9 said aloud", HeadError::version, "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
        {"HTTP/2.0", HeadError::version, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
        {"HTTP/3.0", HeadError::version, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"},
        {"HTTP/9.9", HeadError::version, "GET / HTTP/9.9\r\nHost: a\r\n\r\n"},
    });
}

BOOST_AUTO_TEST_CASE(methods_that_nobody_knows_are_refused_and_no_tokens_are_malformed)
{
    constexpr HeadError unknown = HeadError::unknown_method;
    constexpr HeadError malformed = HeadError::malformed;
    refuse_all({
        {"a word", unknown, "FOO / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"lower-case get", unknown, "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"mixed case", unknown, "Get / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a known method and more", unknown, "GETX / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a known method cut", unknown, "GE / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a method of RTSP", unknown, "DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"another method of RTSP", unknown, "SETUP / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"PRI without the preface", unknown, "PRI / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"odd but legal bytes", unknown, "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a method that never ends", unknown, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
        {"a TLS hello", malformed, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv},
        {"a NUL in the method", malformed, "G\0T / HTTP/1.1\r\nHost: a\r\n\r\n"sv},
        {"a NUL first", malformed, "\0GET / HTTP/1.1\r\nHost: a\r\n\r\n"sv},
        {"a colon in the method", malformed, "GET: / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a slash in the method", malformed, "GE/T / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"quotes round the method", malformed, "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"UTF-8 in the method", malformed, "G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a byte order mark", malformed, "\xef\xbb\xbfGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a DEL in the method", malformed, "GE\x7fT / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"a response", malformed, "HTTP/1.1 200 OK\r\n\r\n"},
    });
}

// RFC 9113 §3.4
BOOST_AUTO_TEST_CASE(the_preface_of_http2_is_recognised)
{
    refuse_all({
        {"whole", HeadError::h2_preface, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {"its first line", HeadError::h2_preface, "PRI * HTTP/2.0\r\n"},
    });
}

// RFC 9112 §3.2, RFC 9110 §7.2
BOOST_AUTO_TEST_CASE(exactly_one_good_host_is_asked_of_http11)
{
    constexpr HeadError host = HeadError::bad_host;
    refuse_all({
        {"none", host, "GET / HTTP/1.1\r\n\r\n"},
        {"none, with other fields", host, "GET / HTTP/1.1\r\nAccept: a\r\n\r\n"},
        {"none, with an absolute-form", host, "GET http://a/ HTTP/1.1\r\n\r\n"},
        {"none, for CONNECT", host, "CONNECT a:443 HTTP/1.1\r\n\r\n"},
        {"two", host, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
        {"two alike", host, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        {"two in different case", host, "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n"},
        {"two, one empty", host, "GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n"},
        {"two, with an absolute-form", host,
         "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        {"two in HTTP/1.0", host, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
        {"empty", host, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
        {"blank", host, "GET / HTTP/1.1\r\nHost:  \t \r\n\r\n"},
        {"empty in HTTP/1.0", host, "GET / HTTP/1.0\r\nHost:\r\n\r\n"},
        {"bad, with a good absolute-form", host, "GET http://a/ HTTP/1.1\r\nHost: b/\r\n\r\n"},
        {"a list", host, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
        {"a space", host, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {"a tab", host, "GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n"},
        {"a path", host, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        {"a URL", host, "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n"},
        {"userinfo", host, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
        {"userinfo with a port", host, "GET / HTTP/1.1\r\nHost: u:p@a:80\r\n\r\n"},
        {"a query", host, "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"},
        {"a fragment", host, "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n"},
        {"a backslash", host, "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n"},
        {"quotes", host, "GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n"},
        {"a byte of 0x80", host, "GET / HTTP/1.1\r\nHost: a\x80\r\n\r\n"},
        {"a port with a letter", host, "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n"},
        {"a port with a sign", host, "GET / HTTP/1.1\r\nHost: a:+80\r\n\r\n"},
        {"a port out of range", host, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"},
        {"no port behind the colon", host, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"},
        {"two ports", host, "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n"},
        {"IPv6 without brackets", host, "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"},
        {"an open bracket", host, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
    });
}

BOOST_AUTO_TEST_CASE(http10_may_lack_a_host)
{
    with_head("GET /a HTTP/1.0\r\n\r\n", [](const RequestHead& head) {
        BOOST_TEST(head.authority.empty());
        BOOST_TEST(head.path == "/a");
        BOOST_TEST(head.minor_version == 0);
        BOOST_TEST(!head.keep_alive);
    });
    with_head("GET http://b/a HTTP/1.0\r\n\r\n",
              [](const RequestHead& head) { BOOST_TEST(head.authority == "b"); });
}

// RFC 3986 §3.2.2
BOOST_AUTO_TEST_CASE(authorities_are_told_from_other_texts)
{
    for (const std::string_view good : {"a",
                                        "A",
                                        "example.com",
                                        "example.com.",
                                        "a-b_c.d~e",
                                        "xn--caf-dma.example",
                                        "a:0",
                                        "a:80",
                                        "a:65535",
                                        "a:00080",
                                        "127.0.0.1",
                                        "127.0.0.1:8080",
                                        "999.1.1.1",
                                        "%41b",
                                        "a!$&'()*+;=b",
                                        "[::]",
                                        "[::1]",
                                        "[::1]:80",
                                        "[1::]",
                                        "[1:2:3:4:5:6:7:8]",
                                        "[1:2:3:4:5:6:7::]",
                                        "[::2:3:4:5:6:7:8]",
                                        "[fe80::ABCD:ef01]",
                                        "[::ffff:1.2.3.4]",
                                        "[1:2:3:4:5:6:1.2.3.4]",
                                        "[::1.2.3.4]:443",
                                        "localhost",
                                        "0",
                                        "-"})
        BOOST_TEST_CONTEXT(good)
        {
            BOOST_TEST(is_authority(good));
        }
    for (const std::string_view bad : {"",
                                       ":",
                                       ":80",
                                       "a:",
                                       "a:65536",
                                       "a:000080",
                                       "a:999999999999999999999",
                                       "a:-1",
                                       "a:8 0",
                                       "a :80",
                                       " a",
                                       "a ",
                                       "a b",
                                       "u@a",
                                       "@a",
                                       "a@",
                                       "a/b",
                                       "a?b",
                                       "a#b",
                                       "a\\b",
                                       "a<b",
                                       "a>b",
                                       "a^b",
                                       "a`b",
                                       "a|b",
                                       "a{b}",
                                       "a\"b",
                                       "a%",
                                       "a%4",
                                       "a%4x",
                                       "a%x4",
                                       "a[",
                                       "a]",
                                       "[",
                                       "]",
                                       "[]",
                                       "[]:80",
                                       "[:]",
                                       "[:::]",
                                       "[1]",
                                       "[1:2]",
                                       "[1:2:3:4:5:6:7]",
                                       "[1:2:3:4:5:6:7:8:9]",
                                       "[1:2:3:4:5:6:7:8::]",
                                       "[1:2:3:4:5:6:7::8]",
                                       "[::1::]",
                                       "[1::2::3]",
                                       "[12345::]",
                                       "[g::]",
                                       "[::1",
                                       "::1]",
                                       "[::1]x",
                                       "[::1]:",
                                       "[::1]:x",
                                       "[::1]:65536",
                                       "[::1]80",
                                       "[::1%25eth0]",
                                       "[::1%eth0]",
                                       "[v1.a]",
                                       "[1.2.3.4]",
                                       "[::256.1.1.1]",
                                       "[::1.2.3]",
                                       "[::1.2.3.4.5]",
                                       "[::01.2.3.4]",
                                       "[1.2.3.4::]",
                                       "[::1:]",
                                       "[:1::]",
                                       "[ ::1]",
                                       "a\tb",
                                       "a\rb",
                                       "a\nb",
                                       "\x7f",
                                       "a\x80"})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!is_authority(bad));
        }
    BOOST_TEST(!is_authority("a\0b"sv));
    BOOST_TEST(!is_authority("\0"sv));
}

// RFC 9112 §5, RFC 9110 §5.1, §5.5
BOOST_AUTO_TEST_CASE(field_lines_out_of_grammar_are_refused)
{
    constexpr HeadError malformed = HeadError::malformed;
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"an empty name", ": b\r\n"},
        {"an empty name and value", ":\r\n"},
        {"a line without a colon", "abc\r\n"},
        {"a line of a space", " \r\n"},
        {"a space before the colon", "A : b\r\n"},
        {"a tab before the colon", "A\t: b\r\n"},
        {"a space before the colon of Content-Length", "Content-Length : 0\r\n"},
        {"a space before the colon of Transfer-Encoding", "Transfer-Encoding : chunked\r\n"},
        {"a tab before the colon of Transfer-Encoding", "Transfer-Encoding\t: chunked\r\n"},
        {"a space before the name", " A: b\r\n"},
        {"a tab before the name", "\tA: b\r\n"},
        {"a space in the name", "A B: c\r\n"},
        {"obs-fold with a space", "A: b\r\n c\r\n"},
        {"obs-fold with a tab", "A: b\r\n\tc\r\n"},
        {"obs-fold behind an empty value", "A:\r\n b\r\n"},
        {"obs-fold behind a blank value", "A: \r\n b\r\n"},
        {"obs-fold of nothing", "A: b\r\n \r\n"},
        {"obs-fold of nothing behind nothing", "A:\r\n \r\n"},
        {"obs-fold in Transfer-Encoding", "Transfer-Encoding:\r\n chunked\r\n"},
        {"obs-fold in Content-Length", "Content-Length:\r\n 0\r\n"},
        {"a bare LF at the end", "A: b\n"},
        {"a bare LF behind an empty value", "A:\n"},
        {"a bare LF in the value", "A: b\nB: c\r\n"},
        {"a bare CR in the value", "A: b\rc\r\n"},
        {"a bare CR at the start of the value", "A:\rb\r\n"},
        {"a bare CR in the name", "A\rB: c\r\n"},
        {"a bare CR at the end", "A: b\r\r\n"},
        {"a bare CR at the start of a line", "\rA: b\r\n"},
        {"an LF in the name", "A\nB: c\r\n"},
        {"a vertical tab before the value", "A:\x0b"
                                            "b\r\n"},
        {"a vertical tab in Transfer-Encoding", "Transfer-Encoding: \x0b"
                                                "chunked\r\n"},
        {"a form feed", "A: b\x0c\r\n"},
        {"an escape", "A: \x1b[31m\r\n"},
        {"a bell", "A: \x07\r\n"},
        {"a DEL", "A: b\x7f\r\n"},
        {"a DEL in the name", "A\x7f: b\r\n"},
        {"a byte of 0x80 in the name", "A\x80: b\r\n"},
        {"UTF-8 in the name", "Caf\xc3\xa9: b\r\n"},
        {"a parenthesis in the name", "A(: b\r\n"},
        {"a comma in the name", "A,B: c\r\n"},
        {"a slash in the name", "A/B: c\r\n"},
        {"a semicolon in the name", "A;: b\r\n"},
        {"an equals sign in the name", "A=: b\r\n"},
        {"an at sign in the name", "A@: b\r\n"},
        {"a bracket in the name", "A[: b\r\n"},
        {"a backslash in the name", "A\\: b\r\n"},
        {"a brace in the name", "A{: b\r\n"},
        {"quotes round the name", "\"A\": b\r\n"},
        {"a question mark in the name", "A?: b\r\n"},
        {"an angle bracket in the name", "<A>: b\r\n"},
    };
    for (const auto& [what, lines] : rows) {
        const std::string first = "GET / HTTP/1.1\r\n" + std::string(lines) + "Host: a\r\n\r\n";
        const std::string last = get_with(lines);
        refuse_all({{what, malformed, first}, {what, malformed, last}});
    }
    refuse_all({
        {"a NUL in the name", malformed, "GET / HTTP/1.1\r\nA\0: b\r\nHost: a\r\n\r\n"sv},
        {"a NUL in the value", malformed, "GET / HTTP/1.1\r\nA: b\0c\r\nHost: a\r\n\r\n"sv},
        {"a NUL in the Host", malformed, "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n"sv},
        {"a head that ends in a bare LF", malformed, "GET / HTTP/1.1\r\nHost: a\r\n\n"},
        {"a head that ends in a bare CR", malformed, "GET / HTTP/1.1\r\nHost: a\r\n\rX"},
        {"no fields and a bare LF", malformed, "GET / HTTP/1.0\r\n\n"},
    });
}

BOOST_AUTO_TEST_CASE(every_byte_is_judged_in_names_and_values)
{
    for (int byte = 0; byte < 256; ++byte) {
        const char c = static_cast<char>(byte);
        if (c == '\r' || c == '\n') continue; // line ends have tests of their own
        BOOST_TEST_CONTEXT("byte " << byte)
        {
            const std::string name = get_with("A" + std::string(1, c) + "b: c\r\n");
            const std::string value = get_with("A: b" + std::string(1, c) + "bcdefghij\r\n");
            const bool token = c > 0x20 && c < 0x7f && "\"(),/;<=>?@[\\]{}"sv.find(c) == "x"sv.npos;
            BOOST_TEST(read_request(name).complete == (token));
            BOOST_TEST(read_request(value).complete ==
                       (byte == '\t' || (byte >= 0x20 && byte != 0x7f)));
        }
    }
}

BOOST_AUTO_TEST_CASE(values_lose_the_space_around_them_and_nothing_else)
{
    struct Row {
        std::string_view line, value;
    };
    const Row rows[] = {
        {"A:b", "b"},
        {"A: b", "b"},
        {"A: b ", "b"},
        {"A:\t b \t", "b"},
        {"A:", ""},
        {"A: ", ""},
        {"A:\t\t", ""},
        {"A: b  c\td", "b  c\td"},
        {"A: :b:", ":b:"},
        {"A: \"b, c\"", "\"b, c\""},
        {"A: caf\xc3\xa9", "caf\xc3\xa9"},
        {"A: \x80\xff", "\x80\xff"},
        {"A: long enough to be looked at in words of eight bytes\tand a tab",
         "long enough to be looked at in words of eight bytes\tand a tab"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const std::string bytes = get_with(std::string(row.line) + "\r\nZ: z\r\n");
            with_head(bytes, [&](const RequestHead& head) {
                BOOST_TEST(head.fields[1].value == row.value);
                BOOST_TEST(head.fields[2].value == "z");
            });
            BOOST_TEST(read_request(bytes, {1}) == read_request(bytes));
        }
}

// RFC 9112 §6.2, §6.3, RFC 9110 §8.6
BOOST_AUTO_TEST_CASE(framing_in_doubt_is_refused)
{
    constexpr HeadError framing = HeadError::bad_framing;
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"a sign", "Content-Length: +5\r\n"},
        {"a minus", "Content-Length: -5\r\n"},
        {"minus zero", "Content-Length: -0\r\n"},
        {"hex", "Content-Length: 0x5\r\n"},
        {"a letter behind", "Content-Length: 5a\r\n"},
        {"a letter", "Content-Length: a\r\n"},
        {"empty", "Content-Length:\r\n"},
        {"blank", "Content-Length: \t\r\n"},
        {"a decimal point", "Content-Length: 5.0\r\n"},
        {"an exponent", "Content-Length: 1e1\r\n"},
        {"a space inside", "Content-Length: 5 5\r\n"},
        {"a thousands separator", "Content-Length: 1_000\r\n"},
        {"a list", "Content-Length: 5, 6\r\n"},
        {"a list of one number", "Content-Length: 5,5\r\n"},
        {"a list with an empty member", "Content-Length: 5,\r\n"},
        {"a comma first", "Content-Length: ,5\r\n"},
        {"quotes", "Content-Length: \"5\"\r\n"},
        {"a semicolon", "Content-Length: 5;\r\n"},
        {"2^63", "Content-Length: 9223372036854775808\r\n"},
        {"2^64", "Content-Length: 18446744073709551616\r\n"},
        {"2^64 + 5", "Content-Length: 18446744073709551621\r\n"},
        {"forty digits", "Content-Length: 1000000000000000000000000000000000000000\r\n"},
        {"two that differ", "Content-Length: 5\r\nContent-Length: 6\r\n"},
        {"two alike", "Content-Length: 5\r\nContent-Length: 5\r\n"},
        {"two of zero", "Content-Length: 0\r\nContent-Length: 0\r\n"},
        {"two in different case", "Content-Length: 5\r\ncontent-length: 5\r\n"},
        {"two, others between", "Content-Length: 5\r\nA: b\r\nContent-Length: 5\r\n"},
        {"length and chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"},
        {"chunked and length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"},
        {"chunked and length zero", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"},
        {"length and identity", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n"},
        {"length and gzip", "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"},
        {"length and an empty coding", "Content-Length: 5\r\nTransfer-Encoding:\r\n"},
        {"chunked twice, two lines",
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"},
        {"identity, then chunked, two lines",
         "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"},
        {"chunked, then identity, two lines",
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"},
        {"an empty line, then chunked", "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n"},
        {"chunked twice, one line", "Transfer-Encoding: chunked, chunked\r\n"},
        {"chunked not last", "Transfer-Encoding: chunked, gzip\r\n"},
        {"chunked not last, identity", "Transfer-Encoding: chunked, identity\r\n"},
        {"gzip alone", "Transfer-Encoding: gzip\r\n"},
        {"identity", "Transfer-Encoding: identity\r\n"},
        {"xchunked", "Transfer-Encoding: xchunked\r\n"},
        {"chunkedx", "Transfer-Encoding: chunkedx\r\n"},
        {"chunke", "Transfer-Encoding: chunke\r\n"},
        {"x chunked", "Transfer-Encoding: x chunked\r\n"},
        {"chunked x", "Transfer-Encoding: chunked x\r\n"},
        {"quotes round chunked", "Transfer-Encoding: \"chunked\"\r\n"},
        {"apostrophes round chunked", "Transfer-Encoding: 'chunked'\r\n"},
        {"a parameter", "Transfer-Encoding: chunked;q=1\r\n"},
        {"a semicolon first", "Transfer-Encoding: ;chunked\r\n"},
        {"an empty member last", "Transfer-Encoding: chunked,\r\n"},
        {"an empty member first", "Transfer-Encoding: ,chunked\r\n"},
        {"an empty coding", "Transfer-Encoding:\r\n"},
        {"a long s", "Transfer-Encoding: chun\xc5\xbf"
                     "ed\r\n"},
        {"obs-text before", "Transfer-Encoding: \xa0"
                            "chunked\r\n"},
    };
    for (const auto& [what, lines] : rows) {
        const std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
        refuse_all({{what, framing, bytes}});
    }
    refuse_all({{"chunked in HTTP/1.0", framing,
                 "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"},
                {"gzip in HTTP/1.0", framing,
                 "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"}});
}

// RFC 9112 §6.1
BOOST_AUTO_TEST_CASE(codings_before_a_final_chunked_are_unknown)
{
    refuse_all({
        {"gzip", HeadError::unknown_coding,
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
        {"a made-up one", HeadError::unknown_coding,
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cow,chunked\r\n\r\n"},
    });
}

BOOST_AUTO_TEST_CASE(good_framing_is_understood)
{
    struct Row {
        std::string_view what, lines;
        BodyFraming framing;
    };
    using Kind = BodyFraming::Kind;
    const Row rows[] = {
        {"none", "", {Kind::none, 0}},
        {"zero", "Content-Length: 0\r\n", {Kind::length, 0}},
        {"some", "Content-Length: 123\r\n", {Kind::length, 123}},
        {"leading zeros", "Content-Length: 00000000000000000000000007\r\n", {Kind::length, 7}},
        {"space around", "Content-Length: \t 7 \r\n", {Kind::length, 7}},
        {"other case", "cONTENT-lENGTH: 7\r\n", {Kind::length, 7}},
        {"the most",
         "Content-Length: 9223372036854775807\r\n",
         {Kind::length, 9223372036854775807U}},
        {"chunked", "Transfer-Encoding: chunked\r\n", {Kind::chunked, 0}},
        {"chunked in other case", "transfer-encoding:CHUNKed \r\n", {Kind::chunked, 0}},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            const std::string bytes =
                "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(row.lines) + "\r\n";
            with_head(bytes,
                      [&](const RequestHead& head) { BOOST_TEST(head.framing == row.framing); });
            BOOST_TEST(read_request(bytes, {1}) == read_request(bytes));
        }
}

// RFC 9112 §9.3
BOOST_AUTO_TEST_CASE(connections_stay_open_when_both_ends_may_want_it)
{
    struct Row {
        std::string_view version, lines;
        bool keep_alive;
    };
    const Row rows[] = {
        {"1.1", "", true},
        {"1.1", "Connection: keep-alive\r\n", true},
        {"1.1", "Connection: upgrade\r\n", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: Close\r\n", false},
        {"1.1", "Connection: keep-alive, close\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.1", "Connection: closed\r\n", true},
        {"1.1", "Connection: x-close, closex\r\n", true},
        {"1.1", "Connection:\r\n", true},
        {"1.1", "Proxy-Connection: close\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: keep-alive\r\n", true},
        {"1.0", "Connection: Keep-Alive, te\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
        {"1.0", "Connection: close\r\n", false},
        {"1.0", "Proxy-Connection: keep-alive\r\n", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.version << ' ' << row.lines)
        {
            with_head(
                "GET / HTTP/" + std::string(row.version) + "\r\nHost: a\r\n" +
                    std::string(row.lines) + "\r\n",
                [&](const RequestHead& head) { BOOST_TEST(head.keep_alive == row.keep_alive); });
        }
}

// RFC 9110 §10.1.1
BOOST_AUTO_TEST_CASE(an_interim_answer_is_expected_only_over_http11)
{
    struct Row {
        std::string_view version, lines;
        bool expected;
    };
    const Row rows[] = {
        {"1.1", "", false},
        {"1.1", "Expect: 100-continue\r\n", true},
        {"1.1", "Expect: 100-Continue\r\n", true},
        {"1.1", "Expect: x, 100-continue\r\n", true},
        {"1.1", "Expect: 100-continued\r\n", false},
        {"1.1", "Expect:\r\n", false},
        {"1.0", "Expect: 100-continue\r\n", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.version << ' ' << row.lines)
        {
            with_head(
                "POST / HTTP/" + std::string(row.version) + "\r\nHost: a\r\nContent-Length: 1\r\n" +
                    std::string(row.lines) + "\r\n",
                [&](const RequestHead& head) { BOOST_TEST(head.expect_continue == row.expected); });
        }
}

// RFC 9112 §2.2
BOOST_AUTO_TEST_CASE(a_few_blank_lines_before_a_request_are_skipped)
{
    HeadLimits limits;
    limits.blank_lines = 2;
    const std::string good = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const std::vector<std::size_t>& pieces :
         {std::vector<std::size_t>{}, {1}, {2}, {3}, {4, 1}, {5}}) {
        const Reading reading = read_request(good, pieces, limits);
        BOOST_TEST(reading.complete);
        BOOST_TEST(reading.head_bytes == good.size());
        BOOST_TEST((read_request("\r\n" + good, pieces, limits).error == HeadError::malformed));
        BOOST_TEST((read_request("\n" + good, pieces, limits).error == HeadError::malformed));
        BOOST_TEST((read_request("\r" + good, pieces, limits).error == HeadError::malformed));
        BOOST_TEST(
            (read_request("\rGET / HTTP/1.1\r\n", pieces, limits).error == HeadError::malformed));
        BOOST_TEST((read_request(" \r\n" + good, pieces, limits).error == HeadError::malformed));
    }
    limits.blank_lines = 0;
    BOOST_TEST((read_request(good, {}, limits).error == HeadError::malformed));
}

BOOST_AUTO_TEST_CASE(blank_lines_are_counted_anew_for_each_request)
{
    HeadLimits limits;
    limits.blank_lines = 1;
    RequestParser parser(limits);
    for (int i = 0; i < 3; ++i) {
        std::size_t consumed = 0;
        BOOST_TEST((parser.feed("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", consumed) ==
                    HeadProgress::complete));
        parser.reset();
    }
}

BOOST_AUTO_TEST_CASE(a_request_line_has_a_limit_that_holds_before_it_ends)
{
    HeadLimits limits;
    limits.line_bytes = 64;
    const auto line_of = [](std::size_t bytes) {
        return "GET /" + std::string(bytes - 14, 'a') + " HTTP/1.1";
    };
    for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{}, {1}, {7}, {63}}) {
        BOOST_TEST(read_request(line_of(64) + "\r\nHost: a\r\n\r\n", pieces, limits).complete);
        BOOST_TEST((read_request(line_of(65) + "\r\nHost: a\r\n\r\n", pieces, limits).error ==
                    HeadError::uri_too_long));
        BOOST_TEST((read_request("GET /" + std::string(61, 'a'), pieces, limits).error ==
                    HeadError::uri_too_long));
        BOOST_TEST(!read_request("GET /" + std::string(60, 'a'), pieces, limits).error.has_value());
    }
}

BOOST_AUTO_TEST_CASE(a_head_has_a_limit_that_holds_before_it_ends)
{
    HeadLimits limits;
    limits.head_bytes = 256;
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
    const auto head_of = [&](std::size_t bytes) {
        return start + std::string(bytes - start.size() - 4, 'a') + "\r\n\r\n";
    };
    for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{}, {1}, {100}, {255}}) {
        BOOST_TEST(read_request(head_of(256), pieces, limits).complete);
        BOOST_TEST(read_request(head_of(256) + "body", pieces, limits).complete);
        BOOST_TEST((read_request(head_of(257), pieces, limits).error == HeadError::head_too_large));
        BOOST_TEST((read_request(start + std::string(1000, 'a'), pieces, limits).error ==
                    HeadError::head_too_large));
    }
    limits.head_bytes = 10;
    BOOST_TEST((read_request(kBrowserGet, {}, limits).error == HeadError::head_too_large));
    BOOST_TEST((read_request(kBrowserGet, {1}, limits).error == HeadError::head_too_large));
}

BOOST_AUTO_TEST_CASE(the_number_of_fields_has_a_limit_that_holds_before_the_head_ends)
{
    HeadLimits limits;
    limits.fields = 3;
    const std::string three = "GET / HTTP/1.1\r\nHost: a\r\nB: b\r\nC: c\r\n";
    for (const std::vector<std::size_t>& pieces : {std::vector<std::size_t>{}, {1}, {5}}) {
        BOOST_TEST(read_request(three + "\r\n", pieces, limits).complete);
        BOOST_TEST(
            (read_request(three + "D:", pieces, limits).error == HeadError::too_many_fields));
        BOOST_TEST((read_request(three + "D\x01:", pieces, limits).error == HeadError::malformed));
    }
}

BOOST_AUTO_TEST_CASE(each_refusal_has_its_status)
{
    BOOST_TEST(status_of(HeadError::malformed) == 400);
    BOOST_TEST(status_of(HeadError::bad_host) == 400);
    BOOST_TEST(status_of(HeadError::bad_framing) == 400);
    BOOST_TEST(status_of(HeadError::uri_too_long) == 414);
    BOOST_TEST(status_of(HeadError::head_too_large) == 431);
    BOOST_TEST(status_of(HeadError::too_many_fields) == 431);
    BOOST_TEST(status_of(HeadError::version) == 505);
    BOOST_TEST(status_of(HeadError::unknown_method) == 501);
    BOOST_TEST(status_of(HeadError::h2_preface) == 505);
    BOOST_TEST(status_of(HeadError::unknown_coding) == 501);
    BOOST_TEST(http::text_of(HeadError::malformed) == "malformed head");
}

BOOST_AUTO_TEST_CASE(tokens_and_values_are_told_from_other_texts)
{
    BOOST_TEST(is_token("abc-DEF.123!#$%&'*+^_`|~"));
    for (const std::string_view bad : {"", "a b", "a:", "a/b", "\"a\"", "a,", "a\x80", "a\t"})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!is_token(bad));
        }
    BOOST_TEST(!is_token("a\0"sv));
    BOOST_TEST(is_field_value(""));
    BOOST_TEST(is_field_value(" a\tb \xff"));
    for (std::size_t at = 0; at < 20; ++at)
        for (const char bad : {'\0', '\r', '\n', '\x01', '\x1f', '\x7f'}) {
            std::string text(20, 'a');
            text[at] = bad;
            BOOST_TEST(!is_field_value(text));
        }
}

// What a peer may make of a request, from good parts and bad ones.
rc::Gen<std::string> any_request_text()
{
    return rc::gen::map(
        rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
            "GET / HTTP/1.1\r\n", "POST http://b/c HTTP/1.1\r\n", "OPTIONS * HTTP/1.0\r\n",
            "Host: a\r\n", "Host: a\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n", "Connection: close\r\n", "A: b\r\n", "A:\r\n",
            "A:  \t\r\n", ": c\r\n", " d\r\n", "\r\n", "\r\n", "\n", "\r", "x", ":", " ", "\t",
            "Content-Length", "\x01", "\x80")),
        [](const std::vector<std::string>& parts) {
            std::string text;
            for (const std::string& part : parts)
                text += part;
            return text;
        });
}

RC_BOOST_PROP(any_split_of_a_request_reads_alike, ())
{
    const std::string prefix =
        *rc::gen::element<std::string>("", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n");
    const std::string text = prefix + *any_request_text();
    const auto pieces = *rc::gen::nonEmpty(
        rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 20)));
    HeadLimits limits;
    limits.line_bytes = 40;
    limits.head_bytes = 120;
    limits.fields = 4;
    limits.blank_lines = 2;
    RC_ASSERT(read_request(text, pieces, limits) == read_request(text, {}, limits));
    RC_ASSERT(read_request(text, {1}, limits) == read_request(text, {}, limits));
}

RC_BOOST_PROP(one_byte_changed_in_a_good_head_reads_alike_in_any_split, ())
{
    std::string text = kBrowserGet;
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = static_cast<char>(*rc::gen::inRange(0, 256));
    const auto cut = *rc::gen::inRange<std::size_t>(1, text.size());
    const Reading whole = read_request(text);
    RC_ASSERT(read_request(text, {cut, text.size()}) == whole);
    RC_ASSERT(read_request(text, {1}) == whole);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http::test
