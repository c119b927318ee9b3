#include "edge/worker/refresher.hpp"

#include "tests/core/net/running.hpp"
#include "tests/edge/store/records.hpp"
#include "tests/edge/worker/orders.hpp"
#include "tests/edge/worker/sites.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

using namespace tidemark;
using namespace tidemark::worker;
using purge::OrderMode;
using purge::Scope;

namespace
{
struct Edge {
    explicit Edge(RefreshSettings settings = {10'000, 8, 10'000})
    {
        refresher.emplace(running.loop, shared, sites, settings, test::invalidations_of,
                          [this](const std::string& uri, std::function<void()> done) {
                              if (busy) return false;
                              asked.push_back(uri);
                              open.push_back(std::move(done));
                              return true;
                          });
    }
    ~Edge()
    {
        refresher.reset();
        running.idle();
    }
    void store(const std::string& uri, int uses, const std::string& variant = "")
    {
        store::StoredRef record = store::make_record({uri, variant, 10, {1, 0}});
        const store::StoredRef kept = store::ref(*record);
        BOOST_REQUIRE(shared.store.insert(std::move(record)) == store::MemoryStore::Insert::stored);
        for (int i = 0; i < uses; ++i)
            kept->touch();
    }
    void until_asked(std::size_t count)
    {
        running.until([this, count] { return asked.size() >= count; });
    }
    void turns(int count)
    {
        int seen = 0;
        net::Timer timer(running.loop, [&] { ++seen; });
        timer.start(Millis{1}, Millis{1});
        running.until([&] { return seen >= count; });
    }

    net::test::RunningLoop running;
    std::shared_ptr<const serve::Sites> sites = test::any_site();
    Shared shared{store::MemoryOptions{}};
    bool busy = false;
    std::vector<std::string> asked;
    std::vector<std::function<void()>> open;
    std::optional<Refresher> refresher;
};
using Uris = std::vector<std::string>;
} // namespace

BOOST_AUTO_TEST_SUITE(refresher)

