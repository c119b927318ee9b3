#include "tests/support/purge_world.hpp"

#include "tests/purge/messages.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace std::chrono_literals;
using purge::purge_of_url;
using purge::Version;
using test::LinkFaults;
using test::PurgeWorld;
namespace data = boost::unit_test::data;

namespace
{
purge::Message purge_of(int number)
{
    return purge_of_url(1, "http://h/" + std::to_string(number));
}
void publish(PurgeWorld& world, int count, Nanos apart)
{
    for (int i = 0; i < count; ++i) {
        world.publish(purge_of(i));
        world.run_for(apart);
    }
}
} // namespace

BOOST_AUTO_TEST_SUITE(purge_link)

BOOST_AUTO_TEST_CASE(an_edge_is_in_sync_soon_after_it_connects)
{
    PurgeWorld world{1};
    PurgeWorld::Edge& edge = world.add_edge("a");
    BOOST_TEST(world.run_until([&] { return world.in_sync(edge); }, 200ms));
    BOOST_TEST(edge.follower->linked());
}

BOOST_AUTO_TEST_CASE(what_is_published_is_applied_and_acknowledged)
{
    PurgeWorld world{2};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(300ms);
    const Version version = world.publish(purge_of(1));
    BOOST_TEST(world.run_until([&] { return world.converged(edge); }, 5ms));
    BOOST_TEST(world.run_until(
        [&] { return world.hub().report(version, true, world.now()).clean() == 1; }, 5ms));
    BOOST_TEST((edge.applier->applied.at(version).body == purge_of(1).body));
}

struct FaultCase {
    const char* what;
    LinkFaults faults;
    friend std::ostream& operator<<(std::ostream& out, const FaultCase& c) { return out << c.what; }
};
const FaultCase kFaultCases[] = {
    {"nothing goes wrong", {}},
    {"datagrams overtake each other", {0, 0, 1ms, 30ms, true, false}},
    {"datagrams come twice", {0, 0.5, 1ms, 5ms, true, false}},
    {"a tenth is lost", {0.1, 0, 1ms, 5ms, true, false}},
    {"half is lost", {0.5, 0.1, 1ms, 5ms, true, false}},
    {"no datagram passes", {0, 0, 1ms, 0ms, false, false}},
};
BOOST_DATA_TEST_CASE(edges_converge_and_are_in_sync, data::make(kFaultCases), c)
{
    PurgeWorld world{3};
    for (const char* name : {"a", "b", "c"})
        world.add_edge(name, c.faults);
    world.run_for(1s);
    publish(world, 400, 2ms);
    BOOST_TEST(world.run_until([&] { return world.all_converged(); }, 2s));
    world.run_for(500ms);
    const auto report = world.hub().report(world.hub().mark(), true, world.now());
    BOOST_TEST(report.clean() == 3U);
    for (const auto& edge : report.edges)
        BOOST_TEST((edge.clean == purge::CleanBy::ack));
    BOOST_TEST(world.closings.empty());
}

BOOST_AUTO_TEST_SUITE_END()
