#include "edge/worker/eraser.hpp"

#include "tests/core/net/running.hpp"
#include "tests/edge/store/records.hpp"
#include "tests/edge/worker/sites.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::worker;

namespace
{
// An edge without workers: its store, its purges, and the control thread's loop.
struct Edge {
    net::test::RunningLoop running;
    Shared shared{store::MemoryOptions{}};
    std::shared_ptr<const serve::Sites> sites = test::any_site();
    Eraser eraser{running.loop, shared, sites};
    std::vector<std::uint64_t> done;

    void store(std::size_t from, std::size_t to, purge::Fence fence)
    {
        for (std::size_t i = from; i < to; ++i)
            BOOST_REQUIRE(
                shared.store.insert(store::make_record({store::numbered(i), {}, 10, fence})) ==
                store::MemoryStore::Insert::stored);
    }
    void purge_all(std::uint64_t version)
    {
        shared.purges.apply({version, purge::Scope::all, purge::Mode::hard, Seconds{0}, ""},
                            running.loop.mono());
    }
    void purge_url(std::uint64_t version, const std::string& url)
    {
        shared.purges.apply({version, purge::Scope::url, purge::Mode::hard, Seconds{0}, url},
                            running.loop.mono());
    }
    void erase(std::uint64_t version)
    {
        eraser.erase(version, [this](std::uint64_t which) { done.push_back(which); });
    }
    void until_done(std::size_t count)
    {
        running.until([this, count] { return done.size() >= count; });
    }
    [[nodiscard]] std::uint64_t stored() const { return shared.store.counters().records; }
};
} // namespace

BOOST_AUTO_TEST_SUITE(eraser)

BOOST_AUTO_TEST_CASE(what_was_purged_is_out_of_the_store_when_it_says_done)
{
    Edge edge;
    edge.store(0, 30'000, {1, 0});
    edge.store(30'000, 30'010, {5, 0});
    edge.purge_all(5);
    edge.erase(5);
    BOOST_TEST(edge.done.empty());
    edge.until_done(1);
    BOOST_TEST(edge.done == std::vector<std::uint64_t>{5}, boost::test_tools::per_element());
    BOOST_TEST(edge.stored() == 10U);
    BOOST_TEST(edge.eraser.erased() == 30'000U);
    BOOST_TEST(edge.shared.epochs.retired() == 0U);
}

BOOST_AUTO_TEST_CASE(an_erase_of_nothing_is_done_too)
{
    Edge edge;
    edge.store(0, 10, {1, 0});
    edge.purge_url(2, "http://h/nothing");
    edge.erase(2);
    edge.until_done(1);
    BOOST_TEST(edge.stored() == 10U);
}

BOOST_AUTO_TEST_CASE(it_is_not_done_while_a_turn_that_may_hold_the_bytes_goes_on)
{
    Edge edge;
    edge.store(0, 10, {1, 0});
    const auto reader = edge.shared.epochs.join();
    reader->online();
    edge.purge_all(2);
    edge.erase(2);
    // Many turns of the control thread later it still waits.
    int turns = 0;
    net::Timer timer(edge.running.loop, [&] { ++turns; });
    timer.start(Millis{1}, Millis{1});
    edge.running.until([&] { return turns > 30; });
    BOOST_TEST(edge.done.empty());
    reader->offline();
    edge.until_done(1);
    BOOST_TEST(edge.stored() == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_turn_stores_by_the_old_state_is_erased_too)
{
    Edge edge;
    const auto worker = edge.shared.epochs.join();
    worker->online(); // it judged its response valid before the purge came
    edge.purge_all(2);
    edge.erase(2);
    int turns = 0;
    net::Timer timer(edge.running.loop, [&] { ++turns; });
    timer.start(Millis{1}, Millis{1});
    edge.running.until([&] { return turns > 30; });
    edge.store(0, 10, {1, 0});
    worker->offline();
    edge.until_done(1);
    BOOST_TEST(edge.stored() == 0U);
}

BOOST_AUTO_TEST_CASE(a_reference_that_an_exchange_holds_is_not_waited_for)
{
    Edge edge;
    store::StoredRef record = store::make_record({"http://h/1", {}, 10, {1, 0}});
    const store::StoredRef streaming = store::ref(*record);
    BOOST_REQUIRE(edge.shared.store.insert(std::move(record)) ==
                  store::MemoryStore::Insert::stored);
    edge.purge_all(2);
    edge.erase(2);
    edge.until_done(1);
    BOOST_TEST(edge.stored() == 0U);
    BOOST_TEST(store::is_whole(*streaming));
}

BOOST_AUTO_TEST_CASE(those_that_come_during_a_walk_share_the_next_one)
{
    Edge edge;
    edge.store(0, 100, {1, 0});
    edge.purge_all(2);
    edge.erase(2);
    edge.erase(3);
    edge.erase(4);
    edge.until_done(3);
    const std::vector<std::uint64_t> expected{2, 3, 4};
    BOOST_TEST(edge.done == expected, boost::test_tools::per_element());
    BOOST_TEST(edge.eraser.walks() == 2U);
    BOOST_TEST(!edge.eraser.busy());
}

BOOST_AUTO_TEST_CASE(an_order_for_one_site_is_judged_by_the_site_of_each_response)
{
    Edge edge;
    edge.store(0, 10, {1, 0});
    purge::Invalidation order{2, purge::Scope::all, purge::Mode::hard, Seconds{0}, "", "other"};
    edge.shared.purges.apply(order, edge.running.loop.mono());
    edge.erase(2);
    edge.until_done(1);
    BOOST_TEST(edge.stored() == 10U);
    order.version = 3;
    order.site = edge.sites->all().front()->settings.label();
    edge.shared.purges.apply(order, edge.running.loop.mono());
    edge.erase(3);
    edge.until_done(2);
    BOOST_TEST(edge.stored() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
