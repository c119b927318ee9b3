#include "tests/purge/state_edge.hpp"

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(state)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(nothing_applied_means_valid)
{
    const Edge edge;
    BOOST_TEST((edge.ask(kPage, {0, 0}) == Verdict::valid));
    BOOST_TEST((edge.state.fence() == Fence{0, 0}));
    BOOST_TEST(edge.state.entries() == 0U);
}

BOOST_AUTO_TEST_CASE(a_selector_covers_what_it_names)
{
    struct Row {
        Scope scope;
        const char* selector;
        const char* uri;
        bool covered;
    };
    const Row rows[] = {
        {Scope::url, "http://h/a", "http://h/a", true},
        {Scope::url, "http://h/a", "http://h/a?x", false},
        {Scope::url, "http://h/a", "http://h/a/", false},
        {Scope::prefix, "http://h/a", "http://h/a", true},
        {Scope::prefix, "http://h/a", "http://h/a/", true},
        {Scope::prefix, "http://h/a", "http://h/a/b/c?d=/e", true},
        {Scope::prefix, "http://h/a", "http://h/a?x", true},
        {Scope::prefix, "http://h/a", "http://h/ab", false},
        {Scope::prefix, "http://h/a", "http://h/", false},
        {Scope::prefix, "http://h/a", "http://h/b/a", false},
        {Scope::prefix, "http://h/a", "http://h2/a", false},
        {Scope::prefix, "http://h/a", "https://h/a", false},
        {Scope::prefix, "http://h/a/", "http://h/a/", true},
        {Scope::prefix, "http://h/a/", "http://h/a/b", true},
        {Scope::prefix, "http://h/a/", "http://h/a/b/c", true},
        {Scope::prefix, "http://h/a/", "http://h/a/?x", true},
        {Scope::prefix, "http://h/a/", "http://h/a", false},
        {Scope::prefix, "http://h/a/", "http://h/a?x", false},
        {Scope::prefix, "http://h/a/b", "http://h/a/b/c", true},
        {Scope::prefix, "http://h/a/b", "http://h/a", false},
        {Scope::prefix, "http://h/a//", "http://h/a//b", true},
        {Scope::prefix, "http://h/a//", "http://h/a/b", false},
        {Scope::prefix, "http://h", "http://h/a", true},
        {Scope::prefix, "http://h", "http://h?x", true},
        {Scope::prefix, "http://h", "http://hh/a", false},
        {Scope::prefix, "http://h/", "http://h/", true},
        {Scope::prefix, "http://h/", "http://h/a", true},
        {Scope::prefix, "http://h/a?x", "http://h/a?x", true},
        {Scope::prefix, "http://h/a?x", "http://h/a?xy", false},
        {Scope::prefix, "http://h/b", "http://h/a?x=/b", false},
        {Scope::host, "h", "http://h/a", true},
        {Scope::host, "h", "https://h:8443/a", true},
        {Scope::host, "h", "http://h.example/a", false},
        {Scope::host, "[::1]", "http://[::1]:8080/a", true},
        {Scope::host, "[::1]", "http://[::1]/a", true},
        {Scope::host, "[::1]", "http://[::2]/a", false},
        {Scope::origin, "http://h", "http://h/a", true},
        {Scope::origin, "http://h", "https://h/a", false},
        {Scope::origin, "http://h", "http://h:8080/a", false},
        {Scope::origin, "http://h:8080", "http://h:8080/a", true},
        {Scope::all, "", "http://h/a", true},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(static_cast<int>(row.scope) << ' ' << row.selector << " on " << row.uri)
        {
            Edge edge;
            edge.hard(row.scope, row.selector, 5);
            BOOST_TEST((edge.ask(row.uri, {4, 0}) == Verdict::removed) == row.covered);
            BOOST_TEST((edge.ask(row.uri, {5, 0}) == Verdict::valid));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_tag_covers_what_carries_it)
{
    Edge edge;
    edge.hard(Scope::tag, "shoes", 5);
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"hats", "shoes"}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {5, 0}, kStart, {"hats", "shoes"}) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"hats"}) == Verdict::valid));
    BOOST_TEST((edge.ask("shoes", {4, 0}) == Verdict::valid)); // a URI is no tag
}

