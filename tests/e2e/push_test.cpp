#include "tests/e2e/fleet.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

// Content that is on the edges before anyone asks (design.md §3, Push).
using namespace tidemark::e2e;
using namespace std::chrono_literals;

namespace
{
constexpr std::size_t kMiB = 1 << 20;
const std::vector<std::string> kEdges{"a", "b", "c"};

struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared()
    {
        FleetPlan plan{{{"a"}, {"b"}, {"c"}}};
        plan.relayed = true;
        plan.relay.stream_window = 64 * 1024;
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

// Nothing that compression could shorten: what travels is as long as what is pushed.
std::string noise(std::size_t bytes, unsigned seed)
{
    std::mt19937 random(seed);
    std::string text(bytes, '\0');
    for (char& c : text)
        c = static_cast<char>(random());
    return text;
}

const Fields kPushed{{"Cache-Control", "max-age=600"},
                     {"Content-Type", "image/png"},
                     {"Cache-Tag", "pictures"},
                     {"ETag", "\"pushed\""}};

Message push(std::string_view target, std::string_view body, std::string_view more = "",
             int wait_s = 25)
{
    Fields fields = kPushed;
    fields.push_back({"Prefer", "wait=" + std::to_string(wait_s)});
    // The admin endpoint reads a target's query: nothing in page_url() needs an escape there.
    return ask(fleet().origin.admin(), "PUT",
               "/v1/content?url=" + page_url(target) + std::string(more), fields, body);
}

std::uint64_t bytes_to(const std::string& edge)
{
    return fleet().relay().counters(fleet().door(edge)).to_client.stream_bytes;
}

void check_pushed_everywhere(std::string_view target, const std::string& body)
{
    for (const std::string& edge : kEdges) {
        const Message answer = fleet().get(edge, target);
        BOOST_TEST(answer.status() == 200);
        BOOST_TEST(from_store(answer));
        BOOST_TEST((answer.body == body));
        BOOST_TEST(answer.value("Content-Type") == "image/png");
        BOOST_TEST(answer.value("ETag") == "\"pushed\"");
    }
    BOOST_TEST(app().count(std::string(target)) == 0);
}

void set_stream_delay(tidemark::Nanos delay)
{
    fleet().relay().set_delay(delay);
}
} // namespace

BOOST_AUTO_TEST_SUITE(push_content, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(what_is_pushed_is_a_hit_everywhere_and_crosses_each_link_once)
{
    fleet().relay().set_loss(0.1);
    const std::string body = noise(kMiB, 1);
    std::vector<std::uint64_t> before;
    for (const std::string& edge : kEdges)
        before.push_back(bytes_to(edge));
    const Message pushed = push("/picture", body);
    BOOST_TEST(pushed.status() == 200, pushed.body);
    check_pushed_everywhere("/picture", body);
    for (std::size_t i = 0; i < kEdges.size(); ++i) {
        const std::uint64_t crossed = bytes_to(kEdges[i]) - before[i];
        BOOST_TEST(crossed >= kMiB);
        BOOST_TEST(crossed < kMiB + kMiB / 10);
    }
    fleet().relay().set_loss(0);
}

BOOST_AUTO_TEST_CASE(what_can_be_shortened_crosses_the_link_shortened)
{
    const std::string body(kMiB, 'x');
    const std::uint64_t before = bytes_to("a");
    const Message pushed = push("/long", body);
    BOOST_TEST(pushed.status() == 200, pushed.body);
    check_pushed_everywhere("/long", body);
    BOOST_TEST(bytes_to("a") - before < kMiB / 10);
}

BOOST_AUTO_TEST_CASE(a_transfer_that_breaks_off_in_the_middle_goes_on_where_it_was)
{
    const std::string body = noise(2 * kMiB, 2);
    const std::uint64_t before = bytes_to("b");
    set_stream_delay(20ms); // 64 KiB each time
    RawClient client(fleet().origin.admin());
    Fields fields = kPushed;
    fields.push_back({"Prefer", "wait=25"});
    client.send_request("PUT", "/v1/content?url=" + page_url("/broken"), fields, body);
    BOOST_TEST_REQUIRE(poll_until(soon(), [&] { return bytes_to("b") - before > kMiB; }));
    fleet().relay().break_streams(fleet().door("b"));
    const Message pushed = client.read_response("PUT");
    set_stream_delay(0ms);
    BOOST_TEST(pushed.status() == 200, pushed.body);
    check_pushed_everywhere("/broken", body);
    // What was on its way when it broke, and the handshake, come twice.
    const std::uint64_t crossed = bytes_to("b") - before;
    BOOST_TEST(crossed >= 2 * kMiB);
    BOOST_TEST(crossed < 2 * kMiB + kMiB / 2);
}

BOOST_AUTO_TEST_CASE(a_push_is_resumed_by_an_edge_that_died_in_the_middle)
{
    const std::string body = noise(2 * kMiB, 3);
    const std::uint64_t before = bytes_to("c");
    set_stream_delay(20ms);
    RawClient client(fleet().origin.admin());
    Fields fields = kPushed;
    fields.push_back({"Prefer", "wait=25"});
    client.send_request("PUT", "/v1/content?url=" + page_url("/died"), fields, body);
    BOOST_TEST_REQUIRE(poll_until(soon(), [&] { return bytes_to("c") - before > kMiB; }));
    fleet().edge("c").kill();
    fleet().edge("c").start();
    const Message pushed = client.read_response("PUT");
    set_stream_delay(0ms);
    BOOST_TEST(pushed.status() == 200, pushed.body);
    fleet().wait_until_applied("c", version_in(pushed));
    fleet().wait_until_in_sync("c");
    check_pushed_everywhere("/died", body);
    BOOST_TEST(bytes_to("c") - before < 2 * kMiB + kMiB / 2);
}

BOOST_AUTO_TEST_CASE(what_is_pushed_replaces_what_was_there_at_every_edge)
{
    Page page(app(), "/replaced");
    BOOST_TEST(fleet().bodies("/replaced") == "old/old/old");
    BOOST_TEST(push("/replaced", "pushed").status() == 200);
    BOOST_TEST(fleet().bodies("/replaced") == "pushed/pushed/pushed");
    BOOST_TEST(push("/replaced", "again").status() == 200);
    BOOST_TEST(fleet().bodies("/replaced") == "again/again/again");
    BOOST_TEST(page.asked() == 3);
}

BOOST_AUTO_TEST_CASE(what_was_pushed_is_purged_like_anything_else)
{
    Page page(app(), "/purged", kFresh, "new");
    for (const std::string& purge :
         {purge_of("/purged"), std::string(R"({"type":"group","groups":["pictures"]})")}) {
        BOOST_TEST(push("/purged", "pushed").status() == 200);
        BOOST_TEST(fleet().bodies("/purged") == "pushed/pushed/pushed");
        fleet().purge_everywhere(purge);
        BOOST_TEST(fleet().bodies("/purged") == "new/new/new");
    }
}

// What it reflects was purged meanwhile: it is no news.
BOOST_AUTO_TEST_CASE(a_push_of_what_was_purged_since_is_not_served)
{
    Page page(app(), "/as-of", kFresh, "new");
    const std::uint64_t version = version_in(fleet().purge_everywhere(purge_of("/as-of")));
    const Message pushed = push("/as-of", "old", "&as_of=" + std::to_string(version - 1));
    BOOST_TEST(pushed.status() == 200, pushed.body);
    BOOST_TEST(fleet().bodies("/as-of") == "new/new/new");
}

BOOST_AUTO_TEST_CASE(a_refreshing_purge_has_what_was_used_lately_fetched_anew_before_anybody_asks)
{
    Page used(app(), "/r/used");
    Page unused(app(), "/r/unused");
    fleet().bodies("/r/unused");
    for (int i = 0; i < 3; ++i)
        fleet().bodies("/r/used");
    used.write("new");
    fleet().purge_everywhere(R"({"type":"uri-prefix","selectors":[")" + page_url("/r") +
                             R"("],"mode":"refresh"})");
    app().wait_for("/r/used", 6); // by each edge, once
    BOOST_TEST(poll_until(soon(), [] { return from_store(fleet().get("a", "/r/used")); }));
    BOOST_TEST(fleet().bodies("/r/used") == "new/new/new");
    BOOST_TEST(used.asked() == 6);
    BOOST_TEST(unused.asked() == 3);
}

BOOST_AUTO_TEST_CASE(a_bad_push_is_refused_and_changes_nothing)
{
    const auto put = [](std::string_view query) {
        return ask(fleet().origin.admin(), "PUT", "/v1/content" + std::string(query), kPushed,
                   "body");
    };
    const auto mark = [] {
        return json_at(fleet().origin.ask_admin("GET", "/v1/edges").body, "/mark");
    };
    const std::string before = mark();
    for (const char* query : {"", "?url=", "?url=/path", "?url=ftp://www.test/"}) {
        BOOST_TEST_CONTEXT(query)
        {
            const Message answer = put(query);
            BOOST_TEST(answer.status() == 400);
            BOOST_TEST(json_at(answer.body, "/field") == "url");
        }
    }
    BOOST_TEST(json_at(put("?url=http://www.test/x&as_of=soon").body, "/field") == "as_of");
    BOOST_TEST(json_at(put("?url=http://www.test/x&colour=red").body, "/field") == "colour");
    BOOST_TEST(fleet().origin.ask_admin("POST", "/v1/content").status() == 405);
    BOOST_TEST(mark() == before);
}

BOOST_AUTO_TEST_SUITE_END()
