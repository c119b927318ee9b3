#include "purge/read_token.hpp"
#include "tests/edge/worker/node.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::nodes
{
namespace
{
const Fields kTagged{{"Cache-Control", "max-age=600"},
                     {"Surrogate-Key", "shoes"},
                     {"Surrogate-Control", "max-age=900"}};

purge::Invalidation tag(const std::string& name)
{
    purge::Invalidation order;
    order.scope = purge::Scope::tag;
    order.selector = name;
    return order;
}

// client → edge → shield → app; the app numbers its answers.
struct Tiers {
    FakeOrigin app;
    Node shield{"shield", app.url()};
    Node edge{"edge", shield.url(), "shield = true"};

    Tiers()
    {
        app.otherwise([](Exchange& exchange) {
            exchange.answer(200, kTagged, std::to_string(exchange.nth()));
        });
        shield.link();
        edge.link();
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(tiers)

BOOST_AUTO_TEST_CASE(an_answer_passes_both_tiers_and_is_stored_at_both)
{
    Tiers tiers;
    const Message first = tiers.edge.get("/p");
    BOOST_TEST(first.body == "1");
    BOOST_TEST(is_hit(tiers.edge.get("/p")));
    BOOST_TEST(tiers.edge.count(Metric::unfenced_answers) == 0U);
    BOOST_TEST(tiers.shield.count(Metric::unproven_fences) == 0U);
    // What goes between nodes stays there.
    for (const char* hidden : {"Tidemark-Fence", "Surrogate-Key", "Surrogate-Control"})
        BOOST_TEST(!first.has(hidden), hidden);
    BOOST_TEST(!tiers.app.last("/p").has("Tidemark-Fence"));
    // And members of both are in Cache-Status (RFC 9211 §2).
    BOOST_TEST(first.value("Cache-Status").find("shield; fwd") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(tags_reach_the_edge_through_the_shields_store)
{
    Tiers tiers;
    static_cast<void>(tiers.edge.get("/p")); // the shield has peers from here on
    Node second("second", tiers.shield.url(),
                "shield = true\nhost_header = \"" + tiers.edge.at().authority() + "\"");
    second.link();
    BOOST_TEST(second.get("/p").body == "1"); // from the shield's store
    BOOST_TEST(tiers.app.count("/p") == 1);
    BOOST_TEST(is_hit(second.get("/p")));
    second.apply(1, tag("shoes"));
    tiers.shield.apply(1, tag("shoes"));
    BOOST_TEST(second.get("/p").body == "2");
}

// What was stored for clients alone has no tags to give.
BOOST_AUTO_TEST_CASE(what_the_shield_stored_before_it_had_peers_is_fetched_for_the_first_of_them)
{
    Tiers tiers;
    RawClient client(tiers.shield.at());
    client.send("GET /p HTTP/1.1\r\nHost: " + tiers.edge.at().authority() + "\r\n\r\n");
    BOOST_TEST(client.read_response().body == "1");
    BOOST_TEST(tiers.edge.get("/p").body == "2");
    tiers.edge.apply(1, tag("shoes"));
    tiers.shield.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "3");
}

BOOST_AUTO_TEST_CASE(purged_at_the_edge_first_the_shield_does_not_hand_out_its_old_copy)
{
    Tiers tiers;
    BOOST_TEST(tiers.edge.get("/p").body == "1");
    tiers.edge.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "2"); // the shield has not heard of it
    BOOST_TEST(is_hit(tiers.edge.get("/p")));
    tiers.shield.apply(1, tag("shoes"));
    BOOST_TEST(is_hit(tiers.edge.get("/p"))); // it was new
    BOOST_TEST(tiers.app.count("/p") == 2);
}

BOOST_AUTO_TEST_CASE(purged_at_the_shield_first_the_edge_ends_with_the_new_copy)
{
    Tiers tiers;
    BOOST_TEST(tiers.edge.get("/p").body == "1");
    tiers.shield.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "1"); // it cannot know yet
    tiers.edge.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "2");
    BOOST_TEST(is_hit(tiers.edge.get("/p")));
}

// The shield's request was sent before the purge, the edge's after it.
BOOST_AUTO_TEST_CASE(an_edge_that_has_heard_more_does_not_join_the_shields_older_flight)
{
    Tiers tiers;
    Gate& gate = tiers.app.gate();
    tiers.app.on("/p", [&](Exchange& exchange) {
        if (exchange.nth() == 1) static_cast<void>(gate.wait());
        exchange.answer(200, kTagged, std::to_string(exchange.nth()));
    });
    RawClient early(tiers.shield.at());
    early.send("GET /p HTTP/1.1\r\nHost: " + tiers.edge.at().authority() + "\r\n\r\n");
    tiers.app.wait_for("/p", 1);
    tiers.edge.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "2");
    gate.open();
    BOOST_TEST(early.read_response().body == "1");
    BOOST_TEST(is_hit(tiers.edge.get("/p")));
}

// The edge's request was sent first; the purge came to both while the app was busy.
BOOST_AUTO_TEST_CASE(a_purge_in_flight_leaves_nothing_old_at_the_edge)
{
    Tiers tiers;
    Gate& gate = tiers.app.gate();
    tiers.app.on("/p", [&](Exchange& exchange) {
        if (exchange.nth() == 1) static_cast<void>(gate.wait());
        exchange.answer(200, kTagged, std::to_string(exchange.nth()));
    });
    RawClient early(tiers.edge.at());
    early.send_request("GET", "/p");
    tiers.app.wait_for("/p", 1);
    tiers.shield.apply(1, tag("shoes")); // the edge learns of it only after it has stored
    gate.open();
    BOOST_TEST(early.read_response().body == "1");
    tiers.edge.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "2");
}

