#include "tests/edge/store/records.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(memory)

using namespace tidemark;
using namespace tidemark::store;
using Insert = MemoryStore::Insert;

namespace
{
std::vector<std::string> variants_of(const MemoryStore& store, const std::string& key)
{
    std::vector<std::string> found;
    store.each_variant(hash_bytes(key), key, [&](const StoredResponse& record) {
        found.emplace_back(record.variant());
        return true;
    });
    return found;
}

const StoredResponse* first_of(const MemoryStore& store, const std::string& key)
{
    const StoredResponse* first = nullptr;
    store.each_variant(hash_bytes(key), key, [&](const StoredResponse& record) {
        first = &record;
        return false;
    });
    return first;
}

std::uint64_t sum(const MemoryCounters& c)
{
    return c.record_bytes + c.reserved_bytes + c.index_bytes;
}

struct Fixture {
    sync::EpochDomain epochs;
    MemoryOptions options;
};
using Names = std::vector<std::string>;
} // namespace

BOOST_FIXTURE_TEST_CASE(what_was_inserted_is_found_by_its_key_alone, Fixture)
{
    MemoryStore store(options, epochs);
    BOOST_TEST((store.insert(make_record({.key = "a"})) == Insert::stored));
    BOOST_TEST((store.insert(make_record({.key = "b"})) == Insert::stored));
    BOOST_TEST_REQUIRE(first_of(store, "a") != nullptr);
    BOOST_TEST(first_of(store, "a")->key() == "a");
    BOOST_TEST(first_of(store, "c") == nullptr);
    BOOST_TEST(store.counters().records == 2U);
    BOOST_TEST(store.counters().inserted == 2U);
}

