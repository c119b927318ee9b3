#include "tests/e2e/stand.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <fstream>

// Found by attacking the edge as a client, as an upstream and as the slowest of many would.
using namespace tidemark::e2e;

namespace
{
std::string with_fields(std::string_view method, std::string_view target, std::string_view lines)
{
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: example.org\r\n").append(lines);
    return text.append("\r\n");
}

const char* const kSmallObjects = "[limits]\nmax_object = \"64KiB\"\nrange_fetch = \"64KiB\"\n"
                                  "[[site]]\nupstreams = [\"ORIGIN\"]\n";
} // namespace

BOOST_AUTO_TEST_SUITE(hostile)

BOOST_AUTO_TEST_CASE(an_expectation_that_nobody_knows_is_refused)
{
    Stand stand;
    for (const char* expectation : {"200-ok", "100-continue, more", "100-continue;a=b"})
        BOOST_TEST_CONTEXT(expectation)
        {
            BOOST_TEST(stand.get("/a", {{"Expect", expectation}}).status() == 417);
        }
    BOOST_TEST(stand.origin.total() == 0);
}

BOOST_AUTO_TEST_CASE(a_client_that_ended_its_side_gets_every_answer_it_asked_for)
{
    Stand stand;
    stand.origin.page("/miss", kNoStore, "miss");
    stand.origin.page("/hit", kFresh, "hit");
    stand.get("/hit");
    RawClient client = stand.client();
    std::string all;
    for (const char* target : {"/miss", "/hit", "/miss", "/miss", "/hit"})
        all += with_fields("GET", target, "");
    client.send(all);
    client.end_writing();
    for (const char* body : {"miss", "hit", "miss", "miss", "hit"})
        BOOST_TEST(client.read_response().body == body);
    BOOST_TEST(client.closed_by_peer());
}

BOOST_AUTO_TEST_CASE(a_body_that_waits_its_turn_is_whole_though_the_client_ended_its_side)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    stand.origin.on("/first", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, kNoStore, "first");
    });
    stand.origin.on("/form", [](Exchange& x) { x.answer(200, kNoStore, x.request().body); });
    RawClient client = stand.client();
    client.send(with_fields("GET", "/first", "") +
                with_fields("POST", "/form", "Content-Length: 5\r\n") + "hello");
    client.end_writing();
    stand.origin.wait_for("/first", 1);
    gate.open();
    BOOST_TEST(client.read_response().body == "first");
    BOOST_TEST(client.read_response().body == "hello");
}

BOOST_AUTO_TEST_CASE(a_body_cut_short_behind_another_request_is_no_request)
{
    std::atomic<bool> whole = false; // of what the origin was sent; final once it has ended
    {
        Stand stand;
        stand.origin.page("/first", kNoStore, "first");
        stand.origin.on_head("/form", [&](Exchange& x) {
            while (!x.read_body_some().empty()) {
            }
            whole = x.body_complete();
            x.close();
        });
        RawClient client = stand.client();
        client.send(with_fields("GET", "/first", "") +
                    with_fields("POST", "/form", "Content-Length: 50\r\n") + "hello");
        client.end_writing();
        BOOST_TEST(client.read_response().body == "first");
        BOOST_TEST(client.read_response().status() == 400);
        BOOST_TEST(client.closed_by_peer());
    }
    BOOST_TEST(!whole);
}

// Or a client could have the answer to no language at all stored as the German one.
BOOST_AUTO_TEST_CASE(a_field_that_connection_names_selects_no_variant)
{
    Stand stand;
    stand.origin.on("/page", [](Exchange& x) {
        x.answer(200, {{"Cache-Control", "max-age=600"}, {"Vary", "Accept-Language"}},
                 "[" + x.request().value("Accept-Language") + "]");
    });
    const Fields german{{"Accept-Language", "de"}};
    const Fields dropped{{"Accept-Language", "de"}, {"Connection", "Accept-Language"}};
    BOOST_TEST(stand.get("/page", dropped).body == "[]");
    BOOST_TEST(stand.get("/page", german).body == "[de]");
    BOOST_TEST(stand.get("/page", dropped).body == "[]");
    BOOST_TEST(stand.get("/page", german).body == "[de]");
    BOOST_TEST(stand.origin.count("/page") == 2);
}

BOOST_AUTO_TEST_CASE(the_upstream_sees_the_host_as_it_is_keyed)
{
    Stand stand;
    int nth = 0;
    for (const char* host : {"Example.ORG", "example.org:80", "EXAMPLE.org:080"})
        BOOST_TEST_CONTEXT(host)
        {
            const std::string target = "/" + std::to_string(++nth);
            RawClient client = stand.client();
            client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
            BOOST_TEST(client.read_response().status() == 404);
            BOOST_TEST(stand.origin.last(target).value("Host") == "example.org");
        }
}

// CGI and its successors read X_Forwarded_Host and X-Forwarded-Host as one variable.
BOOST_AUTO_TEST_CASE(fields_disguised_by_underscores_are_not_forwarded)
{
    Stand stand;
    stand.origin.page("/a", kNoStore, "a");
    for (const char* name :
         {"X_Forwarded_Host", "X-Forwarded_Proto", "X_Forwarded_For", "X_Original_URL",
          "X_HTTP_Method_Override", "Transfer_Encoding", "Content_Length", "CDN_Loop"})
        BOOST_TEST_CONTEXT(name)
        {
            stand.get("/a", {{name, "evil"}});
            BOOST_TEST(!stand.origin.last("/a").has(name));
        }
    stand.get("/a", {{"My_Field", "kept"}});
    BOOST_TEST(stand.origin.last("/a").value("My_Field") == "kept");
}

