#include "purge/reconcile.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(reconcile)

using namespace tidemark;
using namespace tidemark::purge;

namespace
{
Digest record_digest(Version version, bool other = false)
{
    return digest_of((other ? "other " : "record ") + std::to_string(version));
}
DigestTree tree_of(Version versions, const std::set<Version>& other = {}, Version through = 0)
{
    Digest below;
    for (Version v = 1; v <= through; ++v)
        below += record_digest(v, other.count(v) != 0);
    DigestTree tree{through, below};
    for (Version v = through + 1; v <= versions; ++v)
        tree.append(v, record_digest(v, other.count(v) != 0));
    return tree;
}

struct Walk {
    Reconcile::Step end;
    int queries = 0;
};
// The root that the origin told was at the edge's version; the origin may since have gone on.
Walk walk(const DigestTree& edge, const DigestTree& origin, const Digest& told)
{
    Reconcile reconcile{edge, 7, told};
    Walk walk{reconcile.start()};
    while (const auto* query = std::get_if<DigestQuery>(&walk.end)) {
        ++walk.queries;
        BOOST_REQUIRE(query->nodes.size() <= kQueryNodesMax);
        const auto step = reconcile.on_reply(answer(origin, *query));
        BOOST_REQUIRE(step.has_value());
        walk.end = *step;
    }
    return walk;
}
Difference expected(const std::set<Version>& other, Version versions)
{
    Difference difference{{}, std::nullopt, versions};
    std::set<std::uint64_t> blocks;
    for (const Version v : other) {
        if (block_of(v) < full_blocks(versions))
            blocks.insert(block_of(v));
        else
            difference.tail = VersionRange{full_blocks(versions) * kBlockVersions + 1, versions};
    }
    difference.blocks.assign(blocks.begin(), blocks.end());
    if (difference.tail) difference.agreed = difference.tail->first - 1;
    if (!blocks.empty()) difference.agreed = *blocks.begin() * kBlockVersions;
    return difference;
}
} // namespace

