#include "tests/e2e/fleet.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

// The forms of the admin API that scripts rely on, at the real daemons (design.md §6).
using namespace tidemark::e2e;
using namespace std::chrono_literals;
namespace data = boost::unit_test::data;
using tidemark::support::run_tidemark;

namespace
{
struct Token {
    std::string text;
    std::string hash;
};
Token new_token()
{
    const std::string out = run_tidemark({"token", "hash"}).out;
    const auto after = [&](std::string_view mark, char end) {
        const std::size_t begin = out.find(mark) + mark.size();
        return out.substr(begin, out.find(end, begin) - begin);
    };
    return {after("token = ", '\n'), after("hash = \"", '"')};
}

// An origin without tokens with two edges, one with tokens and no edge, and an edge that is alone.
struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    static inline std::unique_ptr<OriginProcess> guarded;
    static inline std::unique_ptr<EdgeProcess> alone;
    static inline std::map<std::string, std::string> tokens; // name → token

    TempDir dir;
    FakeOrigin app;

    Shared()
    {
        fleet = std::make_unique<Fleet>(FleetPlan{{{"a"}, {"b"}}});
        guarded = std::make_unique<OriginProcess>(
            std::vector<std::string>{"a"},
            std::vector<std::string>{"--config", dir.write("origin.toml", guards())});
        alone = std::make_unique<EdgeProcess>(
            std::vector<std::string>{"--upstream", app.url(), "--name", "alone"});
    }
    ~Shared()
    {
        alone.reset();
        guarded.reset();
        fleet.reset();
    }
    static std::string guards()
    {
        std::string toml;
        const auto add = [&](const std::string& name, const std::string& scopes,
                             const std::string& sites) {
            const Token token = new_token();
            tokens[name] = token.text;
            toml += "[[token]]\nname = \"" + name + "\"\nhash = \"" + token.hash +
                    "\"\nscopes = [" + scopes + "]\nsites = [" + sites + "]\n";
        };
        add("reader", R"("read")", R"("*")");
        add("purger", R"("purge")", R"("*")");
        add("sited", R"("purge", "read")", R"("www.test")");
        add("all", R"("purge", "purge-all", "read", "push")", R"("*")");
        return toml;
    }
};
const Fleet& fleet()
{
    return *Shared::fleet;
}
const OriginProcess& origin()
{
    return fleet().origin;
}

Message guarded(const std::string& token, std::string_view method, std::string_view target,
                std::string_view body = "")
{
    Fields fields;
    if (!token.empty())
        fields.push_back(
            {"Authorization",
             "Bearer " + (Shared::tokens.contains(token) ? Shared::tokens.at(token) : token)});
    return Shared::guarded->ask_admin(method, target, body, fields);
}

std::string mark_of(const DaemonProcess& daemon)
{
    return json_at(daemon.ask_admin("GET", "/v1/edges").body, "/mark");
}

void check_problem(const Message& answer, int status, const std::string& field)
{
    BOOST_TEST(answer.status() == status, answer.status() << ": " << answer.body);
    BOOST_TEST(answer.value("Content-Type") == "application/problem+json");
    BOOST_TEST(json_at(answer.body, "/status") == std::to_string(status));
    BOOST_TEST(!json_at(answer.body, "/title").empty());
    BOOST_TEST(!json_at(answer.body, "/detail").empty());
    BOOST_TEST(json_at(answer.body, "/field") == field, answer.body);
}
} // namespace

BOOST_AUTO_TEST_SUITE(admin_api, *boost::unit_test::fixture<Shared>())

