#include "edge/worker/pushed.hpp"

#include "core/base/hash.hpp"
#include "tests/core/net/running.hpp"
#include "tests/edge/worker/orders.hpp"
#include "tests/edge/worker/sites.hpp"
#include "tests/support/stored_response.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <optional>

using namespace tidemark;
using namespace tidemark::worker;
using purge::Scope;

namespace
{
const std::string kUri = "http://h/a";
const std::string kLines = "Cache-Control: max-age=60\r\nSurrogate-Key: shoes\r\n";

store::Content content_of(const std::string& lines, const std::string& body)
{
    store::Content content;
    content.head = "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
    if (!body.empty()) content.body.push_back(tidemark::test::slice_of(body));
    content.body_bytes = body.size();
    return content;
}

purge::Message push_of(purge::Version version, purge::Version as_of, const store::Content& content,
                       const std::string& uri = kUri)
{
    purge::Message message;
    message.version = version;
    message.journal = 1;
    message.site = "*";
    purge::Push push;
    push.uri = uri;
    push.digest[0] = static_cast<std::uint8_t>(version);
    push.content_bytes = content.head.size() + content.body_bytes;
    push.as_of = as_of;
    message.body = push;
    return message;
}

// An edge whose origin's messages are applied as they come.
struct Edge {
    explicit Edge(std::shared_ptr<const serve::Sites> of_sites = worker::test::any_site())
        : sites(std::move(of_sites))
    {
    }
    // Stages content and gives its push.
    purge::Message staged_push(purge::Version version, purge::Version as_of,
                               const std::string& body = "pushed",
                               const std::string& lines = kLines, const std::string& uri = kUri)
    {
        store::Content content = content_of(lines, body);
        purge::Message message = push_of(version, as_of, content, uri);
        staged.emplace(std::get<purge::Push>(message.body).digest, std::move(content));
        return message;
    }
    // As the applier does it.
    void apply(const std::vector<purge::Message>& messages)
    {
        driver.before_apply(messages);
        std::vector<purge::Invalidation> all;
        for (const purge::Message& message : messages) {
            std::ranges::move(worker::test::invalidations_of(message), std::back_inserter(all));
            shared.purges.hear(message.version);
        }
        shared.purges.apply(all, running.loop.mono());
        for (const purge::Message& message : messages)
            if (std::holds_alternative<purge::Push>(message.body)) driver.on_push(message);
    }
    // What a GET would be answered with from the store; nothing: it would go upstream.
    [[nodiscard]] std::optional<std::string> get(const std::string& uri = kUri)
    {
        std::optional<std::string> body;
        const auto reader = shared.epochs.join();
        reader->online();
        shared.store.each_variant(hash_bytes(uri), uri, [&](const store::StoredResponse& record) {
            if (shared.purges.verdict({uri, record.tags(), sites->hash_of(uri)}, record.fence(),
                                      running.loop.mono()) != purge::Verdict::valid)
                return true;
            body = std::string(record.body_pieces() > 0 ? record.body_piece(0) : "");
            return false;
        });
        return body;
    }

    net::test::RunningLoop running;
    std::shared_ptr<const serve::Sites> sites;
    Shared shared{store::MemoryOptions{}};
    std::map<purge::ContentDigest, store::Content> staged;
    PushDriver driver{
        running.loop, shared, sites,
        PushDriver::Parts{[this](const purge::ContentDigest& digest) -> std::string_view {
                              const auto found = staged.find(digest);
                              return found == staged.end() ? std::string_view()
                                                           : found->second.head;
                          },
                          [this](const purge::Push& push, const PushDriver::Parts::Taken& done) {
                              const auto found = staged.find(push.digest);
                              if (found == staged.end()) return done(nullptr);
                              auto content =
                                  std::make_unique<store::Content>(std::move(found->second));
                              staged.erase(found);
                              done(std::move(content));
                          },
                          worker::test::invalidations_of}};
};
} // namespace

BOOST_AUTO_TEST_SUITE(pushed)

