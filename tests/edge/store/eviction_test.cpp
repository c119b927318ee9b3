#include "edge/store/eviction.hpp"

#include "tests/edge/store/records.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(eviction)

using namespace tidemark;
using namespace tidemark::store;

namespace
{
// Eviction and the records it holds.
struct Held {
    Eviction eviction;
    std::map<std::string, StoredRef> records;

    StoredResponse& add(const std::string& key, std::size_t body_bytes = 100)
    {
        StoredRef record = make_record({.key = key, .body_bytes = body_bytes});
        StoredResponse& added = *record;
        eviction.insert(added, added.key_hash(), added.cost_bytes());
        records[key] = std::move(record);
        return added;
    }
    void erase(const std::string& key)
    {
        StoredResponse& record = *records.at(key);
        eviction.erase(record, record.cost_bytes());
        records.erase(key);
    }
    std::string evict()
    {
        const StoredResponse* victim = eviction.victim();
        if (victim == nullptr) return "";
        const std::string key(victim->key());
        records.erase(key);
        return key;
    }
};

// Keys by popularity: 1/rank.
class Zipf
{
  public:
    explicit Zipf(std::size_t keys)
    {
        double sum = 0;
        for (std::size_t i = 1; i <= keys; ++i)
            sums_.push_back(sum += 1.0 / static_cast<double>(i));
    }
    std::size_t draw(Dice& dice) const
    {
        const auto at = std::lower_bound(sums_.begin(), sums_.end(), dice.unit() * sums_.back());
        return static_cast<std::size_t>(at - sums_.begin());
    }

