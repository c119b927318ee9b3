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

BOOST_AUTO_TEST_CASE(where_datagrams_stop_passing_the_stream_carries_everything)
{
    PurgeWorld world{31};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(1s);
    publish(world, 10, 10ms);
    edge.faults.datagrams = false;
    publish(world, 500, 10ms);
    BOOST_TEST(world.run_until([&] { return world.converged(edge); }, 1s));
    BOOST_TEST(world.in_sync(edge));
    BOOST_TEST(!world.hub().edges(world.now()).at(0).datagrams);
    edge.faults.datagrams = true;
    world.run_for(1s);
    BOOST_TEST(world.hub().edges(world.now()).at(0).datagrams);
    BOOST_TEST(world.closings.empty());
}

// ---- restarts and partitions

BOOST_AUTO_TEST_CASE(an_edge_that_was_down_catches_up_in_order_on_the_stream)
{
    PurgeWorld world{4};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(300ms);
    publish(world, 20, 1ms);
    world.stop_edge(edge);
    std::vector<purge::Message> messages;
    for (int i = 0; i < 20'000; ++i)
        messages.push_back(purge_of(i));
    world.publish_batch(messages);
    world.start_edge(edge);
    BOOST_TEST(!world.in_sync(edge));
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 2s));
    BOOST_TEST(edge.follower->counters().repairs == 1U);
    BOOST_TEST(edge.applier->applied.size() == 20'020U);
    BOOST_TEST(world.closings.empty());
}

BOOST_AUTO_TEST_CASE(an_edge_keeps_its_lease_over_a_broken_stream_and_loses_it_without_the_origin)
{
    PurgeWorld world{5};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(1s);
    world.break_link(edge);
    world.run_for(20ms);
    BOOST_TEST(!edge.follower->linked());
    BOOST_TEST(world.in_sync(edge));
    BOOST_TEST(world.run_until([&] { return edge.follower->linked(); }, 200ms));
    world.stop_origin();
    world.run_for(2s);
    BOOST_TEST(world.in_sync(edge));
    world.run_for(1500ms);
    BOOST_TEST(!world.in_sync(edge));
}

BOOST_AUTO_TEST_CASE(a_restarted_origin_counts_every_edge_as_leased_and_goes_on)
{
    PurgeWorld world{6};
    PurgeWorld::Edge& edge = world.add_edge("a");
    PurgeWorld::Edge& gone = world.add_edge("gone");
    world.run_for(1s);
    publish(world, 5, 10ms);
    world.stop_edge(gone);
    const Version unheard = world.publish(purge_of(9));
    world.restart_origin();
    BOOST_TEST(world.run_until([&] { return world.converged(edge); }, 1s));
    world.run_for(500ms);
    const auto clean = [&](std::size_t which) {
        return world.hub().report(unheard, false, world.now()).edges[which].clean;
    };
    BOOST_TEST((clean(0) == purge::CleanBy::ack));
    BOOST_TEST((clean(1) == purge::CleanBy::nothing));
    world.run_for(4s);
    BOOST_TEST((clean(1) == purge::CleanBy::lease));
}

BOOST_AUTO_TEST_CASE(behind_a_partition_the_lease_runs_out_before_the_origin_counts_it_as_such)
{
    PurgeWorld world{7};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(1s);
    edge.faults.cut = true;
    const Version version = world.publish(purge_of(1));
    const unsigned before = world.progress;
    const auto by_lease = [&] {
        return world.hub().report(version, false, world.now()).clean() == 1;
    };
    BOOST_TEST(world.run_until([&] { return !world.in_sync(edge); }, 10s));
    BOOST_TEST(!by_lease());
    // The report changes without any input: somebody must be told.
    BOOST_TEST(world.run_until(by_lease, 2s));
    BOOST_TEST(world.progress > before + 1);
    BOOST_TEST(world.hub().report(version, true, world.now()).clean() == 0U);
    edge.faults.cut = false;
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 15s));
    BOOST_TEST((world.run_until(
        [&] { return world.hub().report(version, true, world.now()).clean() == 1; }, 1s)));
}

