#include "tests/e2e/stand.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>

// Upstreams that are away, slow or several; addresses of every family; retries only where they are
// safe.
using namespace tidemark::e2e;

BOOST_AUTO_TEST_SUITE(upstreams)

BOOST_AUTO_TEST_CASE(a_refused_connection_is_a_bad_gateway)
{
    const ReservedPort nobody;
    EdgeProcess edge({"--upstream", nobody.endpoint().upstream_url()});
    RawClient client(edge.at());
    BOOST_TEST(one_of(client.get("/").status(), {502, 503, 504}));
    BOOST_TEST(one_of(client.ask("POST", "/", {}, "body").status(), {502, 503, 504}));
}

BOOST_AUTO_TEST_CASE(an_upstream_that_never_accepts_is_given_up_in_time)
{
    const BlackHole hole;
    EdgeProcess edge({"--upstream", hole.endpoint().upstream_url()});
    BOOST_TEST(one_of(get(edge.at(), "/").status(), {502, 503, 504})); // connect: 5 s
}

BOOST_AUTO_TEST_CASE(upstreams_are_taken_in_turn)
{
    FakeOrigin one;
    FakeOrigin two;
    EdgeProcess edge({"--upstream", one.url(), "--upstream", two.url()});
    for (FakeOrigin* origin : {&one, &two})
        origin->otherwise([](Exchange& x) { x.answer(200, kNoStore); });
    for (int i = 0; i < 20; ++i)
        BOOST_TEST(get(edge.at(), "/").status() == 200);
    BOOST_TEST(one.total() >= 5);
    BOOST_TEST(two.total() >= 5);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_is_away_is_left_out)
{
    FakeOrigin alive;
    const ReservedPort away;
    EdgeProcess edge({"--upstream", away.endpoint().upstream_url(), "--upstream", alive.url()});
    alive.otherwise([](Exchange& x) { x.answer(200, kNoStore); });
    for (int i = 0; i < 20; ++i)
        BOOST_TEST(get(edge.at(), "/").status() == 200);
}

BOOST_AUTO_TEST_CASE(an_upstream_over_ipv6)
{
    Stand stand({}, Family::ipv6);
    stand.origin.page("/a", kFresh, "six");
    BOOST_TEST(stand.get("/a").body == "six");
}

BOOST_AUTO_TEST_CASE(an_upstream_over_a_unix_socket)
{
    Stand stand({}, Family::unix_path);
    stand.origin.page("/a", kFresh, "unix");
    BOOST_TEST(stand.get("/a").body == "unix");
}

BOOST_AUTO_TEST_CASE(clients_over_ipv6_and_a_unix_socket)
{
    const TempDir dir;
    const ReservedPort six(Family::ipv6);
    const Endpoint local{Family::unix_path, 0, dir.path("edge.sock")};
    Stand stand({"--listen", six.endpoint().listen_flag(), "--listen", local.listen_flag()});
    stand.origin.page("/a", kNoStore, "x");
    BOOST_TEST(get(six.endpoint(), "/a").body == "x");
    BOOST_TEST(stand.origin.last("/a").value("X-Forwarded-For") == "::1");
    BOOST_TEST(stand.origin.last("/a").value("Forwarded").find("for=\"[::1]\"") !=
               std::string::npos); // RFC 7239 §6
    BOOST_TEST(get(local, "/a").body == "x");
}

BOOST_AUTO_TEST_CASE(a_pooled_connection_that_went_away_is_replaced_unseen)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.answer(200, kNoStore, "x");
        x.close(); // though it did not say so
    });
    for (int i = 1; i <= 20; ++i) {
        BOOST_TEST(stand.get("/a").status() == 200);
    }
}

BOOST_AUTO_TEST_CASE(a_safe_request_that_a_reused_connection_drops_is_repeated_once)
{
    Stand stand;
    stand.origin.page("/warm", kNoStore, "w");
    stand.origin.on("/a", [](Exchange& x) {
        if (x.nth() == 1) return x.abort(); // before any byte of an answer
        x.answer(200, kNoStore, "x");
    });
    RawClient client = stand.client();
    client.ask("GET", "/warm");
    BOOST_TEST(client.get("/a").body == "x");
    BOOST_TEST(stand.origin.count("/a") == 2);
}

BOOST_AUTO_TEST_CASE(a_post_is_never_repeated_once_it_may_have_been_seen)
{
    Stand stand;
    stand.origin.page("/warm", kNoStore, "w");
    stand.origin.on("/a", [](Exchange& x) { x.abort(); });
    RawClient client = stand.client();
    client.ask("GET", "/warm");
    BOOST_TEST(one_of(client.ask("POST", "/a", {}, "pay").status(), {502, 503, 504}));
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(nothing_is_repeated_once_the_upstream_has_answered)
{
    Stand stand;
    stand.origin.page("/warm", kNoStore, "w");
    stand.origin.on("/a", [](Exchange& x) {
        x.send("HTTP/1.1 2");
        x.close();
    });
    RawClient client = stand.client();
    client.ask("GET", "/warm");
    BOOST_TEST(client.get("/a").status() == 502);
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(an_upload_that_the_client_breaks_off_is_whole_for_nobody)
{
    Stand stand;
    std::atomic<int> whole = 0;
    const auto upload = [&](const std::string& head, const std::string& part) {
        stand.origin.on_head("/up", [&](Exchange& x) {
            while (!x.read_body_some().empty())
                continue;
            if (x.body_complete()) ++whole;
            x.close();
        });
        RawClient client = stand.client();
        const int before = stand.origin.count("/up");
        client.send("POST /up HTTP/1.1\r\nHost: a\r\n" + head + "\r\n" + part);
        stand.origin.wait_for("/up", before + 1);
        client.close();
    };
    upload("Content-Length: 100\r\n", std::string(50, 'x'));
    upload("Transfer-Encoding: chunked\r\n", "32\r\n" + std::string(50, 'x') + "\r\n");
    upload("Transfer-Encoding: chunked\r\n", "32\r\n" + std::string(20, 'x'));
    stand.origin.go_down(); // joins the handlers
    BOOST_TEST(whole == 0);
}

BOOST_AUTO_TEST_CASE(an_upstream_that_comes_back_is_used_again)
{
    Stand stand;
    stand.origin.page("/a", kNoStore, "x");
    BOOST_TEST(stand.get("/a").status() == 200);
    stand.origin.go_down();
    BOOST_TEST(one_of(stand.get("/a").status(), {502, 503, 504}));
    stand.origin.listen_again();
    BOOST_TEST(poll_until(soon(), [&] { return stand.get("/a").status() == 200; }));
}

BOOST_AUTO_TEST_SUITE_END()
