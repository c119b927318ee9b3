#include "tests/e2e/fleet.hpp"

#include <boost/test/unit_test.hpp>

// The commands that speak to an admin endpoint, as a person at a terminal uses them.
using namespace tidemark::e2e;
using tidemark::support::ProgramResult;
using tidemark::support::run_tidemark;

namespace
{
// One fleet for all: an origin, two edges.
struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared() { fleet = std::make_unique<Fleet>(FleetPlan{{{"a"}, {"b"}}}); }
    ~Shared() { fleet.reset(); }
};

ProgramResult command(std::vector<std::string> args)
{
    args.insert(args.end(), {"--admin", Shared::fleet->origin.admin().listen_flag()});
    return run_tidemark(args);
}
bool says(const std::string& text, std::string_view part)
{
    return text.find(part) != std::string::npos;
}
} // namespace

BOOST_AUTO_TEST_SUITE(commands, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(a_purge_that_waits_says_that_every_edge_is_clean)
{
    Page page(Shared::fleet->app, "/waits");
    BOOST_TEST(Shared::fleet->bodies("/waits") == "old/old");
    page.write("new");
    const ProgramResult purged = command({"purge", page_url("/waits"), "--wait", "all"});
    BOOST_TEST(purged.exit_code == 0);
    BOOST_TEST(says(purged.out, "2 of 2 edge(s) clean"));
    BOOST_TEST(Shared::fleet->bodies("/waits") == "new/new");
}

BOOST_AUTO_TEST_CASE(an_edge_that_is_not_clean_in_time_is_named_and_the_exit_code_is_3)
{
    Shared::fleet->edge("b").freeze();
    const ProgramResult purged = command({"purge", "--all", "--wait", "all", "--timeout", "1s"});
    Shared::fleet->edge("b").thaw();
    BOOST_TEST(purged.exit_code == 3);
    BOOST_TEST(says(purged.out, "not clean in time: b"));
    Shared::fleet->wait_until_all_in_sync();
}

BOOST_AUTO_TEST_CASE(a_refused_purge_says_why)
{
    const ProgramResult refused = command({"purge", "--regex", "(", "--wait", "all"});
    BOOST_TEST(refused.exit_code == 1);
    BOOST_TEST(says(refused.err, "selectors"));
}

BOOST_AUTO_TEST_CASE(an_undone_purge_leaves_what_it_covered)
{
    Page page(Shared::fleet->app, "/undone");
    const ProgramResult purged = command({"purge", "--tag", "nothing-has-it", "--wait", "all"});
    const std::size_t at = purged.out.find("version ");
    BOOST_TEST_REQUIRE(at != std::string::npos);
    const std::string version = std::to_string(std::stoull(purged.out.substr(at + 8)));
    BOOST_TEST(command({"undo", version}).exit_code == 0);
    BOOST_TEST(command({"undo", "999999"}).exit_code == 1);
}

BOOST_AUTO_TEST_CASE(pushed_content_is_served_though_nobody_asked_for_it)
{
    const std::string file = Shared::fleet->dir.write("logo.svg", "<svg/>");
    const ProgramResult pushed = command({"push", page_url("/logo.svg"), file, "--header",
                                          "Cache-Control: max-age=600", "--wait", "all"});
    BOOST_TEST(pushed.exit_code == 0);
    BOOST_TEST(Shared::fleet->bodies("/logo.svg") == "<svg/>/<svg/>");
    BOOST_TEST(Shared::fleet->app.count("/logo.svg") == 0);
}

BOOST_AUTO_TEST_CASE(status_lists_the_edges_of_an_origin_and_the_origin_of_an_edge)
{
    const ProgramResult origin = command({"status"});
    BOOST_TEST(origin.exit_code == 0);
    BOOST_TEST(says(origin.out, "origin, tidemark"));
    BOOST_TEST(says(origin.out, "linked"));
    const ProgramResult edge =
        run_tidemark({"status", "--admin", Shared::fleet->edge("a").admin().listen_flag()});
    BOOST_TEST(says(edge.out, "in sync"));
}

BOOST_AUTO_TEST_CASE(a_journal_can_be_verified_and_exported_while_it_is_in_use)
{
    const std::string data = Shared::fleet->origin.data();
    BOOST_TEST(run_tidemark({"journal", "verify", "--data", data}).exit_code == 0);
    const std::string file = Shared::fleet->dir.path("backup");
    BOOST_TEST(run_tidemark({"journal", "export", "--data", data, file}).exit_code == 0);
    const std::string fresh = Shared::fleet->dir.path("restored");
    BOOST_TEST(run_tidemark({"journal", "import", "--data", fresh, file}).exit_code == 0);
    BOOST_TEST(run_tidemark({"journal", "verify", "--data", fresh}).exit_code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
