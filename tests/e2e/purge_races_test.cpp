#include "tests/e2e/fleet.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <deque>

// What a 200 to a purge with "wait" promises, raced by everything that could break it: nobody who
// asks after it gets the old page (design.md §2: I1, I4).
using namespace tidemark::e2e;
using namespace std::chrono_literals;
namespace data = boost::unit_test::data;

namespace
{
// One origin and two edges for the whole suite; each test has pages of its own.
struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared() { fleet = std::make_unique<Fleet>(FleetPlan{{{"a"}, {"b"}}}); }
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

class Crowd
{
  public:
    Crowd(const std::string& edge, std::string_view target, int size)
    {
        for (int i = 0; i < size; ++i)
            fleet().send_get(clients_.emplace_back(fleet().edge(edge).at()), target);
    }
    [[nodiscard]] std::vector<std::string> bodies()
    {
        std::vector<std::string> all;
        for (RawClient& client : clients_)
            all.push_back(client.read_response().body);
        return all;
    }

  private:
    std::deque<RawClient> clients_;
};

// Old enough to be validated, and so young that it may be served meanwhile.
const Fields kStale{{"Cache-Control", "max-age=10"}, {"Age", "11"}};
const Fields kStaleButServed{{"Cache-Control", "max-age=10, stale-while-revalidate=600"},
                             {"Age", "11"}};
} // namespace

BOOST_AUTO_TEST_SUITE(purge_races, *boost::unit_test::fixture<Shared>())

struct Naming {
    const char* type;
    const char* target;
    std::string body;
    friend std::ostream& operator<<(std::ostream& out, const Naming& n) { return out << n.type; }
};
const Naming kNamings[] = {
    {"uri", "/n/uri", purge_of("/n/uri")},
    {"uri-prefix", "/n/prefix/x", purge_body("uri-prefix", {page_url("/n/prefix")})},
    {"origin", "/n/origin", purge_body("origin", {page_url("")})},
    {"host", "/n/host", purge_body("host", {std::string(kHost)})},
    {"group", "/n/group", R"({"type":"group","groups":["shoes"]})"},
    {"pattern", "/n/pattern.css", purge_body("pattern", {R"(^http://www\\.test/n/.*\\.css$)"})},
    {"all", "/n/all", R"({"type":"all"})"},
};
// At one edge it is stored, at the other a request for it is under way.
BOOST_DATA_TEST_CASE(whatever_names_it_nobody_gets_the_old_page_after_the_200, data::make(kNamings),
                     n)
{
    Page page(app(), n.target, {{"Cache-Control", "max-age=600"}, {"Surrogate-Key", "red shoes"}});
    BOOST_TEST(fleet().get("b", n.target).body == "old");
    page.hold_next();
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, n.target);
    page.wait_until_held();
    page.write("new");
    fleet().purge_everywhere(n.body);
    Crowd late("a", n.target, 3); // they wait until its tags are known
    BOOST_TEST(fleet().get("b", n.target).body == "new");
    page.release();
    BOOST_TEST(early.read_response().status() == 200); // it came before
    for (const std::string& body : late.bodies())
        BOOST_TEST(body == "new");
    BOOST_TEST(fleet().bodies(n.target) == "new/new");
    for (const char* edge : {"a", "b"})
        BOOST_TEST(from_store(fleet().get(edge, n.target)));
    BOOST_TEST(page.asked() <= 4);
}

BOOST_AUTO_TEST_CASE(what_a_purge_does_not_name_stays)
{
    Page kept(app(), "/kept");
    Page other(app(), "/kept/not");
    fleet().bodies("/kept");
    fleet().bodies("/kept/not");
    fleet().purge_everywhere(purge_of("/kept/not"));
    for (const char* edge : {"a", "b"}) {
        BOOST_TEST(from_store(fleet().get(edge, "/kept")));
        BOOST_TEST(!from_store(fleet().get(edge, "/kept/not")));
    }
}