BOOST_AUTO_TEST_CASE(a_push_is_a_hit_from_its_message_on)
{
    Edge edge;
    edge.apply({edge.staged_push(1, 0)});
    BOOST_TEST(edge.get().value() == "pushed");
    BOOST_TEST(edge.driver.count(PushOutcome::stored) == 1U);
    // As if fetched: its head, its tags, its length.
    edge.shared.store.each_variant(
        hash_bytes(kUri), kUri, [&](const store::StoredResponse& record) {
            BOOST_TEST(record.head().starts_with("HTTP/1.1 200 OK\r\nCache-Control: max-age=60"));
            BOOST_TEST(record.first_field(http::FieldId::content_length) == "6");
            BOOST_TEST(record.tags().size() == 1U);
            BOOST_TEST((record.freshness().lifetime == Millis{60'000}));
            BOOST_TEST(record.fence().version == 1U);
            return false;
        });
    edge.apply({worker::test::order_of(2, Scope::tag, "shoes")});
    BOOST_TEST(!edge.get().has_value());
}

BOOST_AUTO_TEST_CASE(a_push_without_its_content_invalidates)
{
    Edge edge;
    edge.apply({edge.staged_push(1, 0, "old")});
    const store::Content elsewhere = content_of(kLines, "new");
    edge.apply({push_of(2, 1, elsewhere)});
    BOOST_TEST(!edge.get().has_value());
    BOOST_TEST(edge.driver.count(PushOutcome::no_content) == 1U);
}

BOOST_AUTO_TEST_CASE(what_was_purged_between_its_beginning_and_its_version_is_not_stored)
{
    struct Row {
        const char* name;
        Scope scope;
        const char* selector;
        bool stored;
    };
    const Row rows[] = {
        {"its url", Scope::url, "http://h/a", false},
        {"another url", Scope::url, "http://h/b", true},
        {"its tag", Scope::tag, "shoes", false},
        {"another tag", Scope::tag, "hats", true},
        {"its host", Scope::host, "h", false},
        {"all", Scope::all, "", false},
        {"a pattern", Scope::pattern, "^http://h/a$", false},
    };
    for (const Row& row : rows) {
        const purge::Message between = worker::test::order_of(5, row.scope, row.selector);
        // Before it, together with it in either order, and after it: always the same.
        for (int order = 0; order < 4; ++order) {
            Edge edge;
            edge.driver.on_applied(4);
            const purge::Message push = edge.staged_push(6, 4);
            if (order == 0) edge.apply({between});
            if (order == 1) edge.apply({between, push});
            if (order == 2) edge.apply({push, between});
            if (order == 0) edge.driver.on_applied(5);
            if (order == 0 || order == 3) edge.apply({push});
            if (order == 3) {
                BOOST_TEST(!edge.get().has_value(), row.name << ": stored too early");
                BOOST_TEST(edge.driver.waiting() == 1U);
                edge.apply({between});
            }
            edge.driver.on_applied(6);
            BOOST_TEST(edge.get().has_value() == row.stored, row.name << ", order " << order);
            BOOST_TEST(edge.driver.waiting() == 0U);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_was_purged_before_it_began_does_not_matter_even_if_it_comes_late)
{
    Edge edge;
    edge.apply({edge.staged_push(6, 5)});
    edge.apply(
        {worker::test::order_of(5, Scope::url, kUri), worker::test::order_of(3, Scope::all, "")});
    BOOST_TEST(edge.get().value() == "pushed");
}

BOOST_AUTO_TEST_CASE(a_later_purge_that_came_first_wins)
{
    Edge edge;
    edge.apply({worker::test::order_of(7, Scope::url, kUri)});
    edge.apply({edge.staged_push(6, 5)});
    BOOST_TEST(!edge.get().has_value());
}

BOOST_AUTO_TEST_CASE(an_older_push_never_replaces_a_newer_one)
{
    Edge edge;
    const purge::Message older = edge.staged_push(6, 5, "older");
    edge.apply({edge.staged_push(8, 7, "newer")});
    edge.apply({older});
    BOOST_TEST(edge.get().value() == "newer");
    BOOST_TEST(edge.driver.count(PushOutcome::superseded) == 1U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_in_between_ends_what_waits)
{
    Edge edge;
    edge.driver.on_applied(3);
    edge.apply({edge.staged_push(6, 4)});
    edge.driver.on_lost_track();
    edge.driver.on_applied(9);
    BOOST_TEST(!edge.get().has_value());
    BOOST_TEST(edge.driver.count(PushOutcome::invalidated) == 1U);
}

BOOST_AUTO_TEST_CASE(what_a_get_could_not_have_stored_is_only_invalidated)
{
    struct Row {
        const char* name;
        const char* lines;
        const char* uri;
        PushOutcome outcome;
    };
    const std::string fresh = "Cache-Control: max-age=60\r\n";
    const Row rows[] = {
        {"no-store", "Cache-Control: no-store\r\n", "http://h/a", PushOutcome::no_storing},
        {"private", "Cache-Control: private, max-age=60\r\n", "http://h/a",
         PushOutcome::no_storing},
        {"no lifetime", "", "http://h/a", PushOutcome::no_storing},
        {"Vary", "Cache-Control: max-age=60\r\nVary: Accept\r\n", "http://h/a", PushOutcome::vary},
        {"Vary: *", "Cache-Control: max-age=60\r\nVary: *\r\n", "http://h/a", PushOutcome::vary},
        {"chunked", "Cache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n", "http://h/a",
         PushOutcome::bad_head},
        {"another length", "Cache-Control: max-age=60\r\nContent-Length: 7\r\n", "http://h/a",
         PushOutcome::bad_head},
        {"no field", "what is this\r\n", "http://h/a", PushOutcome::bad_head},
        {"a second head", "A: b\r\n\r\nHTTP/1.1 200 OK\r\n", "http://h/a", PushOutcome::bad_head},
        {"no absolute URI", "Cache-Control: max-age=60\r\n", "/a", PushOutcome::bad_uri},
        {"another scheme", "Cache-Control: max-age=60\r\n", "ftp://h/a", PushOutcome::bad_uri},
        {"user information", "Cache-Control: max-age=60\r\n", "http://u@h/a", PushOutcome::bad_uri},
    };
    for (const Row& row : rows) {
        Edge edge;
        edge.apply({edge.staged_push(1, 0, "pushed", row.lines, row.uri)});
        BOOST_TEST(edge.driver.count(row.outcome) == 1U, row.name);
        BOOST_TEST(edge.shared.store.counters().records == 0U, row.name);
    }
}

BOOST_AUTO_TEST_CASE(a_site_of_another_host_or_a_bypass_rule_refuses_it)
{
    Edge other(worker::test::a_site([](config::SiteSettings& site) { site.hosts = {"other"}; }));
    other.apply({other.staged_push(1, 0)});
    BOOST_TEST(other.driver.count(PushOutcome::no_site) == 1U);
    Edge bypass(worker::test::a_site([](config::SiteSettings& site) {
        config::PathRule rule;
        rule.match = "/a*";
        rule.bypass = true;
        site.paths.push_back(rule);
    }));
    bypass.apply({bypass.staged_push(1, 0)});
    BOOST_TEST(bypass.driver.count(PushOutcome::bypassed) == 1U);
}

BOOST_AUTO_TEST_CASE(it_is_stored_under_the_key_that_a_request_for_it_has)
{
    Edge edge(worker::test::a_site([](config::SiteSettings& site) {
        site.key.drop_query = {"utm_*"};
        site.key.sort_query = true;
    }));
    edge.apply({edge.staged_push(1, 0, "pushed", kLines, "HTTP://H:80/a?z=1&utm_x=2&b=3")});
    BOOST_TEST(edge.get("http://h/a?b=3&z=1").value() == "pushed");
    edge.apply({edge.staged_push(2, 1, "root", kLines, "http://h")});
    BOOST_TEST(edge.get("http://h/").value() == "root");
}

BOOST_AUTO_TEST_CASE(a_body_larger_than_the_limit_is_not_stored)
{
    Edge edge;
    const std::size_t limit = edge.sites->settings().limits.max_object_bytes;
    BOOST_TEST(
        (plan_push(*edge.sites, kUri, content_of(kLines, "").head, limit, WallTime{}).outcome ==
         PushOutcome::stored));
    BOOST_TEST(
        (plan_push(*edge.sites, kUri, content_of(kLines, "").head, limit + 1, WallTime{}).outcome ==
         PushOutcome::no_room));
}

BOOST_AUTO_TEST_SUITE_END()