BOOST_AUTO_TEST_CASE(an_edge_is_in_sync_only_when_it_has_applied_what_the_origin_has)
{
    PurgeWorld world{8};
    PurgeWorld::Edge& edge = world.add_edge("a", {0.3, 0.1, 2ms, 20ms, true, false});
    Nanos in_sync{0};
    for (int i = 0; i < 3000; ++i) {
        if (i % 3 == 0) world.publish(purge_of(i));
        if (i % 1000 == 500) edge.faults.cut = true;
        if (i % 1000 == 900) edge.faults.cut = false;
        const Version promised = world.in_sync(edge) ? edge.follower->contiguous() : 0;
        world.run_for(5ms);
        if (!world.in_sync(edge)) continue;
        in_sync += 5ms;
        BOOST_REQUIRE(edge.follower->contiguous() >= promised);
        // Whatever it has not applied is no older than its lease.
        BOOST_REQUIRE(world.hub().mark() - edge.follower->contiguous() <= 3'000 / 15 + 1);
    }
    BOOST_TEST((in_sync > 8s));
    BOOST_TEST(world.run_until([&] { return world.converged(edge); }, 10s));
}

// ---- snapshots, other journals, digests

BOOST_AUTO_TEST_CASE(what_the_journal_no_longer_holds_comes_as_a_snapshot)
{
    PurgeWorld world{9};
    world.run_for(10ms);
    for (int i = 0; i < 3000; ++i)
        world.publish(purge_of(i));
    world.stop_origin();
    world.journal.compact_all();
    world.start_origin();
    for (int i = 0; i < 700; ++i)
        world.publish(purge_of(i));
    PurgeWorld::Edge& edge = world.add_edge("a");
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 2s));
    BOOST_TEST(edge.follower->counters().snapshots == 1U);
    BOOST_TEST(edge.applier->loaded.entries().size() == 3000U);
    BOOST_TEST(edge.applier->applied.size() == 700U);
    // It goes on from there after a restart.
    world.stop_edge(edge);
    world.publish(purge_of(1));
    world.start_edge(edge);
    BOOST_TEST(world.run_until([&] { return world.converged(edge); }, 2s));
    BOOST_TEST(edge.follower->counters().snapshots == 0U);
}

BOOST_AUTO_TEST_CASE(an_edge_of_another_journal_starts_over)
{
    PurgeWorld world{10};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(300ms);
    publish(world, 10, 1ms);
    world.stop_origin();
    world.journal = test::MemoryJournal{77};
    world.start_origin();
    for (int i = 0; i < 3; ++i)
        world.publish(purge_of(i));
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 2s));
    BOOST_TEST(edge.applier->resets == 2U);
    BOOST_TEST(edge.applier->applied.size() == 3U);
}

BOOST_AUTO_TEST_CASE(an_origin_that_lost_versions_begins_another_journal)
{
    PurgeWorld world{11};
    PurgeWorld::Edge& a = world.add_edge("a");
    PurgeWorld::Edge& b = world.add_edge("b");
    world.run_for(300ms);
    publish(world, 10, 1ms);
    const test::MemoryJournal backup = world.journal;
    publish(world, 5, 1ms);
    world.run_for(100ms);
    world.stop_edge(b);
    world.stop_origin();
    world.journal = backup; // restored
    world.start_origin();
    world.run_for(500ms);
    BOOST_TEST(world.mints == 1U);
    BOOST_TEST(world.journal.start.mark() >= 15U);
    world.publish(purge_of(1));
    world.start_edge(b);
    BOOST_TEST(world.run_until(
        [&] { return world.all_converged() && world.in_sync(a) && world.in_sync(b); }, 5s));
    BOOST_TEST(world.mints == 1U);
}

