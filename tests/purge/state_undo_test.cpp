#include "tests/purge/state_edge.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(state_undo)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(what_was_undone_is_as_if_it_had_never_come)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 5);
    edge.soft(Scope::url, std::string(kPage), 7, 10s);
    edge.hard(Scope::url, std::string(kPage), 9);
    edge.soft(Scope::url, std::string(kPage), 11, 20s);
    const std::uint64_t generation = edge.state.generation();
    BOOST_TEST(edge.state.undo(9, kStart));
    BOOST_TEST(edge.state.generation() > generation);
    BOOST_TEST((edge.ask(kPage, {8, 0}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::removed));
    BOOST_TEST(edge.state.undo(11, kStart));
    BOOST_TEST((edge.ask(kPage, {8, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {6, 0}, kStart + 10s) == Verdict::must_validate));
    BOOST_TEST(edge.state.undo(5, kStart));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::soft_stale));
    BOOST_TEST(edge.state.undo(7, kStart));
    BOOST_TEST((edge.ask(kPage, {0, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(an_order_that_came_behind_a_newer_one_comes_out_when_that_is_undone)
{
    Edge edge;
    edge.hard(Scope::tag, "t", 9);
    edge.hard(Scope::tag, "t", 5);
    edge.hard(Scope::tag, "t", 5);
    BOOST_TEST(edge.state.undo_entries() == 2U);
    BOOST_TEST(edge.state.undo(9, kStart));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"t"}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {5, 0}, kStart, {"t"}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(a_barrier_is_undone_as_a_whole_in_one_generation)
{
    Edge edge;
    const auto self = edge.epochs.join();
    self->online();
    edge.hard(Scope::tag, "t", 3);
    const Invalidation barrier[] = {
        {5, Scope::url, Mode::hard, 0s, "http://h/a"}, {5, Scope::tag, Mode::hard, 0s, "t"},
        {5, Scope::tag, Mode::hard, 0s, "t", "shop"},  {5, Scope::pattern, Mode::hard, 0s, "/b"},
        {5, Scope::all, Mode::soft, 10s, ""},          {5, Scope::all, Mode::hard, 0s, "", "shop"}};
    edge.state.apply(barrier, kStart);
    const std::uint64_t before = edge.state.generation();
    BOOST_TEST(edge.state.undo(5, kStart));
    edge.epochs.reclaim();
    BOOST_TEST(edge.state.generation() == before + 1);
    const std::uint64_t tag[] = {tag_hash("t")};
    const Subject tagged{"http://h/x", tag, site_hash("shop")};
    BOOST_TEST((edge.state.verdict({"http://h/a", {}, 1}, {4, 0}, kStart) == Verdict::valid));
    BOOST_TEST((edge.state.verdict({"http://h/b", {}, 1}, {4, 0}, kStart) == Verdict::valid));
    BOOST_TEST((edge.state.verdict(tagged, {4, 0}, kStart) == Verdict::valid));
    BOOST_TEST((edge.state.verdict(tagged, {2, 0}, kStart) == Verdict::removed));
    // Whoever still reads in the generation before it sees all of the barrier.
    BOOST_TEST(
        (edge.state.verdict({"http://h/a", {}, 1}, {4, 0}, kStart, before) == Verdict::removed));
    BOOST_TEST((edge.state.verdict(tagged, {4, 0}, kStart, before) == Verdict::removed));
    BOOST_TEST(edge.state.patterns() == 0U);
}

BOOST_AUTO_TEST_CASE(a_hard_all_can_be_undone_and_gives_back_what_it_covered)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 5);
    edge.hard(Scope::all, "", 8);
    edge.hard(Scope::url, "http://h/b", 7); // behind it
    BOOST_TEST((edge.ask("http://h/z", {7, 0}) == Verdict::removed));
    BOOST_TEST(edge.state.undo(8, kStart));
    BOOST_TEST((edge.ask("http://h/z", {0, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/a", {4, 0}) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/b", {6, 0}) == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(what_is_undone_before_it_comes_never_takes_effect)
{
    Edge edge;
    BOOST_TEST(edge.state.undo(5, kStart));
    for (const Scope scope : {Scope::url, Scope::pattern, Scope::all})
        edge.hard(scope, std::string(kPage), 5);
    edge.hard(Scope::pattern, "(", 5);
    BOOST_TEST((edge.ask(kPage, {0, 0}) == Verdict::valid));
    BOOST_TEST(edge.state.entries() == 0U);
    BOOST_TEST(edge.state.bad_patterns() == 0U);
    BOOST_TEST(edge.state.fence().version == 5U); // heard of all the same
    edge.hard(Scope::url, std::string(kPage), 6);
    BOOST_TEST((edge.ask(kPage, {5, 0}) == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(what_has_collapsed_can_no_longer_be_undone)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 5);
    edge.state.age(kStart + 600s);
    BOOST_TEST(edge.state.undo_entries() == 1U);
    edge.hard(Scope::url, "http://h/later", 6); // time never runs backwards: at 600 s
    edge.state.age(kStart + 601s);
    BOOST_TEST(edge.state.undo_entries() == 1U);
    const std::uint64_t generation = edge.state.generation();
    BOOST_TEST(!edge.state.undo(5, kStart + 602s));
    BOOST_TEST(edge.state.generation() == generation);
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(each_order_has_its_own_window)
{
    Edge edge(StateLimits{.undo_window = 10s});
    edge.soft(Scope::url, std::string(kPage), 5, 60s, kStart);
    edge.soft(Scope::url, std::string(kPage), 6, 60s, kStart + 8s);
    edge.state.age(kStart + 11s);
    BOOST_TEST(edge.state.undo_entries() == 1U);
    BOOST_TEST(edge.state.undo(6, kStart + 11s));
    BOOST_TEST((edge.ask(kPage, {5, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 60s) == Verdict::must_validate));
}

BOOST_AUTO_TEST_CASE(beyond_the_greatest_number_the_oldest_orders_collapse_whole_barriers_at_a_time)
{
    Edge edge(StateLimits{.undo_entries = 4});
    const Invalidation barrier[] = {{1, Scope::url, Mode::hard, 0s, "http://h/a"},
                                    {1, Scope::url, Mode::hard, 0s, "http://h/b"},
                                    {1, Scope::url, Mode::hard, 0s, "http://h/c"}};
    edge.state.apply(barrier, kStart);
    edge.hard(Scope::url, "http://h/d", 2);
    edge.hard(Scope::url, "http://h/e", 3);
    BOOST_TEST(edge.state.undo_entries() == 2U);
    BOOST_TEST(!edge.state.undo(1, kStart));
    for (const char* uri : {"http://h/a", "http://h/b", "http://h/c"})
        BOOST_TEST((edge.ask(uri, {0, 0}) == Verdict::removed));
    BOOST_TEST(edge.state.undo(2, kStart));
    BOOST_TEST((edge.ask("http://h/d", {0, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(thousands_of_orders_on_one_selector_can_be_undone_one_by_one)
{
    Edge edge(StateLimits{.undo_entries = 3000});
    for (std::uint64_t v = 1; v <= 5000; ++v)
        edge.hard(Scope::url, std::string(kPage), v);
    for (std::uint64_t v = 5000; v >= 4900; --v) {
        BOOST_TEST_REQUIRE((edge.ask(kPage, {v - 1, 0}) == Verdict::removed));
        BOOST_TEST_REQUIRE(edge.state.undo(v, kStart));
    }
    BOOST_TEST((edge.ask(kPage, {4899, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {4898, 0}) == Verdict::removed));
    BOOST_TEST(!edge.state.undo(2000, kStart));
}

BOOST_AUTO_TEST_CASE(a_full_table_collapses_a_hard_all_before_the_floor_rises)
{
    Edge edge(StateLimits{.entries = 10});
    for (std::uint64_t v = 1; v <= 8; ++v)
        edge.hard(Scope::url, "http://h/" + std::to_string(v), v);
    edge.hard(Scope::all, "", 9);
    edge.hard(Scope::url, "http://h/10", 10);
    BOOST_TEST(edge.state.entries() == 10U);
    edge.hard(Scope::url, "http://h/11", 11);
    BOOST_TEST(edge.state.entries() == 2U);
    BOOST_TEST(edge.state.forced_floor_raises() == 0U);
    BOOST_TEST(!edge.state.undo(9, kStart));
    BOOST_TEST((edge.ask("http://h/3", {8, 0}) == Verdict::removed));
    BOOST_TEST(edge.state.undo(10, kStart));
}

BOOST_AUTO_TEST_CASE(at_or_below_the_floor_nothing_is_undone)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 5);
    edge.hard(Scope::url, std::string(kPage), 8);
    edge.state.raise_floor({5, 0});
    BOOST_TEST(!edge.state.undo(5, kStart));
    BOOST_TEST(edge.state.undo(8, kStart));
    BOOST_TEST((edge.ask(kPage, {5, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::must_validate));
}

BOOST_AUTO_TEST_CASE(a_hard_all_below_the_floor_still_removes_though_a_newer_one_is_undone)
{
    Edge edge;
    edge.hard(Scope::all, "", 5);
    edge.hard(Scope::all, "", 12);
    edge.state.raise_floor({8, 0});
    BOOST_TEST(edge.state.undo(12, kStart));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {7, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask(kPage, {8, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(of_more_undo_marks_than_are_kept_the_lowest_go)
{
    Edge edge(StateLimits{.undone = 2});
    for (const std::uint64_t v : {7U, 5U, 9U})
        edge.state.undo(v, kStart);
    for (const std::uint64_t v : {5U, 7U, 9U})
        edge.hard(Scope::url, "http://h/" + std::to_string(v), v);
    BOOST_TEST((edge.ask("http://h/5", {4, 0}) == Verdict::removed)); // too strict, never too lax
    BOOST_TEST((edge.ask("http://h/7", {4, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/9", {4, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(an_undone_version_stays_undone_when_it_is_repeated)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 5);
    BOOST_TEST(edge.state.undo(5, kStart));
    edge.hard(Scope::url, std::string(kPage), 5);
    BOOST_TEST(edge.state.undo(5, kStart));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_SUITE_END()
