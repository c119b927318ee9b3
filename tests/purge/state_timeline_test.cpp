#include "tests/purge/state_edge.hpp"

#include <boost/test/unit_test.hpp>

// Versions heard of, the passing of time, capped fences, another journal.
BOOST_AUTO_TEST_SUITE(state_timeline)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(what_is_heard_of_raises_the_fence_and_nothing_else)
{
    Edge edge;
    const std::uint64_t generation = edge.state.generation();
    edge.state.hear(7);
    edge.state.hear(4);
    BOOST_TEST((edge.state.fence() == Fence{7, 0}));
    BOOST_TEST(edge.state.generation() == generation);
    edge.hard(Scope::url, std::string(kPage), 6); // issued before the request was sent
    BOOST_TEST((edge.ask(kPage, {7, 0}) == Verdict::valid));
    BOOST_TEST((edge.state.fence() == Fence{7, 0}));
}

BOOST_AUTO_TEST_CASE(a_tick_moves_the_local_sequence_and_nothing_else)
{
    Edge edge;
    const std::uint64_t generation = edge.state.generation();
    const Fence before = edge.state.fence();
    BOOST_TEST(edge.state.tick() == 1U);
    BOOST_TEST(edge.state.tick() == 2U);
    BOOST_TEST((edge.state.fence() == Fence{0, 2}));
    BOOST_TEST(edge.state.generation() == generation);
    BOOST_TEST((edge.ask(kPage, before) == Verdict::valid));
    edge.state.apply_local(kPage);
    BOOST_TEST((edge.ask(kPage, {0, 2}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {0, 3}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(a_cap_lowers_the_fences_taken_before_it)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 6);
    edge.state.hear(9);
    const Fence early = edge.state.fence();
    BOOST_TEST((edge.ask(kPage, early) == Verdict::valid));
    const std::uint64_t generation = edge.state.generation();
    edge.state.cap(5, kStart);
    BOOST_TEST(edge.state.generation() > generation);
    const Fence late = edge.state.fence();
    BOOST_TEST(late.version == 9U);
    BOOST_TEST((edge.ask(kPage, early) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, late) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/other", early) == Verdict::valid));
    edge.state.raise_floor({6, 0}); // capped fences are below it, too
    BOOST_TEST((edge.ask("http://h/other", early) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/other", late) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(of_several_caps_the_lowest_later_one_rules)
{
    Edge edge;
    for (std::uint64_t v = 1; v <= 20; ++v)
        edge.hard(Scope::url, "http://h/" + std::to_string(v), v);
    const auto counts_as = [&](Fence fence) { // the first version that covers it, less one
        std::uint64_t v = 0;
        while (v < 20 && edge.ask("http://h/" + std::to_string(v + 1), fence) == Verdict::valid)
            ++v;
        return v;
    };
    std::vector<Fence> taken;
    for (const std::uint64_t agreed : {12U, 5U, 9U, 15U}) {
        taken.push_back(edge.state.fence());
        edge.state.cap(agreed, kStart);
    }
    taken.push_back(edge.state.fence());
    const std::uint64_t expected[] = {5, 5, 9, 15, 20};
    for (std::size_t i = 0; i < taken.size(); ++i)
        BOOST_TEST(counts_as(taken[i]) == expected[i]);
    BOOST_TEST(counts_as({3, taken[0].local}) == 3U); // never raised
}

BOOST_AUTO_TEST_CASE(more_caps_than_are_kept_make_old_fences_count_less_never_more)
{
    Edge edge(StateLimits{.caps = 2});
    edge.hard(Scope::url, "http://h/6", 6);
    edge.hard(Scope::url, "http://h/12", 12);
    edge.state.hear(20);
    std::vector<Fence> taken;
    for (const std::uint64_t agreed : {5U, 8U, 11U}) {
        taken.push_back(edge.state.fence());
        edge.state.cap(agreed, kStart);
    }
    BOOST_TEST((edge.ask("http://h/6", taken[0]) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/6", taken[1]) == Verdict::removed)); // would count as 8
    BOOST_TEST((edge.ask("http://h/6", taken[2]) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/12", taken[2]) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/12", edge.state.fence()) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(another_journal_empties_the_state_and_distrusts_every_fence_before_it)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 50);
    edge.hard(Scope::tag, "t", 51, "shop");
    edge.hard(Scope::pattern, "/p", 52);
    edge.hard(Scope::all, "", 40);
    edge.state.raise_floor({30, 0});
    edge.state.apply_local("http://h/l");
    edge.state.undo(60, kStart);
    const Fence old = edge.state.fence();
    const std::uint64_t generation = edge.state.generation();
    edge.state.reset(kStart);
    BOOST_TEST(edge.state.generation() > generation);
    BOOST_TEST(edge.state.entries() == 0U);
    BOOST_TEST(edge.state.patterns() == 0U);
    BOOST_TEST(edge.state.undo_entries() == 0U);
    BOOST_TEST(edge.state.floor().version == 0U);
    BOOST_TEST(edge.state.fence().version == 0U);
    BOOST_TEST((edge.ask("http://h/z", old) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/z", {1'000'000, old.local}) == Verdict::must_validate));
    const Fence fresh = edge.state.fence();
    for (const char* uri : {"http://h/a", "http://h/p", "http://h/l"})
        BOOST_TEST((edge.ask(uri, fresh, kStart, {"t"}, "shop") == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/z", fresh, kStart, {"t"}) == Verdict::valid));

    // Its versions count from wherever they start; an old fence's version is none of them.
    edge.hard(Scope::url, "http://h/a", 3);
    edge.hard(Scope::url, "http://h/b", 60);
    BOOST_TEST((edge.ask("http://h/a", fresh) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/b", fresh) == Verdict::removed)); // the undo mark went, too
    BOOST_TEST((edge.ask("http://h/a", old) == Verdict::removed));
    BOOST_TEST(edge.state.undo(3, kStart));
    BOOST_TEST((edge.ask("http://h/a", fresh) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(a_floor_drops_a_large_table_in_slices_and_none_of_it_counts_meanwhile)
{
    Edge edge;
    for (std::uint64_t v = 1; v <= 20'000; ++v)
        edge.hard(Scope::url, "http://h/" + std::to_string(v), v);
    edge.state.raise_floor({15'000, 0});
    BOOST_TEST(edge.state.entries() > 5'000U);
    for (std::uint64_t v = 1; v <= 15'000; v += 500)
        BOOST_TEST(
            (edge.ask("http://h/" + std::to_string(v), {v - 1, 0}) == Verdict::must_validate));
    edge.state.raise_floor({16'000, 0}); // while it is at it
    for (int i = 0; i < 10 && edge.state.entries() != 4'000U; ++i)
        edge.state.age(kStart);
    BOOST_TEST(edge.state.entries() == 4'000U);
    for (std::uint64_t v = 16'001; v <= 20'000; v += 500)
        BOOST_TEST((edge.ask("http://h/" + std::to_string(v), {v - 1, 0}) == Verdict::removed));
}

BOOST_AUTO_TEST_SUITE_END()