struct DamageCase {
    const char* what;
    int published;
    std::vector<int> damaged; // versions
    friend std::ostream& operator<<(std::ostream& out, const DamageCase& c)
    {
        return out << c.what;
    }
};
const DamageCase kDamageCases[] = {
    {"in the last block", 100, {50}},
    {"in a full block", 1000, {300}},
    {"in a full block and in the last one", 1000, {1, 990}},
    {"in many blocks", 40'000, {1, 300, 5'000, 9'000, 20'000, 20'300, 39'999}},
    {"in every block of many", 20'000, {}},
};
BOOST_DATA_TEST_CASE(what_an_edge_holds_wrongly_is_found_and_repaired, data::make(kDamageCases), c)
{
    PurgeWorld world{12};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(300ms);
    std::vector<purge::Message> messages;
    for (int i = 0; i < c.published; ++i)
        messages.push_back(purge_of(i));
    world.publish_batch(messages);
    BOOST_REQUIRE(world.run_until([&] { return world.converged(edge); }, 2s));
    world.stop_edge(edge);
    std::vector<int> damaged = c.damaged;
    for (int v = 1; damaged.empty() && v <= c.published; v += 200)
        damaged.push_back(v);
    for (const int version : damaged) {
        auto wrong = purge_of_url(static_cast<Version>(version), "http://h/wrong");
        wrong.journal = world.journal.start.id;
        edge.kept[wrong.version] = purge::record_of(wrong);
    }
    edge.applier->applied.clear();
    world.start_edge(edge);
    BOOST_TEST(world.run_until([&] { return edge.follower->counters().mismatches > 0; }, 1s));
    BOOST_TEST(!world.in_sync(edge));
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 5s));
    BOOST_REQUIRE(edge.applier->capped_at.has_value());
    BOOST_TEST(*edge.applier->capped_at < static_cast<Version>(damaged.front()));
    for (const int version : damaged) {
        const auto& message = edge.applier->applied.at(static_cast<Version>(version));
        BOOST_TEST((message.body == purge_of(version - 1).body));
    }
    BOOST_TEST(edge.follower->counters().resets == 0U);
    // The log holds the right ones now.
    world.stop_edge(edge);
    world.start_edge(edge);
    world.run_for(1s);
    BOOST_TEST(edge.follower->counters().mismatches == 0U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_of_a_wrong_root_is_found_out_and_everything_is_fetched_anew)
{
    PurgeWorld world{13};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(300ms);
    publish(world, 300, 1ms);
    world.run_for(100ms);
    world.stop_edge(edge);
    edge.through = 290;
    edge.root = {1, 2};
    edge.kept.erase(edge.kept.begin(), edge.kept.upper_bound(290));
    edge.applier->applied.clear();
    world.start_edge(edge);
    BOOST_TEST(world.run_until([&] { return world.converged(edge) && world.in_sync(edge); }, 5s));
    BOOST_TEST(edge.applier->applied.size() == 300U);
    BOOST_TEST((edge.applier->capped_at == Version{0}));
}

// ---- names

BOOST_AUTO_TEST_CASE(a_second_live_instance_of_a_name_is_refused)
{
    PurgeWorld world{14};
    PurgeWorld::Edge& first = world.add_edge("a");
    world.run_for(500ms);
    PurgeWorld::Edge& second = world.add_edge("a");
    world.run_for(1s);
    BOOST_TEST(world.in_sync(first));
    BOOST_TEST(!second.follower->linked());
    BOOST_TEST(world.hub().counters().refused_hellos > 0U);
    // When the first is gone it takes over; what it says counts once the former's lease is over.
    world.stop_edge(first);
    const Version version = world.publish(purge_of(1));
    BOOST_TEST(world.run_until([&] { return world.converged(second); }, 1s));
    const auto clean = [&] { return world.hub().report(version, true, world.now()).clean(); };
    world.run_for(200ms);
    BOOST_TEST(clean() == 0U);
    const unsigned before = world.progress;
    BOOST_TEST(world.run_until([&] { return clean() == 1; }, 4s));
    BOOST_TEST(world.run_until([&] { return world.progress > before; }, 100ms));
}

BOOST_AUTO_TEST_CASE(a_removed_edge_is_forgotten_once_its_lease_has_run_out)
{
    PurgeWorld world{15};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(500ms);
    world.stop_edge(edge);
    BOOST_TEST((world.hub().remove_edge("a", false, world.now()) ==
                purge::EdgeRegistry::RemoveResult::removed));
    world.perform_all();
    BOOST_TEST(world.hub().edges(world.now()).at(0).leaving);
    world.run_for(2900ms);
    BOOST_TEST(world.hub().edges(world.now()).size() == 1U);
    world.run_for(500ms);
    BOOST_TEST(world.hub().edges(world.now()).empty());
    BOOST_TEST(world.journal.edges.empty());
}

// ---- keys, erasure, pushes, cost

BOOST_AUTO_TEST_CASE(datagrams_get_new_keys_without_a_gap)
{
    origin::HubSettings settings;
    settings.epoch_datagrams = 50;
    PurgeWorld world{16, settings};
    PurgeWorld::Edge& edge = world.add_edge("a");
    world.run_for(500ms);
    const std::uint64_t repairs = edge.follower->counters().repairs;
    publish(world, 2000, 2ms);
    world.run_for(300ms);
    BOOST_TEST(world.converged(edge));
    BOOST_TEST(world.in_sync(edge));
    BOOST_TEST(edge.follower->counters().repairs == repairs);
    for (const std::uint64_t rejected : edge.follower->counters().rejected)
        BOOST_TEST(rejected == 0U);
    for (const std::uint64_t rejected : world.hub().counters().rejected)
        BOOST_TEST(rejected == 0U);
    BOOST_TEST(world.hub().edges(world.now()).at(0).loss < 0.02);
}