  private:
    std::vector<double> sums_;
};

// A cache of so many records: does it hold the key, else it takes it in.
struct Fifo {
    explicit Fifo(std::size_t n) : capacity(n) {}
    bool request(const std::string& key)
    {
        if (present.contains(key)) return true;
        present.insert(key);
        queue.push_back(key);
        if (queue.size() > capacity) {
            present.erase(queue.front());
            queue.pop_front();
        }
        return false;
    }
    std::size_t capacity;
    std::set<std::string> present;
    std::deque<std::string> queue;
};
struct Ours {
    explicit Ours(std::size_t n) : capacity(n) {}
    bool request(const std::string& key)
    {
        if (const auto it = held.records.find(key); it != held.records.end()) {
            it->second->touch();
            return true;
        }
        held.add(key);
        if (held.records.size() > capacity) held.evict();
        return false;
    }
    std::size_t capacity;
    Held held;
};

// Hits among the requests for popular keys while `flood` of ten requests ask for something never
// asked for again.
template <class Cache> double hit_ratio(Cache cache, std::uint64_t flood)
{
    const Zipf popular(2000);
    Dice dice(42);
    int hits = 0;
    int asked = 0;
    for (std::size_t i = 0; i < 30'000; ++i) {
        if (dice.below(10) < flood) {
            cache.request("once/" + std::to_string(i));
            continue;
        }
        const bool hit = cache.request(numbered(popular.draw(dice)));
        if (i < 10'000) continue;
        ++asked;
        hits += hit ? 1 : 0;
    }
    return static_cast<double>(hits) / asked;
}
} // namespace

BOOST_AUTO_TEST_CASE(there_is_no_victim_where_there_is_nothing)
{
    Held held;
    BOOST_TEST(held.evict() == "");
    held.add("a");
    held.erase("a");
    BOOST_TEST(held.evict() == "");
}

BOOST_AUTO_TEST_CASE(without_hits_the_oldest_goes_first)
{
    Held held;
    for (const char* key : {"a", "b", "c"})
        held.add(key);
    for (const char* key : {"a", "b", "c", ""})
        BOOST_TEST(held.evict() == key);
}

BOOST_AUTO_TEST_CASE(what_was_used_again_outlives_what_was_not)
{
    Held held;
    for (const char* key : {"a", "b", "c", "d"})
        held.add(key);
    for (int i = 0; i < 2; ++i)
        held.records.at("a")->touch();
    for (const char* key : {"b", "c", "d", "a"})
        BOOST_TEST(held.evict() == key);
}

BOOST_AUTO_TEST_CASE(what_comes_back_soon_after_its_eviction_is_kept_longer)
{
    Held held;
    for (int i = 0; i < 40; ++i)
        held.add(numbered(static_cast<std::size_t>(i)));
    const std::string gone = held.evict();
    held.add(gone);
    for (int i = 0; i < 30; ++i) {
        held.add("new/" + std::to_string(i));
        BOOST_TEST_REQUIRE(held.evict() != gone);
    }
}

BOOST_AUTO_TEST_CASE(a_replacement_keeps_place_and_uses)
{
    Held held;
    StoredResponse& old = held.add("a");
    held.add("b");
    held.add("c");
    for (int i = 0; i < 3; ++i)
        old.touch();
    StoredRef fresh = make_record({.key = "a", .body_bytes = 120});
    held.eviction.replace(old, old.cost_bytes(), *fresh, fresh->cost_bytes());
    BOOST_TEST(fresh->uses() == 3);
    held.records["a"] = std::move(fresh);
    for (const char* key : {"b", "c", "a", ""})
        BOOST_TEST(held.evict() == key);
}

BOOST_AUTO_TEST_CASE(eviction_ends_while_everything_is_in_use)
{
    Held held;
    for (std::size_t i = 0; i < 100; ++i)
        held.add(numbered(i));
    for (const auto& [key, record] : held.records)
        for (int i = 0; i < 3; ++i)
            record->touch();
    for (std::size_t left = 100; left > 0; --left) {
        BOOST_TEST_REQUIRE(held.evict() != "");
        BOOST_TEST_REQUIRE(held.records.size() == left - 1);
    }
}

BOOST_AUTO_TEST_CASE(a_flood_that_nobody_asks_for_twice_does_not_flush_the_hot_set)
{
    for (const std::uint64_t flood : {std::uint64_t{0}, std::uint64_t{5}, std::uint64_t{8}}) {
        BOOST_TEST_CONTEXT("flood " << flood << " of 10")
        {
            const double ours = hit_ratio(Ours(200), flood);
            const double fifo = hit_ratio(Fifo(200), flood);
            BOOST_TEST(ours > fifo + 0.05);
            BOOST_TEST(ours > 0.5);
        }
    }
}

RC_BOOST_PROP(every_record_is_held_once_until_it_is_evicted_or_erased,
              (const std::vector<std::uint16_t>& steps))
{
    Held held;
    std::set<std::string> model;
    for (const std::uint16_t step : steps) {
        const std::string key = numbered(step % 50);
        if (step % 3 == 0) {
            const std::string gone = held.evict();
            RC_ASSERT(gone.empty() == model.empty());
            model.erase(gone);
        } else if (!model.contains(key)) {
            held.add(key, step % 300);
            model.insert(key);
        } else if (step % 3 == 1)
            held.records.at(key)->touch();
        else {
            held.erase(key);
            model.erase(key);
        }
    }
    while (!model.empty())
        RC_ASSERT(model.erase(held.evict()) == 1U);
    RC_ASSERT(held.evict().empty());
}

BOOST_AUTO_TEST_CASE(erasing_from_the_middle_of_a_long_queue_leaves_no_holes_behind)
{
    Held held;
    for (std::size_t i = 0; i < 5000; ++i)
        held.add(numbered(i), 0);
    const std::size_t full = held.eviction.bytes();
    for (std::size_t i = 1; i < 4900; ++i)
        held.erase(numbered(i));
    BOOST_TEST(held.eviction.bytes() * 10 < full);
    BOOST_TEST(held.evict() == numbered(0));
    for (std::size_t i = 4900; i < 5000; ++i)
        BOOST_TEST_REQUIRE(held.evict() == numbered(i));
    BOOST_TEST(held.evict() == "");
}

BOOST_AUTO_TEST_CASE(the_policy_takes_less_than_twelve_bytes_per_record)
{
    Held held;
    for (std::size_t i = 0; i < 20'000; ++i)
        held.add(numbered(i), 0);
    for (std::size_t i = 0; i < 200; ++i)
        held.evict();
    BOOST_TEST(held.eviction.bytes() < 12 * held.records.size());
}

BOOST_AUTO_TEST_SUITE_END()