BOOST_AUTO_TEST_CASE(every_boundary_of_a_long_uri_is_checked)
{
    std::string uri = "http://h";
    for (int i = 0; i < 4000; ++i)
        uri += "/x";
    for (const int depth : {1, 63, 64, 65, 1000, 3999, 4000}) {
        Edge edge;
        edge.hard(Scope::prefix, uri.substr(0, 8 + 2 * static_cast<std::size_t>(depth)), 1);
        BOOST_TEST_CONTEXT(depth)
        {
            BOOST_TEST((edge.ask(uri, {0, 0}) == Verdict::removed));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_soft_purge_lets_serve_until_its_time_is_over)
{
    Edge edge;
    edge.soft(Scope::url, std::string(kPage), 5, 10s);
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 9s) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s) == Verdict::must_validate));
    BOOST_TEST((edge.ask(kPage, {5, 0}, kStart + 10s) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(the_time_of_a_soft_purge_runs_from_its_first_application)
{
    Edge edge;
    edge.soft(Scope::url, std::string(kPage), 5, 10s, kStart);
    edge.soft(Scope::url, std::string(kPage), 5, 10s, kStart + 8s);
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s) == Verdict::must_validate));
}

BOOST_AUTO_TEST_CASE(a_later_soft_purge_has_its_own_time_for_what_came_after_the_first)
{
    Edge edge;
    edge.soft(Scope::url, std::string(kPage), 5, 10s, kStart);
    edge.soft(Scope::url, std::string(kPage), 9, 10s, kStart + 60s);
    BOOST_TEST(
        (edge.ask(kPage, {4, 0}, kStart + 61s) == Verdict::must_validate)); // covered by both
    BOOST_TEST(
        (edge.ask(kPage, {5, 0}, kStart + 61s) == Verdict::soft_stale)); // by the second alone
    BOOST_TEST((edge.ask(kPage, {5, 0}, kStart + 70s) == Verdict::must_validate));
    BOOST_TEST((edge.ask(kPage, {9, 0}, kStart + 70s) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(an_absurd_max_stale_is_a_long_time)
{
    Edge edge;
    edge.soft(Scope::all, "", 5, Seconds::max());
    edge.soft(Scope::url, std::string(kPage), 6, Seconds::min());
    BOOST_TEST((edge.ask("http://h/", {4, 0}, kStart + 1000h) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::must_validate));
}

BOOST_AUTO_TEST_CASE(hard_beats_soft_and_stands_apart_from_it)
{
    Edge edge;
    edge.soft(Scope::tag, "t", 9, 10s);
    edge.hard(Scope::url, std::string(kPage), 5);
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"t"}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {7, 0}, kStart, {"t"}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {9, 0}, kStart, {"t"}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(local_invalidations_follow_the_local_sequence)
{
    Edge edge;
    edge.hard(Scope::tag, "t", 7);
    const Fence before = edge.state.fence();
    edge.state.apply_local(kPage);
    const Fence after = edge.state.fence();
    BOOST_TEST((before == Fence{7, 0}));
    BOOST_TEST((after == Fence{7, 1}));
    BOOST_TEST((edge.ask(kPage, before) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, after) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/other", before) == Verdict::valid));
    BOOST_TEST((edge.ask(kPage, {100, 0}) == Verdict::removed)); // a high version is no excuse
}

BOOST_AUTO_TEST_CASE(a_local_counter_gives_a_barrier_one_version)
{
    Edge edge;
    Invalidation group[] = {{0, Scope::tag, Mode::hard, 0s, "a"},
                            {0, Scope::tag, Mode::hard, 0s, "b"}};
    const std::uint64_t generation = edge.state.generation();
    BOOST_TEST(edge.state.apply_next(group, kStart) == 1U);
    BOOST_TEST(edge.state.apply_next(group, kStart) == 2U);
    BOOST_TEST(group[0].version == 2U);
    BOOST_TEST(group[1].version == 2U);
    BOOST_TEST(edge.state.generation() == generation + 2);
    BOOST_TEST((edge.state.fence() == Fence{2, 0}));
    BOOST_TEST((edge.ask(kPage, {1, 0}, kStart, {"b"}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {2, 0}, kStart, {"b"}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(what_changes_no_verdict_leaves_the_generation_alone)
{
    Edge edge;
    edge.hard(Scope::url, std::string(kPage), 5);
    edge.soft(Scope::url, std::string(kPage), 5, 10s);
    const std::uint64_t generation = edge.state.generation();
    edge.hard(Scope::url, std::string(kPage), 5);
    edge.hard(Scope::url, std::string(kPage), 4);
    edge.soft(Scope::url, std::string(kPage), 5, 20s);
    BOOST_TEST(edge.state.generation() == generation);
    edge.hard(Scope::url, std::string(kPage), 6);
    BOOST_TEST(edge.state.generation() > generation);
}

BOOST_AUTO_TEST_CASE(an_earlier_generation_sees_nothing_of_a_later_barrier)
{
    Edge edge;
    const auto self = edge.epochs.join();
    self->online();
    edge.hard(Scope::tag, "a", 5);
    const std::uint64_t before = edge.state.generation();
    const Invalidation group[] = {{8, Scope::tag, Mode::hard, 0s, "a"},
                                  {8, Scope::url, Mode::hard, 0s, std::string(kPage)},
                                  {8, Scope::all, Mode::soft, 10s, ""},
                                  {8, Scope::tag, Mode::soft, 10s, "a"}};
    edge.state.apply(group, kStart);
    edge.state.apply_local(kPage);
    edge.epochs.reclaim();
    const std::uint64_t tag[] = {tag_hash("a")};
    const auto then = [&](Fence fence, std::span<const std::uint64_t> tags) {
        return edge.state.verdict({kPage, tags}, fence, kStart, before);
    };
    BOOST_TEST((then({4, 0}, tag) == Verdict::removed)); // what held before still does
    BOOST_TEST((then({5, 0}, tag) == Verdict::valid));
    BOOST_TEST((then({5, 0}, {}) == Verdict::valid));
    BOOST_TEST((edge.state.verdict({kPage, tag}, {5, 0}, kStart) == Verdict::removed));
    BOOST_TEST((edge.state.verdict({"http://h/x", {}}, {5, 0}, kStart) == Verdict::soft_stale));
}

BOOST_AUTO_TEST_CASE(a_hard_all_absorbs_older_entries_once_it_can_no_longer_be_undone)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 5);
    edge.soft(Scope::tag, "t", 6, 10s);
    edge.hard(Scope::url, "http://h/b", 9);
    edge.state.apply_local("http://h/c");
    edge.hard(Scope::all, "", 8);
    BOOST_TEST((edge.ask("http://h/z", {7, 1}) == Verdict::removed));
    BOOST_TEST(edge.state.entries() == 5U);
    edge.state.age(kStart + 600s);
    BOOST_TEST(edge.state.entries() == 5U);
    edge.state.age(kStart + 601s);
    BOOST_TEST(edge.state.entries() == 2U);
    BOOST_TEST((edge.ask("http://h/z", {7, 1}) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/z", {8, 1}) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/b", {8, 1}) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/c", {8, 0}) == Verdict::removed));
    edge.hard(Scope::url, "http://h/late", 7);
    BOOST_TEST(edge.state.entries() == 2U);
}

BOOST_AUTO_TEST_CASE(a_soft_all_absorbs_nothing)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 5);
    edge.soft(Scope::all, "", 8, 10s);
    BOOST_TEST((edge.ask("http://h/a", {4, 0}) == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/b", {4, 0}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask("http://h/b", {4, 0}, kStart + 10s) == Verdict::must_validate));
}

BOOST_AUTO_TEST_CASE(below_the_floor_everything_must_be_validated)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 5);
    edge.hard(Scope::url, "http://h/b", 15);
    edge.state.apply_local("http://h/c");
    const std::uint64_t generation = edge.state.generation();
    edge.state.raise_floor({10, 1});
    BOOST_TEST(edge.state.generation() > generation);
    BOOST_TEST((edge.state.floor() == Fence{10, 1}));
    BOOST_TEST(edge.state.entries() == 1U);
    BOOST_TEST((edge.ask("http://h/a", {4, 1}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/z", {9, 1}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/z", {10, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/z", {10, 1}) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/b", {9, 0}) == Verdict::removed));
    edge.state.raise_floor({3, 0}); // never falls
    BOOST_TEST((edge.state.floor() == Fence{10, 1}));
}

BOOST_AUTO_TEST_CASE(a_full_table_raises_the_floor_and_keeps_the_newer_half)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs, {.entries = 100});
    for (std::uint64_t v = 1; v <= 101; ++v)
        state.apply({v, Scope::url, Mode::hard, 0s, "http://h/" + std::to_string(v)}, kStart);
    BOOST_TEST(state.forced_floor_raises() == 1U);
    BOOST_TEST(state.entries() == 50U);
    BOOST_TEST(state.floor().version == 51U);
    BOOST_TEST((state.verdict({"http://h/2", {}}, {1, 0}, kStart) == Verdict::must_validate));
    BOOST_TEST((state.verdict({"http://h/101", {}}, {100, 0}, kStart) == Verdict::removed));
    BOOST_TEST((state.verdict({"http://h/2", {}}, {51, 0}, kStart) == Verdict::valid));
    for (int i = 0; i < 1000; ++i)
        state.apply_local("http://l/" + std::to_string(i));
    BOOST_TEST(state.entries() <= 100U);
    BOOST_TEST((state.verdict({"http://l/0", {}}, {101, 0}, kStart) != Verdict::valid));
    BOOST_TEST((state.verdict({"http://l/999", {}}, {101, 999}, kStart) == Verdict::removed));
}

BOOST_AUTO_TEST_SUITE_END()
