#include "tests/e2e/fleet.hpp"

#include <algorithm>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sys/mount.h>
#include <thread>

#include <nlohmann/json.hpp>
#include <sqlite3.h>

// What survives: kill -9, restored backups, damage, full disks (design.md §2: I5; §3, Restored
// backups).
using namespace tidemark::e2e;
using namespace std::chrono_literals;
using tidemark::support::run_tidemark;

namespace
{
using Json = nlohmann::json;

// A batch as it was acknowledged.
struct Acknowledged {
    std::uint64_t first = 0; // its versions are consecutive
    std::string name;        // of its pages: name/0, name/1 …
};
constexpr int kBatch = 50;

std::string batch_of(const std::string& name)
{
    std::string body = R"({"batch":[)";
    for (int i = 0; i < kBatch; ++i)
        body += (i == 0 ? "" : ",") + purge_of(name + "/" + std::to_string(i));
    return body + "]}";
}

// Purges over one kept-alive connection until the origin dies.
class Purger
{
  public:
    Purger(const Endpoint& admin, std::string name, std::atomic<int>& acknowledged)
        : thread_([this, admin, name = std::move(name), &acknowledged] {
              try {
                  RawClient client(admin);
                  for (int i = 0;; ++i) {
                      const std::string batch = name + "/" + std::to_string(i);
                      const Message answer =
                          client.ask("POST", "/v1/purge", {{"Content-Type", "application/json"}},
                                     batch_of(batch));
                      if (answer.status() != 202 || !answer.complete) continue;
                      done_.push_back({number_at(answer.body, "/versions/0"), batch});
                      acknowledged += kBatch;
                  }
              } catch (const std::exception&) { // it is dead
              }
          })
    {
    }
    ~Purger() { join(); }
    Purger(const Purger&) = delete;
    Purger& operator=(const Purger&) = delete;
    void join()
    {
        if (thread_.joinable()) thread_.join();
    }
    // After join().
    [[nodiscard]] const std::vector<Acknowledged>& done() const noexcept { return done_; }

