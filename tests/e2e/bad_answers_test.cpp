#include "tests/e2e/stand.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

// What an upstream says outside the grammar is a 502 and never stored; what it cuts short is never
// whole (hardening.md 2 to 4; conformance.md, traps).
using namespace tidemark::e2e;

namespace
{
const std::string kHead = "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n";

std::string many(int count, std::string_view text)
{
    std::string all;
    for (int i = 0; i < count; ++i)
        all += text;
    return all;
}

std::vector<std::string> malformed_answers()
{
    using namespace std::string_literals;
    return {
        "",
        "\r\n\r\n",
        "hello",
        "hello\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 \r\n\r\n",
        "HTTP/1.1 2 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        " HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1\t200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n"s,
        kHead + "X : y\r\nContent-Length: 0\r\n\r\n",
        kHead + "X Y: z\r\nContent-Length: 0\r\n\r\n",
        kHead + ": y\r\nContent-Length: 0\r\n\r\n",
        kHead + "nocolon\r\nContent-Length: 0\r\n\r\n",
        kHead + "X: y\r\n z\r\nContent-Length: 0\r\n\r\n",
        kHead + "X: a\rb\r\nContent-Length: 0\r\n\r\n",
        kHead + "X: a\x01"
                "b\r\nContent-Length: 0\r\n\r\n",
        kHead + "X: a\0b\r\nContent-Length: 0\r\n\r\n"s,
        kHead + "X: a\x7f"
                "b\r\nContent-Length: 0\r\n\r\n",
        kHead + "X(: y\r\nContent-Length: 0\r\n\r\n",
        kHead + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("abcd"),
        kHead + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        kHead + "Content-Length: +4\r\n\r\nabcd",
        kHead + "Content-Length: -4\r\n\r\nabcd",
        kHead + "Content-Length: 4x\r\n\r\nabcd",
        kHead + "Content-Length: 4 4\r\n\r\nabcd",
        kHead + "Content-Length: 4, 5\r\n\r\nabcd",
        kHead + "Content-Length: 99999999999999999999999\r\n\r\nabcd",
        kHead + "Transfer-Encoding: gzip\r\n\r\nabcd",
        kHead + "Transfer-Encoding: xchunked\r\n\r\n" + chunked("abcd"),
        kHead + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunked("abcd"),
        kHead + "Transfer-Encoding: chunked, chunked\r\n\r\n" + chunked("abcd"),
        kHead + "Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked("abcd"),
        kHead + "X: " + many(60000, "y") + "\r\nContent-Length: 0\r\n\r\n",
        kHead + many(5000, "X: y\r\n") + "Content-Length: 0\r\n\r\n",
        kHead + "Content-Length: 4", // the head itself is cut short
        many(2000, "HTTP/1.1 100 Continue\r\n\r\n") + kHead + "Content-Length: 0\r\n\r\n",
    };
}

// A whole 502.
void expect_bad_gateway(const Stand& stand, const std::string& target)
{
    try {
        const Message answer = stand.get(target);
        BOOST_TEST(answer.status() == 502);
        BOOST_TEST(answer.complete);
    } catch (const std::exception& error) {
        BOOST_ERROR(error.what());
    }
}

// What a client can notice: an error instead, or a connection that ends before the body does.
bool is_whole(const Stand& stand, const std::string& target)
{
    try {
        const Message answer = stand.get(target);
        return answer.complete && answer.status() == 200;
    } catch (const Malformed&) {
        return false;
    } catch (const std::runtime_error&) { // closed without an answer
        return false;
    }
}
} // namespace

BOOST_AUTO_TEST_SUITE(bad_answers)

