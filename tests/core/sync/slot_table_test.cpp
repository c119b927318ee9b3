#include "core/sync/slot_table.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(slot_table)

using tidemark::sync::EpochDomain;
using tidemark::sync::SlotTable;

namespace
{
// Words stand for themselves: the upper part is the hash (spread badly, so that probes collide),
// the rest an identity.
std::uint64_t word_for(std::uint64_t home, std::uint64_t id)
{
    return ((home & 0xFF) << 24) | (id << 4);
}
struct ByHome {
    std::uint64_t operator()(std::uint64_t word) const
    {
        const std::uint64_t home = word >> 24;
        return (home << 24) | (home % 3) << 32;
    }
};
using Table = SlotTable<ByHome>;

bool contains(const Table& table, std::uint64_t word)
{
    return table.find(ByHome{}(word), [&](std::uint64_t w) { return w == word; }) == word;
}

std::vector<std::uint64_t> swept(const Table& table, std::size_t at_once)
{
    std::vector<std::uint64_t> words;
    for (std::uint64_t at = 0; at < Table::kEnd;)
        at = table.visit_from(at, at_once, [&](std::uint64_t word) { words.push_back(word); });
    std::sort(words.begin(), words.end());
    return words;
}
} // namespace

BOOST_AUTO_TEST_CASE(an_empty_table_finds_nothing_and_takes_nothing)
{
    EpochDomain epochs;
    const Table table(epochs);
    BOOST_TEST(!contains(table, word_for(1, 1)));
    BOOST_TEST(table.bytes() == 0U);
    BOOST_TEST(swept(table, 1).empty());
}

RC_BOOST_PROP(it_holds_what_was_inserted_and_not_erased, (const std::vector<std::uint16_t>& steps))
{
    EpochDomain epochs;
    Table table(epochs);
    std::map<std::uint64_t, bool> model;
    for (const std::uint16_t step : steps) {
        const std::uint64_t word = word_for(step % 61 == 0 ? 255 : step % 7, step % 40 + 1U);
        if (auto it = model.find(word); it == model.end()) {
            table.insert(ByHome{}(word), word);
            model[word] = true;
        } else {
            table.erase(ByHome{}(word), word);
            model.erase(it);
        }
        RC_ASSERT(table.size() == model.size());
    }
    for (std::uint64_t home = 0; home < 7; ++home)
        for (std::uint64_t id = 1; id <= 40; ++id)
            RC_ASSERT(contains(table, word_for(home, id)) == model.contains(word_for(home, id)));
    std::vector<std::uint64_t> expected;
    for (const auto& [word, present] : model)
        expected.push_back(word);
    RC_ASSERT(swept(table, 1) == expected);
    RC_ASSERT(swept(table, 1000) == expected);
}

BOOST_AUTO_TEST_CASE(growth_keeps_it_between_ten_and_thirteen_bytes_per_entry)
{
    struct Spread {
        std::uint64_t operator()(std::uint64_t word) const { return word * 0x9E3779B97F4A7C15ULL; }
    };
    EpochDomain epochs;
    SlotTable<Spread> table(epochs);
    for (std::uint64_t i = 1; i <= 20'000; ++i) {
        table.insert(Spread{}(i * 16), i * 16);
        if (i < 1000) continue;
        const double each = static_cast<double>(table.bytes()) / static_cast<double>(i);
        BOOST_TEST_REQUIRE(each >= 9.9);
        BOOST_TEST_REQUIRE(each <= 13.0);
    }
    for (std::uint64_t i = 1; i <= 20'000; ++i)
        table.erase(Spread{}(i * 16), i * 16);
    BOOST_TEST(table.bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(a_round_of_visits_sees_what_stays_once_though_the_array_is_replaced_meanwhile)
{
    struct Spread {
        std::uint64_t operator()(std::uint64_t word) const { return word * 0x9E3779B97F4A7C15ULL; }
    };
    EpochDomain epochs;
    SlotTable<Spread> table(epochs);
    constexpr std::uint64_t kStay = 500;
    for (std::uint64_t i = 1; i <= kStay; ++i)
        table.insert(Spread{}(i * 16), i * 16);
    std::map<std::uint64_t, int> seen;
    std::uint64_t next = kStay;
    std::uint64_t at = 0;
    while (at < SlotTable<Spread>::kEnd) {
        at = table.visit_from(at, 7, [&](std::uint64_t word) { ++seen[word]; });
        for (int i = 0; i < 60; ++i) {
            ++next;
            table.insert(Spread{}(next * 16), next * 16);
        }
        if (next % 600 < 60)
            for (std::uint64_t i = kStay + 1; i <= next; i += 2) {
                const auto same = [&](std::uint64_t w) { return w == i * 16; };
                if (table.find(Spread{}(i * 16), same) != 0) table.erase(Spread{}(i * 16), i * 16);
            }
    }
    for (std::uint64_t i = 1; i <= kStay; ++i)
        BOOST_TEST_REQUIRE(seen[i * 16] == 1);
}

BOOST_AUTO_TEST_CASE(readers_find_what_stays_while_a_writer_inserts_erases_and_grows)
{
    struct Node {
        std::uint64_t id;
    };
    struct HashOf {
        std::uint64_t operator()(std::uint64_t word) const
        {
            return reinterpret_cast<const Node*>(word)->id * 0x9E3779B97F4A7C15ULL;
        }
    };
    constexpr std::uint64_t kStay = 64;
    constexpr std::uint64_t kRounds = 40;
    const auto hash = [](std::uint64_t id) { return id * 0x9E3779B97F4A7C15ULL; };
    EpochDomain epochs;
    SlotTable<HashOf> table(epochs);
    const auto word_of = [](const Node* node) { return reinterpret_cast<std::uint64_t>(node); };
    const auto find = [&](std::uint64_t id) {
        return table.find(hash(id), [&](std::uint64_t word) {
            return reinterpret_cast<const Node*>(word)->id == id;
        });
    };
    for (std::uint64_t id = 1; id <= kStay; ++id)
        table.insert(hash(id), word_of(new Node{id}));

    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> missed{0};
    std::atomic<std::uint64_t> lookups{0};
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r)
        readers.emplace_back([&] {
            const auto self = epochs.join();
            do {
                self->online();
                for (std::uint64_t id = 1; id <= kStay; ++id)
                    if (find(id) == 0) missed.fetch_add(1);
                for (std::uint64_t id = 1000; id < 1050; ++id)
                    static_cast<void>(find(id));
                lookups.fetch_add(kStay);
                self->offline();
                epochs.reclaim();
            } while (!stop.load(std::memory_order_relaxed));
        });
    while (lookups.load() == 0)
        std::this_thread::yield();
    for (std::uint64_t round = 0; round < kRounds; ++round) {
        for (std::uint64_t id = 1000; id < 1300; ++id)
            table.insert(hash(id), word_of(new Node{id}));
        for (std::uint64_t id = 1000; id < 1300; ++id) {
            const std::uint64_t word = find(id);
            table.erase(hash(id), word);
            epochs.retire(reinterpret_cast<Node*>(word),
                          [](void* node) { delete static_cast<Node*>(node); });
        }
        epochs.reclaim();
    }
    stop.store(true);
    for (std::thread& reader : readers)
        reader.join();
    BOOST_TEST(missed.load() == 0U);
    table.each([](std::uint64_t word) { delete reinterpret_cast<Node*>(word); });
}

BOOST_AUTO_TEST_SUITE_END()