const char* const kForms[] = {
    R"({"type":"uri","selectors":["http://www.test/form"]})",
    R"({"type":"uri","selectors":["http://www.test/form","http://www.test/other?a=1"]})",
    R"({"type":"uri-prefix","selectors":["http://www.test/"]})",
    R"({"type":"origin","selectors":["http://www.test"]})",
    R"({"type":"host","selectors":["www.test"]})",
    R"({"type":"group","groups":["forms"]})",
    R"({"type":"group","selectors":["forms"]})",
    R"({"type":"pattern","selectors":["^http://www\\.test/f.*$"]})",
    R"({"type":"all"})",
    R"({"type":"uri","selectors":["http://www.test/form"],"mode":"hard","note":"why"})",
    R"({"type":"uri","selectors":["http://www.test/form"],"mode":"soft","max_stale":0})",
    R"({"type":"uri","selectors":["http://www.test/form"],"mode":"refresh"})",
    R"({"type":"uri","selectors":["http://www.test/form"],"purge":true})",
    R"({"type":"uri","selectors":["http://www.test/form"],"site":"default"})",
};
BOOST_DATA_TEST_CASE(each_form_of_a_purge_is_answered_200_by_the_origin_and_by_an_edge_alone,
                     data::make(kForms), form)
{
    const Page page(Shared::fleet->app, "/form",
                    {{"Cache-Control", "max-age=600"}, {"Cache-Tag", "forms"}});
    fleet().bodies("/form");
    const int asked = page.asked();
    const Message answer = fleet().purge_everywhere(form);
    BOOST_TEST(answer.value("Content-Type") == "application/json");
    BOOST_TEST(json_at(answer.body, "/journal").size() == 16U);
    BOOST_TEST(json_at(answer.body, "/edges/registered") == "2");
    BOOST_TEST(json_at(answer.body, "/edges/clean") == "2");
    BOOST_TEST(!json_at(answer.body, "/token").empty());
    fleet().bodies("/form");
    BOOST_TEST(page.asked() >= asked + 2); // it was purged, or validated
    const Message at_edge = Shared::alone->ask_admin("POST", "/v1/purge", form);
    BOOST_TEST(at_edge.status() == 200, at_edge.body); // without Prefer
    BOOST_TEST(json_at(at_edge.body, "/journal").size() == 16U);
}

