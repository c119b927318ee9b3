#include "edge/follow/follow_log.hpp"
#include "tests/core/net/running.hpp"
#include "tests/purge/messages.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <map>

namespace tidemark::follow
{
namespace
{
namespace fs = std::filesystem;

// Remembers what was applied to it.
class Recorder final : public Applier
{
  public:
    std::map<Version, purge::Message> applied;
    std::optional<purge::CompactState> loaded;

    void apply(std::span<const purge::Message> messages, Now) override
    {
        for (const purge::Message& message : messages)
            applied.emplace(message.version, message);
    }
    void load(const purge::CompactState& state, Now) override { loaded = state; }
    void reset(purge::JournalId, Now) override {}
    void cap(Version, Now) override {}
    void hear(Version) override {}
    void fence_key(const purge::FenceKey&) override {}
};

const Now kNow{MonoTime{}, BootTime{}, WallTime{Millis{1'700'001'000'000}}};

// A directory and what one run of an edge after the other finds in it.
class Runs
{
  public:
    explicit Runs(FollowLogOptions options = {}) : options_(options) {}

    struct Found {
        Restored restored;
        Recorder recorder;
    };
    // Starts, and hands the open log to `use`.
    template <class Use> Found run(Use&& use)
    {
        Found found;
        net::test::RunningLoop running;
        auto log = FollowLog::open(running.loop, path(), options_);
        BOOST_TEST_REQUIRE(log.has_value());
        found.restored = (*log)->restore(found.recorder, kNow);
        use(**log, running);
        (*log)->flush();
        log->reset();
        running.idle();
        return found;
    }
    Found run()
    {
        return run([](FollowLog&, auto&) {});
    }
    [[nodiscard]] std::string path() const { return dir_.path("edge"); }
    [[nodiscard]] std::string log_path() const
    {
        for (const auto& entry : fs::directory_iterator(path()))
            if (entry.path().extension() == ".log") return entry.path();
        return {};
    }

  private:
    support::TempDir dir_;
    FollowLogOptions options_;
};

void keep(FollowLog& log, Version first, Version last)
{
    for (Version v = first; v <= last; ++v)
        log.keep(purge::record_of(purge::purge_of_url(v, "http://h/" + std::to_string(v % 10))));
}

purge::Digest root_of(Version last)
{
    purge::Digest root;
    for (Version v = 1; v <= last; ++v)
        root += purge::digest_of(
            purge::record_of(purge::purge_of_url(v, "http://h/" + std::to_string(v % 10))));
    return root;
}
} // namespace

BOOST_AUTO_TEST_SUITE(follow_log)

BOOST_AUTO_TEST_CASE(a_fresh_directory_remembers_nothing)
{
    Runs runs;
    const auto found = runs.run();
    BOOST_TEST(found.restored.journal == 0U);
    BOOST_TEST(found.restored.applied.contiguous() == 0U);
    BOOST_TEST(found.recorder.applied.empty());
}

BOOST_AUTO_TEST_CASE(what_was_applied_is_applied_again_after_a_restart)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 1, 700);
    });
    const auto found = runs.run();
    BOOST_TEST(found.restored.journal == purge::kJournal);
    BOOST_TEST(found.restored.applied.contiguous() == 700U);
    BOOST_TEST(found.restored.heard == 700U);
    BOOST_TEST((found.restored.tree.root() == root_of(700)));
    BOOST_TEST(found.recorder.applied.size() == 700U);
}

BOOST_AUTO_TEST_CASE(what_lies_beyond_a_gap_is_applied_but_comes_again)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 5, 9);
        keep(log, 1, 3);
    });
    const auto found = runs.run();
    BOOST_TEST(found.restored.applied.contiguous() == 3U);
    BOOST_TEST(found.restored.applied.highest() == 3U);
    BOOST_TEST(found.restored.heard == 9U);
    BOOST_TEST(found.recorder.applied.size() == 8U);
}

BOOST_AUTO_TEST_CASE(a_torn_end_is_cut_and_the_log_goes_on_behind_it)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 1, 20);
    });
    fs::resize_file(runs.log_path(), fs::file_size(runs.log_path()) - 7);
    const auto torn = runs.run([](FollowLog& log, auto&) { keep(log, 20, 25); });
    BOOST_TEST(torn.restored.applied.contiguous() == 19U);
    BOOST_TEST(runs.run().restored.applied.contiguous() == 25U);
}

