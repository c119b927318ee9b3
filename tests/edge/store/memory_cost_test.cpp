#include "tests/edge/store/records.hpp"

#include <boost/test/unit_test.hpp>

#include <malloc.h>
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes(); // g++ ships no header for it
#endif

// What the counters say against what the allocator says.
BOOST_AUTO_TEST_SUITE(memory_cost)

using namespace tidemark;
using namespace tidemark::store;

namespace
{
std::uint64_t allocated_bytes()
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return __sanitizer_get_current_allocated_bytes();
#else
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
#endif
}

// ThreadSanitizer's allocator rounds up to size classes that malloc_usable_size does not tell.
#if defined(__SANITIZE_THREAD__)
constexpr double kTolerance = 0.25;
#else
constexpr double kTolerance = 0.1;
#endif

struct Row {
    const char* name;
    std::size_t records;
    std::size_t body_bytes;
    const char* variant;
};
} // namespace

BOOST_AUTO_TEST_CASE(the_counters_agree_with_the_allocator_within_a_tenth)
{
    const Row rows[] = {
        {"many small ones", 20'000, 200, ""},   {"inline bodies", 1000, 20'000, ""},
        {"bodies in chunks", 200, 100'000, ""}, {"large chunks", 40, 1'000'000, ""},
        {"variants", 20'000, 200, "v"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.name)
        {
            sync::EpochDomain epochs;
            const std::uint64_t before = allocated_bytes();
            MemoryStore store({.budget_bytes = 1 << 30}, epochs);
            for (std::size_t i = 0; i < row.records; ++i) {
                const std::string variant = *row.variant == 0 ? "" : std::to_string(i % 5);
                const std::string key = numbered(*row.variant == 0 ? i : i / 5);
                BOOST_TEST_REQUIRE((store.insert(make_record({key, variant, row.body_bytes, {}})) ==
                                    MemoryStore::Insert::stored));
                epochs.reclaim();
            }
            const MemoryCounters c = store.counters();
            const auto counted = static_cast<double>(c.record_bytes + c.index_bytes);
            const auto real = static_cast<double>(allocated_bytes() - before);
            BOOST_TEST(counted > (1 - kTolerance) * real);
            BOOST_TEST(counted < (1 + kTolerance) * real);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_small_response_costs_at_most_ninety_six_bytes_beyond_its_own)
{
    sync::EpochDomain epochs;
    MemoryStore store({.budget_bytes = 1 << 30}, epochs);
    std::uint64_t own = 0;
    constexpr std::size_t kRecords = 50'000;
    for (std::size_t i = 0; i < kRecords; ++i) {
        StoredRef record = make_record({.key = numbered(i), .body_bytes = 200 + i % 16});
        own += record->key().size() + record->head().size() + record->body_bytes();
        static_cast<void>(store.insert(std::move(record)));
    }
    const MemoryCounters c = store.counters();
    BOOST_TEST_REQUIRE(c.records == kRecords);
    BOOST_TEST((c.record_bytes + c.index_bytes - own) / kRecords <= 102U);
}

BOOST_AUTO_TEST_SUITE_END()
