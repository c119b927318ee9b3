#include "tests/support/fake_origin.hpp"
#include "tests/support/ports.hpp"
#include "tests/support/raw_client.hpp"

#include <boost/test/unit_test.hpp>

// The tools themselves, without an edge between them: what they let pass, the black-box tests would
// miss.
using namespace tidemark::support;

namespace
{
Message answer_read_from(const std::string& bytes)
{
    FakeOrigin origin;
    origin.on("/", [&](Exchange& x) {
        x.send(bytes);
        x.close();
    });
    return get(origin.endpoint(), "/");
}
} // namespace

BOOST_AUTO_TEST_SUITE(test_support)

BOOST_AUTO_TEST_CASE(what_is_no_http_is_not_read_as_if_it_were)
{
    const std::string head = "HTTP/1.1 200 OK\r\n";
    for (const std::string& bytes : std::vector<std::string>{
             "HTTP/1.1 200 OK\n\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
             head + "X : y\r\n\r\n", head + "X: a\rb\r\n\r\n", head + "X: a\x01\r\n\r\n",
             head + " X: y\r\n\r\n", head + "X: y", head + "Content-Length: +1\r\n\r\na",
             head + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
             head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
             head + "Transfer-Encoding: gzip\r\n\r\n",
             head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
             head + "Transfer-Encoding: chunked\r\n\r\ng\r\n"}) {
        BOOST_TEST_CONTEXT(bytes)
        {
            BOOST_CHECK_THROW((void)answer_read_from(bytes), Malformed);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_body_cut_short_is_not_complete)
{
    const std::string head = "HTTP/1.1 200 OK\r\n";
    for (const std::string& bytes :
         std::vector<std::string>{head + "Content-Length: 5\r\n\r\nabcd",
                                  head + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n",
                                  head + "Transfer-Encoding: chunked\r\n\r\n4\r\nab",
                                  head + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n"}) {
        BOOST_TEST_CONTEXT(bytes)
        {
            BOOST_TEST(!answer_read_from(bytes).complete);
        }
    }
    BOOST_TEST(
        answer_read_from(head + "Transfer-Encoding: chunked\r\n\r\n" + chunked("abcd")).complete);
}

BOOST_AUTO_TEST_CASE(the_origin_remembers_what_it_was_asked)
{
    FakeOrigin origin;
    origin.on("/a",
              [](Exchange& x) { x.answer(200, {}, x.request().body + std::to_string(x.nth())); });
    RawClient client(origin.endpoint());
    BOOST_TEST(client.ask("POST", "/a", {{"X", "y"}}, "body").body == "body1");
    BOOST_TEST(client.ask("POST", "/a", {{"Transfer-Encoding", "chunked"}}, chunked("body")).body ==
               "body2");
    BOOST_TEST(client.get("/b").status() == 404);
    BOOST_TEST(origin.count("/a") == 2);
    BOOST_TEST(origin.total() == 3);
    BOOST_TEST(origin.connections() == 1);
    BOOST_TEST(origin.requests("/a").front().value("x") == "y");
    client.send("nonsense\n");
    BOOST_TEST(client.closed_by_peer());
    BOOST_TEST(origin.complaints().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_gate_holds_an_answer_until_it_opens)
{
    FakeOrigin origin;
    Gate& gate = origin.gate();
    origin.on("/a", [&](Exchange& x) { x.answer(gate.wait() ? 200 : 500, {}); });
    RawClient client(origin.endpoint());
    client.send_request("GET", "/a");
    gate.wait_for_arrivals(1);
    BOOST_CHECK_THROW((void)client.read_response("GET", soon(std::chrono::milliseconds(20))),
                      Timeout);
    gate.open();
    BOOST_TEST(client.read_response().status() == 200);
}

BOOST_AUTO_TEST_CASE(a_reset_and_an_end_are_told_apart)
{
    FakeOrigin origin;
    origin.on("/reset", [](Exchange& x) { x.abort(); });
    origin.on("/end", [](Exchange& x) { x.close(); });
    RawClient resetting(origin.endpoint());
    resetting.send_request("GET", "/reset");
    BOOST_CHECK_THROW((void)resetting.read_response(), ConnectionReset);
    RawClient ending(origin.endpoint());
    ending.send_request("GET", "/end");
    BOOST_CHECK_THROW((void)ending.read_response(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_reserved_port_refuses_and_a_black_hole_says_nothing)
{
    const ReservedPort nobody;
    BOOST_CHECK_THROW((void)Socket::connect(nobody.endpoint()), std::runtime_error);
    const BlackHole hole;
    BOOST_CHECK_THROW((void)Socket::connect(hole.endpoint(), soon(std::chrono::milliseconds(100))),
                      Timeout);
}

BOOST_AUTO_TEST_CASE(an_origin_that_went_down_comes_back_on_its_port)
{
    FakeOrigin origin;
    origin.page("/a", {}, "x");
    BOOST_TEST(get(origin.endpoint(), "/a").body == "x");
    origin.go_down();
    BOOST_CHECK_THROW((void)get(origin.endpoint(), "/a"), std::runtime_error);
    origin.listen_again();
    BOOST_TEST(get(origin.endpoint(), "/a").body == "x");
}

BOOST_AUTO_TEST_SUITE_END()
