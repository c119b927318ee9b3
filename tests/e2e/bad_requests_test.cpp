#include "tests/e2e/stand.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <vector>

// Whatever is malformed gets its 4xx (or 501, 505) and a closed connection, and the origin sees
// nothing of it (hardening.md 1; RFC 9112).
using namespace tidemark::e2e;

namespace
{
using Statuses = std::vector<int>;

struct BadRequest {
    std::string name;
    std::string bytes;
    Statuses statuses; // where the standards leave the choice, all that are right
};

std::string times(int count, std::string_view text)
{
    std::string all;
    for (int i = 0; i < count; ++i)
        all += text;
    return all;
}

std::string with_line(const std::string& line)
{
    return "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n";
}

std::string post(const std::string& lines, const std::string& body = "abcd")
{
    return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n\r\n" + body;
}

std::string bytes_of(std::initializer_list<int> values)
{
    std::string text;
    for (const int value : values)
        text += static_cast<char>(value);
    return text;
}

void add_request_lines(std::vector<BadRequest>& rows)
{
    const auto add = [&](const std::string& line, Statuses statuses) {
        rows.push_back({"request line \"" + line.substr(0, 60) + "\"", line + "\r\nHost: a\r\n\r\n",
                        std::move(statuses)});
    };
    for (const char* line : {"GET",
                             "GET ",
                             "GET /",
                             "GET / ",
                             "GET  / HTTP/1.1",
                             "GET /  HTTP/1.1",
                             "GET / HTTP/1.1 ",
                             " GET / HTTP/1.1",
                             "GET\t/ HTTP/1.1",
                             "GET /\tHTTP/1.1",
                             "GET / http/1.1",
                             "GET / HTTP/1",
                             "GET / HTTP/.1",
                             "GET / HTTP/1.",
                             "GET / HTTP/a.b",
                             "GET / HTTP/11",
                             "GET / XTTP/1.1",
                             "GET / HTTPS/1.1",
                             "GET / HTTP 1.1",
                             "GET / HTTP/1.1 x",
                             "GET / x HTTP/1.1",
                             "GET a HTTP/1.1",
                             "GET a/b HTTP/1.1",
                             "GET ?a HTTP/1.1",
                             "GET * HTTP/1.1",
                             "GET /a b HTTP/1.1",
                             "GET /#x HTTP/1.1",
                             "GET http:// HTTP/1.1",
                             "GET http:///x HTTP/1.1",
                             "GET http://u:p@a/ HTTP/1.1",
                             "GET http://a:99999/ HTTP/1.1",
                             "GET http://a:b/ HTTP/1.1",
                             "GET http://[::1/ HTTP/1.1",
                             "GET http://a b/ HTTP/1.1",
                             "G@T / HTTP/1.1",
                             "G(T / HTTP/1.1",
                             "GET:/ HTTP/1.1",
                             "/ HTTP/1.1",
                             "HTTP/1.1 200 OK"})
        add(line, {400, 501, 505});
    add("GET / HTTP/0.9", {400, 505});
    add("GET / HTTP/1.2", {400, 505});
    add("GET / HTTP/2.0", {400, 505});
    add("GET / HTTP/3.0", {400, 505});
    add("GET / HTTP/1.10", {400, 505});
    add("GET / HTTP/9.9", {400, 505});
    add("PRI * HTTP/2.0", {400, 505});
    add("FOO / HTTP/1.1", {400, 501});
    add("get / HTTP/1.1", {400, 501});
    add("Get / HTTP/1.1", {400, 501});
    add("GETX / HTTP/1.1", {400, 501});
    add("CONNECT / HTTP/1.1", {400, 405, 501});
    for (const int value : {0x00, 0x01, 0x0b, 0x0c, 0x1f, 0x7f, 0x80, 0xff}) {
        add("GET /" + bytes_of({value}) + " HTTP/1.1", {400});
        add("GE" + bytes_of({value}) + " / HTTP/1.1", {400, 501});
    }
    rows.push_back({"bare CR in the target", "GET /\rx HTTP/1.1\r\nHost: a\r\n\r\n", {400}});
    rows.push_back({"request line ends in LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", {400}});
    rows.push_back({"all lines end in LF", "GET / HTTP/1.1\nHost: a\n\n", {400}});
    rows.push_back({"request line ends in CR", "GET / HTTP/1.1\rHost: a\r\n\r\n", {400}});
    rows.push_back({"request line ends in CR CR LF", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", {400}});
    rows.push_back({"HTTP/0.9", "GET /\r\n", {400, 505}});
    rows.push_back({"TLS on a plain port",
                    bytes_of({0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00}) + "\r\n\r\n",
                    {400, 501}});
    rows.push_back(
        {"a long target", "GET /" + times(9000, "a") + " HTTP/1.1\r\nHost: a\r\n\r\n", {414}});
    rows.push_back({"a very long target",
                    "GET /" + times(60000, "a") + " HTTP/1.1\r\nHost: a\r\n\r\n",
                    {414}});
    rows.push_back(
        {"a long query", "GET /?" + times(9000, "a") + " HTTP/1.1\r\nHost: a\r\n\r\n", {414}});
    rows.push_back({"an endless method", times(20000, "A"), {400, 414, 501}});
    rows.push_back({"blank lines without end",
                    times(200, "\r\n") + "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    {400}});
}

void add_hosts(std::vector<BadRequest>& rows)
{
    const auto add = [&](const std::string& name, const std::string& lines) {
        rows.push_back({"host: " + name, "GET / HTTP/1.1\r\n" + lines + "\r\n", {400}});
    };
    add("none", "");
    add("none but others", "X: y\r\n");
    add("two", "Host: a\r\nHost: b\r\n");
    add("the same twice", "Host: a\r\nHost: a\r\n");
    add("two of different case", "Host: a\r\nhOST: a\r\n");
    for (const char* host :
         {"a b",  "a/b",   "a@b",  "u:p@a", "http://a", "a:b",   "a:80:80", "a:99999",
          "a:-1", "a:8 0", "[::1", "::1",   "[::1]x",   "[::g]", "[]",      "[1.2.3.4]x",
          "a?b",  "a#b",   "a\\b", "a\"b",  "a<b",      "a>b",   "a^b",     "a`b",
          "a{b}", "a|b",   "a%zz", "a\tb",  ":80"})
        add(host, std::string("Host: ") + host + "\r\n");
    add("NUL", "Host: a" + bytes_of({0}) + "b\r\n");
    add("0x80", "Host: a" + bytes_of({0x80}) + "\r\n");
    rows.push_back({"an absolute target does not excuse two hosts",
                    "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                    {400}});
    rows.push_back({"an absolute target does not excuse a bad host",
                    "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",
                    {400}});
    rows.push_back(
        {"an absolute target does not excuse none", "GET http://a/ HTTP/1.1\r\n\r\n", {400}});
}

void add_fields(std::vector<BadRequest>& rows)
{
    const auto add = [&](const std::string& name, const std::string& line, Statuses statuses) {
        rows.push_back({"field: " + name, with_line(line), std::move(statuses)});
    };
    add("space before the colon", "X : y", {400});
    add("tab before the colon", "X\t: y", {400});
    add("space in the name", "X Y: z", {400});
    add("no colon", "Xyz", {400});
    add("no name", ": y", {400});
    add("only a colon", ":", {400});
    add("obs-fold by space", "X: y\r\n z", {400});
    add("obs-fold by tab", "X: y\r\n\tz", {400});
    add("obs-fold of Host", "X: y\r\nY:\r\n z", {400});
    add("bare CR in a value", "X: a\rb", {400});
    add("bare LF in a value", "X: a\nb", {400});
    add("a line that ends in LF", "X: a\nY: b", {400});
    add("LF CR", "X: a\n\rY: b", {400});
    add("CR CR LF", "X: a\r", {400});
    for (const int value : {0x00, 0x01, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x1b, 0x1f, 0x7f})
        add("control byte " + std::to_string(value) + " in a value",
            "X: a" + bytes_of({value}) + "b", {400});
    const std::string no_token =
        bytes_of({0x00, 0x01, 0x1f, 0x7f, 0x80, 0xff}) + "()/;<=>?@[\\]{}\",";
    for (const char value : no_token)
        add("byte " + std::to_string(static_cast<int>(value)) + " in a name",
            std::string("X") + value + "Y: z", {400});
    rows.push_back({"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", {400}});
    rows.push_back(
        {"space before a smuggled field", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", {400}});
    add("a value of 40000 bytes", "X: " + times(40000, "a"), {431});
    add("a name of 40000 bytes", times(40000, "a") + ": b", {400, 431});
    add("101 fields", times(101, "X: y\r\n") + "Z: z", {431});
    add("10000 fields", times(10000, "X: y\r\n") + "Z: z", {431});
    add("many large fields", times(40, "X: " + times(1000, "a") + "\r\n") + "Z: z", {431});
    add("an endless value", "X: " + times(2'000'000, "a"), {431});
}

void add_framing(std::vector<BadRequest>& rows)
{
    const auto add = [&](const std::string& lines, Statuses statuses = {400}) {
        rows.push_back({"framing: " + lines, post(lines), std::move(statuses)});
    };
    add("Content-Length: 4\r\nTransfer-Encoding: chunked");
    add("Transfer-Encoding: chunked\r\nContent-Length: 4");
    add("Transfer-Encoding: chunked\r\nContent-Length: 0");
    add("Content-Length: 4\r\nContent-Length: 4");
    add("Content-Length: 4\r\nContent-Length: 5");
    add("Content-Length: 4\r\ncontent-length: 0");
    for (const char* length : {"4, 4", "4,5", "+4", "-4", "4 4", "0x4", "4x", "x", "", "4.0", "4;",
                               "\"4\"", "1e1", "9223372036854775808", "18446744073709551616",
                               "99999999999999999999999", "\xd9\xa4", "--1"})
        add(std::string("Content-Length: ") + length, {400, 413});
    for (const char* coding :
         {"xchunked", "chunkedx", "chunked, chunked", "chunked, identity", "identity", "gzip",
          "gzip, chunked", "chunked, gzip", "", ",chunked", "chunked,", "chunked;q=1",
          "\"chunked\"", "chunked x", "ch unked", "\vchunked", "chunked\v"})
        add(std::string("Transfer-Encoding: ") + coding, {400, 501});
    add("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", {400, 501});
    add("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked", {400, 501});
    add("Transfer-Encoding : chunked");
    add("Transfer-Encoding\t: chunked");
    add("Transfer-Encoding:\r\n chunked");
    add("Content-Length : 4");
    add("Content-Length: 4\r\n ");
    add("Content-Length: 4\r\n5");
    rows.push_back({"Transfer-Encoding in HTTP/1.0",
                    "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    {400, 501, 505}});
    rows.push_back({"a GET with both",
                    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n\r\n",
                    {400}});
}

std::vector<BadRequest> bad_heads()
{
    std::vector<BadRequest> rows;
    add_request_lines(rows);
    add_hosts(rows);
    add_fields(rows);
    add_framing(rows);
    return rows;
}

// Chunked bodies that break: the head was good, so the origin may see a request begin, but never a
// whole one.
std::vector<BadRequest> bad_chunks()
{
    std::vector<BadRequest> rows;
    for (const std::string& body :
         std::vector<std::string>{"x\r\nabcd\r\n0\r\n\r\n",
                                  "4\r\nabcde\r\n0\r\n\r\n",
                                  "4\r\nabcd0\r\n\r\n",
                                  "4\nabcd\n0\n\n",
                                  "4\r\nabcd\n0\r\n\r\n",
                                  "4\rabcd\r\n0\r\n\r\n",
                                  "0x4\r\nabcd\r\n0\r\n\r\n",
                                  "+4\r\nabcd\r\n0\r\n\r\n",
                                  "-4\r\nabcd\r\n0\r\n\r\n",
                                  " 4\r\nabcd\r\n0\r\n\r\n",
                                  "4 \r\nabcd\r\n0\r\n\r\n",
                                  "\r\n4\r\nabcd\r\n0\r\n\r\n",
                                  ";x\r\nabcd\r\n0\r\n\r\n",
                                  "4g\r\nabcd\r\n0\r\n\r\n",
                                  "10000000000000004\r\nabcd\r\n0\r\n\r\n",
                                  "ffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
                                  "fffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
                                  "00000000000000000000000000000000000000004\r\nabcd\r\n0\r\n\r\n",
                                  "4;" + times(2000, "x") + "\r\nabcd\r\n0\r\n\r\n",
                                  "4;a\nb\r\nabcd\r\n0\r\n\r\n",
                                  "4;" + bytes_of({0}) + "\r\nabcd\r\n0\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\nX y: z\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\nX : y\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\nX: a\nb\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\n: y\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\nX: y\r\n z\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\nX: " + times(10000, "y") + "\r\n\r\n",
                                  "4\r\nabcd\r\n0\r\n" + times(2000, "X: y\r\n") + "\r\n"})
        rows.push_back({"chunks \"" + body.substr(0, 40) + "\"",
                        post("Transfer-Encoding: chunked", body),
                        {400, 413, 431, 501}});
    return rows;
}

// The answer, which must be one of the row's, complete and the last thing on the connection.
void expect_refusal(const Stand& stand, const BadRequest& row)
{
    constexpr std::chrono::seconds kRowPatience{10};
    RawClient client = stand.client();
    client.send(row.bytes);
    Message answer;
    try {
        answer = client.read_response("GET", soon(kRowPatience));
    } catch (const std::exception& error) {
        BOOST_ERROR("no proper answer: " << error.what());
        return;
    }
    const int status = answer.status();
    BOOST_TEST((std::find(row.statuses.begin(), row.statuses.end(), status) != row.statuses.end()),
               "answered " << status);
    BOOST_TEST(answer.complete);
    BOOST_TEST(client.closed_by_peer(soon(kRowPatience)), "not closed, or more than one answer");
}
} // namespace

BOOST_AUTO_TEST_SUITE(bad_requests)

BOOST_AUTO_TEST_CASE(a_malformed_head_is_refused_and_never_forwarded)
{
    const auto rows = bad_heads();
    BOOST_TEST(rows.size() >= 150U);
    Stand stand;
    for (const BadRequest& row : rows) {
        BOOST_TEST_CONTEXT(row.name)
        {
            expect_refusal(stand, row);
            BOOST_TEST(stand.origin.total() == 0);
        }
    }
    stand.origin.page("/ok", {}, "ok");
    BOOST_TEST(stand.get("/ok").body == "ok");
    BOOST_TEST(stand.origin.total() == 1);
}

BOOST_AUTO_TEST_CASE(a_body_that_breaks_is_refused_and_never_whole_at_the_origin)
{
    Stand stand;
    std::atomic<int> whole = 0;
    stand.origin.on_head("/", [&](Exchange& x) {
        while (!x.read_body_some().empty())
            continue;
        if (!x.body_complete()) return x.close();
        ++whole;
        x.answer(200, kNoStore, "took it");
    });
    for (const BadRequest& row : bad_chunks()) {
        BOOST_TEST_CONTEXT(row.name)
        {
            expect_refusal(stand, row);
            BOOST_TEST(whole == 0);
        }
    }
}

BOOST_AUTO_TEST_CASE(trace_and_connect_are_refused)
{
    Stand stand;
    for (const char* line : {"TRACE / HTTP/1.1", "CONNECT a:80 HTTP/1.1"}) {
        RawClient client = stand.client();
        client.send(std::string(line) + "\r\nHost: a:80\r\n\r\n");
        BOOST_TEST(one_of(client.read_response().status(), {400, 405, 501}), line);
    }
    BOOST_TEST(stand.origin.total() == 0);
}

BOOST_AUTO_TEST_CASE(what_follows_a_refused_request_is_never_read)
{
    Stand stand;
    RawClient client = stand.client();
    client.send(
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(client.read_response().status() == 400);
    BOOST_TEST(client.closed_by_peer());
    BOOST_TEST(stand.origin.total() == 0);
}

BOOST_AUTO_TEST_CASE(good_requests_before_a_bad_one_are_answered)
{
    Stand stand;
    stand.origin.page("/a", kFresh, "a");
    RawClient client = stand.client();
    client.send(
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /a\r\n\r\n");
    BOOST_TEST(client.read_response().body == "a");
    BOOST_TEST(client.read_response().body == "a");
    BOOST_TEST(one_of(client.read_response().status(), {400, 505}));
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(a_few_blank_lines_before_a_request_are_forgiven)
{
    Stand stand;
    stand.origin.page("/a", {}, "a");
    RawClient client = stand.client();
    client.send("\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"); // RFC 9112 §2.2
    BOOST_TEST(client.read_response().body == "a");
}

BOOST_AUTO_TEST_CASE(odd_but_lawful_requests_are_served)
{
    Stand stand;
    stand.origin.otherwise([](Exchange& x) { x.answer(200, kNoStore, x.request().body); });
    for (const std::string& bytes : std::vector<std::string>{
             "GET / HTTP/1.1\r\nHost:a\r\n\r\n", "GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n",
             "GET / HTTP/1.1\r\nHOST: a:80\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\nX: \xff\xfe\r\n\r\n",
             "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0004\r\n\r\nabcd",
             "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
             "chunked\r\n\r\n4;b;c=\"d\"\r\nabcd\r\n0\r\n\r\n",
             "PURGE / HTTP/1.1\r\nHost: a\r\n\r\n", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"}) {
        BOOST_TEST_CONTEXT(bytes)
        {
            RawClient client = stand.client();
            client.send(bytes);
            BOOST_TEST(one_of(client.read_response().status(), {200, 204}));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_body_beyond_the_limit_is_too_large)
{
    const auto stand =
        Stand::with_config("[limits]\nbody = 1000\n[[site]]\nupstreams = [\"ORIGIN\"]\n");
    stand->origin.otherwise([](Exchange& x) { x.answer(200, kNoStore, x.request().body); });
    const std::string right(1000, 'x');
    const std::string over(1001, 'x');
    BOOST_TEST(stand->ask("POST", "/", {}, right).body == right);
    const int whole = stand->origin.total();
    expect_refusal(*stand, {"counted", post("Content-Length: 1001", over), {413}});
    BOOST_TEST(stand->origin.total() == whole);
    expect_refusal(*stand, {"chunked", post("Transfer-Encoding: chunked", chunked(over)), {413}});
    for (const Message& seen : stand->origin.requests("/"))
        BOOST_TEST(seen.body.size() <= 1000U);
}

BOOST_AUTO_TEST_CASE(a_head_that_never_ends_is_given_up)
{
    const auto stand =
        Stand::with_config("[timeouts]\nhead = \"300ms\"\nidle = \"300ms\"\nbody_idle = \"300ms\"\n"
                           "[[site]]\nupstreams = [\"ORIGIN\"]\n");
    RawClient half = stand->client();
    half.send("GET / HTTP/1.1\r\nHost: a\r\n");
    BOOST_TEST(half.read_response().status() == 408);
    BOOST_TEST(half.closed_by_peer());
    RawClient silent = stand->client();
    BOOST_TEST(silent.closed_by_peer()); // nothing was asked, nothing is said
    RawClient body = stand->client();
    body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
    BOOST_TEST(body.read_response().status() == 408);
    BOOST_TEST(body.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(too_many_ranges_are_not_served_as_many_parts)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=60"}, {"ETag", "\"e\""}},
                      std::string(1000, 'x'));
    stand.get("/a");
    const Message answer = stand.get("/a", {{"Range", "bytes=" + times(500, "0-999,") + "0-1"}});
    BOOST_TEST(one_of(answer.status(), {200, 206, 400, 416}));
    BOOST_TEST(answer.body.size() <= 20000U);
}

BOOST_AUTO_TEST_SUITE_END()