BOOST_AUTO_TEST_CASE(an_answer_that_the_app_holds_for_a_second_does_not_bring_the_old_page_back)
{
    Page page(app(), "/second");
    page.hold_next(1s);
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, "/second");
    page.wait_until_held();
    page.write("new");
    fleet().purge_everywhere(purge_of("/second"));
    Crowd late("a", "/second", 10);
    for (const std::string& body : late.bodies())
        BOOST_TEST(body == "new");
    BOOST_TEST(early.read_response().status() == 200); // after its second
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(fleet().bodies("/second") == "new/new");
}

BOOST_AUTO_TEST_CASE(of_a_hundred_who_wait_for_one_answer_nobody_after_the_purge_gets_the_old_page)
{
    Page page(app(), "/crowd");
    page.hold_next();
    Crowd early("a", "/crowd", 50);
    page.wait_until_held();
    page.write("new");
    fleet().purge_everywhere(purge_of("/crowd"));
    Crowd late("a", "/crowd", 50);
    page.release();
    for (const std::string& body : late.bodies())
        BOOST_TEST(body == "new");
    for (const std::string& body : early.bodies())
        BOOST_TEST((body == "old" || body == "new"));
    BOOST_TEST(page.asked() <= 3); // at most one more for each group
    const Message hit = fleet().get("a", "/crowd");
    BOOST_TEST(hit.body == "new");
    BOOST_TEST(from_store(hit));
}

BOOST_AUTO_TEST_CASE(a_304_in_flight_does_not_make_the_old_page_valid_again)
{
    Page page(app(), "/304", kStale);
    BOOST_TEST(fleet().get("a", "/304").body == "old");
    page.hold_next();
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, "/304");
    page.wait_until_held();
    BOOST_TEST(app().last("/304").value("If-None-Match") == "\"old\"");
    page.write("new");
    fleet().purge_everywhere(purge_of("/304"));
    Crowd late("a", "/304", 10);
    page.release(); // "not modified", it says, and it was true when it was asked
    for (const std::string& body : late.bodies())
        BOOST_TEST(body == "new");
    BOOST_TEST(one_of(early.read_response().status(), {200, 502}));
    BOOST_TEST(fleet().get("a", "/304").body == "new");
}

BOOST_AUTO_TEST_CASE(a_revalidation_in_the_background_does_not_make_the_old_page_valid_again)
{
    Page page(app(), "/swr", kStaleButServed);
    BOOST_TEST(fleet().get("a", "/swr").body == "old");
    page.hold_next();
    BOOST_TEST(fleet().get("a", "/swr").body == "old"); // served while it is validated
    page.wait_until_held();
    page.write("new");
    fleet().purge_everywhere(purge_of("/swr"));
    Crowd late("a", "/swr", 10);
    page.release();
    for (const std::string& body : late.bodies())
        BOOST_TEST(body == "new");
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(fleet().get("a", "/swr").body == "new");
}

BOOST_AUTO_TEST_CASE(an_unsafe_request_and_a_purge_leave_nothing_old_together)
{
    Page page(app(), "/form");
    page.hold_next();
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, "/form");
    page.wait_until_held();
    page.write("new");
    const Fields host{{"Host", std::string(kHost)}};
    BOOST_TEST(ask(fleet().edge("a").at(), "POST", "/form", host, "x=1").status() == 200);
    Crowd posted("a", "/form", 5); // whoever posted sees what was posted, at this edge
    page.release();
    for (const std::string& body : posted.bodies())
        BOOST_TEST(body == "new");
    BOOST_TEST(early.read_response().status() == 200);
    page.write("newer");
    fleet().purge_everywhere(purge_of("/form"));
    BOOST_TEST(fleet().bodies("/form") == "newer/newer");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_still_coming_when_its_page_is_purged_is_not_kept)
{
    Gate& gate = app().gate();
    app().on("/slow", [&](Exchange& x) {
        if (x.nth() > 1) {
            x.answer(200, kFresh, "new");
            return;
        }
        x.head(200, {{"Cache-Control", "max-age=600"}, {"Content-Length", "3"}});
        x.send("o");
        if (!gate.wait()) return x.abort();
        x.send("ld");
    });
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, "/slow");
    BOOST_TEST(early.read_response_head().status() == 200);
    fleet().purge_everywhere(purge_of("/slow"));
    BOOST_TEST(fleet().get("a", "/slow").body == "new"); // and does not wait for the old one
    gate.open();
    while (!early.body().read_body_some().empty())
        continue;
    BOOST_TEST(fleet().get("a", "/slow").body == "new");
}