BOOST_AUTO_TEST_CASE(what_was_used_is_fetched_anew_at_once)
{
    Edge edge;
    edge.store("http://h/used", 1);
    edge.store("http://h/unused", 0);
    for (const char* url : {"http://h/used", "http://h/unused", "http://h/nothing"})
        edge.refresher->refresh(test::order_of(2, Scope::url, url, OrderMode::refresh));
    BOOST_TEST(edge.asked == Uris{"http://h/used"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_an_order_covers_is_found_the_most_used_first)
{
    Edge edge;
    edge.store("http://h/a/1", 1);
    edge.store("http://h/a/3", 3);
    edge.store("http://h/a/2", 2);
    edge.store("http://h/b", 3);
    edge.refresher->refresh(test::order_of(2, Scope::prefix, "http://h/a", OrderMode::refresh));
    edge.until_asked(3);
    const Uris expected{"http://h/a/3", "http://h/a/2", "http://h/a/1"};
    BOOST_TEST(edge.asked == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(soft_orders_are_refreshed_too_and_hard_ones_are_not)
{
    Edge edge;
    edge.store("http://h/1", 1);
    edge.store("http://h/2", 1);
    edge.refresher->refresh(
        test::order_of(2, Scope::pattern, "1$", OrderMode::refresh, Seconds{30}));
    edge.refresher->refresh(test::order_of(3, Scope::url, "http://h/2", OrderMode::hard));
    edge.until_asked(1);
    edge.turns(30);
    BOOST_TEST(edge.asked == Uris{"http://h/1"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_fetched_since_is_left_alone)
{
    Edge edge;
    edge.store("http://h/1", 1); // heard of version 1
    edge.refresher->refresh(test::order_of(1, Scope::url, "http://h/1", OrderMode::refresh));
    edge.refresher->refresh(test::order_of(1, Scope::all, "", OrderMode::refresh));
    edge.turns(30);
    BOOST_TEST(edge.asked.empty());
}

BOOST_AUTO_TEST_CASE(a_walk_through_a_large_store_finds_all)
{
    Edge edge({10'000, 8, 100});
    for (std::size_t i = 0; i < 20'000; ++i)
        edge.store(store::numbered(i), i % 400 == 0 ? 1 : 0);
    edge.refresher->refresh(test::order_of(2, Scope::all, "", OrderMode::refresh));
    for (std::size_t i = 0; i < 50; ++i) {
        edge.until_asked(i + 1);
        edge.open[i]();
    }
    edge.turns(30);
    BOOST_TEST(edge.asked.size() == 50U);
    BOOST_TEST(edge.refresher->under_way() == 0U);
}

BOOST_AUTO_TEST_CASE(what_varies_is_skipped_and_counted)
{
    Edge edge;
    edge.store("http://h/1", 1, "text/html");
    edge.refresher->refresh(test::order_of(2, Scope::url, "http://h/1", OrderMode::refresh));
    BOOST_TEST(edge.asked.empty());
    BOOST_TEST(edge.refresher->counters().skipped_vary == 1U);
}

BOOST_AUTO_TEST_CASE(no_more_than_so_many_are_under_way_at_once)
{
    Edge edge({10'000, 2, 100});
    for (std::size_t i = 0; i < 5; ++i)
        edge.store(store::numbered(i), 1);
    edge.refresher->refresh(test::order_of(2, Scope::all, "", OrderMode::refresh));
    edge.until_asked(2);
    edge.turns(50);
    BOOST_TEST(edge.asked.size() == 2U);
    edge.open[0]();
    edge.until_asked(3);
    edge.turns(50);
    BOOST_TEST(edge.asked.size() == 3U);
    BOOST_TEST(edge.refresher->queued() == 2U);
}

BOOST_AUTO_TEST_CASE(no_more_than_the_rate_begin_in_a_second)
{
    Edge edge({20, 100, 1'000});
    for (std::size_t i = 0; i < 100; ++i)
        edge.store(store::numbered(i), 1);
    const MonoTime began = edge.running.loop.mono();
    edge.refresher->refresh(test::order_of(2, Scope::all, "", OrderMode::refresh));
    edge.until_asked(10);
    // Four at once, then one every 50 ms.
    BOOST_TEST((edge.running.loop.mono() - began >= Millis{250}));
    BOOST_TEST(edge.asked.size() < 12U);
}

BOOST_AUTO_TEST_CASE(the_queue_is_bounded_and_names_each_response_once)
{
    Edge edge({1, 1, 3});
    for (std::size_t i = 0; i < 10; ++i)
        edge.store(store::numbered(i), 1);
    edge.refresher->refresh(test::order_of(2, Scope::all, "", OrderMode::refresh));
    edge.refresher->refresh(test::order_of(3, Scope::all, "", OrderMode::refresh));
    edge.turns(50);
    BOOST_TEST(edge.asked.size() + edge.refresher->queued() <= 4U);
    BOOST_TEST(edge.refresher->counters().skipped_full > 0U);
}

BOOST_AUTO_TEST_CASE(workers_that_cannot_take_it_now_are_asked_again)
{
    Edge edge;
    edge.busy = true;
    edge.store("http://h/1", 1);
    edge.refresher->refresh(test::order_of(2, Scope::url, "http://h/1", OrderMode::refresh));
    edge.turns(5);
    BOOST_TEST(edge.refresher->queued() == 1U);
    edge.busy = false;
    edge.until_asked(1);
}

BOOST_AUTO_TEST_CASE(a_draining_edge_fetches_nothing)
{
    Edge edge({10'000, 1, 100});
    for (std::size_t i = 0; i < 5; ++i)
        edge.store(store::numbered(i), 1);
    edge.refresher->refresh(test::order_of(2, Scope::all, "", OrderMode::refresh));
    edge.until_asked(1);
    edge.shared.draining.store(true);
    edge.open[0]();
    edge.turns(50);
    BOOST_TEST(edge.asked.size() == 1U);
    BOOST_TEST(edge.refresher->queued() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
