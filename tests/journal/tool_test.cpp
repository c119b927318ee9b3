#include "journal/tool.hpp"
#include "tests/journal/journals.hpp"

#include <filesystem>
#include <fstream>

namespace tidemark::journal::test
{
namespace
{
struct Exported {
    support::TempDir temp;
    std::string directory = temp.path("data");
    std::string file = temp.path("export");
    std::string copy = temp.path("copy");
    Owner owner;
    JournalId id = 0;

    Exported()
    {
        owner.open(directory);
        id = owner.start.id;
        owner.append_urls(300);
        owner.append_one(purge_of("http://h/keyed", "key"));
        static_cast<void>(owner.wait<void>([&](auto done) {
            owner.journal->put_edge({"a", 9, Millis{3000}, purge::Adrift::fail, false}, done);
        }));
        BOOST_TEST_REQUIRE(export_journal(directory, file).has_value());
    }
    void change_file(std::size_t offset, char by)
    {
        std::fstream changed(file, std::ios::in | std::ios::out | std::ios::binary);
        changed.seekg(static_cast<std::streamoff>(offset));
        const auto byte = static_cast<char>(changed.get() ^ by);
        changed.seekp(static_cast<std::streamoff>(offset));
        changed.put(byte);
    }
};
} // namespace

BOOST_AUTO_TEST_SUITE(journal_tool)

BOOST_FIXTURE_TEST_CASE(an_import_continues_the_sequence_under_another_id, Exported)
{
    const auto imported = import_journal(file, copy);
    BOOST_TEST_REQUIRE(imported.has_value(), (imported ? "" : imported.error()));
    BOOST_TEST(imported->id != id);
    owner.close();
    owner.open(copy);
    BOOST_TEST(owner.start.id == imported->id);
    BOOST_TEST(owner.start.base == 301U);
    BOOST_TEST(owner.start.remarks.empty());
    BOOST_TEST_REQUIRE(owner.start.edges.size() == 1U);
    BOOST_TEST(owner.start.edges.front().name == "a");
    BOOST_TEST(purge::decode_snapshot(*owner.start.snapshot)->entries().size() == 301U);
    BOOST_TEST(owner.append_one(purge_of("http://h/keyed", "key")) == 301U);
    BOOST_TEST(owner.append_one(purge_of("http://h/next")) == 302U);
    Query query;
    query.url = "http://h/7";
    BOOST_TEST(owner.search(query).messages.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(what_was_imported_is_exported_again, Exported)
{
    BOOST_TEST_REQUIRE(import_journal(file, copy).has_value());
    const auto again = export_journal(copy, temp.path("again"));
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST(again->base == 301U);
    BOOST_TEST(import_journal(temp.path("again"), temp.path("third")).has_value());
}

BOOST_FIXTURE_TEST_CASE(a_damaged_export_is_refused_and_leaves_nothing, Exported)
{
    const auto size = std::filesystem::file_size(file);
    change_file(size - 5, 1);
    auto imported = import_journal(file, copy);
    BOOST_TEST_REQUIRE(!imported.has_value());
    BOOST_TEST(imported.error().find("version 301 ") != std::string::npos, imported.error());
    BOOST_TEST(!std::filesystem::exists(copy + "/journal.db"));
    change_file(size - 5, 1);
    std::filesystem::resize_file(file, size / 2);
    BOOST_TEST(!import_journal(file, copy).has_value());
    change_file(30, 1);
    imported = import_journal(file, copy);
    BOOST_TEST_REQUIRE(!imported.has_value());
    BOOST_TEST(imported.error().find("head") != std::string::npos, imported.error());
}

BOOST_FIXTURE_TEST_CASE(nothing_is_imported_over_a_journal, Exported)
{
    BOOST_TEST(!import_journal(file, directory).has_value());
    BOOST_TEST(owner.append_one(purge_of("http://h/still")) == 302U);
}

BOOST_FIXTURE_TEST_CASE(verify_tells_what_is_there_and_what_is_damaged, Exported)
{
    auto verified = verify_journal(directory);
    BOOST_TEST_REQUIRE(verified.has_value());
    BOOST_TEST(verified->id == id);
    BOOST_TEST(verified->records == 301U);
    BOOST_TEST(verified->last == 301U);
    BOOST_TEST(verified->edges == 1U);
    BOOST_TEST(verified->damage.empty());
    owner.close();
    change(directory, "UPDATE records SET record = zeroblob(50) WHERE version = 12;"
                      "DELETE FROM records WHERE version = 20");
    verified = verify_journal(directory);
    BOOST_TEST_REQUIRE(verified.has_value());
    BOOST_TEST(says(verified->damage, "version 12 is damaged"));
    BOOST_TEST(says(verified->damage, "version 20 is missing"));
    BOOST_TEST(!export_journal(directory, temp.path("other")).has_value());
    BOOST_TEST(!std::filesystem::exists(temp.path("other.part")));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::journal::test