BOOST_AUTO_TEST_CASE(a_soft_purge_lets_the_old_page_be_served_for_max_stale_while_it_is_validated)
{
    Page page(app(), "/soft");
    fleet().bodies("/soft");
    page.write("new");
    fleet().purge_everywhere(R"({"type":"uri","selectors":[")" + page_url("/soft") +
                             R"("],"mode":"soft","max_stale":60})");
    BOOST_TEST(fleet().get("a", "/soft").body == "old");
    BOOST_TEST(poll_until(soon(), [] { return fleet().get("a", "/soft").body == "new"; }));
    BOOST_TEST(page.asked() == 3); // both once, and one validation
    BOOST_TEST(app().last("/soft").value("If-None-Match") == "\"old\"");
}

BOOST_AUTO_TEST_CASE(a_soft_purge_without_max_stale_is_validated_before_anybody_gets_it)
{
    Page page(app(), "/soft0");
    fleet().bodies("/soft0");
    const std::string soft =
        R"({"type":"uri","selectors":[")" + page_url("/soft0") + R"("],"mode":"soft"})";
    fleet().purge_everywhere(soft);
    const Message same = fleet().get("a", "/soft0");
    BOOST_TEST(same.body == "old"); // it has not changed
    BOOST_TEST(app().last("/soft0").value("If-None-Match") == "\"old\"");
    BOOST_TEST(from_store(fleet().get("a", "/soft0"))); // and is valid again
    page.write("new");
    fleet().purge_everywhere(soft);
    BOOST_TEST(fleet().bodies("/soft0") == "new/new");
}

BOOST_AUTO_TEST_CASE(a_hard_purge_outranks_a_soft_one_in_either_order)
{
    Page page(app(), "/both");
    const std::string soft = R"({"type":"uri","selectors":[")" + page_url("/both") +
                             R"("],"mode":"soft","max_stale":60})";
    fleet().bodies("/both");
    page.write("2");
    fleet().purge_everywhere(soft);
    fleet().purge_everywhere(purge_of("/both"));
    BOOST_TEST(fleet().bodies("/both") == "2/2");
    page.write("3");
    fleet().purge_everywhere(purge_of("/both"));
    fleet().purge_everywhere(soft);
    BOOST_TEST(fleet().bodies("/both") == "3/3");
}

BOOST_AUTO_TEST_CASE(a_barrier_is_one_version_and_a_batch_several)
{
    Page x(app(), "/barrier/x");
    Page y(app(), "/barrier/y", {{"Cache-Control", "max-age=600"}, {"Cache-Tag", "barrier"}});
    const auto change = [&](const std::string& text) {
        fleet().bodies("/barrier/x");
        fleet().bodies("/barrier/y");
        x.write(text);
        y.write(text);
    };
    const std::string orders =
        "[" + purge_of("/barrier/x") + R"(,{"type":"group","groups":["barrier"]}])";
    change("2");
    const Message barrier = fleet().purge_everywhere(R"({"barrier":)" + orders + "}");
    BOOST_TEST(fleet().bodies("/barrier/x") == "2/2");
    BOOST_TEST(fleet().bodies("/barrier/y") == "2/2");
    change("3");
    const Message batch = fleet().purge_everywhere(R"({"batch":)" + orders + "}");
    BOOST_TEST(fleet().bodies("/barrier/x") == "3/3");
    BOOST_TEST(fleet().bodies("/barrier/y") == "3/3");
    const std::uint64_t first = version_in(barrier) + 1;
    BOOST_TEST(json_at(batch.body, "/versions/0") == std::to_string(first));
    BOOST_TEST(json_at(batch.body, "/versions/1") == std::to_string(first + 1));
    BOOST_TEST(version_in(batch) == first + 1);
}

