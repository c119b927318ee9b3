#include "tests/purge/state_edge.hpp"

#include <boost/test/unit_test.hpp>

// Orders that are limited to a site, and patterns.
BOOST_AUTO_TEST_SUITE(state_scopes)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(no_label_and_the_star_are_no_single_site)
{
    BOOST_TEST(site_hash("") == 0U);
    BOOST_TEST(site_hash("*") == 0U);
    BOOST_TEST(site_hash("shop") != 0U);
    BOOST_TEST(site_hash("shop") != site_hash("blog"));
}

BOOST_AUTO_TEST_CASE(an_order_may_be_limited_to_a_site)
{
    struct Row {
        Scope scope;
        const char* selector;
        const char* ordered_for;
        const char* asked_of;
        Verdict expected;
    };
    const Row rows[] = {
        {Scope::tag, "t", "shop", "shop", Verdict::removed},
        {Scope::tag, "t", "shop", "blog", Verdict::valid},
        {Scope::tag, "other", "shop", "shop", Verdict::valid},
        {Scope::tag, "t", "", "shop", Verdict::removed},
        {Scope::tag, "t", "*", "shop", Verdict::removed},
        {Scope::tag, "t", "*", "", Verdict::removed},
        {Scope::all, "", "shop", "shop", Verdict::removed},
        {Scope::all, "", "shop", "blog", Verdict::valid},
        {Scope::all, "", "*", "blog", Verdict::removed},
        {Scope::pattern, "/a", "shop", "shop", Verdict::removed},
        {Scope::pattern, "/a", "shop", "blog", Verdict::valid},
        {Scope::pattern, "/a", "*", "blog", Verdict::removed},
        {Scope::url, "http://h:8080/a/b?c", "shop", "blog", Verdict::removed},
        {Scope::prefix, "http://h:8080/a", "shop", "blog", Verdict::removed},
        {Scope::host, "h", "shop", "blog", Verdict::removed},
        {Scope::origin, "http://h:8080", "shop", "blog", Verdict::removed},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(static_cast<int>(row.scope)
                           << " for " << row.ordered_for << " asked of " << row.asked_of)
        {
            Edge edge;
            edge.hard(row.scope, row.selector, 5, row.ordered_for);
            BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"t"}, row.asked_of) == row.expected));
            BOOST_TEST((edge.ask(kPage, {5, 0}, kStart, {"t"}, row.asked_of) == Verdict::valid));
        }
    }
}

