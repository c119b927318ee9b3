#include "purge/digest.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>

BOOST_AUTO_TEST_SUITE(digest)

using namespace tidemark;
using namespace tidemark::purge;

namespace
{
Digest record_digest(Version version)
{
    return digest_of("record " + std::to_string(version));
}
DigestTree tree_of(Version versions)
{
    DigestTree tree;
    for (Version v = 1; v <= versions; ++v)
        tree.append(v, record_digest(v));
    return tree;
}
Digest sum_of(Version first, Version last)
{
    Digest sum;
    for (Version v = first; v <= last; ++v)
        sum += record_digest(v);
    return sum;
}
} // namespace

// The value is part of the wire: an edge and an origin of different builds must agree.
BOOST_AUTO_TEST_CASE(a_members_hash_is_the_published_one)
{
    const Digest empty = digest_of("");
    BOOST_TEST(empty.high == 0x99AA06D3014798D8U);
    BOOST_TEST(empty.low == 0x6001C324468D497FU);
}

BOOST_AUTO_TEST_CASE(a_node_sums_the_blocks_it_spans)
{
    const DigestTree tree = tree_of(kBlockVersions * 70 + 5);
    const BlockSpan all{0, full_blocks(tree.last())};
    BOOST_TEST((tree.root() == sum_of(1, tree.last())));
    BOOST_TEST((tree.node(0, 3, all) == sum_of(3 * kBlockVersions + 1, 4 * kBlockVersions)));
    BOOST_TEST((tree.node(1, 0, all) == sum_of(1, 64 * kBlockVersions)));
    BOOST_TEST((tree.node(1, 1, all) == sum_of(64 * kBlockVersions + 1, 70 * kBlockVersions)));
    BOOST_TEST((tree.node(1, 2, all) == Digest{}));
    BOOST_TEST((tree.node(2, 0, {2, 5}) == sum_of(2 * kBlockVersions + 1, 5 * kBlockVersions)));
    BOOST_TEST((tree.prefix(66) == sum_of(1, 66 * kBlockVersions)));
}

BOOST_AUTO_TEST_CASE(a_tree_that_began_with_a_snapshot_has_the_same_root)
{
    const DigestTree whole = tree_of(3000);
    for (const Version through : {1U, 255U, 256U, 257U, 1024U, 2999U}) {
        DigestTree later{through, sum_of(1, through)};
        for (Version v = through + 1; v <= 3000; ++v)
            later.append(v, record_digest(v));
        BOOST_TEST_CONTEXT(through)
        {
            BOOST_TEST((later.root() == whole.root()));
            const std::uint64_t first = later.first_block();
            BOOST_TEST(first == (through + 255) / 256);
            if (first < full_blocks(3000)) {
                BOOST_TEST((later.prefix(first) == whole.prefix(first)));
                BOOST_TEST((later.block(first) == whole.block(first)));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(the_height_is_the_lowest_that_spans_the_blocks)
{
    struct Row {
        std::uint64_t blocks;
        unsigned height;
    };
    const Row rows[] = {
        {0, 1}, {1, 1}, {64, 1}, {65, 2}, {4096, 2}, {4097, 3}, {std::uint64_t{1} << 54, 9}};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.blocks) BOOST_TEST(height_of(row.blocks) == row.height);
}

RC_BOOST_PROP(forgetting_changes_no_root_and_no_later_block, ())
{
    const auto versions = *rc::gen::inRange<Version>(0, 40'000);
    DigestTree tree = tree_of(versions);
    const auto end = *rc::gen::inRange<std::uint64_t>(0, full_blocks(versions) + 1);
    const Digest root = tree.root();
    tree.forget_below(end);
    RC_ASSERT(tree.first_block() == end);
    RC_ASSERT(tree.root() == root);
    RC_ASSERT(tree.prefix(end) == sum_of(1, end * kBlockVersions));
    RC_ASSERT(tree.prefix(full_blocks(versions)) ==
              sum_of(1, full_blocks(versions) * kBlockVersions));
    tree.append(versions + 1, record_digest(versions + 1));
    RC_ASSERT(tree.root() == root + record_digest(versions + 1));
}

RC_BOOST_PROP(a_replaced_block_is_as_if_it_had_always_been_so, ())
{
    const auto versions = *rc::gen::inRange<Version>(1, 20'000);
    DigestTree tree = tree_of(versions);
    const auto block = *rc::gen::inRange<std::uint64_t>(0, block_of(versions) + 1);
    const Digest before = tree.block(block);
    const Digest root = tree.root();
    tree.replace_block(block, digest_of("other"));
    RC_ASSERT(tree.root() == root - before + digest_of("other"));
    tree.replace_block(block, before);
    RC_ASSERT(tree.root() == root);
    const BlockSpan all{0, full_blocks(versions)};
    RC_ASSERT(tree.node(2, 0, all) == sum_of(1, all.end * kBlockVersions));
}

BOOST_AUTO_TEST_SUITE_END()