// Undone while the answer that it would have made invalid is on its way.
BOOST_AUTO_TEST_CASE(what_an_undone_purge_covered_counts_as_valid_again)
{
    Page page(app(), "/undo");
    page.hold_next();
    RawClient early(fleet().edge("a").at());
    fleet().send_get(early, "/undo");
    page.wait_until_held();
    const Message purged = fleet().purge_everywhere(purge_of("/undo"));
    const Message undone =
        fleet().origin.ask_admin("POST", "/v1/undo?wait=all&timeout=20",
                                 R"({"version":)" + std::to_string(version_in(purged)) + "}");
    BOOST_TEST(undone.status() == 200, undone.body);
    BOOST_TEST(version_in(undone) == version_in(purged) + 1);
    page.release();
    BOOST_TEST(early.read_response().body == "old");
    BOOST_TEST(from_store(fleet().get("a", "/undo")));
    BOOST_TEST(page.asked() == 1);
}

BOOST_AUTO_TEST_CASE(an_erasing_purge_is_answered_when_the_bytes_are_gone_and_cannot_be_undone)
{
    constexpr std::uint64_t kBytes = 1 << 20;
    const auto stored = [](const char* edge) {
        return number_at(fleet().edge(edge).ask_admin("GET", "/v1/status").body,
                         "/memory/stored_bytes");
    };
    const std::uint64_t before_a = stored("a");
    const std::uint64_t before_b = stored("b");
    Page page(app(), "/erase", kFresh, std::string(kBytes, 'e'));
    for (const char* edge : {"a", "b"})
        BOOST_TEST(poll_until(soon(), [&] { return from_store(fleet().get(edge, "/erase")); }));
    // What other tests left may be swept meanwhile: it is little.
    BOOST_TEST(stored("a") >= before_a + kBytes / 2);
    BOOST_TEST(stored("b") >= before_b + kBytes / 2);
    const Message erased = fleet().purge_everywhere(R"({"type":"uri","selectors":[")" +
                                                    page_url("/erase") + R"("],"purge":true})");
    BOOST_TEST(stored("a") < before_a + kBytes / 2);
    BOOST_TEST(stored("b") < before_b + kBytes / 2);
    const Message undone = fleet().origin.ask_admin(
        "POST", "/v1/undo", R"({"version":)" + std::to_string(version_in(erased)) + "}");
    BOOST_TEST(undone.status() == 409, undone.body);
}

// Whoever purged may have what he purged at once, of any edge, though he did not wait.
BOOST_AUTO_TEST_CASE(the_token_of_a_purge_is_shown_and_its_page_is_never_the_old_one)
{
    Page page(app(), "/mine");
    for (int round = 0; round < 20; ++round) {
        fleet().bodies("/mine");
        page.write(std::to_string(round));
        const Message purged = fleet().origin.purge(purge_of("/mine"));
        const std::string token = json_at(purged.body, "/token");
        BOOST_TEST_REQUIRE(!token.empty());
        for (const char* edge : {"a", "b"})
            BOOST_TEST(fleet().get(edge, "/mine", {{"Tidemark-Read", token}}).body ==
                       std::to_string(round));
    }
}

BOOST_AUTO_TEST_CASE(an_edge_that_was_down_during_a_purge_serves_nothing_old_when_it_is_back)
{
    Fleet& all = *Shared::fleet;
    Page page(app(), "/down");
    for (const bool killed : {false, true}) {
        BOOST_TEST_CONTEXT((killed ? "killed" : "stopped"))
        {
            all.bodies("/down");
            if (killed)
                all.edge("b").kill();
            else
                all.edge("b").stop();
            page.write(killed ? "2" : "1");
            const std::uint64_t version = all.purge_now(purge_of("/down"));
            all.edge("b").start();
            BOOST_TEST(all.get("b", "/down").body == (killed ? "2" : "1")); // at once
            all.wait_until_applied("b", version);
            all.wait_until_in_sync("b");
            BOOST_TEST(all.bodies("/down") == (killed ? "2/2" : "1/1"));
            BOOST_TEST(from_store(all.get("b", "/down")));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
