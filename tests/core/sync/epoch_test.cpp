#include "core/sync/epoch.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(epoch)

using tidemark::sync::EpochDomain;

namespace
{
// Counts how many of them are alive.
struct Counted {
    explicit Counted(int& alive) : alive_(alive) { ++alive_; }
    ~Counted() { --alive_; }
    int& alive_;
};

void retire_one(EpochDomain& domain, int& alive)
{
    domain.retire(new Counted(alive), [](void* p) { delete static_cast<Counted*>(p); });
}
} // namespace

BOOST_AUTO_TEST_CASE(without_readers_a_retired_object_goes_at_the_next_reclaim)
{
    EpochDomain domain;
    int alive = 0;
    retire_one(domain, alive);
    BOOST_TEST(alive == 1);
    BOOST_TEST(domain.retired() == 1);
    domain.reclaim();
    BOOST_TEST(alive == 0);
    BOOST_TEST(domain.retired() == 0);
}

BOOST_AUTO_TEST_CASE(an_offline_participant_holds_nothing_back)
{
    EpochDomain domain;
    const auto reader = domain.join();
    int alive = 0;
    retire_one(domain, alive);
    domain.reclaim();
    BOOST_TEST(alive == 0);
}

BOOST_AUTO_TEST_CASE(who_was_online_before_the_retirement_holds_it_until_offline)
{
    EpochDomain domain;
    const auto reader = domain.join();
    const auto other = domain.join();
    int alive = 0;
    reader->online();
    retire_one(domain, alive);
    other->online();
    domain.reclaim();
    BOOST_TEST(alive == 1);
    reader->offline();
    domain.reclaim();
    BOOST_TEST(alive == 0); // `other` came later and cannot have found it
}

BOOST_AUTO_TEST_CASE(coming_online_twice_does_not_let_go_of_what_is_borrowed)
{
    EpochDomain domain;
    const auto reader = domain.join();
    int alive = 0;
    reader->online();
    retire_one(domain, alive);
    reader->online();
    BOOST_TEST(reader->is_online());
    domain.reclaim();
    BOOST_TEST(alive == 1);
    reader->offline();
    BOOST_TEST(!reader->is_online());
    reader->online();
    domain.reclaim();
    BOOST_TEST(alive == 0);
}

BOOST_AUTO_TEST_CASE(older_objects_go_while_newer_ones_wait)
{
    EpochDomain domain;
    const auto early = domain.join();
    const auto late = domain.join();
    int first = 0;
    int second = 0;
    early->online();
    retire_one(domain, first);
    late->online();
    retire_one(domain, second);
    early->offline();
    domain.reclaim();
    BOOST_TEST(first == 0);
    BOOST_TEST(second == 1);
    late->offline();
    domain.reclaim();
    BOOST_TEST(second == 0);
}

BOOST_AUTO_TEST_CASE(a_participant_that_leaves_while_online_holds_nothing_back)
{
    EpochDomain domain;
    int alive = 0;
    {
        const auto reader = domain.join();
        reader->online();
        retire_one(domain, alive);
    }
    domain.reclaim();
    BOOST_TEST(alive == 0);
    const auto next = domain.join(); // takes the place that was left
    BOOST_TEST(!next->is_online());
}

BOOST_AUTO_TEST_CASE(any_number_of_participants_may_join)
{
    EpochDomain domain;
    std::vector<std::unique_ptr<EpochDomain::Participant>> readers;
    int alive = 0;
    for (int i = 0; i < 1000; ++i) {
        readers.push_back(domain.join());
        readers.back()->online();
    }
    retire_one(domain, alive);
    while (!readers.empty()) {
        domain.reclaim();
        BOOST_TEST_REQUIRE(alive == 1);
        readers.pop_back();
    }
    domain.reclaim();
    BOOST_TEST(alive == 0);
}

BOOST_AUTO_TEST_CASE(the_domain_frees_what_is_still_retired_when_it_ends)
{
    int alive = 0;
    {
        EpochDomain domain;
        retire_one(domain, alive);
        retire_one(domain, alive);
        BOOST_TEST(alive == 2);
    }
    BOOST_TEST(alive == 0);
}

BOOST_AUTO_TEST_CASE(freeing_may_retire_more)
{
    struct Parent {
        EpochDomain& domain;
        int& alive;
    };
    EpochDomain domain;
    int alive = 0;
    domain.retire(new Parent{domain, alive}, [](void* p) {
        const std::unique_ptr<Parent> parent(static_cast<Parent*>(p));
        retire_one(parent->domain, parent->alive);
    });
    domain.reclaim();
    BOOST_TEST(domain.retired() == 1);
    domain.reclaim();
    BOOST_TEST(alive == 0);
    BOOST_TEST(domain.retired() == 0);
}

// The sanitizers find a use after free or an unordered access here.
BOOST_AUTO_TEST_CASE(readers_never_see_a_freed_object)
{
    struct Pair {
        std::uint64_t value;
        std::uint64_t twice;
        ~Pair() { value = twice = 1; } // a reader that is too late finds nonsense
    };
    constexpr int kReaders = 3;
    constexpr std::uint64_t kWrites = 4000;
    EpochDomain domain;
    std::atomic<Pair*> shared{new Pair{0, 0}};
    std::atomic<bool> stop{false};
    std::atomic<int> started{0};
    std::array<std::uint64_t, kReaders> mixed{};

    std::vector<std::thread> readers;
    for (int r = 0; r < kReaders; ++r)
        readers.emplace_back([&, r] {
            const auto self = domain.join();
            started.fetch_add(1);
            while (!stop.load(std::memory_order_relaxed)) {
                self->online();
                for (int i = 0; i < 20; ++i) {
                    const Pair* pair = shared.load(std::memory_order_acquire);
                    if (pair->twice != 2 * pair->value) ++mixed[static_cast<std::size_t>(r)];
                }
                self->offline();
                domain.reclaim();
            }
        });
    while (started.load() < kReaders)
        std::this_thread::yield();
    for (std::uint64_t i = 1; i <= kWrites; ++i) {
        Pair* old = shared.exchange(new Pair{i, 2 * i}, std::memory_order_acq_rel);
        domain.retire(old, [](void* p) { delete static_cast<Pair*>(p); });
        if (i % 8 == 0) domain.reclaim();
    }
    stop.store(true);
    for (std::thread& reader : readers)
        reader.join();
    for (const std::uint64_t count : mixed)
        BOOST_TEST(count == 0U);
    domain.reclaim();
    BOOST_TEST(domain.retired() == 0U);
    delete shared.load();
}

BOOST_AUTO_TEST_SUITE_END()
