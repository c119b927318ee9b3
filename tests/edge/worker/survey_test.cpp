#include "edge/worker/survey.hpp"

#include "tests/core/net/running.hpp"
#include "tests/edge/store/records.hpp"
#include "tests/edge/worker/sites.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

using namespace tidemark;
using namespace tidemark::worker;
using purge::Mode;
using purge::Scope;

namespace
{
struct Edge {
    net::test::RunningLoop running;
    Shared shared{store::MemoryOptions{}};
    std::shared_ptr<const serve::Sites> sites = test::any_site();
    Survey survey{running.loop, shared, sites};

    void store(std::size_t count, purge::Fence fence)
    {
        for (std::size_t i = 0; i < count; ++i)
            BOOST_REQUIRE(
                shared.store.insert(store::make_record({store::numbered(i), {}, 10, fence})) ==
                store::MemoryStore::Insert::stored);
    }
    Surveyed count(const std::vector<purge::Invalidation>& orders)
    {
        std::optional<Surveyed> found;
        survey.count(orders, [&](const Surveyed& one) { found = one; });
        BOOST_TEST(!found.has_value());
        running.until([&] { return found.has_value(); });
        return *found;
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(survey)

BOOST_AUTO_TEST_CASE(it_counts_what_an_order_covers_and_changes_nothing)
{
    Edge edge;
    edge.store(30'000, {7, 0});
    const std::uint64_t generation = edge.shared.purges.generation();
    const Surveyed all = edge.count({{0, Scope::all, Mode::hard, Seconds{0}, ""}});
    BOOST_TEST(all.responses == 30'000U);
    BOOST_TEST(all.bytes == edge.shared.store.counters().record_bytes);
    const Surveyed two = edge.count({{0, Scope::url, Mode::hard, Seconds{0}, store::numbered(3)},
                                     {0, Scope::url, Mode::soft, Seconds{9}, store::numbered(4)},
                                     {0, Scope::url, Mode::hard, Seconds{0}, "http://no/"}});
    BOOST_TEST(two.responses == 2U);
    BOOST_TEST(edge.count({}).responses == 0U);
    BOOST_TEST(edge.shared.store.counters().records == 30'000U);
    BOOST_TEST(edge.shared.purges.generation() == generation);
}

BOOST_AUTO_TEST_CASE(what_is_removed_already_is_not_hit_again)
{
    Edge edge;
    edge.store(10, {1, 0});
    edge.shared.purges.apply({2, Scope::url, Mode::hard, Seconds{0}, store::numbered(3)},
                             edge.running.loop.mono());
    BOOST_TEST(edge.count({{0, Scope::all, Mode::hard, Seconds{0}, ""}}).responses == 9U);
}

BOOST_AUTO_TEST_SUITE_END()
