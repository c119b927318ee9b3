#include "sim/latency.hpp"
#include "sim/simulation.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace tidemark::sim
{
namespace
{
constexpr std::uint64_t kSeeds = 24;

std::string first_violation(const Outcome& outcome)
{
    if (outcome.violations.empty()) return "none";
    const Violation& violation = outcome.violations.front();
    return std::string(kInvariantNames[static_cast<std::size_t>(violation.invariant)]) + ": " +
           violation.text;
}

Outcome run(std::uint64_t seed, Plant plant, Plant shown_for = Plant::none)
{
    Plan plan = plan_of(seed, 0, std::nullopt);
    set_plant(plan, shown_for);
    plan.plant = plant;
    if (shown_for == Plant::none) plan.read_every *= 4; // sanitizers are slow
    return Simulation{plan}.run();
}

struct PlantCase {
    Plant plant;
    std::uint64_t seeds; // at most so many are needed
};
std::ostream& operator<<(std::ostream& out, const PlantCase& c)
{
    for (const PlantName& one : kPlants)
        if (one.plant == c.plant) out << one.name;
    return out;
}
const PlantCase kCases[] = {
    {Plant::fence_at_response, 4},        {Plant::ack_before_fsync, 8},
    {Plant::lease_from_receipt, 20},      {Plant::digest_ignores_a_block, 40},
    {Plant::snapshot_without_floor, 40},  {Plant::soft_overwrites_hard, 8},
    {Plant::heartbeat_over_a_gap, 20},    {Plant::restored_journal_keeps_its_id, 40},
    {Plant::stale_fence_from_shield, 20},
};
} // namespace

BOOST_AUTO_TEST_SUITE(simulator)

BOOST_AUTO_TEST_CASE(no_seed_breaks_an_invariant)
{
    Tally all;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Outcome outcome = run(seed, Plant::none);
        BOOST_TEST_CONTEXT("seed " << seed)
        BOOST_TEST(first_violation(outcome) == "none");
        all += outcome.tally;
    }
    BOOST_TEST(all.reads > 100'000U);
    BOOST_TEST(all.by[static_cast<std::size_t>(Served::hit)] > all.reads / 4);
    BOOST_TEST(all.done > 100U);
    BOOST_TEST(all.restores > 0U);
    BOOST_TEST(all.snapshots > 0U);
}

BOOST_AUTO_TEST_CASE(a_seed_is_a_run)
{
    for (const std::uint64_t seed : {1U, 2U, 3U})
        BOOST_TEST(run(seed, Plant::none).trace == run(seed, Plant::none).trace);
    BOOST_TEST(run(1, Plant::none).trace != run(2, Plant::none).trace);
}

// The origin was restored unnoticed and gave versions again that an edge held of the lost journal;
// that edge's hello was taken for an acknowledgement of the new ones.
BOOST_AUTO_TEST_CASE(versions_of_a_lost_journal_acknowledge_nothing)
{
    const Outcome outcome = Simulation{plan_of(461, 0, std::nullopt)}.run();
    BOOST_TEST(outcome.tally.restores > 0U);
    BOOST_TEST(first_violation(outcome) == "none");
}

BOOST_DATA_TEST_CASE(a_planted_bug_is_caught, boost::unit_test::data::make(kCases), c)
{
    bool caught = false;
    for (std::uint64_t seed = 1; seed <= c.seeds && !caught; ++seed)
        caught = !run(seed, c.plant, c.plant).violations.empty();
    BOOST_TEST(caught);
}

BOOST_DATA_TEST_CASE(the_faults_that_show_it_do_no_harm_without_it,
                     boost::unit_test::data::make(kCases), c)
{
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
        BOOST_TEST(first_violation(run(seed, Plant::none, c.plant)) == "none");
}

BOOST_AUTO_TEST_CASE(a_purge_reaches_every_edge_soon_and_so_does_the_word_of_it)
{
    const LatencyResult result = measure_latency({20, 0.1, false, 25, 60}, 1, 20);
    BOOST_TEST(result.applied_ms.max <= 25);
    BOOST_TEST(result.done_ms.max <= 60);
}

BOOST_AUTO_TEST_CASE(whoever_missed_many_versions_is_in_sync_two_round_trips_after_their_transfer)
{
    const ReturnResult result = measure_return(1, 20'000);
    BOOST_TEST(result.in_sync_ms < 2 * result.round_trip_ms + result.transfer_ms + 1000);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::sim