BOOST_AUTO_TEST_CASE(who_waited_for_another_variant_is_released_at_once)
{
    constexpr int kClients = 12;
    Stand stand({"--workers", "4"});
    Gate& first = stand.origin.gate();
    Gate& others = stand.origin.gate();
    stand.origin.on("/page", [&](Exchange& x) {
        if (!(x.nth() == 1 ? first : others).wait()) return x.abort();
        x.answer(200, {{"Cache-Control", "max-age=600"}, {"Vary", "X-Kind"}},
                 x.request().value("X-Kind"));
    });
    std::deque<RawClient> clients;
    for (int i = 0; i < kClients; ++i)
        clients.emplace_back(stand.edge().at())
            .send_request("GET", "/page", {{"X-Kind", std::to_string(i)}});
    stand.origin.wait_for("/page", 1);
    for (int i = 0; i < 20; ++i)
        BOOST_REQUIRE(stand.get("/other").status() == 404); // by now all wait
    first.open();
    others.wait_for_arrivals(kClients - 1); // all there together: none waits for another
    others.open();
    for (int i = 0; i < kClients; ++i)
        BOOST_TEST(clients[static_cast<std::size_t>(i)].read_response().body == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(a_slow_reader_holds_up_nobody_who_waited_for_the_same_large_body)
{
    const auto stand = Stand::with_config(kSmallObjects);
    const std::string large(24U << 20, 'x'); // more than all buffers between hold
    for (const bool chunked_body : {false, true})
        BOOST_TEST_CONTEXT(chunked_body)
        {
            Gate& gate = stand->origin.gate();
            const std::string target = chunked_body ? "/chunked" : "/sized";
            stand->origin.on(target, [&](Exchange& x) {
                if (!gate.wait()) return x.abort();
                if (!chunked_body) {
                    x.answer(200, kFresh, large);
                    return;
                }
                x.head(200, {{"Cache-Control", "max-age=60"}, {"Transfer-Encoding", "chunked"}});
                x.chunk(large);
                x.last_chunk();
            });
            RawClient slow = stand->client();
            slow.send_request("GET", target);
            stand->origin.wait_for(target, 1);
            RawClient quick = stand->client();
            quick.send_request("GET", target);
            for (int i = 0; i < 20; ++i)
                BOOST_REQUIRE(stand->get("/other").status() == 404);
            gate.open();
            BOOST_TEST(slow.read_response_head().status() == 200); // and takes nothing more
            const Message answer = quick.read_response("GET", soon(std::chrono::seconds{20}));
            BOOST_TEST(answer.complete);
            BOOST_TEST((answer.body == large));
        }
}

BOOST_AUTO_TEST_CASE(the_client_that_was_idle_longest_makes_room_and_nobody_who_is_served)
{
    FakeOrigin origin;
    TempDir dir;
    std::ofstream(dir.path("edge.toml"))
        << "[limits]\nconnections = 3\n[[site]]\nupstreams = [\"" << origin.url() << "\"]\n";
    // Each worker looks among its own connections.
    EdgeProcess edge({"--config", dir.path("edge.toml"), "--workers", "1"});
    Gate& gate = origin.gate();
    origin.on("/slow", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, kNoStore, "slow");
    });
    origin.page("/a", kFresh, "a");
    std::deque<RawClient> clients;
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(clients.emplace_back(edge.at()).get("/a").body == "a");
    RawClient fourth(edge.at());
    BOOST_TEST(fourth.get("/a").body == "a");
    BOOST_TEST(clients[0].closed_by_peer());

    clients[1].send_request("POST", "/slow");
    clients[2].send_request("POST", "/slow");
    origin.wait_for("/slow", 2);
    RawClient fifth(edge.at());
    BOOST_TEST(fifth.get("/a").body == "a");
    BOOST_TEST(fourth.closed_by_peer());
    fifth.send_request("POST", "/slow");
    origin.wait_for("/slow", 3);
    RawClient sixth(edge.at());
    BOOST_TEST(sixth.get("/a").status() == 503);
    gate.open();
    for (RawClient* served : {&clients[1], &clients[2], &fifth})
        BOOST_TEST(served->read_response().body == "slow");
}

BOOST_AUTO_TEST_CASE(clients_that_leave_in_the_moment_of_their_answer_do_no_harm)
{
    Stand stand({"--workers", "1"});
    stand.origin.otherwise([](Exchange& x) { x.answer(200, kNoStore, "a"); });
    for (int i = 0; i < 500; ++i) {
        RawClient client = stand.client();
        client.send_request("GET", "/" + std::to_string(i));
        if (i % 3 == 0) stand.origin.wait_for("/" + std::to_string(i), 1);
        client.abort();
    }
    BOOST_TEST(stand.get("/last").body == "a");
}

BOOST_AUTO_TEST_CASE(an_upstream_that_does_not_take_the_body_is_given_up)
{
    const auto stand = Stand::with_config(
        "[timeouts]\nupstream_idle = \"1s\"\n[[site]]\nupstreams = [\"ORIGIN\"]\n");
    Gate& gate = stand->origin.gate();
    stand->origin.on_head("/upload", [&](Exchange& x) {
        static_cast<void>(gate.wait());
        x.abort();
    });
    RawClient client = stand->client();
    client.send(with_fields("POST", "/upload", "Content-Length: 100000000\r\n"));
    const std::string piece(1U << 20, 'a');
    // Until nobody takes any more, or the edge has closed.
    try {
        while (client.send(piece, soon(std::chrono::milliseconds{500}))) {
        }
    } catch (const Timeout&) {
    }
    BOOST_TEST(client.read_response("POST").status() == 504);
    gate.open();
}

BOOST_AUTO_TEST_SUITE_END()
