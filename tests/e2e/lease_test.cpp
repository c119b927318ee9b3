#include "tests/e2e/fleet.hpp"

#include <boost/test/unit_test.hpp>
#include <deque>

// Edges that cannot hear: when a purge is done without them, and what they serve then (design.md
// §2: I3, I4).
using namespace tidemark::e2e;
using namespace std::chrono_literals;

namespace
{
constexpr auto kLong = 2s;

struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared()
    {
        FleetPlan plan;
        plan.edges = {{"near", {"--lease", "3s"}},
                      {"cut", {"--lease", "2s"}},
                      {"server", {"--lease", "500ms", "--adrift", "serve"}},
                      {"failer", {"--lease", "500ms", "--adrift", "fail"}}};
        plan.relayed = true;
        plan.more_certificates = {"gone", "gone-server"};
        fleet = std::make_unique<Fleet>(plan);
    }
    ~Shared() { fleet.reset(); }
};
const Fleet& fleet()
{
    return *Shared::fleet;
}
FakeOrigin& app()
{
    return Shared::fleet->app;
}

// The names of those a 202 says it is missing.
std::string missing_of(const Message& answer)
{
    return json_at(answer.body, "/missing");
}
// How an edge came to be clean in a report, "nothing" if it did not.
std::string clean_by(std::uint64_t version, const std::string& edge)
{
    const std::string report = fleet().report(version);
    for (int i = 0;; ++i) {
        const std::string at = "/edges/" + std::to_string(i);
        const std::string name = json_at(report, at + "/name");
        if (name == edge) return json_at(report, at + "/by");
        if (name.empty()) throw std::runtime_error(edge + " is not in " + report);
    }
}
void wait_until_clean(std::uint64_t version, const std::string& edge, const std::string& by)
{
    BOOST_TEST_REQUIRE(poll_until(soon(), [&] { return clean_by(version, edge) == by; }));
}
} // namespace