BOOST_AUTO_TEST_CASE(a_million_versions_with_one_difference_take_two_queries)
{
    const DigestTree edge = tree_of(1'000'000, {777'777});
    const DigestTree origin = tree_of(1'000'000);
    const Walk result = walk(edge, origin, origin.root());
    BOOST_TEST((std::get<Difference>(result.end) == expected({777'777}, 1'000'000)));
    BOOST_TEST(result.queries == 2);
}

BOOST_AUTO_TEST_CASE(a_difference_in_what_one_side_forgot_asks_for_a_snapshot)
{
    DigestTree origin = tree_of(5000);
    origin.forget_below(10);
    const DigestTree edge = tree_of(5000, {100, 4000});
    BOOST_TEST((std::get<ReconcileFailure>(walk(edge, origin, origin.root()).end) ==
                ReconcileFailure::forgotten));
    const DigestTree later = tree_of(5000, {4000});
    BOOST_TEST(
        (std::get<Difference>(walk(later, origin, origin.root()).end) == expected({4000}, 5000)));
    const DigestTree young = tree_of(5000, {4990}, 4980);
    BOOST_TEST((std::get<ReconcileFailure>(walk(young, origin, origin.root()).end) ==
                ReconcileFailure::forgotten));
}

BOOST_AUTO_TEST_CASE(more_differences_than_a_snapshot_costs_ask_for_one)
{
    DigestTree edge;
    DigestTree origin;
    const Version versions = (kDifferingBlocksMax + kFanOut) * kBlockVersions;
    for (Version v = 1; v <= versions; ++v) {
        const Digest record = record_digest(v);
        origin.append(v, record);
        edge.append(v, v % kBlockVersions == 0 ? Digest{} : record);
    }
    BOOST_TEST((std::get<ReconcileFailure>(walk(edge, origin, origin.root()).end) ==
                ReconcileFailure::too_many));
}

BOOST_AUTO_TEST_CASE(what_was_not_asked_for_ends_the_walk_or_changes_nothing)
{
    const DigestTree edge = tree_of(100'000, {5});
    const DigestTree origin = tree_of(100'000);
    Reconcile reconcile{edge, 7, origin.root()};
    const auto query = std::get<DigestQuery>(reconcile.start());
    DigestReply reply = answer(origin, query);
    reply.walk = 8;
    BOOST_TEST(!reconcile.on_reply(reply).has_value());

    struct Row {
        const char* name;
        void (*change)(DigestReply&);
    };
    const Row rows[] = {
        {"another level", [](DigestReply& r) { ++r.level; }},
        {"another node", [](DigestReply& r) { ++r.nodes[0].node; }},
        {"no node", [](DigestReply& r) { r.nodes.clear(); }},
        {"too few children", [](DigestReply& r) { r.nodes[0].children.pop_back(); }},
        {"a shorter span", [](DigestReply& r) { --r.span.end; }},
        {"an inverted span", [](DigestReply& r) { r.span.first = r.span.end + 1; }},
    };
    for (const Row& row : rows) {
        Reconcile fresh{edge, 7, origin.root()};
        static_cast<void>(fresh.start());
        DigestReply bad = answer(origin, query);
        row.change(bad);
        const auto step = fresh.on_reply(bad);
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST_REQUIRE(step.has_value());
            BOOST_TEST((std::get<ReconcileFailure>(*step) == ReconcileFailure::nonsense));
        }
    }
}

BOOST_AUTO_TEST_CASE(strange_queries_get_an_empty_answer)
{
    const DigestTree tree = tree_of(1000);
    const DigestQuery rows[] = {
        {1, {0, 3}, 0, {0}},
        {1, {0, 3}, 10, {0}},
        {1, {0, 3}, 1, {~std::uint64_t{0}}},
        {1, {0, 3}, 1, std::vector<std::uint64_t>(kQueryNodesMax + 1)},
    };
    for (const DigestQuery& query : rows)
        BOOST_TEST(answer(tree, query).nodes.empty());
    const DigestReply beyond = answer(tree, {1, {~std::uint64_t{0}, ~std::uint64_t{0}}, 1, {0}});
    BOOST_TEST((beyond.span == BlockSpan{3, 3}));
}

BOOST_AUTO_TEST_CASE(a_root_told_early_is_compared_when_the_edge_gets_there)
{
    const DigestTree origin = tree_of(10);
    DigestTree edge = tree_of(8);
    RootWatch watch;
    BOOST_TEST((watch.on_told(10, origin.root(), edge) == RootWatch::Verdict::unknown));
    BOOST_TEST((watch.on_told(7, Digest{}, edge) == RootWatch::Verdict::unknown));
    edge.append(9, record_digest(9));
    BOOST_TEST((watch.on_appended(edge) == RootWatch::Verdict::unknown));
    edge.append(10, record_digest(10, true));
    BOOST_TEST((watch.on_appended(edge) == RootWatch::Verdict::differ));
    BOOST_TEST((*watch.told_at(10) == origin.root()));
    edge.replace_block(0, origin.root());
    BOOST_TEST((watch.on_told(10, origin.root(), edge) == RootWatch::Verdict::agree));
}

RC_BOOST_PROP(a_walk_ends_and_names_exactly_the_difference, ())
{
    const auto versions = *rc::gen::inRange<Version>(1, 70'000);
    const auto other =
        *rc::gen::container<std::set<Version>>(rc::gen::inRange<Version>(1, versions + 1));
    const auto ahead = *rc::gen::inRange<Version>(0, 600);
    const DigestTree origin = tree_of(versions + ahead);
    const Digest told = tree_of(versions).root();
    DigestTree edge = tree_of(versions, other);
    RC_PRE(!(edge.root() == told));
    const auto forgotten = *rc::gen::inRange<std::uint64_t>(0, full_blocks(versions) + 1);
    const bool hidden = block_of(*other.begin()) < forgotten;
    edge.forget_below(forgotten);

    const Walk result = walk(edge, origin, told);
    if (hidden)
        RC_ASSERT(std::get<ReconcileFailure>(result.end) == ReconcileFailure::forgotten);
    else
        RC_ASSERT(std::get<Difference>(result.end) == expected(other, versions));
    RC_ASSERT(result.queries <= 2 + static_cast<int>(other.size() / kQueryNodesMax) + 1);
}

RC_BOOST_PROP(repairing_what_is_named_makes_the_roots_equal, ())
{
    const auto versions = *rc::gen::inRange<Version>(1, 20'000);
    const auto other =
        *rc::gen::container<std::set<Version>>(rc::gen::inRange<Version>(1, versions + 1));
    const DigestTree origin = tree_of(versions);
    DigestTree edge = tree_of(versions, other);
    RC_PRE(!other.empty());
    const auto found = std::get<Difference>(walk(edge, origin, origin.root()).end);
    for (const std::uint64_t block : found.blocks)
        edge.replace_block(block, origin.block(block));
    if (found.tail) edge.replace_block(block_of(versions), origin.block(block_of(versions)));
    RC_ASSERT(edge.root() == origin.root());
}

BOOST_AUTO_TEST_SUITE_END()