BOOST_AUTO_TEST_CASE(damage_in_the_log_costs_only_what_lies_behind_it)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 1, 20);
    });
    std::fstream file(runs.log_path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(fs::file_size(runs.log_path()) / 2));
    file.put('\x7F');
    file.close();
    const Version held = runs.run().restored.applied.contiguous();
    BOOST_TEST(held < 12U);
    BOOST_TEST(held > 5U);
}

BOOST_AUTO_TEST_CASE(a_damaged_head_means_starting_without_it)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 1, 20);
    });
    fs::resize_file(runs.path() + "/follow.head", 20);
    const auto found = runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal + 1);
        keep(log, 1, 2);
    });
    BOOST_TEST(found.restored.journal == 0U);
    BOOST_TEST(found.recorder.applied.empty());
}

BOOST_AUTO_TEST_CASE(another_journal_replaces_the_former)
{
    Runs runs;
    runs.run([](FollowLog& log, auto&) {
        log.begin(purge::kJournal);
        keep(log, 1, 20);
        log.flush();
        log.begin(purge::kJournal + 1);
    });
    const auto found = runs.run();
    BOOST_TEST(found.restored.journal == purge::kJournal + 1);
    BOOST_TEST(found.restored.applied.contiguous() == 0U);
    BOOST_TEST(found.recorder.applied.empty());
}

BOOST_AUTO_TEST_CASE(a_snapshot_stands_for_what_it_replaced)
{
    purge::CompactState state;
    for (Version v = 1; v <= 50; ++v)
        state.apply(purge::purge_of_url(v));
    Bytes snapshot;
    purge::encode_snapshot(state, snapshot);
    Runs runs;
    runs.run([&](FollowLog& log, auto&) {
        log.begin(purge::kJournal, snapshot, 50, root_of(50));
        keep(log, 51, 60);
    });
    const auto found = runs.run();
    BOOST_TEST_REQUIRE(found.recorder.loaded.has_value());
    BOOST_TEST((*found.recorder.loaded == state));
    BOOST_TEST(found.restored.applied.contiguous() == 60U);
    BOOST_TEST((found.restored.tree.root() == root_of(60)));
}

BOOST_AUTO_TEST_CASE(a_long_log_is_folded_into_a_snapshot_and_loses_nothing)
{
    Runs runs({20'000, Seconds{600}});
    runs.run([](FollowLog& log, net::test::RunningLoop& running) {
        log.begin(purge::kJournal);
        keep(log, 1, 1000);
        log.flush();
        keep(log, 1001, 1010);
        log.flush();
        running.until([&] { return log.log_bytes() < 20'000; });
    });
    const auto found = runs.run();
    BOOST_TEST_REQUIRE(found.recorder.loaded.has_value());
    BOOST_TEST(found.recorder.loaded->entries().size() == 10U);
    BOOST_TEST(found.restored.applied.contiguous() == 1010U);
    BOOST_TEST((found.restored.tree.root() == root_of(1010)));
}

BOOST_AUTO_TEST_CASE(the_instance_stays_over_restarts_of_the_process)
{
    Runs runs;
    std::uint64_t first = 0;
    std::uint64_t second = 1;
    runs.run([&](FollowLog& log, auto&) { first = log.instance(); });
    runs.run([&](FollowLog& log, auto&) { second = log.instance(); });
    BOOST_TEST(first != 0U);
    BOOST_TEST(first == second);
}

BOOST_AUTO_TEST_CASE(only_an_orderly_stop_is_called_clean)
{
    Runs runs;
    bool clean = true;
    runs.run([&](FollowLog& log, auto&) {
        clean = log.was_clean();
        log.close_cleanly();
    });
    BOOST_TEST(!clean);
    runs.run([&](FollowLog& log, auto&) { clean = log.was_clean(); });
    BOOST_TEST(clean);
    runs.run([&](FollowLog& log, auto&) { clean = log.was_clean(); });
    BOOST_TEST(!clean);
}

BOOST_AUTO_TEST_CASE(two_processes_do_not_share_a_directory)
{
    Runs runs;
    runs.run([&](FollowLog&, net::test::RunningLoop& running) {
        const auto second = FollowLog::open(running.loop, runs.path());
        BOOST_TEST_REQUIRE(!second.has_value());
        BOOST_TEST(second.error().find("another process") != std::string::npos);
    });
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::follow
