#include "tests/e2e/stand.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <deque>

// One upstream request per key however many wait (design.md §5), on several workers.
using namespace tidemark::e2e;

namespace
{
const std::vector<std::string> kFourWorkers{"--workers", "4"};

class Crowd
{
  public:
    Crowd(const Stand& stand, int size, std::string_view target)
    {
        for (int i = 0; i < size; ++i) {
            clients_.emplace_back(stand.edge().at()).send_request("GET", target);
        }
    }
    [[nodiscard]] std::deque<RawClient>& clients() { return clients_; }
    [[nodiscard]] std::vector<Message> answers()
    {
        std::vector<Message> all;
        for (RawClient& client : clients_)
            all.push_back(client.read_response());
        return all;
    }

  private:
    std::deque<RawClient> clients_;
};

// The clients must be at the edge, not on their way to it: the last of a worker's queue has been
// read when an answer to a later request of another kind has come from every worker; a few rounds
// make that as good as sure, and the counts below hold either way.
void let_them_arrive(const Stand& stand)
{
    for (int i = 0; i < 20; ++i)
        BOOST_REQUIRE(stand.get("/other").status() == 404);
}
} // namespace

BOOST_AUTO_TEST_SUITE(collapse)

BOOST_AUTO_TEST_CASE(a_hundred_clients_of_one_slow_page_make_one_upstream_request)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/slow", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, kFresh, "slow page");
    });
    Crowd crowd(stand, 100, "/slow");
    stand.origin.wait_for("/slow", 1);
    let_them_arrive(stand);
    gate.open();
    for (const Message& answer : crowd.answers()) {
        BOOST_TEST(answer.status() == 200);
        BOOST_TEST(answer.body == "slow page");
    }
    BOOST_TEST(stand.origin.count("/slow") == 1);
}

BOOST_AUTO_TEST_CASE(a_body_is_streamed_to_all_who_wait_as_it_arrives)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        x.head(200, {{"Cache-Control", "max-age=60"}, {"Transfer-Encoding", "chunked"}});
        x.chunk("first");
        if (!gate.wait()) return x.abort();
        x.chunk("second");
        x.last_chunk();
    });
    Crowd crowd(stand, 12, "/a");
    for (RawClient& client : crowd.clients()) {
        BOOST_TEST(client.read_response_head().status() == 200);
        std::string start;
        while (start.size() < 5)
            start += client.body().read_body_some();
        BOOST_TEST(start == "first");
    }
    gate.open();
    for (RawClient& client : crowd.clients()) {
        BOOST_TEST(client.body().read_body_some() == "second");
        BOOST_TEST(client.body().read_body_some() == "");
        BOOST_TEST(client.body().body_complete());
    }
    BOOST_TEST(stand.origin.count("/a") == 1);
}

BOOST_AUTO_TEST_CASE(an_uncacheable_answer_releases_all_who_wait_at_once)
{
    constexpr int kClients = 20;
    Stand stand(kFourWorkers);
    Gate& first = stand.origin.gate();
    Gate& others = stand.origin.gate();
    stand.origin.on("/private", [&](Exchange& x) {
        if (!(x.nth() == 1 ? first : others).wait()) return x.abort();
        x.answer(200, {{"Cache-Control", "private"}}, std::to_string(x.nth()));
    });
    Crowd crowd(stand, kClients, "/private");
    stand.origin.wait_for("/private", 1);
    let_them_arrive(stand);
    first.open();
    others.wait_for_arrivals(kClients - 1); // all there together: none waits for another
    others.open();
    std::vector<std::string> bodies;
    for (const Message& answer : crowd.answers())
        bodies.push_back(answer.body);
    std::sort(bodies.begin(), bodies.end());
    BOOST_TEST((std::unique(bodies.begin(), bodies.end()) == bodies.end())); // nobody got another's
}

BOOST_AUTO_TEST_CASE(what_was_uncacheable_once_is_not_waited_for_again)
{
    constexpr int kClients = 10;
    Stand stand(kFourWorkers);
    stand.origin.page("/private", kNoStore, "x");
    stand.get("/private");
    Gate& gate = stand.origin.gate();
    stand.origin.on("/private", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, kNoStore, "y");
    });
    Crowd crowd(stand, kClients, "/private");
    gate.wait_for_arrivals(kClients);
    gate.open();
    for (const Message& answer : crowd.answers())
        BOOST_TEST(answer.body == "y");
}

