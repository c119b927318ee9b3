#include "tests/journal/journals.hpp"

namespace tidemark::journal::test
{
BOOST_AUTO_TEST_SUITE(memory_journal)

BOOST_AUTO_TEST_CASE(it_gives_versions_under_its_id_and_is_not_durable)
{
    Owner owner;
    owner.open_in_memory({42, 1000, {}});
    BOOST_TEST(owner.start.id == 42U);
    BOOST_TEST(!owner.start.durable);
    BOOST_TEST(owner.append_one(purge_of("http://h/a", "k")) == 1U);
    BOOST_TEST(owner.append_one(purge_of("http://h/a", "k")) == 1U);
    BOOST_TEST(owner.append_one(purge_of("http://h/b")) == 2U);
    BOOST_TEST(message_from(owner.read(1, 1).front()).journal == 42U);
}

BOOST_AUTO_TEST_CASE(drafts_are_taken_all_or_none)
{
    Owner owner;
    owner.open_in_memory({42, 1000, {}});
    const auto refused = owner.append({purge_of("http://h/a", "k"), purge_of("")});
    BOOST_TEST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error() == AppendError::invalid));
    BOOST_TEST(owner.read(1, 10).empty());
    BOOST_TEST(owner.append_one(purge_of("http://h/other", "k")) == 1U);
    const auto used = owner.append({purge_of("http://h/b"), purge_of("http://h/c", "k")});
    BOOST_TEST((used.error() == AppendError::key_used));
    BOOST_TEST(owner.append_one(purge_of("http://h/d")) == 2U);
}

BOOST_AUTO_TEST_CASE(the_oldest_go_into_the_snapshot)
{
    Owner owner;
    Version base = 0;
    std::size_t entries = 0;
    owner.open_in_memory({42, 80, [&](Version b, const purge::SharedRecord& snapshot, auto, auto) {
                              base = b;
                              entries = purge::decode_snapshot(*snapshot)->entries().size();
                          }});
    owner.append_one(purge_of("http://h/first", "k"));
    owner.append_urls(99);
    BOOST_TEST(owner.read(1, 100).size() == 80U);
    owner.running.until([&] { return base != 0; });
    BOOST_TEST(base == 20U);
    BOOST_TEST(entries == 20U);
    BOOST_TEST(owner.append_one(purge_of("http://h/first", "k")) == 101U);
}

BOOST_AUTO_TEST_CASE(minting_keeps_everything_in_the_snapshot_but_what_was_undone)
{
    Owner owner;
    owner.open_in_memory({42, 1000, {}});
    owner.append_urls(3);
    owner.append_one(undo_of(2));
    const JournalStart minted = owner.mint(50);
    BOOST_TEST(minted.id != 42U);
    BOOST_TEST(minted.mark() == 50U);
    BOOST_TEST(purge::decode_snapshot(*minted.snapshot)->entries().size() == 2U);
    BOOST_TEST(owner.append_one(purge_of("http://h/x")) == 51U);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::journal::test
