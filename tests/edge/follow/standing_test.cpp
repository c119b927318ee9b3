#include "edge/follow/standing.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

namespace tidemark::follow
{
namespace
{
using namespace std::chrono_literals;
using purge::Adrift;

constexpr std::uint64_t kNothing = std::numeric_limits<std::uint64_t>::max();

BootTime at(Nanos since_boot)
{
    return BootTime{since_boot};
}

struct AdriftCase {
    Adrift policy;
    Footing footing;
};
std::ostream& operator<<(std::ostream& out, const AdriftCase& c)
{
    return out << static_cast<int>(c.policy);
}
const AdriftCase kAdriftCases[] = {{Adrift::revalidate, Footing::revalidate},
                                   {Adrift::serve, Footing::serve},
                                   {Adrift::fail, Footing::fail}};

// A control thread that ticks every quarter of a second from 10s on, lease 2s; tick n is taken at
// 10s + n / 4 and is number 100 + n.
struct Ticking {
    Standing standing;
    Ticking()
    {
        standing.follow(Adrift::revalidate, false);
        standing.set_lease(at(12s), 2s);
    }
    void ticks(int n)
    {
        for (int i = 0; i < n; ++i, ++count)
            standing.on_tick(at(10s + count * 250ms), 100 + static_cast<std::uint64_t>(count));
    }
    int count = 0;
};
} // namespace

BOOST_AUTO_TEST_SUITE(standing)

BOOST_AUTO_TEST_CASE(without_an_origin_it_is_in_sync_for_ever)
{
    const Standing alone;
    BOOST_TEST(!alone.follows());
    BOOST_TEST((alone.footing(at(1s)) == Footing::in_sync));
    BOOST_TEST((alone.footing(at(100'000h)) == Footing::in_sync));
}

BOOST_DATA_TEST_CASE(the_policy_rules_once_the_lease_has_run_out,
                     boost::unit_test::data::make(kAdriftCases), c)
{
    Standing standing;
    standing.follow(c.policy, false);
    BOOST_TEST((standing.footing(at(0s)) == c.footing)); // none was held yet
    standing.set_lease(at(5s), 3s);
    BOOST_TEST((standing.footing(at(5s) - 1ns) == Footing::in_sync));
    BOOST_TEST((standing.footing(at(5s)) == c.footing));
    standing.set_lease(BootTime::min(), 3s); // revoked
    BOOST_TEST((standing.footing(at(4s)) == c.footing));
}

BOOST_AUTO_TEST_CASE(after_an_unclean_stop_nothing_is_served_adrift_until_it_was_in_sync_once)
{
    Standing standing;
    standing.follow(Adrift::serve, true);
    BOOST_TEST((standing.footing(at(1s)) == Footing::revalidate));
    standing.set_lease(BootTime::min(), 3s); // linked, but nothing is proved
    BOOST_TEST((standing.footing(at(1s)) == Footing::revalidate));
    standing.set_lease(at(5s), 3s);
    BOOST_TEST((standing.footing(at(6s)) == Footing::serve));
}

BOOST_AUTO_TEST_CASE(what_was_sent_for_within_the_lease_is_reusable)
{
    Ticking t;
    BOOST_TEST(t.standing.reusable_from(at(10s)) == kNothing); // no tick yet
    t.ticks(1);
    BOOST_TEST(t.standing.reusable_from(at(10s)) == 100U);
    t.ticks(8); // until 12s
    BOOST_TEST(t.standing.reusable_from(at(12s)) == 100U);
    BOOST_TEST(t.standing.reusable_from(at(12s) + 1ns) == 101U);
    BOOST_TEST(t.standing.reusable_from(at(12s) + 250ms) == 101U);
    BOOST_TEST(t.standing.reusable_from(at(12s) + 251ms) == 102U);
}

BOOST_AUTO_TEST_CASE(nothing_is_reusable_once_the_control_thread_is_late)
{
    Ticking t;
    t.ticks(9); // the last at 12s
    BOOST_TEST(t.standing.reusable_from(at(13s)) == 104U);
    BOOST_TEST(t.standing.reusable_from(at(13s) + 1ns) == kNothing);
    BOOST_TEST(t.standing.reusable_from(at(1000h)) == kNothing);
}

BOOST_AUTO_TEST_CASE(nothing_is_reusable_without_a_lease_to_measure_by)
{
    Standing standing;
    standing.follow(Adrift::revalidate, false);
    standing.on_tick(at(10s), 1);
    BOOST_TEST(standing.reusable_from(at(10s)) == kNothing);
}

BOOST_AUTO_TEST_CASE(soon_after_boot_an_unused_slot_is_no_tick)
{
    Standing standing;
    standing.follow(Adrift::revalidate, false);
    standing.set_lease(at(1s), 3600s);
    BOOST_TEST(standing.reusable_from(at(1s)) == kNothing);
    standing.on_tick(at(1s), 7);
    BOOST_TEST(standing.reusable_from(at(1s)) == 7U);
}

BOOST_AUTO_TEST_CASE(old_ticks_make_room_however_many_come)
{
    Ticking t;
    t.ticks(10'000);
    const Nanos last = 10s + 9'999 * 250ms;
    BOOST_TEST(t.standing.reusable_from(at(last)) == 100U + 9'999 - 8);
}

BOOST_AUTO_TEST_CASE(a_lifted_fence_is_never_taken_for_a_late_request)
{
    Ticking t;
    t.ticks(9);
    t.standing.never_reusable(102);
    BOOST_TEST(t.standing.reusable_from(at(12s)) == 103U);
    t.standing.never_reusable(101);
    BOOST_TEST(t.standing.reusable_from(at(12s)) == 103U);
    BOOST_TEST(t.standing.reusable_from(at(13s)) == 104U);
}

BOOST_AUTO_TEST_CASE(a_version_is_applied_in_its_own_journal_only)
{
    Standing standing;
    BOOST_TEST(!standing.has_applied(0, 0));
    standing.set_applied(7, 10);
    BOOST_TEST(standing.has_applied(7, 10));
    BOOST_TEST(!standing.has_applied(7, 11));
    BOOST_TEST(!standing.has_applied(8, 1));
    standing.set_applied(8, 3);
    BOOST_TEST(!standing.has_applied(7, 3));
    BOOST_TEST(standing.has_applied(8, 3));
    BOOST_TEST(!standing.has_applied(8, 10));
}

BOOST_AUTO_TEST_CASE(the_newest_key_signs_and_one_before_it_still_proves)
{
    Standing standing;
    BOOST_TEST((standing.keys() == nullptr));
    const auto key = [](std::uint32_t id) {
        purge::FenceKey made;
        made.id = id;
        made.key.fill(static_cast<std::uint8_t>(id));
        return made;
    };
    standing.add_key(key(1));
    BOOST_TEST(!standing.keys()->before);
    standing.add_key(key(2));
    standing.add_key(key(2)); // told again on a new stream
    BOOST_TEST(standing.keys()->newest.id == 2U);
    BOOST_TEST(standing.keys()->find(1) != nullptr);
    standing.add_key(key(3));
    BOOST_TEST(standing.keys()->find(1) == nullptr);
    BOOST_TEST(standing.keys()->find(2) != nullptr);
}

// A sequence is its time in nanoseconds, so that whatever a reader is told can be checked.
BOOST_AUTO_TEST_CASE(readers_are_never_told_a_sequence_from_before_the_lease)
{
    Standing standing;
    standing.follow(Adrift::revalidate, false);
    constexpr Nanos kLease = 1000ns;
    standing.set_lease(at(1ns), kLease);
    std::atomic<std::int64_t> time{10'000};
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int i = 0; i < 2; ++i)
        readers.emplace_back([&] {
            while (!stop.load()) {
                const std::int64_t now = time.load();
                const std::uint64_t from = standing.reusable_from(at(Nanos{now}));
                if (from != kNothing && static_cast<std::int64_t>(from) < now - kLease.count())
                    ++wrong;
            }
        });
    for (int i = 0; i < 100'000; ++i) {
        const std::int64_t now = time.load() + 100;
        standing.on_tick(at(Nanos{now}), static_cast<std::uint64_t>(now));
        time.store(now);
    }
    stop.store(true);
    for (std::thread& reader : readers)
        reader.join();
    BOOST_TEST(wrong.load() == 0);
}

// Version 1000 is of the second journal only.
BOOST_AUTO_TEST_CASE(readers_never_prove_one_journal_by_the_versions_of_another)
{
    Standing standing;
    std::atomic<bool> stop{false};
    std::atomic<int> wrong{0};
    standing.set_applied(1, 10);
    std::thread reader([&] {
        while (!stop.load())
            if (standing.has_applied(1, 1000)) ++wrong;
    });
    for (int i = 0; i < 20'000; ++i) {
        standing.set_applied(2, 1000);
        standing.set_applied(1, 10);
    }
    stop.store(true);
    reader.join();
    BOOST_TEST(wrong.load() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::follow
