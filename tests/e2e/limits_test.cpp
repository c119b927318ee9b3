#include "tests/e2e/stand.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>
#include <memory>

// Limits that a configuration sets.
using namespace tidemark::e2e;

BOOST_AUTO_TEST_SUITE(limits)

BOOST_AUTO_TEST_CASE(connections_beyond_the_limit_of_an_address_are_refused_and_room_comes_back)
{
    const auto stand = Stand::with_config(
        "[limits]\nconnections_per_address = 2\n[[site]]\nupstreams = [\"ORIGIN\"]\n");
    stand->origin.page("/a", kFresh, "a");
    std::deque<std::unique_ptr<RawClient>> held;
    held.push_back(std::make_unique<RawClient>(stand->edge().at()));
    BOOST_TEST(held.back()->get("/a").status() == 200);
    held.push_back(std::make_unique<RawClient>(stand->edge().at()));
    BOOST_TEST(held.back()->get("/a").status() == 200);

    RawClient third = stand->client();
    const Message refused = third.get("/a");
    BOOST_TEST(refused.status() == 503);
    BOOST_TEST(refused.value("Retry-After") == "1");

    held.clear();
    BOOST_TEST(poll_until(soon(), [&] {
        RawClient next = stand->client();
        return next.get("/a").status() == 200;
    }));
}

BOOST_AUTO_TEST_CASE(a_response_larger_than_max_object_streams_through_unstored)
{
    const auto stand =
        Stand::with_config("[limits]\nmax_object = \"64KiB\"\nrange_fetch = \"64KiB\"\n"
                           "[[site]]\nupstreams = [\"ORIGIN\"]\n");
    const std::string large(200'000, 'x');
    stand->origin.page("/large", kFresh, large);
    for (int i = 0; i < 2; ++i) {
        const Message answer = stand->get("/large");
        BOOST_TEST(answer.status() == 200);
        BOOST_TEST((answer.body == large));
        BOOST_TEST(!is_hit(answer));
    }
    BOOST_TEST(stand->origin.count("/large") == 2);
}

BOOST_AUTO_TEST_SUITE_END()
