#include "tests/edge/store/records.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <thread>
#include <vector>

// Readers, writers, evictions and a sweeper at once. What is wrong shows as a mixed body, or to the
// sanitizers.
BOOST_AUTO_TEST_SUITE(memory_threads)

using namespace tidemark;
using namespace tidemark::store;

namespace
{
constexpr std::size_t kKeys = 400;
constexpr int kWrites = 4000;
constexpr std::uint64_t kBudget = 600'000;

struct Stage {
    sync::EpochDomain epochs;
    MemoryStore store{{.budget_bytes = kBudget, .variants_per_key = 4, .shards = 4}, epochs};
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> seen{0};
    std::atomic<std::uint64_t> broken{0};
};

void check_variants(Stage& stage, const std::string& key, std::vector<StoredRef>& held)
{
    stage.store.each_variant(hash_bytes(key), key, [&](const StoredResponse& record) {
        record.touch();
        record.set_verified_generation(record.verified_generation() + 1);
        if (record.key() != key || !is_whole(record)) stage.broken.fetch_add(1);
        if (stage.seen.fetch_add(1) % 64 == 0) held.push_back(ref(record));
        return true;
    });
}

void read_until_stopped(Stage& stage, std::uint64_t seed)
{
    const auto self = stage.epochs.join();
    Dice dice(seed);
    std::vector<StoredRef> held; // beyond the turn
    while (!stage.stop.load(std::memory_order_relaxed)) {
        self->online();
        for (int i = 0; i < 10; ++i)
            check_variants(stage, numbered(dice.below(kKeys)), held);
        self->offline();
        for (const StoredRef& record : held)
            if (!is_whole(*record)) stage.broken.fetch_add(1);
        if (held.size() > 50) held.clear();
        stage.epochs.reclaim();
    }
}

void sweep_until_stopped(Stage& stage)
{
    const auto self = stage.epochs.join();
    std::uint64_t cursor = 0;
    std::uint64_t visits = 0;
    while (!stage.stop.load(std::memory_order_relaxed)) {
        self->online();
        cursor = stage.store.sweep(cursor, 16, [&](const StoredResponse& record) {
            if (!is_whole(record)) stage.broken.fetch_add(1);
            return ++visits % 40 != 0;
        });
        self->offline();
        stage.epochs.reclaim();
        std::this_thread::yield();
    }
}

void write_some(Stage& stage, std::uint64_t seed)
{
    const auto self = stage.epochs.join();
    Dice dice(seed);
    const std::string variants[] = {"", "a", "b", "c", "d", "e"};
    for (int i = 0; i < kWrites; ++i) {
        self->online();
        const std::string key = numbered(dice.below(kKeys));
        switch (dice.below(10)) {
        case 0:
            static_cast<void>(stage.store.erase_key(hash_bytes(key), key));
            break;
        case 1:
            stage.store.each_variant(hash_bytes(key), key, [&](const StoredResponse& record) {
                stage.store.erase(record);
                return dice.below(2) == 0;
            });
            break;
        case 2:
            if (stage.store.reserve(20'000)) stage.store.unreserve(20'000);
            break;
        default: {
            const std::size_t size = dice.below(100) == 0 ? 40'000 : dice.below(2000);
            static_cast<void>(stage.store.insert(
                make_record({key, variants[dice.below(6)], size, {dice.below(3), 0}})));
        }
        }
        self->offline();
        stage.epochs.reclaim();
    }
}
} // namespace

BOOST_AUTO_TEST_CASE(a_reader_never_sees_freed_or_mixed_bytes)
{
    Stage stage;
    std::vector<std::thread> others;
    for (std::uint64_t r = 0; r < 2; ++r)
        others.emplace_back([&, r] { read_until_stopped(stage, 100 + r); });
    others.emplace_back([&] { sweep_until_stopped(stage); });
    std::vector<std::thread> writers;
    for (std::uint64_t w = 0; w < 2; ++w)
        writers.emplace_back([&, w] { write_some(stage, 200 + w); });
    for (std::thread& writer : writers)
        writer.join();
    stage.stop.store(true);
    for (std::thread& other : others)
        other.join();

    BOOST_TEST(stage.broken.load() == 0U);
    const MemoryCounters c = stage.store.counters();
    BOOST_TEST(c.record_bytes + c.reserved_bytes + c.index_bytes <= kBudget);
    BOOST_TEST(c.reserved_bytes == 0U);
    BOOST_TEST(c.evicted > 0U);
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < kKeys; ++i)
        stage.store.each_variant(hash_bytes(numbered(i)), numbered(i),
                                 [&](const StoredResponse& record) {
                                     bytes += record.cost_bytes();
                                     ++records;
                                     return true;
                                 });
    BOOST_TEST(c.records == records);
    BOOST_TEST(c.record_bytes == bytes);
    stage.epochs.reclaim();
    BOOST_TEST(stage.epochs.retired() == 0U);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_only_ever_replaced_is_never_missed)
{
    sync::EpochDomain epochs;
    MemoryStore store({.shards = 2}, epochs);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> missed{0};
    std::atomic<std::uint64_t> lookups{0};
    const std::string key = "http://h/stays";
    BOOST_TEST_REQUIRE((store.insert(make_record({.key = key})) == MemoryStore::Insert::stored));
    std::thread reader([&] {
        const auto self = epochs.join();
        do {
            self->online();
            bool found = false;
            store.each_variant(hash_bytes(key), key,
                               [&](const StoredResponse&) { return !(found = true); });
            if (!found) missed.fetch_add(1);
            lookups.fetch_add(1);
            self->offline();
            epochs.reclaim();
        } while (!stop.load(std::memory_order_relaxed));
    });
    while (lookups.load() == 0)
        std::this_thread::yield();
    for (std::size_t i = 0; i < 3000; ++i) { // the index around it grows, shrinks and changes form
        static_cast<void>(store.insert(make_record({.key = key, .body_bytes = i % 300})));
        static_cast<void>(store.insert(make_record({.key = numbered(i)})));
        if (i % 3 == 0) static_cast<void>(store.insert(make_record({.key = key, .variant = "v"})));
        if (i >= 500)
            static_cast<void>(store.erase_key(hash_bytes(numbered(i - 500)), numbered(i - 500)));
    }
    stop.store(true);
    reader.join();
    BOOST_TEST(missed.load() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