BOOST_AUTO_TEST_CASE(a_shield_that_is_only_a_little_behind_is_waited_for)
{
    Tiers tiers;
    static_cast<void>(tiers.edge.get("/p"));
    tiers.edge.apply(1, tag("hats"));
    tiers.shield.apply(1, tag("hats"));
    static_cast<void>(tiers.edge.get("/q"));
    tiers.edge.apply(2, tag("shoes"));
    RawClient client(tiers.edge.at());
    client.send_request("GET", "/q");
    BOOST_TEST(poll_until(soon(), [&] { return tiers.shield.count(Metric::requests) >= 3; }));
    tiers.shield.apply(2, tag("shoes"));
    BOOST_TEST(client.read_response().body == "2");
}

BOOST_AUTO_TEST_CASE(a_purge_of_something_else_leaves_the_shields_copy_good_for_the_edge)
{
    Tiers tiers;
    BOOST_TEST(tiers.edge.get("/p").body == "1");
    tiers.shield.apply(1, tag("hats"));
    tiers.edge.apply(1, tag("hats"));
    tiers.edge.forget("/p");
    BOOST_TEST(tiers.edge.get("/p").body == "1");
    BOOST_TEST(tiers.app.count("/p") == 1);
    BOOST_TEST(is_hit(tiers.edge.get("/p")));
}

BOOST_AUTO_TEST_CASE(a_shield_that_proves_nothing_is_not_stored_from_and_raises_an_alarm)
{
    FakeOrigin app;
    app.page("/p", kTagged, "page");
    Node edge("edge", app.url(), "shield = true");
    edge.link();
    BOOST_TEST(edge.get("/p").body == "page");
    BOOST_TEST(edge.get("/p").body == "page");
    BOOST_TEST(app.count("/p") == 2);
    BOOST_TEST(edge.count(Metric::unfenced_answers) == 2U);
}

BOOST_AUTO_TEST_CASE(a_shield_of_another_journal_goes_to_the_app_and_vouches_for_nothing)
{
    Tiers tiers;
    static_cast<void>(tiers.edge.get("/p"));
    tiers.shield.shared.standing.set_applied(kJournal + 1, 100);
    tiers.edge.apply(1, tag("shoes"));
    BOOST_TEST(tiers.edge.get("/p").body == "2");
    BOOST_TEST(!is_hit(tiers.edge.get("/p")));
    BOOST_TEST(tiers.edge.count(Metric::unfenced_answers) == 2U);
}

BOOST_AUTO_TEST_CASE(a_strangers_fence_counts_for_nothing)
{
    Tiers tiers;
    static_cast<void>(tiers.shield.get("/p"));
    for (const char* forged : {"99", "99;j=\"0000000000000077\";k=4;m=\"00\"", ""}) {
        const Message answer = tiers.shield.get("/p", {{"Tidemark-Fence", forged}});
        BOOST_TEST(is_hit(answer));
        BOOST_TEST(!answer.has("Tidemark-Fence"));
        BOOST_TEST(!answer.has("Surrogate-Key"));
    }
    BOOST_TEST(tiers.shield.count(Metric::unproven_fences) == 3U);
}

BOOST_AUTO_TEST_CASE(nothing_stale_goes_to_an_edge)
{
    FakeOrigin app;
    Node shield("shield", app.url());
    shield.link();
    Node edge("edge", shield.url(), "shield = true");
    edge.link();
    const Fields stale{{"Cache-Control", "max-age=0, stale-while-revalidate=600"}};
    app.otherwise(
        [&](Exchange& exchange) { exchange.answer(200, stale, std::to_string(exchange.nth())); });
    BOOST_TEST(edge.get("/p").body == "1");
    // A client takes it stale, while one fetch brings it up to date; the edge waits for that.
    edge.forget("/p");
    BOOST_TEST(edge.get("/p").body == "2");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stamps_and_tokens)