BOOST_AUTO_TEST_CASE(soft_orders_may_be_limited_to_a_site_too)
{
    Edge edge;
    edge.soft(Scope::tag, "t", 5, 10s, kStart, "shop");
    edge.soft(Scope::all, "", 8, 30s, kStart, "blog");
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart, {"t"}, "shop") == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s, {"t"}, "shop") == Verdict::must_validate));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s, {"t"}, "blog") == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s, {"t"}, "wiki") == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(of_an_unknown_site_what_may_be_covered_must_be_validated)
{
    Edge tags;
    tags.hard(Scope::tag, "t", 5, "shop");
    BOOST_TEST((tags.ask(kPage, {4, 0}, kStart, {"u"}) == Verdict::must_validate));
    BOOST_TEST((tags.ask(kPage, {5, 0}, kStart, {"u"}) == Verdict::valid));
    BOOST_TEST((tags.ask(kPage, {4, 0}) == Verdict::valid)); // has no tag
    Edge all;
    all.soft(Scope::all, "", 5, 10s, kStart, "shop");
    BOOST_TEST((all.ask(kPage, {4, 0}) == Verdict::must_validate));
    BOOST_TEST((all.ask(kPage, {5, 0}) == Verdict::valid));
    Edge patterns;
    patterns.hard(Scope::pattern, "/a", 5, "shop");
    BOOST_TEST((patterns.ask(kPage, {4, 0}) == Verdict::removed));
    BOOST_TEST((patterns.ask("http://h/b", {4, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(a_hard_all_of_one_site_absorbs_nothing_of_another)
{
    Edge edge;
    edge.hard(Scope::url, "http://h/a", 5);
    edge.hard(Scope::all, "", 8, "shop");
    edge.state.age(kStart + 700s);
    BOOST_TEST((edge.ask("http://h/a", {4, 0}, kStart, {}, "blog") == Verdict::removed));
    BOOST_TEST((edge.ask("http://h/b", {4, 0}, kStart, {}, "blog") == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/b", {4, 0}, kStart, {}, "shop") == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(a_pattern_is_searched_for_anywhere_in_the_uri)
{
    struct Row {
        const char* pattern;
        std::string uri;
        bool covered;
    };
    const Row rows[] = {
        {"^http://h/.*\\.css$", "http://h/x/y.css", true},
        {"^http://h/.*\\.css$", "http://h/x/y.css?v=1", false},
        {"^http://h/.*\\.css$", "http://g/http://h/y.css", false},
        {"\\.css", "http://h/y.css?v=1", true},
        {"(?i)\\.CSS$", "http://h/y.css", true},
        {"a", "http://h/", false},
        {"", "http://h/", true},
        // A byte that is no UTF-8, or a line's end, hides nothing.
        {"^http://h/.*\\.css$", "http://h/\xFF.css", true},
        {"^http://h/.*\\.css$", "http://h/\n.css", true},
        {"^http://h/\u00E9$", "http://h/\u00E9", true},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.pattern << " on " << row.uri)
        {
            Edge edge;
            edge.hard(Scope::pattern, row.pattern, 5);
            BOOST_TEST((edge.ask(row.uri, {4, 0}) == Verdict::removed) == row.covered);
            BOOST_TEST((edge.ask(row.uri, {5, 0}) == Verdict::valid));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_pattern_may_be_soft_and_ordered_again)
{
    Edge edge;
    edge.soft(Scope::pattern, "/a", 5, 10s);
    BOOST_TEST((edge.ask(kPage, {4, 0}) == Verdict::soft_stale));
    BOOST_TEST((edge.ask(kPage, {4, 0}, kStart + 10s) == Verdict::must_validate));
    edge.hard(Scope::pattern, "/a", 7);
    edge.hard(Scope::pattern, "/a", 6);
    BOOST_TEST(edge.state.patterns() == 1U);
    BOOST_TEST((edge.ask(kPage, {6, 0}) == Verdict::removed));
    BOOST_TEST((edge.ask(kPage, {7, 0}) == Verdict::valid));
}

BOOST_AUTO_TEST_CASE(only_patterns_since_its_last_verdict_are_tried_on_a_response)
{
    Edge edge;
    edge.hard(Scope::pattern, "/a", 5);
    const std::uint64_t first = edge.state.generation();
    edge.hard(Scope::pattern, "/b", 6);
    const std::uint64_t second = edge.state.generation();
    // Told of one that it was found valid when it was not: so it shows what is left out.
    const auto told = [&](std::uint64_t verified) {
        return edge.state.verdict({"http://h/a", {}}, {4, 0}, kStart, second, verified);
    };
    BOOST_TEST((told(0) == Verdict::removed));
    BOOST_TEST((told(first - 1) == Verdict::removed));
    BOOST_TEST((told(first) == Verdict::valid));
    BOOST_TEST((edge.state.verdict({"http://h/b", {}}, {4, 0}, kStart, second, first) ==
                Verdict::removed));
    // Not before it has taken effect, either.
    BOOST_TEST((edge.state.verdict({"http://h/b", {}}, {4, 0}, kStart, first) == Verdict::valid));
    // Ordered again it is new again.
    edge.hard(Scope::pattern, "/a", 9);
    BOOST_TEST((edge.state.verdict({"http://h/a", {}}, {8, 0}, kStart, edge.state.generation(),
                                   second) == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(a_cap_lets_every_pattern_be_tried_again)
{
    Edge edge;
    edge.hard(Scope::pattern, "/a", 5);
    const Subject page{"http://h/a", {}, 0};
    const std::uint64_t verified = edge.state.generation();
    BOOST_TEST((edge.state.verdict(page, {7, 0}, kStart, verified) == Verdict::valid));
    edge.state.cap(4, kStart);
    BOOST_TEST((edge.state.verdict(page, {7, 0}, kStart, edge.state.generation(), verified) ==
                Verdict::removed));
}

BOOST_AUTO_TEST_CASE(beyond_the_greatest_number_of_patterns_the_floor_rises_to_the_oldest)
{
    Edge edge(StateLimits{.patterns = 3});
    for (std::uint64_t v = 5; v <= 7; ++v)
        edge.hard(Scope::pattern, "/" + std::to_string(v), v);
    BOOST_TEST(edge.state.floor().version == 0U);
    edge.hard(Scope::pattern, "/8", 8);
    BOOST_TEST(edge.state.patterns() == 3U);
    BOOST_TEST(edge.state.floor().version == 5U);
    BOOST_TEST(edge.state.forced_floor_raises() == 1U);
    BOOST_TEST((edge.ask("http://h/5", {4, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/9", {4, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/9", {5, 0}) == Verdict::valid));
    BOOST_TEST((edge.ask("http://h/6", {5, 0}) == Verdict::removed));
    std::vector<Invalidation> barrier;
    for (int i = 0; i < 10; ++i)
        barrier.push_back({20, Scope::pattern, Mode::hard, 0s, "/x" + std::to_string(i)});
    edge.state.apply(barrier, kStart);
    BOOST_TEST(edge.state.patterns() <= 3U);
    BOOST_TEST((edge.ask("http://h/x5", {19, 0}) != Verdict::valid));
}

BOOST_AUTO_TEST_CASE(the_floor_drops_patterns)
{
    Edge edge;
    edge.hard(Scope::pattern, "/a", 5);
    edge.hard(Scope::pattern, "/b", 8);
    edge.state.raise_floor({6, 0});
    BOOST_TEST(edge.state.patterns() == 1U);
    BOOST_TEST(edge.state.entries() == 1U);
    BOOST_TEST((edge.ask("http://h/a", {4, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/b", {6, 0}) == Verdict::removed));
}

BOOST_AUTO_TEST_CASE(a_fault_in_a_pattern_is_told)
{
    BOOST_TEST(!InvalidationState::pattern_fault("^http://h/.*\\.css$").has_value());
    BOOST_TEST(!InvalidationState::pattern_fault("").has_value());
    for (const std::string& bad :
         {std::string("("), std::string("a{1001}"), std::string("\\1"), std::string("(?=a)"),
          std::string(4097, 'a'), std::string("((((.{100}){100}){100}){100})")}) {
        const auto fault = InvalidationState::pattern_fault(bad);
        BOOST_TEST_CONTEXT(bad.substr(0, 40))
        {
            BOOST_TEST_REQUIRE(fault.has_value());
            BOOST_TEST(!fault->empty());
        }
    }
    BOOST_TEST(!InvalidationState::pattern_fault(std::string(4096, 'a')).has_value());
}

BOOST_AUTO_TEST_CASE(a_pattern_that_cannot_be_used_covers_everything_before_it)
{
    Edge edge;
    edge.hard(Scope::all, "", 3);
    const Invalidation barrier[] = {{5, Scope::url, Mode::hard, 0s, "http://h/a"},
                                    {5, Scope::pattern, Mode::hard, 0s, "("}};
    const std::uint64_t generation = edge.state.generation();
    edge.state.apply(barrier, kStart);
    BOOST_TEST(edge.state.generation() == generation + 1);
    BOOST_TEST(edge.state.bad_patterns() == 1U);
    BOOST_TEST(edge.state.floor().version == 5U);
    BOOST_TEST((edge.ask("http://h/b", {4, 0}) == Verdict::must_validate));
    BOOST_TEST((edge.ask("http://h/b", {2, 0}) == Verdict::removed)); // the hard all stands
    BOOST_TEST((edge.ask("http://h/b", {5, 0}) == Verdict::valid));
    BOOST_TEST(!edge.state.undo(5, kStart));
    edge.state.apply(barrier, kStart);
    BOOST_TEST(edge.state.bad_patterns() == 1U); // a repetition
}

BOOST_AUTO_TEST_SUITE_END()
