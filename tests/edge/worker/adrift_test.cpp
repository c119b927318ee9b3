#include "tests/edge/worker/node.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::nodes
{
namespace
{
const Fields kFresh{{"Cache-Control", "max-age=600"}, {"ETag", "\"a\""}};
const Fields kWeak{{"Cache-Control", "max-age=600"}, {"ETag", "W/\"a\""}};

// Answers 304 to the ETag it gives.
void validating_page(FakeOrigin& origin, const Fields& fields, const std::string& body)
{
    origin.on("/p", [=](Exchange& exchange) {
        if (exchange.request().value("If-None-Match") == fields.at(1).value)
            exchange.answer(304, fields);
        else
            exchange.answer(200, fields, body);
    });
}

struct Stand {
    FakeOrigin origin;
    Node node{"edge", origin.url()};

    explicit Stand(purge::Adrift policy, const Fields& fields = kFresh)
    {
        validating_page(origin, fields, "page");
        node.link(policy);
        BOOST_TEST(!is_hit(node.get("/p")));
        BOOST_TEST(is_hit(node.get("/p")));
        BOOST_TEST(detail_of(node.get("/p")) == "");
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(adrift)

BOOST_AUTO_TEST_CASE(told_to_serve_it_serves_and_says_so)
{
    Stand stand(purge::Adrift::serve);
    stand.node.lose_lease();
    const Message answer = stand.node.get("/p");
    BOOST_TEST(is_hit(answer));
    BOOST_TEST(detail_of(answer) == "adrift");
    BOOST_TEST(stand.origin.count("/p") == 1);
}

BOOST_AUTO_TEST_CASE(told_to_fail_it_answers_503_and_asks_nobody)
{
    Stand stand(purge::Adrift::fail);
    stand.node.lose_lease();
    const Message answer = stand.node.get("/p");
    BOOST_TEST(answer.status() == 503);
    BOOST_TEST(answer.has("Retry-After"));
    BOOST_TEST(detail_of(answer) == "adrift");
    BOOST_TEST(stand.node.get("/other").status() == 503);
    BOOST_TEST(stand.origin.total() == 1);
}

BOOST_AUTO_TEST_CASE(what_was_sent_for_too_long_ago_is_validated_once_and_reused_for_a_lease)
{
    Stand stand(purge::Adrift::revalidate);
    stand.node.tick(); // the oldest that is known: the page was sent for before it
    stand.node.lose_lease();
    const Message validated = stand.node.get("/p");
    BOOST_TEST(validated.body == "page");
    BOOST_TEST(!is_hit(validated));
    BOOST_TEST(stand.origin.last("/p").value("If-None-Match") == "\"a\"");
    BOOST_TEST(is_hit(stand.node.get("/p")));
    BOOST_TEST(stand.origin.count("/p") == 2);
}

BOOST_AUTO_TEST_CASE(what_was_sent_for_within_the_lease_is_served)
{
    Stand stand(purge::Adrift::revalidate);
    stand.node.tick();
    stand.origin.page("/q", kFresh, "q");
    static_cast<void>(stand.node.get("/q"));
    stand.node.lose_lease();
    BOOST_TEST(is_hit(stand.node.get("/q")));
    BOOST_TEST(stand.origin.count("/q") == 1);
}

BOOST_AUTO_TEST_CASE(without_a_tick_of_the_control_thread_everything_is_validated)
{
    Stand stand(purge::Adrift::revalidate);
    stand.node.lose_lease();
    BOOST_TEST(!is_hit(stand.node.get("/p")));
    BOOST_TEST(!is_hit(stand.node.get("/p")));
    BOOST_TEST(stand.origin.count("/p") == 3);
}

// RFC 9110 §8.8
BOOST_AUTO_TEST_CASE(a_weak_validator_is_not_enough)
{
    Stand stand(purge::Adrift::revalidate, kWeak);
    stand.node.tick();
    stand.node.lose_lease();
    BOOST_TEST(stand.node.get("/p").body == "page");
    BOOST_TEST(!stand.origin.last("/p").has("If-None-Match"));
}

BOOST_AUTO_TEST_CASE(nothing_too_old_stands_in_for_a_failing_upstream)
{
    Stand stand(purge::Adrift::revalidate,
                {{"Cache-Control", "max-age=600, stale-if-error=600"}, {"ETag", "\"a\""}});
    stand.node.tick();
    stand.node.lose_lease();
    stand.origin.page("/p", {}, "broken", 503);
    BOOST_TEST(stand.node.get("/p").status() == 503);
    stand.origin.go_down();
    BOOST_TEST(stand.node.get("/p").status() >= 502);
}

BOOST_AUTO_TEST_CASE(in_sync_again_it_serves_as_before)
{
    Stand stand(purge::Adrift::fail);
    stand.node.lose_lease();
    BOOST_TEST(stand.node.get("/p").status() == 503);
    stand.node.shared.standing.set_lease(net::Loop::boot_now() + std::chrono::hours{1},
                                         std::chrono::minutes{10});
    const Message answer = stand.node.get("/p");
    BOOST_TEST(is_hit(answer));
    BOOST_TEST(detail_of(answer) == "");
}

// Who comes while adrift does not take what was asked for before the last lease.
BOOST_AUTO_TEST_CASE(a_request_joins_only_a_flight_that_was_sent_within_the_lease)
{
    FakeOrigin origin;
    Node node("edge", origin.url());
    node.link();
    Gate& gate = origin.gate();
    origin.on("/p", [&](Exchange& exchange) {
        if (exchange.nth() == 1) static_cast<void>(gate.wait());
        exchange.answer(200, kFresh, "answer " + std::to_string(exchange.nth()));
    });
    RawClient early(node.at());
    early.send_request("GET", "/p");
    origin.wait_for("/p", 1);
    node.tick();
    node.lose_lease();
    BOOST_TEST(node.get("/p").body == "answer 2");
    gate.open();
    BOOST_TEST(early.read_response().body == "answer 1");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::nodes