struct Bad {
    const char* body;
    const char* field;
    int status = 400;
    friend std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.body; }
};
const Bad kBad[] = {
    {"", ""},
    {"{", ""},
    {"[]", ""},
    {"\"all\"", ""},
    {"{}", "type"},
    {R"({"type":7})", "type"},
    {R"({"type":"everything"})", "type"},
    {R"({"type":"uri"})", "selectors"},
    {R"({"type":"uri","selectors":"http://www.test/"})", "selectors"},
    {R"({"type":"uri","selectors":[]})", "selectors"},
    {R"({"type":"uri","selectors":[7]})", "selectors"},
    {R"({"type":"uri","selectors":[""]})", "selectors"},
    {R"({"type":"uri","selectors":["/path"]})", "selectors"},
    {R"({"type":"uri","selectors":["ftp://www.test/"]})", "selectors"},
    {R"({"type":"uri","selectors":["http://www.test/ "]})", "selectors"},
    {R"({"type":"uri","groups":["a"]})", "groups"},
    {R"({"type":"origin","selectors":["http://www.test/path"]})", "selectors"},
    {R"({"type":"host","selectors":["http://www.test"]})", "selectors"},
    {R"({"type":"group","groups":["two words"]})", "groups"},
    {R"({"type":"pattern","selectors":["(unclosed"]})", "selectors"},
    {R"({"type":"all","selectors":["x"]})", "selectors"},
    {R"({"type":"all","mode":"gentle"})", "mode"},
    {R"({"type":"all","mode":"soft","max_stale":-1})", "max_stale"},
    {R"({"type":"all","mode":"soft","max_stale":"1h"})", "max_stale"},
    {R"({"type":"all","max_stale":5})", "max_stale"},
    {R"({"type":"all","purge":1})", "purge"},
    {R"({"type":"all","key":1})", "key"},
    {R"({"type":"all","note":{}})", "note"},
    {R"({"type":"all","site":""})", "site"},
    {R"({"type":"all","colour":"red"})", "colour"},
    {R"({"batch":[]})", "batch"},
    {R"({"batch":[{"type":"all"},{"type":"uri"}]})", "batch[1].selectors"},
    {R"({"barrier":[{"type":"all"},{"type":"uri","selectors":["x"]}]})", "barrier[1].selectors"},
};
BOOST_DATA_TEST_CASE(a_bad_body_is_refused_naming_the_field_and_makes_no_version, data::make(kBad),
                     bad)
{
    const std::string before = mark_of(origin());
    check_problem(origin().ask_admin("POST", "/v1/purge", bad.body), bad.status, bad.field);
    check_problem(Shared::alone->ask_admin("POST", "/v1/purge", bad.body), bad.status, bad.field);
    BOOST_TEST(mark_of(origin()) == before);
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_413)
{
    const std::string huge(5 << 20, ' ');
    BOOST_TEST(origin().ask_admin("POST", "/v1/purge", huge).status() == 413);
    const std::string selector = "http://www.test/" + std::string(17'000, 'a');
    check_problem(origin().ask_admin("POST", "/v1/purge", purge_body("uri", {selector})), 413,
                  "selectors");
    BOOST_TEST(origin().purge(purge_of("/after")).status() == 202);
}

BOOST_AUTO_TEST_CASE(bad_targets_methods_and_parameters_are_refused)
{
    BOOST_TEST(origin().ask_admin("GET", "/v1/nothing").status() == 404);
    const Message wrong = origin().ask_admin("GET", "/v1/purge");
    BOOST_TEST(wrong.status() == 405);
    BOOST_TEST(wrong.value("Allow") == "POST");
    check_problem(origin().ask_admin("POST", "/v1/purge?wait=most", R"({"type":"all"})"), 400,
                  "wait");
    check_problem(origin().ask_admin("POST", "/v1/purge?wait=101%25", R"({"type":"all"})"), 400,
                  "wait");
    check_problem(
        origin().ask_admin("POST", "/v1/purge?wait=all&timeout=soon", R"({"type":"all"})"), 400,
        "timeout");
    check_problem(origin().ask_admin("POST", "/v1/purge?weight=all", R"({"type":"all"})"), 400,
                  "weight");
    check_problem(origin().ask_admin("GET", "/v1/journal?limit=0"), 400, "limit");
    check_problem(origin().ask_admin("GET", "/v1/journal?since=yesterday"), 400, "since");
    check_problem(origin().ask_admin("GET", "/v1/journal?type=some"), 400, "type");
    check_problem(origin().ask_admin("GET", "/v1/versions/0"), 404, "version");
    check_problem(origin().ask_admin("GET", "/v1/versions/999999999"), 404, "version");
    check_problem(origin().ask_admin("POST", "/v1/undo", "{}"), 400, "version");
    check_problem(origin().ask_admin("POST", "/v1/undo", R"({"version":999999999})"), 404,
                  "version");
    check_problem(origin().ask_admin("DELETE", "/v1/edges/nobody"), 404, "name");
}

BOOST_AUTO_TEST_CASE(without_a_wish_to_wait_202_comes_as_soon_as_it_is_durable)
{
    const Message answer = origin().purge(purge_of("/durable"));
    BOOST_TEST(answer.status() == 202);
    const std::string version = std::to_string(version_in(answer));
    const std::string found =
        origin().ask_admin("GET", "/v1/journal?from=" + version + "&to=" + version).body;
    BOOST_TEST(json_at(found, "/messages/0/selectors/0") == page_url("/durable"));
}

BOOST_AUTO_TEST_CASE(whoever_waits_says_for_how_many_and_how_long)
{
    for (const char* query : {"?wait=all", "?wait=50%25", "?wait=100%25", "?wait=2", "?wait=1",
                              "?wait=all&timeout=20"}) {
        BOOST_TEST_CONTEXT(query)
        {
            const Message answer =
                origin().ask_admin("POST", "/v1/purge" + std::string(query), purge_of("/wait"));
            BOOST_TEST(answer.status() == 200, answer.body);
        }
    }
    const Message preferred =
        origin().ask_admin("POST", "/v1/purge", purge_of("/wait"),
                           {{"Prefer", "return=minimal, wait=20; x"}, {"Prefer", "other"}});
    BOOST_TEST(preferred.status() == 200);
    // More edges than there are.
    const Message vain =
        origin().ask_admin("POST", "/v1/purge?wait=3&timeout=1", purge_of("/wait"));
    BOOST_TEST(vain.status() == 202);
    BOOST_TEST(json_at(vain.body, "/missing") == "[]");
}

BOOST_AUTO_TEST_CASE(an_idempotency_key_makes_one_version_however_often_it_is_sent)
{
    const std::string keyed =
        R"({"type":"uri","selectors":["http://www.test/key"],"key":"deploy-7"})";
    const Message first = fleet().purge_everywhere(keyed);
    const Message second = fleet().purge_everywhere(keyed);
    BOOST_TEST(version_in(second) == version_in(first));
    BOOST_TEST(json_at(first.body, "/repeated") == "");
    BOOST_TEST(json_at(second.body, "/repeated") == "true");
    check_problem(
        origin().purge(R"({"type":"uri","selectors":["http://www.test/x"],"key":"deploy-7"})"), 409,
        "key");
}

BOOST_AUTO_TEST_CASE(a_version_is_reported_with_each_edges_time_of_application)
{
    const std::uint64_t version = version_in(fleet().purge_everywhere(purge_of("/reported")));
    const std::string report = fleet().report(version);
    BOOST_TEST(json_at(report, "/version") == std::to_string(version));
    BOOST_TEST(json_at(report, "/registered") == "2");
    BOOST_TEST(json_at(report, "/clean") == "2");
    BOOST_TEST(json_at(report, "/message/type") == "uri");
    for (const char* edge : {"/edges/0", "/edges/1"}) {
        BOOST_TEST(json_at(report, edge + std::string("/by")) == "ack");
        BOOST_TEST(json_at(report, edge + std::string("/applied_at")).size() ==
                   std::string("2026-01-02T03:04:05.678Z").size());
    }
}

BOOST_AUTO_TEST_CASE(the_edges_are_listed_with_what_is_known_of_them)
{
    const std::uint64_t version = version_in(fleet().purge_everywhere(purge_of("/listed")));
    const std::string list = origin().ask_admin("GET", "/v1/edges").body;
    BOOST_TEST(json_at(list, "/edges/0/name") == "a");
    BOOST_TEST(json_at(list, "/edges/1/name") == "b");
    BOOST_TEST(json_at(list, "/edges/2") == "");
    BOOST_TEST(json_at(list, "/edges/0/connected") == "true");
    BOOST_TEST(json_at(list, "/edges/0/adrift") == "revalidate");
    BOOST_TEST(json_at(list, "/edges/0/lease_ms") == "3000");
    BOOST_TEST(number_at(list, "/edges/0/contiguous") >= version);
}

// "Was X purged when Y was served?"
BOOST_AUTO_TEST_CASE(the_journal_answers_what_was_purged_when_and_by_whom)
{
    const auto versions_of = [](const std::string& query) {
        const std::string found = origin().ask_admin("GET", "/v1/journal?" + query).body;
        std::vector<std::uint64_t> versions;
        for (int i = 0; !json_at(found, "/messages/" + std::to_string(i)).empty(); ++i)
            versions.push_back(number_at(found, "/messages/" + std::to_string(i) + "/version"));
        return versions;
    };
    using Versions = std::vector<std::uint64_t>;
    const std::uint64_t uri = fleet().purge_now(
        R"({"type":"uri","selectors":["http://www.test/audit/x"],"note":"typo","key":"a1"})");
    const std::uint64_t prefix = fleet().purge_now(purge_body("uri-prefix", {page_url("/audit")}));
    const std::uint64_t group = fleet().purge_now(R"({"type":"group","groups":["audit"]})");
    const std::string from = "from=" + std::to_string(uri);
    BOOST_TEST((versions_of(from) == Versions{uri, prefix, group}));
    BOOST_TEST((versions_of(from + "&order=newest") == Versions{group, prefix, uri}));
    BOOST_TEST((versions_of(from + "&limit=1") == Versions{uri}));
    BOOST_TEST((versions_of(from + "&to=" + std::to_string(prefix)) == Versions{uri, prefix}));
    BOOST_TEST((versions_of(from + "&type=group") == Versions{group}));
    BOOST_TEST((versions_of(from + "&selector=audit") == Versions{group}));
    BOOST_TEST((versions_of(from + "&url=http://www.test/audit/x") == Versions{uri, prefix}));
    BOOST_TEST((versions_of(from + "&url=http://www.test/audit/y") == Versions{prefix}));
    BOOST_TEST((versions_of(from + "&key=a1") == Versions{uri}));
    BOOST_TEST((versions_of(from + "&actor=local") == Versions{uri, prefix, group}));
    BOOST_TEST((versions_of(from + "&actor=nobody") == Versions{}));
    BOOST_TEST((versions_of(from + "&until=2001-01-01T00:00:00Z") == Versions{}));
    BOOST_TEST((versions_of(from + "&since=2001-01-01T00:00:00Z") == Versions{uri, prefix, group}));
    const std::string one = origin().ask_admin("GET", "/v1/journal?" + from + "&limit=1").body;
    BOOST_TEST(json_at(one, "/messages/0/note") == "typo");
    BOOST_TEST(json_at(one, "/messages/0/actor") == "local");
    BOOST_TEST(json_at(one, "/next") == std::to_string(prefix));
}

BOOST_AUTO_TEST_CASE(an_edge_with_an_origin_says_409_and_where_to_ask)
{
    const std::string link = origin().link().authority();
    const struct {
        const char* method;
        const char* target;
        const char* body;
    } kAsked[] = {{"POST", "/v1/purge", R"({"type":"all"})"},
                  {"POST", "/v1/undo", R"({"version":1})"},
                  {"PUT", "/v1/content?url=http://www.test/", "content"},
                  {"GET", "/v1/journal", ""},
                  {"GET", "/v1/versions/1", ""}};
    const std::string before = mark_of(origin());
    for (const auto& asked : kAsked) {
        BOOST_TEST_CONTEXT(asked.target)
        {
            const Message answer =
                fleet().edge("a").ask_admin(asked.method, asked.target, asked.body);
            check_problem(answer, 409, "");
            BOOST_TEST(json_at(answer.body, "/detail").find(link) != std::string::npos);
        }
    }
    BOOST_TEST(mark_of(origin()) == before);
}

BOOST_AUTO_TEST_CASE(a_token_that_a_client_makes_up_forces_no_misses)
{
    const Page page(Shared::fleet->app, "/token");
    fleet().bodies("/token");
    const Message purged = fleet().purge_everywhere(purge_of("/elsewhere"));
    const std::string token = json_at(purged.body, "/token");
    std::string changed = token;
    for (char& c : changed)
        if (c >= '1' && c <= '8') {
            ++c;
            break;
        }
    for (const std::string& shown :
         {token, changed, std::string("99999"), std::string(5000, 'a')}) {
        const Message answer = fleet().get("a", "/token", {{"Tidemark-Read", shown}});
        BOOST_TEST(answer.status() == 200);
        BOOST_TEST(from_store(answer));
        BOOST_TEST(answer.body == "old");
    }
    BOOST_TEST(page.asked() == 2);
    BOOST_TEST(metric(fleet().edge("a"), "tidemark_unproven_tokens_total") >= 3);
}

BOOST_AUTO_TEST_CASE(a_dry_run_purges_nothing)
{
    const Page page(Shared::fleet->app, "/dry");
    fleet().bodies("/dry");
    const std::string before = mark_of(origin());
    const std::string dry = R"({"type":"all","dry_run":true})";
    const Message answer = origin().ask_admin("POST", "/v1/purge", dry);
    BOOST_TEST(answer.status() == 200, answer.body);
    BOOST_TEST(json_at(answer.body, "/dry_run") == "true");
    BOOST_TEST(mark_of(origin()) == before);
    BOOST_TEST(from_store(fleet().get("a", "/dry")));
    BOOST_TEST(Shared::alone->ask_admin("POST", "/v1/purge", dry).status() == 200);
}

BOOST_AUTO_TEST_CASE(with_tokens_each_asks_what_its_scopes_say)
{
    const std::string page = purge_of("/x");
    const std::string elsewhere = purge_body("uri", {"http://other.test/x"});
    const std::string all = R"({"type":"all"})";
    const struct {
        const char* token;
        const char* method;
        const char* target;
        std::string body;
        int status;
    } kRows[] = {
        {"", "POST", "/v1/purge", page, 401},
        {"", "GET", "/v1/journal", "", 401},
        {"tm_wrong", "POST", "/v1/purge", page, 401},
        {"reader", "POST", "/v1/purge", page, 403},
        {"reader", "GET", "/v1/journal", "", 200},
        {"reader", "GET", "/v1/edges", "", 200},
        {"reader", "GET", "/v1/status", "", 200},
        {"purger", "POST", "/v1/purge", page, 202},
        {"purger", "POST", "/v1/purge", elsewhere, 202},
        {"purger", "POST", "/v1/purge", all, 403},
        {"purger", "GET", "/v1/journal", "", 403},
        {"purger", "PUT", "/v1/content?url=http://www.test/x", "body", 403},
        {"purger", "DELETE", "/v1/edges/a", "", 403},
        {"sited", "POST", "/v1/purge", page, 202},
        {"sited", "POST", "/v1/purge", elsewhere, 403},
        {"sited", "POST", "/v1/purge", R"({"type":"group","groups":["t"]})", 403},
        {"sited", "POST", "/v1/purge", R"({"type":"group","groups":["t"],"site":"www.test"})", 202},
        {"sited", "POST", "/v1/purge", R"({"type":"pattern","selectors":["x"]})", 403},
        {"all", "POST", "/v1/purge", all, 202},
    };
    for (const auto& row : kRows) {
        BOOST_TEST_CONTEXT(row.token << " " << row.method << " " << row.target << " " << row.body)
        {
            const Message answer = guarded(row.token, row.method, row.target, row.body);
            BOOST_TEST(answer.status() == row.status, answer.body);
            if (row.status == 401) BOOST_TEST(answer.has("WWW-Authenticate"));
        }
    }
    const std::string by = guarded("all", "GET", "/v1/journal?actor=purger&limit=1").body;
    BOOST_TEST(json_at(by, "/messages/0/actor") == "purger");
    BOOST_TEST(Shared::guarded->log().find("tm_") == std::string::npos);
}

// ---- The commands

BOOST_AUTO_TEST_CASE(the_commands_say_the_same_as_the_api)
{
    Page page(Shared::fleet->app, "/command");
    fleet().bodies("/command");
    page.write("new");
    const std::string admin = origin().admin().authority();
    const auto purged = run_tidemark(
        {"purge", page_url("/command"), "--wait", "all", "--timeout", "20s", "--admin", admin});
    BOOST_TEST(purged.exit_code == 0, purged.err);
    BOOST_TEST(purged.out.find("2 of 2") != std::string::npos, purged.out);
    BOOST_TEST(fleet().bodies("/command") == "new/new");
    const auto status = run_tidemark({"status", "--json", "--admin", admin});
    BOOST_TEST(status.exit_code == 0, status.err);
    BOOST_TEST(json_at(status.out, "/edges/0/name") == "a", status.out);
    const auto refused = run_tidemark({"purge", "not-a-url", "--admin", admin});
    BOOST_TEST(refused.exit_code == 1);
    BOOST_TEST(refused.err.find("selectors") != std::string::npos, refused.err);
    const auto elsewhere =
        run_tidemark({"purge", page_url("/"), "--admin", fleet().edge("a").admin().authority()});
    BOOST_TEST(elsewhere.exit_code == 1);
    BOOST_TEST(elsewhere.err.find(origin().link().authority()) != std::string::npos, elsewhere.err);
    const std::string file = fleet().dir.write("pushed.txt", "pushed");
    const auto pushed =
        run_tidemark({"push", page_url("/command"), file, "--header", "Cache-Control: max-age=60",
                      "--wait", "all", "--timeout", "20s", "--admin", admin});
    BOOST_TEST(pushed.exit_code == 0, pushed.err);
    BOOST_TEST(fleet().bodies("/command") == "pushed/pushed");
}

BOOST_AUTO_TEST_SUITE_END()
