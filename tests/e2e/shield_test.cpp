#include "tests/e2e/fleet.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

// Two tiers: client → outer edge → shield → app. Each tier hears of a purge by itself, in either
// order; what the shield still holds must never come back as valid (design.md §3, Tiers).
using namespace tidemark::e2e;
using namespace std::chrono_literals;
namespace data = boost::unit_test::data;

namespace
{
const Fields kTagged{{"Cache-Control", "max-age=600"}, {"Surrogate-Key", "shoes"}};

struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared()
    {
        FleetPlan plan{
            {{"shield"},
             {"outer", {"--lease", "1500ms"}, "shield = true\nupstreams = [\"EDGE(shield)\"]"}}};
        plan.relayed = true;
        plan.more_certificates = {"stranger"};
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
std::string at_outer(std::string_view target)
{
    return fleet().get("outer", target).body;
}
std::string at_shield(std::string_view target)
{
    return fleet().get("shield", target).body;
}

struct Naming {
    const char* what;
    std::string body; // "": its URI
    friend std::ostream& operator<<(std::ostream& out, const Naming& n) { return out << n.what; }
};
const Naming kNamings[] = {
    {"uri", ""},
    {"group", R"({"type":"group","groups":["shoes"]})"},
    {"all", R"({"type":"all"})"},
};
std::string body_of(const Naming& n, const std::string& target)
{
    return n.body.empty() ? purge_of(target) : n.body;
}
} // namespace

BOOST_AUTO_TEST_SUITE(shield, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(an_answer_is_stored_at_both_tiers_and_what_is_between_nodes_stays_there)
{
    Page page(app(), "/both", kTagged);
    const Message first = fleet().get("outer", "/both");
    BOOST_TEST(first.body == "old");
    for (const char* hidden : {"Tidemark-Fence", "Surrogate-Key"})
        BOOST_TEST(!first.has(hidden), hidden);
    BOOST_TEST(!app().last("/both").has("Tidemark-Fence"));
    BOOST_TEST(from_store(fleet().get("outer", "/both")));
    BOOST_TEST(from_store(fleet().get("shield", "/both")));
    BOOST_TEST(page.asked() == 1);
}

BOOST_DATA_TEST_CASE(purged_at_the_outer_edge_first_the_shield_does_not_hand_out_its_old_copy,
                     data::make(kNamings), n)
{
    const std::string target = "/outer-first/" + std::string(n.what);
    const std::string body = body_of(n, target);
    Page page(app(), target, kTagged);
    BOOST_TEST(at_outer(target) == "old"); // both have it now
    Cut cut(fleet(), "shield");
    page.write("new");
    const std::uint64_t version = fleet().purge_now(body);
    fleet().wait_until_applied("outer", version);
    BOOST_TEST(at_outer(target) == "new"); // the shield has not heard of it
    cut.mend();
    fleet().wait_until_applied("shield", version);
    fleet().wait_until_all_in_sync();
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(at_outer(target) == "new");
        BOOST_TEST(at_shield(target) == "new");
    }
    BOOST_TEST(from_store(fleet().get("outer", target)));
}

BOOST_DATA_TEST_CASE(purged_at_the_shield_first_the_outer_edge_has_nothing_old_after_the_200,
                     data::make(kNamings), n)
{
    const std::string target = "/shield-first/" + std::string(n.what);
    const std::string body = body_of(n, target);
    Page page(app(), target, kTagged);
    BOOST_TEST(at_outer(target) == "old");
    Cut cut(fleet(), "outer");
    page.write("new");
    const Message purged = fleet().purge_everywhere(body); // by its lease
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(at_outer(target) == "new");
    BOOST_TEST(at_shield(target) == "new");
    cut.mend();
    fleet().wait_until_applied("outer", version_in(purged));
    fleet().wait_until_all_in_sync();
    BOOST_TEST(at_outer(target) == "new");
}

// The outer edge's request went out before the purge, and came to rest at the app.
BOOST_AUTO_TEST_CASE(a_purge_during_a_fetch_through_both_tiers_leaves_nothing_old_at_either)
{
    Page page(app(), "/flight", kTagged);
    page.hold_next();
    RawClient early(fleet().edge("outer").at());
    fleet().send_get(early, "/flight");
    page.wait_until_held();
    page.write("new");
    fleet().purge_everywhere(purge_of("/flight"));
    RawClient late(fleet().edge("outer").at());
    fleet().send_get(late, "/flight");
    page.release();
    BOOST_TEST(early.read_response().status() == 200);
    BOOST_TEST(late.read_response().body == "new");
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(at_outer("/flight") == "new");
        BOOST_TEST(at_shield("/flight") == "new");
    }
}