BOOST_AUTO_TEST_SUITE(leases, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(with_one_edge_cut_off_200_comes_when_its_lease_has_run_out_and_is_true_then)
{
    Page page(app(), "/cut");
    BOOST_TEST(fleet().get("cut", "/cut").body == "old");
    Cut cut(fleet(), "cut");
    page.write("new");
    const auto started = Clock::now();
    const Message soon_over = fleet().origin.purge(purge_of("/cut"), 1);
    BOOST_TEST(soon_over.status() == 202);
    BOOST_TEST(missing_of(soon_over) == R"(["cut"])");
    // Until then it is within its rights.
    const std::uint64_t version = version_in(soon_over);
    wait_until_clean(version, "cut", "lease");
    BOOST_TEST((Clock::now() - started >= kLong));
    for (int i = 0; i < 5; ++i) {
        const Message answer = fleet().get("cut", "/cut");
        BOOST_TEST(answer.body == "new");
    }
    // And the same in one request.
    page.write("newer");
    const auto again = Clock::now();
    fleet().purge_everywhere(purge_of("/cut"));
    BOOST_TEST((Clock::now() - again >= kLong));
    BOOST_TEST(fleet().get("cut", "/cut").body == "newer");
    cut.mend();
    fleet().wait_until_in_sync("cut");
    BOOST_TEST(fleet().get("cut", "/cut").body == "newer");
}

BOOST_AUTO_TEST_CASE(an_edge_adrift_validates_what_it_has_and_serves_nothing_stale_on_error)
{
    Page page(app(), "/adrift", {{"Cache-Control", "max-age=600, stale-if-error=600"}});
    BOOST_TEST(fleet().get("cut", "/adrift").body == "old");
    Cut cut(fleet(), "cut");
    fleet().wait_until_in_sync("cut", false);
    page.write("new"); // purged by a version that it never hears of
    fleet().purge_now(purge_of("/adrift"));
    BOOST_TEST_REQUIRE(poll_until(soon(kLong * 3), [&] {
        return fleet().get("cut", "/adrift").body == "new"; // one lease after its last validation
    }));
    app().on("/adrift", [](Exchange& x) { x.abort(); });
    BOOST_TEST(poll_until(soon(kLong * 3), [] {
        return one_of(fleet().get("cut", "/adrift").status(), {502, 503, 504});
    }));
    cut.mend();
    fleet().wait_until_in_sync("cut");
}

BOOST_AUTO_TEST_CASE(an_edge_that_was_stopped_past_its_lease_wakes_and_serves_nothing_old)
{
    Page page(app(), "/frozen");
    BOOST_TEST(fleet().get("cut", "/frozen").body == "old");
    EdgeProcess& frozen = fleet().edge("cut");
    std::deque<RawClient> idle; // connections that its workers had taken before
    for (int i = 0; i < 8; ++i) {
        fleet().send_get(idle.emplace_back(frozen.at()), "/frozen");
        BOOST_TEST(idle.back().read_response().body == "old");
    }
    Cut cut(fleet(), "cut"); // nor does the purge wait in its sockets
    frozen.freeze();
    page.write("new");
    const Message purged = fleet().origin.purge(purge_of("/frozen"), 20);
    // What has come by now is the first that it reads when it goes on.
    for (RawClient& client : idle)
        fleet().send_get(client, "/frozen");
    frozen.thaw();
    BOOST_TEST(purged.status() == 200);
    for (RawClient& client : idle)
        BOOST_TEST(client.read_response().body == "new");
    cut.mend();
    fleet().wait_until_applied("cut", version_in(purged));
    fleet().wait_until_in_sync("cut");
    BOOST_TEST(fleet().get("cut", "/frozen").body == "new");
}

BOOST_AUTO_TEST_CASE(an_edge_that_serves_adrift_says_so_and_counts_by_its_acknowledgement_only)
{
    Page page(app(), "/serve");
    BOOST_TEST(fleet().get("server", "/serve").body == "old");
    Cut cut(fleet(), "server");
    page.write("new");
    const Message purged = fleet().origin.purge(purge_of("/serve"), 2); // four leases
    BOOST_TEST(purged.status() == 202);
    BOOST_TEST(missing_of(purged) == R"(["server"])");
    const Message old = fleet().get("server", "/serve");
    BOOST_TEST(old.body == "old");
    BOOST_TEST(from_store(old));
    BOOST_TEST(detail_of(old) == "adrift");
    cut.mend();
    wait_until_clean(version_in(purged), "server", "ack");
    const Message fresh = fleet().get("server", "/serve");
    BOOST_TEST(fresh.body == "new");
    BOOST_TEST(detail_of(fresh) == "");
}

BOOST_AUTO_TEST_CASE(an_edge_that_fails_adrift_answers_503_until_it_hears_again)
{
    Page page(app(), "/fail");
    BOOST_TEST(fleet().get("failer", "/fail").status() == 200);
    Cut cut(fleet(), "failer");
    BOOST_TEST(poll_until(soon(), [] { return fleet().get("failer", "/fail").status() == 503; }));
    page.write("new");
    const Message purged = fleet().purge_everywhere(purge_of("/fail"));
    BOOST_TEST(fleet().get("failer", "/fail").status() == 503);
    cut.mend();
    fleet().wait_until_in_sync("failer");
    BOOST_TEST(fleet().get("failer", "/fail").body == "new");
}

BOOST_AUTO_TEST_CASE(with_udp_blocked_the_stream_carries_all)
{
    Page page(app(), "/udp");
    for (std::size_t door = 0; door < fleet().relay().doors(); ++door)
        fleet().relay().block_udp(true, door);
    for (int round = 0; round < 5; ++round) {
        fleet().bodies("/udp");
        page.write(std::to_string(round));
        const Message purged = fleet().purge_everywhere(purge_of("/udp"));
        for (const char* edge : {"near", "cut"}) {
            BOOST_TEST(fleet().get(edge, "/udp").body == std::to_string(round));
            wait_until_clean(version_in(purged), edge, "ack");
        }
    }
    fleet().wait_until_all_in_sync(); // leases too
    for (std::size_t door = 0; door < fleet().relay().doors(); ++door)
        fleet().relay().block_udp(false, door);
}

BOOST_AUTO_TEST_CASE(a_link_that_breaks_comes_back_by_itself_and_nothing_is_missed)
{
    Page page(app(), "/break");
    for (int round = 0; round < 3; ++round) {
        fleet().bodies("/break");
        page.write(std::to_string(round));
        for (std::size_t door = 0; door < fleet().relay().doors(); ++door)
            fleet().relay().break_streams(door);
        const Message purged = fleet().purge_everywhere(purge_of("/break"));
        for (const char* edge : {"near", "cut"}) {
            BOOST_TEST(fleet().get(edge, "/break").body == std::to_string(round));
            fleet().wait_until_applied(edge, version_in(purged));
        }
    }
    fleet().wait_until_all_in_sync();
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_an_edge_that_was_removed_once_its_lease_has_run_out)
{
    Fleet& all = *Shared::fleet;
    const auto registered = [&] {
        return number_at(all.origin.ask_admin("GET", "/v1/status").body, "/edges/registered");
    };
    all.add({"gone", {"--lease", "500ms"}});
    all.wait_until_in_sync("gone");
    BOOST_TEST(registered() == 5U);
    all.remove("gone");
    BOOST_TEST(all.origin.ask_admin("DELETE", "/v1/edges/gone").status() == 200);
    BOOST_TEST(poll_until(soon(), [&] { return registered() == 4; }));
    const Message purged = all.purge_everywhere(purge_of("/gone"));
    BOOST_TEST(json_at(purged.body, "/edges/registered") == "4");
    BOOST_TEST(json_at(purged.body, "/edges/clean") == "4");
    BOOST_TEST(all.origin.ask_admin("DELETE", "/v1/edges/gone").status() == 404);
}

// It may be serving wherever it is: only a person can know that it does not.
BOOST_AUTO_TEST_CASE(an_edge_that_may_serve_adrift_is_removed_by_force_only)
{
    Fleet& all = *Shared::fleet;
    all.add({"gone-server", {"--lease", "500ms", "--adrift", "serve"}});
    all.wait_until_in_sync("gone-server");
    all.remove("gone-server");
    BOOST_TEST(all.origin.purge(purge_of("/gone"), 1).status() == 202);
    const Message refused = all.origin.ask_admin("DELETE", "/v1/edges/gone-server");
    BOOST_TEST(refused.status() == 409);
    BOOST_TEST(json_at(refused.body, "/field") == "force");
    BOOST_TEST(all.origin.ask_admin("DELETE", "/v1/edges/gone-server?force=true").status() == 200);
    all.purge_everywhere(purge_of("/gone"));
}

BOOST_AUTO_TEST_CASE(a_second_live_edge_of_one_name_is_refused)
{
    Fleet& all = *Shared::fleet;
    const TempDir elsewhere;
    std::vector<std::string> flags = all.origin.flags_for("near", {"--upstream", app().url()});
    for (std::string& flag : flags)
        if (flag == all.origin.data_of("near")) flag = elsewhere.path("data");
    const EdgeProcess second(flags);
    BOOST_TEST(
        poll_until(soon(), [&] { return second.log().find("refuse") != std::string::npos; }));
    const Message purged = all.purge_everywhere(purge_of("/second"));
    wait_until_clean(version_in(purged), "near", "ack");
    BOOST_TEST(json_at(second.ask_admin("GET", "/v1/status").body, "/origin/in_sync") == "false");
}

BOOST_AUTO_TEST_SUITE_END()