  private:
    std::vector<Acknowledged> done_;
    std::thread thread_;
};

// version → selector, of all that GET /v1/journal knows.
std::map<std::uint64_t, std::string> journal_of(const DaemonProcess& daemon)
{
    std::map<std::uint64_t, std::string> all;
    RawClient client(daemon.admin());
    for (std::uint64_t from = 1;;) {
        const Json page =
            Json::parse(client.get("/v1/journal?limit=1000&from=" + std::to_string(from)).body);
        for (const Json& message : page.at("messages"))
            all.emplace(message.at("version").get<std::uint64_t>(),
                        message.value("selectors", Json::array({""})).at(0).get<std::string>());
        if (!page.contains("next")) return all;
        from = page["next"].get<std::uint64_t>();
    }
}

std::string journal_id(const DaemonProcess& daemon)
{
    return json_at(daemon.ask_admin("GET", "/v1/status").body, "/journal/id");
}

void wait_until_all_applied(const Fleet& fleet, std::uint64_t version)
{
    for (const char* edge : {"a", "b"})
        fleet.wait_until_applied(edge, version);
}

FleetPlan two_edges(bool relayed = false)
{
    FleetPlan plan{{{"a"}, {"b"}}};
    plan.relayed = relayed;
    return plan;
}

void change_record(const std::string& directory, std::uint64_t version, const std::string& change)
{
    sqlite3* database = nullptr;
    BOOST_TEST_REQUIRE(sqlite3_open((directory + "/journal.db").c_str(), &database) == SQLITE_OK);
    const std::string sql =
        "UPDATE records SET record = " + change + " WHERE version = " + std::to_string(version);
    BOOST_TEST_REQUIRE(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK,
                       sqlite3_errmsg(database));
    BOOST_TEST_REQUIRE(sqlite3_changes(database) == 1);
    sqlite3_close(database);
}

// A small disk under a directory, while this lives.
class SmallDisk
{
  public:
    explicit SmallDisk(std::string directory) : directory_(std::move(directory))
    {
        mounted_ = ::mount("none", directory_.c_str(), "tmpfs", 0, "size=4m") == 0;
    }
    ~SmallDisk()
    {
        if (mounted_) ::umount2(directory_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    [[nodiscard]] bool mounted() const noexcept { return mounted_; }
    void fill() const
    {
        std::ofstream file(directory_ + "/filler", std::ios::binary);
        const std::string page(4096, 'f');
        while (file.write(page.data(), 4096).flush())
            continue;
    }
    void make_room() const { std::filesystem::remove(directory_ + "/filler"); }

  private:
    std::string directory_;
    bool mounted_ = false;
};
} // namespace

BOOST_AUTO_TEST_SUITE(journal_crash)

BOOST_AUTO_TEST_CASE(a_killed_origin_has_every_version_that_it_acknowledged)
{
    constexpr int kAtLeast = 3'000; // in each life
    Fleet fleet(two_edges());
    Page page(fleet.app, "/k");
    fleet.bodies("/k");
    page.write("new");
    fleet.purge_everywhere(purge_of("/k"));
    const std::string id = journal_id(fleet.origin);
    OriginProcess& origin = fleet.origin;
    std::vector<Acknowledged> all;
    for (int life = 0; life < 3; ++life) {
        std::atomic<int> acknowledged = 0;
        std::deque<Purger> purgers;
        for (const char* name : {"x", "y", "z"})
            purgers.emplace_back(origin.admin(), "/" + std::to_string(life) + name, acknowledged);
        const bool enough = poll_until(soon(), [&] { return acknowledged > kAtLeast; });
        origin.kill();
        for (Purger& purger : purgers) {
            purger.join();
            all.insert(all.end(), purger.done().begin(), purger.done().end());
        }
        BOOST_TEST_REQUIRE(enough);
        origin.start();
        const auto journal = journal_of(origin);
        BOOST_TEST(journal_id(origin) == id);
        BOOST_TEST_REQUIRE(!journal.empty());
        BOOST_TEST(journal.rbegin()->first == journal.size()); // no gaps
        int missing = 0;
        for (const Acknowledged& batch : all)
            for (std::uint64_t i = 0; i < kBatch; ++i) {
                const auto found = journal.find(batch.first + i);
                missing += found == journal.end() ||
                                   found->second != page_url(batch.name + "/" + std::to_string(i))
                               ? 1
                               : 0;
            }
        BOOST_TEST(missing == 0, "life " << life << ": " << missing << " are missing");
        wait_until_all_applied(fleet, journal.rbegin()->first); // by themselves
    }
    page.write("newer");
    fleet.purge_everywhere(purge_of("/k"));
    BOOST_TEST(fleet.bodies("/k") == "newer/newer");
}

// "b" misses a purge; then the journal forgets it too.
BOOST_AUTO_TEST_CASE(with_the_journal_restored_from_an_older_backup_nothing_old_is_served_as_valid)
{
    Fleet fleet(two_edges(true));
    OriginProcess& origin = fleet.origin;
    Page page(fleet.app, "/p");
    Page other(fleet.app, "/other");
    fleet.purge_everywhere(purge_of("/before"));
    origin.stop();
    origin.back_up();
    origin.start();
    fleet.wait_until_all_in_sync();
    fleet.bodies("/p");
    fleet.bodies("/other");
    const std::string id = journal_id(origin);
    Cut cut(fleet, "b");
    page.write("new");
    const std::uint64_t forgotten = fleet.purge_now(purge_of("/p"));
    fleet.wait_until_applied("a", forgotten);
    origin.stop();
    origin.restore_backup();
    origin.start();
    // "a" has heard of what this journal does not hold.
    BOOST_TEST(poll_until(soon(), [&] { return journal_id(origin) != id; }));
    cut.mend();
    // Until it hears of the other journal "b" is within its lease, and nobody was told otherwise.
    fleet.wait_until_applied("b", number_at(origin.ask_admin("GET", "/v1/edges").body, "/mark"));
    fleet.wait_until_all_in_sync();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(fleet.bodies("/p") == "new/new");
    BOOST_TEST(fleet.bodies("/other") == "old/old"); // it was not purged
    page.write("newer");
    const Message purged = fleet.purge_everywhere(purge_of("/p"));
    BOOST_TEST(version_in(purged) > forgotten);
    BOOST_TEST(fleet.bodies("/p") == "newer/newer");
}

BOOST_AUTO_TEST_CASE(a_journal_with_a_damaged_end_opens_at_its_last_whole_version_and_says_so)
{
    Fleet fleet(two_edges());
    OriginProcess& origin = fleet.origin;
    Page page(fleet.app, "/p");
    for (int i = 0; i < 5; ++i)
        fleet.purge_everywhere(purge_of("/other"));
    fleet.bodies("/p");
    page.write("new");
    const std::uint64_t last = version_in(fleet.purge_everywhere(purge_of("/p")));
    const std::string id = journal_id(origin);
    origin.stop();
    change_record(origin.data(), last, "substr(record, 1, length(record) - 3)");
    origin.start();
    BOOST_TEST(origin.log().find("damaged from version " + std::to_string(last)) !=
               std::string::npos);
    // It was acknowledged, so edges must not take another one for it.
    BOOST_TEST(journal_id(origin) != id);
    fleet.wait_until_all_in_sync();
    BOOST_TEST(fleet.bodies("/p") == "new/new");
    BOOST_TEST(version_in(fleet.purge_everywhere(purge_of("/p"))) > last);
}

BOOST_AUTO_TEST_CASE(a_journal_that_is_damaged_in_the_middle_does_not_open_and_says_where)
{
    OriginProcess origin({"a"});
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(origin.purge(purge_of("/p")).status() == 202);
    origin.stop();
    change_record(origin.data(), 3, "substr(record, 1, length(record) - 3)");
    const auto started = run_tidemark({"origin", "--admin", origin.admin().listen_flag(), "--link",
                                       origin.link().listen_flag(), "--data", origin.data(),
                                       "--certs", origin.certs()});
    BOOST_TEST(started.exit_code != 0);
    BOOST_TEST(started.err.find("version 3 is damaged") != std::string::npos, started.err);
    const auto verified = run_tidemark({"journal", "verify", "--data", origin.data()});
    BOOST_TEST(verified.exit_code != 0);
    BOOST_TEST((verified.out + verified.err).find("version 3 ") != std::string::npos,
               verified.out << verified.err);
}

BOOST_AUTO_TEST_CASE(an_exported_journal_that_is_imported_elsewhere_leaves_nothing_old_at_the_edges)
{
    Fleet fleet(two_edges());
    OriginProcess& origin = fleet.origin;
    Page page(fleet.app, "/p");
    fleet.bodies("/p");
    page.write("new");
    fleet.purge_everywhere(purge_of("/p"));
    const std::string id = journal_id(origin);
    const std::string file = fleet.dir.path("backup.tj");
    const auto run = [&](const std::string& action) {
        const tidemark::support::ProgramResult done =
            tidemark::support::run_tidemark({"journal", action, "--data", origin.data(), file});
        BOOST_TEST(done.exit_code == 0, done.err);
    };
    run("export"); // while it runs
    const std::uint64_t after = fleet.purge_now(purge_of("/after"));
    wait_until_all_applied(fleet, after);
    origin.stop();
    std::filesystem::remove_all(origin.data());
    run("import");
    origin.start();
    fleet.wait_until_all_in_sync();
    BOOST_TEST(journal_id(origin) != id);
    BOOST_TEST(fleet.bodies("/p") == "new/new");
    page.write("newer");
    fleet.purge_everywhere(purge_of("/p"));
    BOOST_TEST(fleet.bodies("/p") == "newer/newer");
}

BOOST_AUTO_TEST_CASE(on_a_full_disk_purges_are_refused_and_serving_goes_on)
{
    Fleet fleet(two_edges());
    OriginProcess& origin = fleet.origin;
    Page page(fleet.app, "/p");
    fleet.bodies("/p");
    origin.stop();
    origin.back_up();
    const SmallDisk disk(origin.data());
    if (!disk.mounted()) {
        BOOST_TEST_MESSAGE("skipped: no tmpfs can be mounted here: " << std::strerror(errno));
        return;
    }
    std::filesystem::copy(origin.data() + "/../backup", origin.data(),
                          std::filesystem::copy_options::recursive);
    origin.start();
    fleet.wait_until_all_in_sync();
    disk.fill();
    // The write-ahead log may have some room left in what it has already.
    std::string big = R"({"batch":[)";
    for (int i = 0; i < 2000; ++i)
        big += (i == 0 ? "" : ",") + purge_of("/full/" + std::to_string(i));
    big += "]}";
    Message refused;
    BOOST_TEST(poll_until(soon(), [&] {
        refused = origin.purge(big);
        return refused.status() == 503;
    }));
    BOOST_TEST(refused.value("Content-Type") == "application/problem+json");
    BOOST_TEST(refused.has("Retry-After"));
    BOOST_TEST(fleet.bodies("/p") == "old/old");
    BOOST_TEST(from_store(fleet.get("a", "/p")));
    BOOST_TEST(origin.ask_admin("GET", "/v1/journal?limit=1").status() == 200);
    fleet.wait_until_all_in_sync();
    disk.make_room();
    page.write("new");
    BOOST_TEST(
        poll_until(soon(), [&] { return origin.purge(purge_of("/p"), 20).status() == 200; }));
    BOOST_TEST(fleet.bodies("/p") == "new/new");
    origin.stop();
}

// ---- Alone

namespace
{
std::string alone_url(const EdgeProcess& edge)
{
    return purge_body("uri", {edge.url("/p")});
}
} // namespace

BOOST_AUTO_TEST_CASE(a_standalone_edge_with_data_keeps_its_versions_over_a_kill)
{
    FakeOrigin app;
    const TempDir dir;
    EdgeProcess edge({"--upstream", app.url(), "--data", dir.path("data")});
    const std::string id = journal_id(edge);
    BOOST_TEST(json_at(edge.ask_admin("GET", "/v1/status").body, "/journal/durable") == "true");
    Page page(app, "/p");
    for (int round = 1; round <= 3; ++round) {
        static_cast<void>(get(edge.at(), "/p"));
        page.write(std::to_string(round));
        // Answered when it is applied, without having been asked to wait.
        const Message purged = edge.ask_admin("POST", "/v1/purge", alone_url(edge));
        BOOST_TEST(purged.status() == 200, purged.body);
        BOOST_TEST(version_in(purged) == static_cast<std::uint64_t>(round));
        BOOST_TEST(get(edge.at(), "/p").body == std::to_string(round));
        edge.kill();
        edge.start();
        BOOST_TEST(journal_id(edge) == id);
        BOOST_TEST(get(edge.at(), "/p").body == std::to_string(round));
    }
    const auto journal = journal_of(edge);
    BOOST_TEST(journal.size() == 3U);
    BOOST_TEST(journal.at(3) == edge.url("/p"));
}

BOOST_AUTO_TEST_CASE(a_standalone_edge_without_data_begins_a_new_journal_and_says_so)
{
    FakeOrigin app;
    EdgeProcess edge({"--upstream", app.url()});
    const std::string id = journal_id(edge);
    BOOST_TEST(json_at(edge.ask_admin("GET", "/v1/status").body, "/journal/durable") == "false");
    BOOST_TEST(edge.ask_admin("POST", "/v1/purge", alone_url(edge)).status() == 200);
    edge.restart();
    BOOST_TEST(!id.empty());
    BOOST_TEST(journal_id(edge) != id);
    BOOST_TEST(journal_of(edge).empty());
}

BOOST_AUTO_TEST_SUITE_END()