// Replica lag: what the app says its data reflects is older than what the edge has heard of.
BOOST_AUTO_TEST_CASE(an_app_that_lags_behind_a_purge_is_not_stored)
{
    FakeOrigin app;
    Node node("edge", app.url(), "as_of_field = \"X-Data-Version\"");
    node.link();
    std::atomic<int> as_of{4};
    app.on("/p", [&](Exchange& exchange) {
        Fields fields = kTagged;
        fields.push_back({"X-Data-Version", std::to_string(as_of.load())});
        exchange.answer(200, fields, std::to_string(exchange.nth()));
    });
    node.apply(5, tag("shoes"));
    BOOST_TEST(node.get("/p").body == "1");
    BOOST_TEST(node.get("/p").body == "2");
    as_of = 5;
    BOOST_TEST(node.get("/p").body == "3");
    BOOST_TEST(is_hit(node.get("/p")));
}

BOOST_AUTO_TEST_CASE(a_304_of_an_app_that_lags_behind_makes_nothing_valid)
{
    FakeOrigin app;
    Node node("edge", app.url(), "as_of_field = \"X-Data-Version\"");
    node.link();
    app.on("/p", [&](Exchange& exchange) {
        const Fields fields{{"Cache-Control", "max-age=600"},
                            {"ETag", "\"a\""},
                            {"X-Data-Version", "4"},
                            {"Surrogate-Key", "shoes"}};
        if (exchange.request().has("If-None-Match"))
            exchange.answer(304, fields);
        else
            exchange.answer(200, fields, "page");
    });
    static_cast<void>(node.get("/p"));
    purge::Invalidation soft = tag("shoes");
    soft.mode = purge::Mode::soft;
    node.apply(5, soft);
    for (int i = 2; i <= 4; ++i) {
        BOOST_TEST(!is_hit(node.get("/p")));
        BOOST_TEST(app.count("/p") == i);
    }
}

BOOST_AUTO_TEST_CASE(a_stamp_that_is_no_number_is_ignored_and_counted)
{
    FakeOrigin app;
    Node node("edge", app.url(), "as_of_field = \"X-Data-Version\"");
    node.link();
    app.page("/p", {{"Cache-Control", "max-age=600"}, {"X-Data-Version", "yesterday"}}, "page");
    static_cast<void>(node.get("/p"));
    BOOST_TEST(is_hit(node.get("/p")));
    BOOST_TEST(node.count(Metric::bad_stamps) == 1U);
}

BOOST_AUTO_TEST_CASE(who_shows_a_purges_token_never_gets_what_it_purged)
{
    FakeOrigin app;
    Node node("edge", app.url());
    node.link();
    app.otherwise(
        [](Exchange& exchange) { exchange.answer(200, kTagged, std::to_string(exchange.nth())); });
    static_cast<void>(node.get("/p"));
    const Fields shown{{"Tidemark-Read", purge::make_read_token(shared_key(), kJournal, 1)}};
    BOOST_TEST(node.get("/p", shown).body == "2"); // not applied: past the cache
    BOOST_TEST(!app.last("/p").has("Tidemark-Read"));
    BOOST_TEST(node.get("/p").body == "2"); // and stored
    node.apply(1, tag("shoes"));
    BOOST_TEST(is_hit(node.get("/p", shown))); // what was fetched for the token was new already
    const Fields foreign{{"Tidemark-Read", purge::make_read_token(shared_key(), kJournal + 1, 1)}};
    BOOST_TEST(node.get("/p", foreign).body == "3");
}

BOOST_AUTO_TEST_CASE(a_token_that_proves_nothing_forces_no_miss)
{
    FakeOrigin app;
    Node node("edge", app.url());
    node.link();
    app.page("/p", kTagged, "page");
    static_cast<void>(node.get("/p"));
    purge::FenceKey other = shared_key();
    other.key[0] ^= 1;
    BOOST_TEST(
        is_hit(node.get("/p", {{"Tidemark-Read", purge::make_read_token(other, kJournal, 1)}})));
    BOOST_TEST(is_hit(node.get("/p", {{"Tidemark-Read", "v1"}})));
    BOOST_TEST(node.count(Metric::unproven_tokens) == 2U);
}

BOOST_AUTO_TEST_CASE(fences_are_told_only_where_the_settings_allow_it)
{
    FakeOrigin app;
    app.page("/p", kTagged, "page");
    Node open("open", app.url(), "", "debug_fences = true");
    Node closed("closed", app.url());
    for (Node* node : {&open, &closed}) {
        node->link();
        node->apply(7, tag("x"));
        static_cast<void>(node->get("/p"));
    }
    const Fields asks{{"Tidemark-Debug", "fence"}};
    BOOST_TEST(detail_of(open.get("/p", asks)) == "\"v=7;f=7\"");
    BOOST_TEST(detail_of(open.get("/p")) == "");
    BOOST_TEST(detail_of(closed.get("/p", asks)) == "");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::nodes