BOOST_AUTO_TEST_CASE(a_first_client_that_leaves_does_not_stop_the_others)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        x.head(200, {{"Cache-Control", "max-age=60"}, {"Content-Length", "10"}});
        x.send("01234");
        if (!gate.wait()) return x.abort();
        x.send("56789");
    });
    RawClient first = stand.client();
    first.send_request("GET", "/a");
    stand.origin.wait_for("/a", 1);
    Crowd others(stand, 8, "/a");
    for (RawClient& client : others.clients()) {
        BOOST_TEST(client.read_response_head().status() == 200);
        BOOST_TEST(client.body().read_body_some() == "01234");
    }
    first.abort();
    others.clients().back().close(); // and a later one
    others.clients().pop_back();
    gate.open();
    for (RawClient& client : others.clients())
        BOOST_TEST(client.body().read_body_some() == "56789");
    BOOST_TEST(stand.origin.count("/a") == 1);
    BOOST_TEST(is_hit(stand.get("/a")));
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_slows_nobody_else)
{
    constexpr std::size_t kBytes = 12 << 20; // more than the sockets between hold
    Stand stand(kFourWorkers);
    stand.origin.page("/big", kFresh, std::string(kBytes, 'b'));
    RawClient sleeper = stand.client();
    sleeper.socket().set_receive_buffer(64 * 1024);
    sleeper.send_request("GET", "/big");
    stand.origin.wait_for("/big", 1);
    BOOST_TEST(stand.get("/big").body.size() == kBytes);
    BOOST_TEST(sleeper.read_response().body.size() == kBytes);
    BOOST_TEST(stand.origin.count("/big") == 1);
}

BOOST_AUTO_TEST_CASE(an_error_wakes_all_who_wait)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        (void)gate.wait();
        x.abort();
    });
    Crowd crowd(stand, 20, "/a");
    stand.origin.wait_for("/a", 1);
    gate.open();
    for (const Message& answer : crowd.answers())
        BOOST_TEST(one_of(answer.status(), {502, 503, 504}));
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_is_whole_for_nobody)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        x.head(200, {{"Cache-Control", "max-age=60"}, {"Transfer-Encoding", "chunked"}});
        x.chunk("first");
        (void)gate.wait();
        x.close();
    });
    Crowd crowd(stand, 8, "/a");
    for (RawClient& client : crowd.clients())
        BOOST_TEST(client.read_response_head().status() == 200);
    gate.open();
    for (RawClient& client : crowd.clients()) {
        while (!client.body().read_body_some().empty())
            continue;
        BOOST_TEST(!client.body().body_complete());
    }
    stand.origin.page("/a", kFresh, "whole");
    BOOST_TEST(stand.get("/a").body == "whole");
}

BOOST_AUTO_TEST_CASE(another_variant_is_not_given_to_those_who_wait)
{
    Stand stand(kFourWorkers);
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        if (!gate.wait()) return x.abort();
        x.answer(200, {{"Cache-Control", "max-age=60"}, {"Vary", "X-Kind"}},
                 x.request().value("X-Kind"));
    });
    std::deque<RawClient> clients;
    for (int i = 0; i < 12; ++i)
        clients.emplace_back(stand.edge().at())
            .send_request("GET", "/a", {{"X-Kind", i % 2 == 0 ? "even" : "odd"}});
    stand.origin.wait_for("/a", 1);
    let_them_arrive(stand);
    gate.open();
    for (std::size_t i = 0; i < clients.size(); ++i)
        BOOST_TEST(clients[i].read_response().body == (i % 2 == 0 ? "even" : "odd"));
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_alone_ends_the_upstream_request_in_the_end_or_stores_it)
{
    Stand stand;
    stand.origin.on("/a", [](Exchange& x) {
        x.head(200, {{"Cache-Control", "no-store"}, {"Content-Length", "1000000000"}});
        while (x.send(std::string(64 * 1024, 'x')))
            continue; // ends when the edge hangs up
        x.close();
    });
    RawClient client = stand.client();
    client.send_request("GET", "/a");
    BOOST_TEST(client.read_response_head().status() == 200);
    client.abort();
    stand.origin.page("/b", {}, "alive");
    BOOST_TEST(stand.get("/b").body == "alive");
} // the origin's destructor joins the handler: it ended

BOOST_AUTO_TEST_SUITE_END()