BOOST_AUTO_TEST_CASE(a_malformed_answer_is_a_bad_gateway_and_not_stored)
{
    Stand stand;
    int row = 0;
    for (const std::string& bytes : malformed_answers()) {
        BOOST_TEST_CONTEXT("row " << row << ": " << bytes.substr(0, 100))
        {
            const std::string target = "/" + std::to_string(row++);
            stand.origin.on(target, [bytes](Exchange& x) { // may outlive the row
                x.send(bytes);
                x.close();
            });
            expect_bad_gateway(stand, target);
            stand.origin.page(target, kFresh, "good");
            const Message good = stand.get(target);
            BOOST_TEST(good.body == "good");
            BOOST_TEST(!is_hit(good));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_truncated_answer_is_never_whole_and_never_stored)
{
    const std::string cut[] = {
        kHead + "Content-Length: 10\r\n\r\n",
        kHead + "Content-Length: 10\r\n\r\nabcd",
        kHead + "Content-Length: 2000000\r\n\r\n" + many(1000000, "x"),
        kHead + "Transfer-Encoding: chunked\r\n\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nab",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX: y\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\nx\r\nabcd\r\n0\r\n\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcde\r\n0\r\n\r\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\n4\nabcd\n0\n\n",
        kHead + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
    };
    Stand stand;
    int row = 0;
    for (const std::string& bytes : cut) {
        for (const bool reset : {false, true}) {
            BOOST_TEST_CONTEXT("row " << row << ": " << bytes.substr(0, 120))
            {
                const std::string target = "/" + std::to_string(row) + (reset ? "r" : "c");
                stand.origin.on(target, [&, reset](Exchange& x) {
                    x.send(bytes);
                    reset ? x.abort() : x.close();
                });
                BOOST_TEST(!is_whole(stand, target));
                stand.origin.page(target, kFresh, "good");
                BOOST_TEST(stand.get(target).body == "good");
            }
        }
        ++row;
    }
}

BOOST_AUTO_TEST_CASE(a_reset_in_a_body_that_ends_with_the_connection_is_not_its_end)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.send(kHead + "\r\nabcd");
        x.abort();
    });
    BOOST_TEST(!is_whole(stand, "/a"));
    stand.origin.page("/a", kFresh, "good");
    BOOST_TEST(stand.get("/a").body == "good");
}

BOOST_AUTO_TEST_CASE(bytes_beyond_the_content_length_are_dropped_with_their_connection)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 4\r\n\r\nabcd"
               "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nevil");
    });
    stand.origin.page("/b", kFresh, "good");
    RawClient client = stand.client();
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(client.get("/a").body == "abcd");
    BOOST_TEST(client.get("/b").body == "good");
    BOOST_TEST(stand.origin.connections() == 6);
}

BOOST_AUTO_TEST_CASE(a_body_where_none_may_be_is_no_next_answer)
{
    const std::string evil =
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 4\r\n\r\nevil";
    Stand stand;
    stand.origin.on("/204", [&](Exchange& x) { x.send("HTTP/1.1 204 No Content\r\n\r\n" + evil); });
    stand.origin.on("/head", [&](Exchange& x) {
        x.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + evil);
    });
    stand.origin.page("/b", kFresh, "good");
    RawClient client = stand.client();
    BOOST_TEST(client.get("/204").status() == 204);
    BOOST_TEST(client.ask("HEAD", "/head").status() == 200);
    BOOST_TEST(client.get("/b").body == "good");
}

BOOST_AUTO_TEST_CASE(an_unasked_304_or_206_is_not_stored)
{
    Stand stand;
    for (const int status : {304, 206}) {
        const std::string target = "/" + std::to_string(status);
        Fields fields = kFresh;
        if (status == 206) fields.push_back({"Content-Range", "bytes 0-3/10"});
        stand.origin.page(target, fields, status == 206 ? "abcd" : "", status);
        stand.get(target);
        stand.origin.page(target, kFresh, "good");
        BOOST_TEST(stand.get(target).body == "good");
    }
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_silent_is_given_up)
{
    const auto stand =
        Stand::with_config("[timeouts]\nfirst_byte = \"300ms\"\nupstream_idle = \"300ms\"\n"
                           "[[site]]\nupstreams = [\"ORIGIN\"]\n");
    Gate& never = stand->origin.gate();
    stand->origin.on("/silent", [&](Exchange& x) {
        (void)never.wait();
        x.close();
    });
    stand->origin.on("/half", [&](Exchange& x) {
        x.send(kHead + "Content-Length: 10\r\n\r\nabcd");
        (void)never.wait();
        x.close();
    });
    BOOST_TEST(one_of(stand->get("/silent").status(), {502, 504}));
    BOOST_TEST(!is_whole(*stand, "/half"));
    stand->origin.page("/half", kFresh, "good");
    BOOST_TEST(stand->get("/half").body == "good");
}

BOOST_AUTO_TEST_SUITE_END()
