#include "tests/journal/journals.hpp"

#include "core/net/loop.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tidemark::journal::test
{
namespace
{
struct Fixture {
    support::TempDir temp;
    std::string directory = temp.path("data");
    Owner owner;
    void reopen(SqliteOptions options = {})
    {
        owner.close();
        owner.open(directory, std::move(options));
    }
};

// Appends one purge after another and says each acknowledged version on `out`, until it is killed.
[[noreturn]] void append_until_killed(const std::string& directory, int out)
{
    net::Loop loop;
    auto opened = open(loop, directory);
    if (!opened) ::_exit(1);
    std::function<void()> more = [&] {
        opened->journal->append({purge_of("http://h/a"), purge_of("http://h/b")},
                                [&](Result<Appended, AppendError> appended) {
                                    if (!appended) ::_exit(2);
                                    const Version last = appended->drafts.back().version;
                                    if (::write(out, &last, sizeof last) != sizeof last) ::_exit(3);
                                    more();
                                });
    };
    for (int i = 0; i < 4; ++i)
        more();
    loop.run();
    ::_exit(4);
}

Version last_acknowledged(int in, int until)
{
    Version last = 0;
    Version one = 0;
    for (int i = 0; i < until && ::read(in, &one, sizeof one) == sizeof one; ++i)
        last = std::max(last, one);
    return last;
}
} // namespace

BOOST_AUTO_TEST_SUITE(sqlite_journal)

BOOST_FIXTURE_TEST_CASE(versions_follow_each_other_and_are_read_back, Fixture)
{
    owner.open(directory);
    BOOST_TEST(owner.start.mark() == 0U);
    BOOST_TEST(owner.start.durable);
    BOOST_TEST(owner.append_one(purge_of("http://h/a")) == 1U);
    BOOST_TEST(owner.append_one(purge_of("http://h/b")) == 2U);
    const auto records = owner.read(1, 10);
    BOOST_TEST_REQUIRE(records.size() == 2U);
    BOOST_TEST(url_of(message_from(records[1])) == "http://h/b");
    BOOST_TEST(message_from(records[0]).journal == owner.start.id);
    BOOST_TEST(owner.read(2, 2).size() == 1U);
    BOOST_TEST(owner.read(1, 2, 1).size() == 1U, "at least one, however small the limit");
}

BOOST_FIXTURE_TEST_CASE(a_journal_opens_again_as_it_was, Fixture)
{
    owner.open(directory);
    owner.append_urls(700);
    const JournalId id = owner.start.id;
    purge::DigestTree tree;
    Version version = 0;
    for (const auto& record : owner.read(1, 700))
        tree.append(++version, purge::digest_of(*record));
    reopen();
    BOOST_TEST(owner.start.id == id);
    BOOST_TEST(owner.start.mark() == 700U);
    BOOST_TEST((owner.start.tree.root() == tree.root()));
    BOOST_TEST((owner.start.tree.block(1) == tree.block(1)));
    BOOST_TEST(owner.start.remarks.empty());
    BOOST_TEST(owner.append_one(purge_of("http://h/next")) == 701U);
}

BOOST_FIXTURE_TEST_CASE(the_directory_is_for_its_owner_and_for_one_daemon, Fixture)
{
    owner.open(directory);
    struct stat about {
    };
    BOOST_TEST_REQUIRE(::stat(directory.c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 0777U) == 0700U);
    BOOST_TEST(error_of_open(directory).find("another tidemark") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_key_gives_the_first_version_again, Fixture)
{
    owner.open(directory);
    BOOST_TEST(owner.append_one(purge_of("http://h/a", "k")) == 1U);
    const auto again = owner.append(
        {purge_of("http://h/a", "k"), purge_of("http://h/b", "l"), purge_of("http://h/b", "l")});
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST(again->drafts[0].version == 1U);
    BOOST_TEST(again->drafts[0].repeated);
    BOOST_TEST(again->drafts[1].version == 2U);
    BOOST_TEST(again->drafts[2].version == 2U);
    BOOST_TEST(again->drafts[2].repeated);
    BOOST_TEST(again->records.size() == 1U);
    reopen();
    BOOST_TEST(owner.append_one(purge_of("http://h/a", "k")) == 1U);
    BOOST_TEST(owner.append_one(purge_of("http://h/c")) == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_key_of_another_order_is_refused_and_takes_nothing, Fixture)
{
    owner.open(directory);
    owner.append_one(purge_of("http://h/a", "k"));
    const auto other = owner.append({purge_of("http://h/x"), purge_of("http://h/b", "k")});
    BOOST_TEST_REQUIRE(!other.has_value());
    BOOST_TEST((other.error() == AppendError::key_used));
    const auto within = owner.append({purge_of("http://h/x", "m"), purge_of("http://h/y", "m")});
    BOOST_TEST_REQUIRE(!within.has_value());
    BOOST_TEST((within.error() == AppendError::key_used));
    BOOST_TEST(owner.append_one(purge_of("http://h/c", "m")) == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_draft_with_a_fault_is_refused_beside_sound_ones, Fixture)
{
    owner.open(directory);
    std::vector<Result<Appended, AppendError>> answers;
    const auto keep = [&](Result<Appended, AppendError> answer) { answers.push_back(answer); };
    owner.journal->append({purge_of("http://h/a")}, keep);
    owner.journal->append({purge_of("http://h/b"), purge_of("")}, keep);
    owner.journal->append({undo_of(77)}, keep);
    owner.journal->append({purge_of("http://h/c")}, keep);
    owner.running.until([&] { return answers.size() == 4; });
    BOOST_TEST(answers[0]->drafts[0].version == 1U);
    BOOST_TEST((answers[1].error() == AppendError::invalid));
    BOOST_TEST((answers[2].error() == AppendError::invalid));
    BOOST_TEST(answers[3]->drafts[0].version == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_waits_together_is_done_in_order, Fixture)
{
    owner.open(directory);
    std::vector<Version> versions;
    for (int i = 0; i < 500; ++i)
        owner.journal->append({purge_of("http://h/" + std::to_string(i))},
                              [&](Result<Appended, AppendError> appended) {
                                  versions.push_back(appended.value().drafts.front().version);
                              });
    owner.running.until([&] { return versions.size() == 500; });
    for (std::size_t i = 0; i < versions.size(); ++i)
        BOOST_TEST_REQUIRE(versions[i] == i + 1);
}

BOOST_FIXTURE_TEST_CASE(more_than_may_wait_is_refused, Fixture)
{
    SqliteOptions options;
    options.waiting_drafts_max = 10;
    owner.open(directory, options);
    const auto appended = owner.append(std::vector<Draft>(11, purge_of("http://h/a")));
    BOOST_TEST_REQUIRE(!appended.has_value());
    BOOST_TEST((appended.error() == AppendError::no_space));
    BOOST_TEST(owner.append_one(purge_of("http://h/a")) == 1U);
}

BOOST_FIXTURE_TEST_CASE(nothing_is_called_after_close, Fixture)
{
    owner.open(directory);
    bool called = false;
    owner.journal->append({purge_of("http://h/a")}, [&](auto) { called = true; });
    owner.journal->search({}, [&](auto) { called = true; });
    owner.close();
    BOOST_TEST(!called);
}

BOOST_FIXTURE_TEST_CASE(every_acknowledged_version_survives_a_kill, Fixture)
{
    int pipe[2] = {};
    BOOST_TEST_REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) append_until_killed(directory, pipe[1]);
    ::close(pipe[1]);
    Version acknowledged = last_acknowledged(pipe[0], 300);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    acknowledged = std::max(acknowledged, last_acknowledged(pipe[0], 1 << 20));
    ::close(pipe[0]);
    BOOST_TEST(acknowledged >= 600U);
    owner.open(directory);
    BOOST_TEST(owner.start.mark() >= acknowledged);
    BOOST_TEST(owner.read(1, acknowledged).size() == acknowledged);
}

BOOST_FIXTURE_TEST_CASE(registered_edges_are_kept, Fixture)
{
    owner.open(directory);
    const purge::RegisteredEdge edge{"a", 0xFFFFFFFFFFFFFFFF, Millis{3000}, purge::Adrift::serve,
                                     true};
    BOOST_TEST(
        owner.wait<void>([&](auto done) { owner.journal->put_edge(edge, done); }).has_value());
    BOOST_TEST(owner
                   .wait<void>([&](auto done) {
                       owner.journal->put_edge({"b", 1, Millis{1}, {}, false}, done);
                   })
                   .has_value());
    BOOST_TEST(
        owner.wait<void>([&](auto done) { owner.journal->drop_edge("b", done); }).has_value());
    reopen();
    BOOST_TEST_REQUIRE(owner.start.edges.size() == 1U);
    BOOST_TEST((owner.start.edges.front() == edge));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(damaged_journal)

BOOST_FIXTURE_TEST_CASE(a_damaged_end_is_cut_and_said, Fixture)
{
    owner.open(directory);
    owner.append_urls(10);
    const JournalId id = owner.start.id;
    owner.close();
    std::filesystem::remove(directory + "/mark");
    change(directory, "UPDATE records SET record = substr(record, 1, 30) WHERE version >= 9");
    owner.open(directory);
    BOOST_TEST(owner.start.mark() == 8U);
    BOOST_TEST(owner.start.id == id);
    BOOST_TEST(says(owner.start.remarks, "version 9"));
    BOOST_TEST(owner.append_one(purge_of("http://h/x")) == 9U);
}

BOOST_FIXTURE_TEST_CASE(a_cut_below_what_was_acknowledged_changes_the_id, Fixture)
{
    owner.open(directory);
    owner.append_urls(10);
    const JournalId id = owner.start.id;
    owner.close();
    change(directory, "DELETE FROM records WHERE version > 7");
    owner.open(directory);
    BOOST_TEST(owner.start.id != id);
    BOOST_TEST(owner.start.base == 10U);
    BOOST_TEST(owner.start.snapshot != nullptr);
    BOOST_TEST(says(owner.start.remarks, "ended at version 7"));
    BOOST_TEST(owner.append_one(purge_of("http://h/x")) == 11U);
    const JournalId minted = owner.start.id;
    reopen();
    BOOST_TEST(owner.start.id == minted);
    BOOST_TEST(owner.start.remarks.empty());
}

struct DamageCase {
    const char* what;
    const char* sql;
};
const DamageCase kDamages[] = {
    {"a flipped byte", "UPDATE records SET record = zeroblob(length(record)) WHERE version = 5"},
    {"a missing record", "DELETE FROM records WHERE version = 5"},
    {"a record of another version",
     "UPDATE records SET record = (SELECT record FROM records WHERE version = 6) WHERE version = "
     "5"},
};
BOOST_AUTO_TEST_CASE(damage_in_the_middle_refuses_and_names_the_version)
{
    for (const DamageCase& c : kDamages) {
        BOOST_TEST_CONTEXT(c.what)
        {
            Fixture f;
            f.owner.open(f.directory);
            f.owner.append_urls(10);
            f.owner.close();
            change(f.directory, c.sql);
            BOOST_TEST(error_of_open(f.directory).find("version 5 ") != std::string::npos);
        }
    }
}

BOOST_FIXTURE_TEST_CASE(a_broken_file_names_where_reading_failed, Fixture)
{
    owner.open(directory);
    owner.append_urls(5000);
    owner.close();
    const auto size = std::filesystem::file_size(directory + "/journal.db");
    {
        std::fstream file(directory + "/journal.db", std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>(size / 2 / 4096 * 4096));
        const std::string noise(3 * 4096, '\xFE');
        file.write(noise.data(), static_cast<std::streamsize>(noise.size()));
    }
    const std::string error = error_of_open(directory);
    BOOST_TEST(error.find("version ") != std::string::npos, error);
}

BOOST_FIXTURE_TEST_CASE(what_is_no_journal_is_said_to_be_none, Fixture)
{
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/journal.db") << std::string(8192, 'x');
    BOOST_TEST(error_of_open(directory).find("is not a database") != std::string::npos);
    std::filesystem::remove(directory + "/journal.db");
    change(directory, "CREATE TABLE other (a)");
    BOOST_TEST(error_of_open(directory).find("another program") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(another_format_is_said_to_be_one, Fixture)
{
    owner.open(directory);
    owner.close();
    change(directory, "PRAGMA user_version = 7");
    BOOST_TEST(error_of_open(directory).find("format 7") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(an_older_copy_put_back_gets_another_id, Fixture)
{
    owner.open(directory);
    owner.append_urls(5);
    const JournalId id = owner.start.id;
    owner.close();
    std::filesystem::copy(directory + "/journal.db", directory + "/backup");
    owner.open(directory);
    owner.append_urls(5);
    owner.close();
    std::filesystem::rename(directory + "/backup", directory + "/journal.db");
    owner.open(directory);
    BOOST_TEST(owner.start.id != id);
    BOOST_TEST(owner.start.base == 10U);
    BOOST_TEST(says(owner.start.remarks, "older copy"));
    auto state = purge::decode_snapshot(*owner.start.snapshot);
    BOOST_TEST_REQUIRE(state.has_value());
    BOOST_TEST(state->entries().size() == 5U);
    BOOST_TEST((state->digest() == owner.start.snapshot_state));
}

BOOST_FIXTURE_TEST_CASE(a_journal_that_is_gone_begins_above_what_was_acknowledged, Fixture)
{
    owner.open(directory);
    owner.append_urls(5);
    owner.close();
    std::filesystem::remove(directory + "/journal.db");
    owner.open(directory);
    BOOST_TEST(owner.start.base == 5U);
    BOOST_TEST(owner.append_one(purge_of("http://h/x")) == 6U);
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_refuses_and_the_journal_goes_on_when_there_is_room, Fixture)
{
    owner.open(directory);
    owner.append_urls(1);
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit tight = before;
    tight.rlim_cur = 256 * 1024;
    ::setrlimit(RLIMIT_FSIZE, &tight);
    const std::string path(3000, 'p');
    std::optional<AppendError> refused;
    Version last = 1;
    for (int i = 0; i < 1000 && !refused; ++i) {
        const auto appended = owner.append({purge_of("http://h/" + path + std::to_string(i))});
        if (appended)
            last = appended->drafts.front().version;
        else
            refused = appended.error();
    }
    ::setrlimit(RLIMIT_FSIZE, &before);
    BOOST_TEST_REQUIRE(refused.has_value());
    BOOST_TEST((*refused == AppendError::no_space));
    BOOST_TEST(owner.append_one(purge_of("http://h/after")) == last + 1);
    reopen();
    BOOST_TEST(owner.start.mark() == last + 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(journal_ages)

BOOST_FIXTURE_TEST_CASE(minting_goes_on_above_with_everything_in_the_snapshot, Fixture)
{
    owner.open(directory);
    owner.append_urls(3);
    owner.append_one(undo_of(2));
    const JournalId id = owner.start.id;
    const JournalStart minted = owner.mint(100);
    BOOST_TEST(minted.id != id);
    BOOST_TEST(minted.base == 100U);
    BOOST_TEST(minted.mark() == 100U);
    const auto state = purge::decode_snapshot(*minted.snapshot);
    BOOST_TEST_REQUIRE(state.has_value());
    BOOST_TEST(state->entries().size() == 2U, "what was undone is not in it");
    BOOST_TEST(state->through() == 100U);
    BOOST_TEST(owner.append_one(purge_of("http://h/x")) == 101U);
    BOOST_TEST(owner.read(1, 200).size() == 1U, "only this journal's records");
    BOOST_TEST(owner.search({}).messages.size() == 5U, "but people find the others");
    reopen();
    BOOST_TEST(owner.start.id == minted.id);
    BOOST_TEST(owner.start.mark() == 101U);
    BOOST_TEST(owner.start.remarks.empty());
}

BOOST_FIXTURE_TEST_CASE(what_is_in_the_snapshot_cannot_be_undone, Fixture)
{
    owner.open(directory);
    owner.append_urls(3);
    static_cast<void>(owner.mint(0));
    const auto undone = owner.append({undo_of(2)});
    BOOST_TEST_REQUIRE(!undone.has_value());
    BOOST_TEST((undone.error() == AppendError::invalid));
}

BOOST_FIXTURE_TEST_CASE(retention_moves_the_base_and_forgets_what_is_below, Fixture)
{
    Version base = 0;
    purge::SharedRecord snapshot;
    purge::Digest state;
    purge::Digest root;
    SqliteOptions options;
    options.retention = {4000, Millis{Seconds{3600}}, Millis{-1}};
    options.tidy_every = Millis{10};
    options.on_compacted = [&](Version b, purge::SharedRecord s, purge::Digest d, purge::Digest r) {
        base = b;
        snapshot = std::move(s);
        state = d;
        root = r;
    };
    owner.open(directory);
    owner.append_one(purge_of("http://h/first", "key"));
    owner.append_urls(8999);
    const auto all = owner.read(1, 9000);
    reopen(options);
    owner.running.until([&] { return base == 5000; });
    purge::Digest expected;
    for (std::size_t i = 0; i < 5000; ++i)
        expected += purge::digest_of(*all[i]);
    BOOST_TEST((root == expected));
    const auto decoded = purge::decode_snapshot(*snapshot);
    BOOST_TEST_REQUIRE(decoded.has_value());
    BOOST_TEST((decoded->digest() == state));
    BOOST_TEST(owner.read(1, 9000).size() == 4000U);
    // In small steps, so a little later.
    std::size_t held = 0;
    while (held != 4000) {
        Query query;
        query.limit = 10'000;
        held = owner.search(query).messages.size();
    }
    const Version again = owner.append_one(purge_of("http://h/first", "key"));
    BOOST_TEST(again == 9001U, "a key lives as long as its record");
    const purge::Digest whole = owner.start.tree.root();
    owner.close();
    owner.open(directory);
    BOOST_TEST(owner.start.base == 5000U);
    BOOST_TEST(owner.start.mark() == 9001U);
    BOOST_TEST(
        (owner.start.tree.root() - purge::digest_of(*owner.read(9001, 9001).front()) == whole));
}

BOOST_FIXTURE_TEST_CASE(nothing_within_the_undo_window_is_compacted, Fixture)
{
    bool compacted = false;
    SqliteOptions options;
    options.retention = {10, Millis{1}, Millis{Seconds{600}}};
    options.tidy_every = Millis{5};
    options.on_compacted = [&](auto...) { compacted = true; };
    owner.open(directory, options);
    owner.append_urls(100);
    int ticks = 0;
    net::Timer timer(owner.running.loop, [&] { ++ticks; });
    timer.start(Millis{5}, Millis{5});
    owner.running.until([&] { return ticks == 20; });
    BOOST_TEST(!compacted);
    BOOST_TEST(owner.read(1, 100).size() == 100U);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::journal::test