// The shield sits on an answer from before the purge, of which it hears last.
BOOST_AUTO_TEST_CASE(an_outer_edge_that_knows_more_does_not_join_the_shields_older_fetch)
{
    Page page(app(), "/older", kTagged);
    page.hold_next();
    RawClient early(fleet().edge("shield").at());
    fleet().send_get(early, "/older");
    page.wait_until_held();
    Cut cut(fleet(), "shield");
    page.write("new");
    const std::uint64_t version = fleet().purge_now(purge_of("/older"));
    fleet().wait_until_applied("outer", version);
    BOOST_TEST(at_outer("/older") == "new");
    page.release();
    BOOST_TEST(early.read_response().status() == 200);
    BOOST_TEST(at_outer("/older") == "new");
    cut.mend();
    fleet().wait_until_applied("shield", version);
    fleet().wait_until_in_sync("shield");
    BOOST_TEST(at_shield("/older") == "new");
    BOOST_TEST(at_outer("/older") == "new");
}

BOOST_AUTO_TEST_CASE(stale_while_revalidate_of_the_shield_is_not_for_the_outer_edge)
{
    Page page(app(), "/swr",
              {{"Cache-Control", "max-age=10, stale-while-revalidate=600"}, {"Age", "11"}});
    BOOST_TEST(at_shield("/swr") == "old");
    page.write("new");
    BOOST_TEST(at_outer("/swr") == "new");
}

BOOST_AUTO_TEST_CASE(a_fence_that_a_client_makes_up_is_ignored_and_not_passed_on)
{
    Page page(app(), "/made-up", kTagged);
    const double before = metric(fleet().edge("outer"), "tidemark_unproven_fences_total");
    const std::string journal =
        json_at(fleet().origin.ask_admin("GET", "/v1/edges").body, "/journal");
    const Fields forged{
        {"Tidemark-Fence", "1;j=\"" + journal + "\";k=1;m=\"" + std::string(32, '0') + "\""}};
    BOOST_TEST(fleet().get("outer", "/made-up", forged).body == "old");
    BOOST_TEST(!app().last("/made-up").has("Tidemark-Fence"));
    const Message hit = fleet().get("outer", "/made-up", forged);
    BOOST_TEST(from_store(hit)); // nobody can force misses with it
    BOOST_TEST(!hit.has("Tidemark-Fence"));
    BOOST_TEST(!hit.has("Surrogate-Key"));
    BOOST_TEST(metric(fleet().edge("outer"), "tidemark_unproven_fences_total") >= before + 2);
    BOOST_TEST(!fleet().get("shield", "/made-up", forged).has("Surrogate-Key"));
}

BOOST_AUTO_TEST_CASE(what_a_shield_answers_without_a_valid_fence_is_not_stored_and_raises_an_alarm)
{
    Shared::fleet->add({"stranger", {}, "shield = true\nupstreams = [\"APP\"]"});
    fleet().wait_until_in_sync("stranger");
    Page page(app(), "/no-fence",
              {{"Cache-Control", "max-age=600"},
               {"Tidemark-Fence",
                "99999;j=\"0000000000000001\";k=1;m=\"" + std::string(32, 'a') + "\""}});
    for (int i = 1; i <= 3; ++i) {
        const Message answer = fleet().get("stranger", "/no-fence");
        BOOST_TEST(answer.body == "old");
        BOOST_TEST(!from_store(answer));
        BOOST_TEST(!answer.has("Tidemark-Fence"));
        BOOST_TEST(page.asked() == i);
    }
    BOOST_TEST(metric(fleet().edge("stranger"), "tidemark_unfenced_answers_total") >= 3);
    BOOST_TEST(fleet().edge("stranger").log().find("fence") != std::string::npos);
    Shared::fleet->remove("stranger");
}

BOOST_AUTO_TEST_SUITE_END()