BOOST_FIXTURE_TEST_CASE(variants_come_newest_first, Fixture)
{
    MemoryStore store(options, epochs);
    for (const char* variant : {"1", "2", "3"})
        BOOST_TEST((store.insert(make_record({.variant = variant})) == Insert::stored));
    BOOST_TEST(variants_of(store, "http://h/") == (Names{"3", "2", "1"}),
               boost::test_tools::per_element());
    BOOST_TEST((store.insert(make_record({.variant = "1"})) == Insert::stored));
    BOOST_TEST(variants_of(store, "http://h/") == (Names{"1", "3", "2"}),
               boost::test_tools::per_element());
    BOOST_TEST(store.counters().records == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_visit_stops_when_told, Fixture)
{
    MemoryStore store(options, epochs);
    for (const char* variant : {"1", "2"})
        BOOST_TEST((store.insert(make_record({.variant = variant})) == Insert::stored));
    BOOST_TEST(first_of(store, "http://h/")->variant() == "2");
}

BOOST_FIXTURE_TEST_CASE(a_lower_fence_never_replaces_a_higher_one, Fixture)
{
    struct Row {
        purge::Fence stored, offered;
        Insert expected;
    };
    const Row rows[] = {
        {{5, 0}, {6, 0}, Insert::stored},     {{5, 0}, {5, 0}, Insert::stored},
        {{5, 9}, {4, 9}, Insert::superseded}, {{5, 2}, {5, 3}, Insert::stored},
        {{5, 0}, {4, 9}, Insert::stored}, // sent for later: of another journal, or capped since
        {{5, 2}, {5, 1}, Insert::superseded}, {{5, 2}, {6, 0}, Insert::stored},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.stored.version << '.' << row.stored.local << " then "
                                              << row.offered.version << '.' << row.offered.local)
        {
            MemoryStore store(options, epochs);
            BOOST_TEST((store.insert(make_record({.fence = row.stored})) == Insert::stored));
            const std::uint64_t before = sum(store.counters());
            BOOST_TEST((store.insert(make_record({.fence = row.offered})) == row.expected));
            const purge::Fence kept = row.expected == Insert::stored ? row.offered : row.stored;
            BOOST_TEST((first_of(store, "http://h/")->fence() == kept));
            BOOST_TEST(store.counters().records == 1U);
            BOOST_TEST(sum(store.counters()) == before);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(beyond_the_bound_the_oldest_variant_goes, Fixture)
{
    options.variants_per_key = 3;
    MemoryStore store(options, epochs);
    for (const char* variant : {"1", "2", "3", "4", "5"})
        BOOST_TEST((store.insert(make_record({.variant = variant})) == Insert::stored));
    BOOST_TEST(variants_of(store, "http://h/") == (Names{"5", "4", "3"}),
               boost::test_tools::per_element());
    BOOST_TEST(store.counters().records == 3U);
    BOOST_TEST(store.counters().evicted == 2U);
}

BOOST_FIXTURE_TEST_CASE(erase_removes_exactly_that_record, Fixture)
{
    MemoryStore store(options, epochs);
    BOOST_TEST((store.insert(make_record({.variant = "1"})) == Insert::stored));
    BOOST_TEST((store.insert(make_record({.variant = "2"})) == Insert::stored));
    const StoredRef old = ref(*first_of(store, "http://h/"));
    BOOST_TEST((store.insert(make_record({.variant = "2"})) == Insert::stored));
    store.erase(*old); // replaced meanwhile: nothing happens
    BOOST_TEST(variants_of(store, "http://h/") == (Names{"2", "1"}),
               boost::test_tools::per_element());
    store.erase(*first_of(store, "http://h/"));
    BOOST_TEST(variants_of(store, "http://h/") == (Names{"1"}), boost::test_tools::per_element());
    store.erase(*first_of(store, "http://h/"));
    BOOST_TEST(first_of(store, "http://h/") == nullptr);
    BOOST_TEST(store.counters().records == 0U);
    BOOST_TEST(store.counters().record_bytes == 0U);
    BOOST_TEST(store.counters().erased == 2U);
}

BOOST_FIXTURE_TEST_CASE(erasing_a_key_removes_all_its_variants, Fixture)
{
    MemoryStore store(options, epochs);
    for (const char* variant : {"1", "2", "3"})
        BOOST_TEST((store.insert(make_record({.variant = variant})) == Insert::stored));
    BOOST_TEST((store.insert(make_record({.key = "other"})) == Insert::stored));
    BOOST_TEST(store.erase_key(hash_bytes("http://h/"), "http://h/") == 3U);
    BOOST_TEST(store.erase_key(hash_bytes("http://h/"), "http://h/") == 0U);
    BOOST_TEST(store.counters().records == 1U);
    BOOST_TEST(first_of(store, "other") != nullptr);
}

BOOST_FIXTURE_TEST_CASE(the_budget_holds_after_every_step, Fixture)
{
    options.budget_bytes = 1 << 20;
    MemoryStore store(options, epochs);
    Dice dice(1);
    std::uint64_t reserved = 0;
    for (int i = 0; i < 4000; ++i) {
        if (dice.below(8) == 0) {
            store.unreserve(reserved);
            reserved = dice.below(400'000);
            if (!store.reserve(reserved)) reserved = 0;
        } else {
            const std::size_t size = dice.below(50) == 0 ? dice.below(200'000) : dice.below(3000);
            static_cast<void>(
                store.insert(make_record({.key = numbered(dice.below(3000)), .body_bytes = size})));
        }
        const MemoryCounters c = store.counters();
        BOOST_TEST_REQUIRE(sum(c) <= options.budget_bytes);
        BOOST_TEST_REQUIRE(c.reserved_bytes == reserved);
    }
    BOOST_TEST(store.counters().evicted > 100U);
    BOOST_TEST(store.counters().record_bytes > options.budget_bytes / 4);
}

BOOST_FIXTURE_TEST_CASE(the_record_bytes_are_those_of_the_stored_records, Fixture)
{
    options.budget_bytes = 1 << 20;
    MemoryStore store(options, epochs);
    for (std::size_t i = 0; i < 2000; ++i) {
        static_cast<void>(
            store.insert(make_record({.key = numbered(i % 700), .body_bytes = i % 2500})));
        if (i % 5 == 0)
            static_cast<void>(store.erase_key(hash_bytes(numbered(i % 31)), numbered(i % 31)));
    }
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < 700; ++i)
        store.each_variant(hash_bytes(numbered(i)), numbered(i), [&](const StoredResponse& record) {
            bytes += record.cost_bytes();
            ++records;
            return true;
        });
    const MemoryCounters c = store.counters();
    BOOST_TEST(c.record_bytes == bytes);
    BOOST_TEST(c.records == records);
    BOOST_TEST(c.inserted >= c.records + c.evicted + c.erased);
}

BOOST_FIXTURE_TEST_CASE(what_can_never_fit_is_refused_and_evicts_nothing, Fixture)
{
    options.budget_bytes = 1 << 20;
    MemoryStore store(options, epochs);
    BOOST_TEST((store.insert(make_record({.key = "small"})) == Insert::stored));
    BOOST_TEST(
        (store.insert(make_record({.key = "large", .body_bytes = 2 << 20})) == Insert::no_room));
    BOOST_TEST(!store.reserve(2 << 20));
    BOOST_TEST(first_of(store, "small") != nullptr);
    BOOST_TEST_REQUIRE(store.reserve(700'000));
    BOOST_TEST(
        (store.insert(make_record({.key = "large", .body_bytes = 500'000})) == Insert::no_room));
    BOOST_TEST(first_of(store, "small") != nullptr);
    store.unreserve(700'000);
    BOOST_TEST(
        (store.insert(make_record({.key = "large", .body_bytes = 500'000})) == Insert::stored));
}

BOOST_FIXTURE_TEST_CASE(a_reservation_evicts_and_counts, Fixture)
{
    options.budget_bytes = 1 << 20;
    MemoryStore store(options, epochs);
    for (std::size_t i = 0; i < 100; ++i)
        BOOST_TEST((store.insert(make_record({.key = numbered(i), .body_bytes = 6000})) ==
                    Insert::stored));
    BOOST_TEST(store.reserve(800'000));
    BOOST_TEST(store.counters().evicted > 0U);
    BOOST_TEST(sum(store.counters()) <= options.budget_bytes);
    BOOST_TEST(!store.reserve(300'000));
    BOOST_TEST(store.counters().reserved_bytes == 800'000U);
    store.unreserve(800'000);
    BOOST_TEST(store.counters().reserved_bytes == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_smaller_budget_evicts_at_once, Fixture)
{
    MemoryStore store(options, epochs);
    for (std::size_t i = 0; i < 1000; ++i)
        BOOST_TEST((store.insert(make_record({.key = numbered(i), .body_bytes = 1000})) ==
                    Insert::stored));
    store.set_budget(500'000);
    BOOST_TEST(sum(store.counters()) <= 500'000U);
    BOOST_TEST(store.counters().records > 100U);
    store.set_budget(0);
    BOOST_TEST(store.counters().records == 0U);
    BOOST_TEST((store.insert(make_record({})) == Insert::no_room));
}

BOOST_FIXTURE_TEST_CASE(a_sweep_visits_everything_once_in_slices_and_erases_what_is_not_kept,
                        Fixture)
{
    options.shards = 4;
    MemoryStore store(options, epochs);
    for (std::size_t i = 0; i < 1000; ++i)
        BOOST_TEST(
            (store.insert(make_record({.key = numbered(i), .variant = i % 3 == 0 ? "a" : ""})) ==
             Insert::stored));
    for (std::size_t i = 0; i < 1000; i += 3)
        BOOST_TEST(
            (store.insert(make_record({.key = numbered(i), .variant = "b"})) == Insert::stored));
    const std::uint64_t stored = store.counters().records;
    std::map<const StoredResponse*, int> seen;
    std::uint64_t cursor = 0;
    std::size_t slices = 0;
    do {
        const std::size_t before = seen.size();
        cursor = store.sweep(cursor, 20, [&](const StoredResponse& record) {
            ++seen[&record];
            return record.variant() != "a";
        });
        BOOST_TEST_REQUIRE(seen.size() - before < 700U);
        ++slices;
    } while (cursor != 0);
    BOOST_TEST(seen.size() == stored);
    for (const auto& [record, times] : seen)
        BOOST_TEST_REQUIRE(times == 1);
    BOOST_TEST(slices > 2U);
    BOOST_TEST(store.counters().erased == 334U);
    BOOST_TEST(variants_of(store, numbered(3)) == Names{"b"}, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_borrowed_record_outlives_its_eviction_until_the_turn_ends, Fixture)
{
    MemoryStore store(options, epochs);
    const auto self = epochs.join();
    BOOST_TEST((store.insert(make_record({})) == Insert::stored));
    self->online();
    const StoredResponse* borrowed = first_of(store, "http://h/");
    BOOST_TEST_REQUIRE(borrowed != nullptr);
    store.set_budget(0);
    epochs.reclaim();
    BOOST_TEST(borrowed->key() == "http://h/"); // the sanitizer would know
    BOOST_TEST(epochs.retired() > 0U);
    self->offline();
    epochs.reclaim();
    BOOST_TEST(epochs.retired() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
