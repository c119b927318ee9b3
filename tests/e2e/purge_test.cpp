#include "tests/e2e/stand.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>

// POST /v1/purge on one edge, and the fence: what was purged while it was being fetched never comes
// back (design.md, invariant I1).
using namespace tidemark::e2e;

namespace
{
const Fields kTagged{{"Cache-Control", "max-age=600"}, {"Surrogate-Key", "shoes red"}};

bool purged(int status)
{
    return status == 200 || status == 202 || status == 204;
}

// /shop/a and /shop/b carry tags, /shopping does not; each says how often it was made.
void stock(Stand& stand)
{
    for (const char* target : {"/shop/a", "/shop/b", "/shopping"}) {
        const bool tagged = std::string_view(target) == "/shop/a";
        stand.origin.on(target, [tagged](Exchange& x) {
            x.answer(200, tagged ? kTagged : kFresh, std::to_string(x.nth()));
        });
        stand.get(target);
        BOOST_REQUIRE(is_hit(stand.get(target)));
    }
}
} // namespace

BOOST_AUTO_TEST_SUITE(purging)

struct PurgeCase {
    std::string type;
    std::vector<std::string> selectors; // a leading '/' is completed to the edge's URL
    bool shop_a, shop_b, shopping;      // purged
};

BOOST_AUTO_TEST_CASE(a_purge_removes_what_it_names_and_nothing_else)
{
    const PurgeCase cases[] = {
        {"uri", {"/shop/a"}, true, false, false},
        {"uri", {"/shop/b"}, false, true, false},
        {"uri", {"/shop/a", "/shopping"}, true, false, true},
        {"uri", {"/shop"}, false, false, false},
        {"group", {"shoes"}, true, false, false},
        {"group", {"red"}, true, false, false},
        {"group", {"sho"}, false, false, false},
        {"uri-prefix", {"/shop"}, true, true, false}, // whole path segments
        {"uri-prefix", {"/shop/"}, true, true, false},
        {"host", {"127.0.0.1"}, true, true, true},
        {"host", {"elsewhere.example"}, false, false, false},
        {"all", {}, true, true, true},
    };
    for (const PurgeCase& c : cases) {
        BOOST_TEST_CONTEXT(c.type << " " << (c.selectors.empty() ? "" : c.selectors.front()))
        {
            Stand stand;
            stock(stand);
            std::vector<std::string> selectors;
            for (const std::string& selector : c.selectors)
                selectors.push_back(selector.front() == '/' ? stand.edge().url(selector)
                                                            : selector);
            BOOST_TEST(purged(stand.edge().purge(c.type, selectors)));
            BOOST_TEST(is_hit(stand.get("/shop/a")) == !c.shop_a);
            BOOST_TEST(is_hit(stand.get("/shop/b")) == !c.shop_b);
            BOOST_TEST(is_hit(stand.get("/shopping")) == !c.shopping);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_fetched_after_a_purge_is_cached_again)
{
    Stand stand;
    stock(stand);
    stand.edge().purge("all", {});
    BOOST_TEST(stand.get("/shop/a").body == "2");
    const Message hit = stand.get("/shop/a");
    BOOST_TEST(hit.body == "2");
    BOOST_TEST(is_hit(hit));
}

BOOST_AUTO_TEST_CASE(all_tag_fields_count)
{
    Stand stand;
    for (const Field& field : Fields{{"Surrogate-Key", "a t b"},
                                     {"Cache-Tag", "a, t"},
                                     {"xkey", "t"},
                                     {"Edge-Cache-Tag", "t,b"},
                                     {"X-Magento-Tags", "t,b"}}) {
        BOOST_TEST_CONTEXT(field.name)
        {
            const std::string target = "/" + field.name;
            stand.origin.page(target, {{"Cache-Control", "max-age=60"}, field}, "x");
            stand.get(target);
            BOOST_TEST(is_hit(stand.get(target)));
            stand.edge().purge("group", {"t"});
            BOOST_TEST(!is_hit(stand.get(target)));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_malformed_purge_changes_nothing)
{
    Stand stand;
    stock(stand);
    for (const char* body :
         {"", "{", "[]", "null", "{}", R"({"type":"nonsense","selectors":["x"]})",
          R"({"type":"uri"})", R"({"type":"uri","selectors":"x"})",
          R"({"type":"uri","selectors":[1]})", R"({"selectors":["/"]})",
          R"({"type":"uri","selectors":["not a url"]})"}) {
        BOOST_TEST_CONTEXT(body)
        {
            const int status = stand.edge().ask_admin("POST", "/v1/purge", body).status();
            BOOST_TEST(status >= 400);
            BOOST_TEST(status < 500);
        }
    }
    BOOST_TEST(one_of(stand.edge().ask_admin("GET", "/v1/purge").status(), {404, 405}));
    for (const char* target : {"/shop/a", "/shop/b", "/shopping"})
        BOOST_TEST(is_hit(stand.get(target)));
}

BOOST_AUTO_TEST_CASE(a_fetch_in_flight_across_a_purge_is_not_stored_as_valid)
{
    struct Row {
        const char* type;
        const char* selector;
    };
    for (const Row& row : {Row{"uri", "/a"}, Row{"group", "shoes"}, Row{"uri-prefix", "/"},
                           Row{"host", "127.0.0.1"}, Row{"all", ""}}) {
        BOOST_TEST_CONTEXT(row.type)
        {
            Stand stand;
            Gate& gate = stand.origin.gate();
            stand.origin.on("/a", [&](Exchange& x) {
                const std::string body = std::to_string(x.nth()); // made before the purge
                if (x.nth() == 1 && !gate.wait()) return x.abort();
                x.answer(200, kTagged, body);
            });
            RawClient early = stand.client();
            early.send_request("GET", "/a");
            stand.origin.wait_for("/a", 1);
            const std::string selector = row.selector;
            stand.edge().purge(row.type, selector.empty() ? std::vector<std::string>{}
                                         : selector.front() == '/'
                                             ? std::vector{stand.edge().url(selector)}
                                             : std::vector{selector});
            gate.open();
            BOOST_TEST(early.read_response().status() == 200);
            BOOST_TEST(stand.get("/a").body == "2");
            const Message hit = stand.get("/a");
            BOOST_TEST(hit.body == "2");
            BOOST_TEST(is_hit(hit));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_body_still_arriving_when_its_page_is_purged_is_not_valid_afterwards)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        if (x.nth() > 1) {
            x.answer(200, kFresh, "new");
            return;
        }
        x.head(200, {{"Cache-Control", "max-age=600"}, {"Content-Length", "3"}});
        x.send("o");
        if (!gate.wait()) return x.abort();
        x.send("ld");
    });
    RawClient early = stand.client();
    early.send_request("GET", "/a");
    BOOST_TEST(early.read_response_head().status() == 200);
    BOOST_TEST(early.body().read_body_some() == "o");
    stand.edge().purge("uri", {stand.edge().url("/a")});
    BOOST_TEST(stand.get("/a").body == "new"); // and does not wait for the old one
    gate.open();
    BOOST_TEST(early.body().read_body_some() == "ld");
    BOOST_TEST(stand.get("/a").body == "new");
}

BOOST_AUTO_TEST_CASE(those_who_come_after_a_purge_never_get_what_was_asked_for_before_it)
{
    constexpr int kEarly = 50;
    constexpr int kLate = 50;
    Stand stand({"--workers", "4"});
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        const std::string body = x.nth() == 1 ? "old" : "new";
        if (!gate.wait()) return x.abort();
        x.answer(200, kFresh, body);
    });
    std::deque<RawClient> clients;
    const auto come = [&](int count) {
        for (int i = 0; i < count; ++i)
            clients.emplace_back(stand.edge().at()).send_request("GET", "/a");
    };
    come(kEarly);
    stand.origin.wait_for("/a", 1);
    stand.edge().purge("uri",
                       {stand.edge().url("/a")}); // answered: from here on nobody may get "old"
    come(kLate);
    for (int i = 0; i < 20; ++i)
        stand.get("/other");
    gate.open();
    for (int i = 0; i < kEarly; ++i)
        BOOST_TEST(clients[static_cast<std::size_t>(i)].read_response().status() == 200);
    for (int i = kEarly; i < kEarly + kLate; ++i)
        BOOST_TEST(clients[static_cast<std::size_t>(i)].read_response().body == "new");
    BOOST_TEST(stand.origin.count("/a") <= 3); // at most one extra for each group
    const Message hit = stand.get("/a");
    BOOST_TEST(hit.body == "new");
    BOOST_TEST(is_hit(hit));
}

BOOST_AUTO_TEST_CASE(a_304_does_not_bring_back_what_was_purged_meanwhile)
{
    Stand stand;
    Gate& gate = stand.origin.gate();
    stand.origin.on("/a", [&](Exchange& x) {
        const bool same = x.request().value("If-None-Match") == "\"e1\"";
        if (x.nth() == 1)
            x.answer(200, {{"Cache-Control", "max-age=10"}, {"Age", "11"}, {"ETag", "\"e1\""}},
                     "old");
        else if (same && !gate.wait())
            x.abort();
        else if (same)
            x.answer(304, {{"Cache-Control", "max-age=600"}, {"ETag", "\"e1\""}});
        else
            x.answer(200, {{"Cache-Control", "max-age=600"}, {"ETag", "\"e2\""}}, "new");
    });
    stand.get("/a");
    RawClient early = stand.client();
    early.send_request("GET", "/a");
    stand.origin.wait_for("/a", 2);
    stand.edge().purge("uri", {stand.edge().url("/a")});
    gate.open();
    BOOST_TEST(one_of(early.read_response().status(), {200, 502}));
    BOOST_TEST(stand.get("/a").body == "new");
}

BOOST_AUTO_TEST_CASE(a_purged_page_is_not_served_stale_on_error)
{
    Stand stand;
    stand.origin.page("/a", {{"Cache-Control", "max-age=600, stale-if-error=600"}}, "old");
    stand.get("/a");
    stand.edge().purge("uri", {stand.edge().url("/a")});
    stand.origin.on("/a", [](Exchange& x) { x.abort(); });
    BOOST_TEST(one_of(stand.get("/a").status(), {502, 503, 504}));
}

BOOST_AUTO_TEST_CASE(a_purge_is_seen_by_every_worker_once_it_is_answered)
{
    Stand stand({"--workers", "4"});
    stand.origin.on("/a", [](Exchange& x) { x.answer(200, kFresh, std::to_string(x.nth())); });
    std::deque<RawClient> clients; // spread over the workers by the kernel
    for (int i = 0; i < 16; ++i)
        clients.emplace_back(stand.edge().at()).get("/a");
    for (int round = 2; round < 20; ++round) {
        stand.edge().purge("uri", {stand.edge().url("/a")});
        for (RawClient& client : clients)
            BOOST_TEST(client.get("/a").body == std::to_string(round));
    }
}

BOOST_AUTO_TEST_SUITE_END()
