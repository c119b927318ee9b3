#include "edge/worker/sweeper.hpp"

#include "core/base/hash.hpp"
#include "edge/cache/cache_key.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>

namespace tidemark::worker
{
namespace
{
using namespace std::chrono_literals;
constexpr purge::JournalId kJournal = 5;

MonoTime at(Seconds since)
{
    return MonoTime{since};
}

// The control thread with a store, run until the sweeper has done what is waited for.
struct Fixture {
    net::Loop loop;
    Shared shared{{64ULL << 20}};
    std::unique_ptr<sync::EpochDomain::Participant> participant = shared.epochs.join();
    // Every slice is small and nothing has to settle, so that a few turns do what takes minutes.
    SweeperOptions options{Millis{1}, 3, 5, Seconds{0}, Seconds{0}};

    void apply(std::uint64_t version, const std::string& selector,
               purge::Mode mode = purge::Mode::hard)
    {
        purge::Invalidation order;
        order.version = version;
        order.selector = selector;
        order.mode = mode;
        order.max_stale = Seconds{3600};
        shared.purges.apply(order, loop.mono());
        shared.standing.set_applied(kJournal, version);
    }
    void store(const std::string& key, const purge::Fence& fence)
    {
        store::StoredResponse::Parts parts;
        parts.key = key;
        parts.key_hash = hash_bytes(key);
        parts.fence = fence;
        parts.reason = "OK";
        BOOST_REQUIRE((shared.store.insert(store::StoredResponse::make(parts)) ==
                       store::MemoryStore::Insert::stored));
    }
    // Nothing: not stored.
    std::optional<purge::Verdict> verdict(const std::string& key)
    {
        std::optional<purge::Verdict> found;
        participant->online();
        shared.store.each_variant(hash_bytes(key), key, [&](const store::StoredResponse& record) {
            const purge::Subject subject{cache::uri_of_key(record.key()), record.tags()};
            found = shared.purges.verdict(subject, record.fence(), loop.mono());
            return false;
        });
        participant->offline();
        return found;
    }
    // False: it did not come to pass.
    bool run_until(const std::function<bool()>& done, Millis patience = Millis{20'000})
    {
        bool came = false;
        net::Timer check(loop, [&] {
            came = done();
            if (came) loop.stop();
        });
        check.start(Millis{1}, Millis{1});
        net::Timer limit(loop, [&] { loop.stop(); });
        limit.start(patience);
        loop.run();
        return came;
    }
};

std::string url(int n)
{
    return "http://h/" + std::to_string(n);
}
} // namespace

BOOST_AUTO_TEST_SUITE(sweeper)

BOOST_FIXTURE_TEST_CASE(the_floor_follows_and_nothing_valid_is_below_it, Fixture)
{
    for (int n = 0; n < 50; ++n)
        store(url(n), {0, 0});
    Sweeper sweeper(loop, shared, options);
    for (std::uint64_t v = 1; v <= 20; ++v)
        apply(v, url(static_cast<int>(v)));
    BOOST_TEST(run_until([&] { return shared.purges.floor().version == 20; }));
    BOOST_TEST(run_until([&] {
        shared.purges.age(loop.mono());
        return shared.purges.entries() == 0;
    }));
    for (int n = 0; n < 50; ++n)
        BOOST_TEST_CONTEXT(n)
        {
            if (n >= 1 && n <= 20)
                BOOST_TEST(!verdict(url(n)).has_value()); // purged, and gone
            else
                BOOST_TEST((verdict(url(n)) == purge::Verdict::valid));
        }
}

BOOST_FIXTURE_TEST_CASE(few_invalidations_lift_nothing, Fixture)
{
    store(url(1), {0, 0});
    Sweeper sweeper(loop, shared, options);
    for (std::uint64_t v = 1; v <= 5; ++v)
        apply(v, url(100));
    apply(6, url(2));
    store(url(2), {0, 0});
    BOOST_TEST(run_until([&] { return !verdict(url(2)).has_value(); }));
    BOOST_TEST(shared.purges.floor().version == 0U);
}

// A fetch that was sent before all that and comes back after it.
BOOST_FIXTURE_TEST_CASE(what_arrives_late_is_validated_not_trusted, Fixture)
{
    Sweeper sweeper(loop, shared, options);
    for (std::uint64_t v = 1; v <= 20; ++v)
        apply(v, url(static_cast<int>(v)));
    BOOST_TEST(run_until([&] { return shared.purges.floor().version == 20; }));
    store(url(3), {2, 0});  // purged since, which nobody remembers
    store(url(99), {2, 0}); // not purged, which nobody can tell any more
    BOOST_TEST((verdict(url(3)) == purge::Verdict::must_validate));
    BOOST_TEST((verdict(url(99)) == purge::Verdict::must_validate));
}

BOOST_FIXTURE_TEST_CASE(a_soft_purge_keeps_its_allowance_while_something_lives_on_it, Fixture)
{
    store(url(1), {0, 0});
    store(url(2), {0, 0});
    Sweeper sweeper(loop, shared, options);
    apply(1, url(1), purge::Mode::soft);
    for (std::uint64_t v = 2; v <= 30; ++v)
        apply(v, url(100 + static_cast<int>(v)));
    // Its first round ends when the other one has been lifted.
    BOOST_TEST(run_until([&] {
        std::uint64_t lifted = 0;
        participant->online();
        shared.store.each_variant(hash_bytes(url(2)), url(2),
                                  [&](const store::StoredResponse& record) {
                                      lifted = record.fence().version;
                                      return false;
                                  });
        participant->offline();
        return lifted == 30;
    }));
    for (int turns = 0; turns < 20; ++turns)
        loop.run_pending();
    BOOST_TEST((verdict(url(1)) == purge::Verdict::soft_stale));
    BOOST_TEST(shared.purges.floor().version == 0U);
}

BOOST_FIXTURE_TEST_CASE(what_is_only_heard_of_lifts_nothing, Fixture)
{
    store(url(1), {0, 0});
    Sweeper sweeper(loop, shared, options);
    for (std::uint64_t v = 1; v <= 20; ++v)
        apply(v, url(100 + static_cast<int>(v)));
    shared.purges.hear(1000);
    BOOST_TEST(run_until([&] { return shared.purges.floor().version != 0; }));
    BOOST_TEST(shared.purges.floor().version == 20U);
    apply(21, url(1)); // it was under way
    BOOST_TEST((verdict(url(1)).value_or(purge::Verdict::removed) == purge::Verdict::removed));
}

BOOST_FIXTURE_TEST_CASE(a_lifted_fence_does_not_pass_for_a_late_request_while_adrift, Fixture)
{
    shared.standing.follow(purge::Adrift::revalidate, false);
    shared.standing.set_lease(net::Loop::boot_now(), std::chrono::hours{1});
    store(url(1), {0, 0});
    const auto tick = [&] {
        const BootTime now = net::Loop::boot_now();
        shared.standing.on_tick(now, shared.purges.tick());
    };
    tick();
    Sweeper sweeper(loop, shared, options);
    for (std::uint64_t v = 1; v <= 20; ++v)
        apply(v, url(100 + static_cast<int>(v)));
    BOOST_TEST(run_until([&] { return shared.purges.floor().version == 20; }));
    tick();
    participant->online();
    shared.store.each_variant(hash_bytes(url(1)), url(1), [&](const store::StoredResponse& record) {
        BOOST_TEST(record.fence().version == 20U);
        BOOST_TEST(record.fence().local < shared.standing.reusable_from(net::Loop::boot_now()));
        return false;
    });
    participant->offline();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lift_target)

BOOST_AUTO_TEST_CASE(only_what_was_applied_long_enough_ago_is_a_target)
{
    LiftTarget target(30s);
    BOOST_TEST(!target.at(at(100s)).has_value());
    for (int second = 0; second <= 29; ++second)
        target.note(at(Seconds{second}), kJournal, {static_cast<std::uint64_t>(second), 1});
    BOOST_TEST(!target.at(at(29s)).has_value());
    target.note(at(30s), kJournal, {30, 1});
    BOOST_TEST((target.at(at(30s)) == purge::Fence{0, 1}));
    for (int second = 31; second <= 50; ++second)
        target.note(at(Seconds{second}), kJournal, {static_cast<std::uint64_t>(second), 2});
    BOOST_TEST((target.at(at(50s)) == purge::Fence{20, 1}));
}

BOOST_AUTO_TEST_CASE(another_journal_or_a_step_back_starts_anew)
{
    LiftTarget target(30s);
    target.note(at(0s), kJournal, {10, 1});
    target.note(at(31s), kJournal, {20, 1});
    BOOST_TEST(target.at(at(31s)).has_value());
    target.note(at(32s), kJournal, {19, 1});
    BOOST_TEST(!target.at(at(32s)).has_value());
    BOOST_TEST((target.at(at(62s)) == purge::Fence{19, 1}));
    target.note(at(63s), kJournal + 1, {19, 1});
    BOOST_TEST(!target.at(at(63s)).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::worker