BOOST_AUTO_TEST_CASE(an_erasure_is_acknowledged_when_the_bytes_are_gone)
{
    PurgeWorld world{17};
    PurgeWorld::Edge& edge = world.add_edge("a");
    edge.erases = false;
    world.run_for(500ms);
    auto erase = purge_of(1);
    std::get<purge::Invalidate>(erase.body).erase = true;
    const Version version = world.publish(erase);
    const Version after = world.publish(purge_of(2));
    const auto clean = [&](Version v) { return world.hub().report(v, true, world.now()).clean(); };
    world.run_for(5s);
    BOOST_TEST(world.converged(edge));
    BOOST_TEST(world.in_sync(edge));
    BOOST_TEST(clean(version) == 0U);
    BOOST_TEST(clean(after) == 1U);
    edge.follower->on_erased(version, world.now());
    world.perform_all();
    world.run_for(20ms);
    BOOST_TEST(clean(version) == 1U);
}

BOOST_AUTO_TEST_CASE(content_is_staged_once_and_goes_on_after_a_break)
{
    PurgeWorld world{18};
    PurgeWorld::Edge& a = world.add_edge("a");
    world.add_edge("b");
    world.run_for(500ms);
    purge::PushOffer offer;
    offer.digest[0] = 7;
    offer.packed_bytes = 3'000'000;
    offer.content_bytes = 9'000'000;
    offer.uri = "http://h/a";
    Bytes& content = world.content[offer.digest];
    for (std::size_t i = 0; i < offer.packed_bytes; ++i)
        content += static_cast<char>(i * 31 >> 3);
    world.hub().offer(offer, world.now());
    world.perform_all();
    BOOST_TEST(world.run_until([&] { return a.staged[offer.digest].size() > 1'000'000; }, 1s));
    world.break_link(a);
    const std::uint64_t sent = world.hub().counters().stream_bytes_sent;
    BOOST_TEST(world.run_until([&] { return world.staged.size() == 2; }, 2s));
    BOOST_TEST((a.staged[offer.digest] == content));
    BOOST_TEST(world.hub().counters().stream_bytes_sent - sent < 5'000'000U);
    // Who comes later gets it too, until it is withdrawn.
    world.add_edge("c");
    BOOST_TEST(world.run_until([&] { return world.staged.size() >= 3; }, 2s));
    world.hub().withdraw(offer.digest);
    const auto& late = world.add_edge("d");
    world.run_for(500ms);
    BOOST_TEST(late.staged.empty());
}

BOOST_AUTO_TEST_CASE(content_that_an_edge_has_put_to_use_does_not_come_again_after_a_break)
{
    PurgeWorld world{18};
    PurgeWorld::Edge& a = world.add_edge("a");
    world.run_for(500ms);
    purge::PushOffer offer;
    offer.digest[0] = 7;
    offer.packed_bytes = offer.content_bytes = 100'000;
    offer.uri = "http://h/a";
    world.content[offer.digest] = Bytes(100'000, 'x');
    const auto pushed = [&](std::size_t times) {
        world.hub().offer(offer, world.now());
        world.perform_all();
        return world.run_until([&] { return world.staged.size() >= times; }, 1s);
    };
    BOOST_TEST(pushed(1));
    a.staged.clear();
    world.break_link(a);
    world.run_for(2s);
    BOOST_TEST(a.follower->linked());
    BOOST_TEST(a.staged[offer.digest].empty());
    BOOST_TEST(pushed(2)); // the same content once more: a push of its own
    BOOST_TEST(a.staged[offer.digest].size() == 100'000U);
}

BOOST_AUTO_TEST_CASE(an_idle_link_costs_less_than_700_bytes_a_second)
{
    PurgeWorld world{19};
    world.add_edge("a");
    world.publish(purge_of(1));
    world.run_for(5s);
    const std::uint64_t before = world.datagram_bytes();
    const std::uint64_t streamed = world.hub().counters().stream_bytes_sent;
    world.run_for(10s);
    BOOST_TEST((world.datagram_bytes() - before) / 10 <= 700U);
    BOOST_TEST(world.hub().counters().stream_bytes_sent == streamed);
}

BOOST_AUTO_TEST_SUITE_END()
