#include "edge/serve/outcome.hpp"
#include "tests/edge/cache/fields.hpp"
#include "tests/support/messages.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::serve
{
namespace
{
using namespace std::chrono_literals;
using cache::kNow;
using cache::Storable;
using test::Response;
using test::with_crlf;

const cache::ExchangeTimes kTimes = {kNow, kNow};
const std::string kDate = "Date: " + cache::http_date(kNow);

config::CacheSettings settings()
{
    return {};
}

Asked get()
{
    Asked asked;
    asked.target_uri = "http://example.org/a";
    asked.for_cache = true;
    return asked;
}

struct Options {
    Asked asked = get();
    config::CacheSettings settings = serve::settings();
    std::optional<config::PathRule> rule;
};

ResponsePlan planned(std::string_view lines, const Options& options = {})
{
    const Response response(lines, options.asked.facts.method);
    return plan_response(options.asked, *response, kTimes, options.settings,
                         options.rule ? &*options.rule : nullptr);
}

// Status line and fields as clients get them, the Date of every test left out.
std::string lines_of(const std::string& fields, const Options& options = {})
{
    return planned("HTTP/1.1 200 OK\n" + kDate + "\n" + fields, options).lines;
}
std::string expected_lines(const std::string& fields)
{
    return with_crlf("HTTP/1.1 200 OK\n" + kDate + "\n" + fields + (fields.empty() ? "" : "\n"));
}

config::PathRule stripping(std::vector<std::string> names)
{
    config::PathRule rule;
    rule.strip_response_fields = std::move(names);
    return rule;
}
} // namespace

BOOST_AUTO_TEST_SUITE(meaning)

BOOST_AUTO_TEST_CASE(status_and_what_was_asked_give_an_answer_its_meaning)
{
    struct Row {
        const char* name;
        const char* answer;
        bool for_cache;
        bool validators_sent;
        const char* stored; // null: nothing
        Meaning meaning;
    };
    const Row rows[] = {
        {"a 200", "HTTP/1.1 200 OK", true, false, nullptr, Meaning::response},
        {"a 200 instead of a 304", "HTTP/1.1 200 OK", true, true, "etag: \"a\"", Meaning::response},
        {"a 404", "HTTP/1.1 404 Not Found", true, true, "etag: \"a\"", Meaning::response},
        {"a 304 to the client's own condition", "HTTP/1.1 304 Not Modified", false, false, nullptr,
         Meaning::response},
        {"a 304 that nobody asked for", "HTTP/1.1 304 Not Modified", true, false, nullptr,
         Meaning::bad},
        {"a 304 without validators of ours", "HTTP/1.1 304 Not Modified", true, false,
         "etag: \"a\"", Meaning::bad},
        {"a 304 when the stored response has gone", "HTTP/1.1 304 Not Modified", true, true,
         nullptr, Meaning::bad},
        {"a 304 for ours", "HTTP/1.1 304 Not Modified\nETag: \"a\"", true, true, "etag: \"a\"",
         Meaning::not_modified},
        {"a 304 that names nothing", "HTTP/1.1 304 Not Modified", true, true, "etag: \"a\"",
         Meaning::not_modified},
        {"a 304 for another variant", "HTTP/1.1 304 Not Modified\nETag: \"b\"", true, true,
         "etag: \"a\"", Meaning::mismatch},
        {"500", "HTTP/1.1 500 x", true, false, nullptr, Meaning::error},
        {"502", "HTTP/1.1 502 x", true, true, "etag: \"a\"", Meaning::error},
        {"503", "HTTP/1.1 503 x", false, false, nullptr, Meaning::error},
        {"504", "HTTP/1.1 504 x", true, false, nullptr, Meaning::error},
        // RFC 5861 §4 names these four only.
        {"501", "HTTP/1.1 501 x", true, true, "etag: \"a\"", Meaning::response},
        {"505", "HTTP/1.1 505 x", true, true, "etag: \"a\"", Meaning::response},
        {"429", "HTTP/1.1 429 x", true, true, "etag: \"a\"", Meaning::response},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Response answer(row.answer);
            Asked asked;
            asked.for_cache = row.for_cache;
            asked.validators_sent = row.validators_sent;
            const http::FieldList stored =
                row.stored == nullptr ? http::FieldList{} : cache::fields_of(row.stored);
            BOOST_TEST((meaning_of(asked, *answer, row.stored == nullptr ? nullptr : &stored) ==
                        row.meaning));
        }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(response_plan)

BOOST_AUTO_TEST_CASE(lines_are_the_responses_own_in_its_order)
{
    BOOST_TEST(
        planned("HTTP/1.1 200 Fine\nX-B: 1\n" + kDate + "\nx-a: 2\nX-B: 3\nX-Empty:").lines ==
        with_crlf("HTTP/1.1 200 Fine\nX-B: 1\n" + kDate + "\nx-a: 2\nX-B: 3\nX-Empty: \n"));
}

BOOST_AUTO_TEST_CASE(a_missing_reason_is_filled_in_where_the_rfc_names_one)
{
    BOOST_TEST(planned("HTTP/1.1 404 \n" + kDate).lines.starts_with("HTTP/1.1 404 Not Found\r\n"));
    BOOST_TEST(planned("HTTP/1.1 299 \n" + kDate).lines.starts_with("HTTP/1.1 299 \r\n"));
}

// RFC 9110 §6.6.1
BOOST_AUTO_TEST_CASE(a_missing_date_is_when_the_response_came)
{
    const Response response("HTTP/1.1 200 OK\nX-A: 1");
    const auto plan = plan_response(get(), *response, {kNow - 3s, kNow + 2s}, settings(), nullptr);
    BOOST_TEST(plan.lines ==
               with_crlf("HTTP/1.1 200 OK\nX-A: 1\nDate: " + cache::http_date(kNow + 2s) + "\n"));
    BOOST_TEST(planned("HTTP/1.1 200 OK\nDate: rubbish").lines ==
               "HTTP/1.1 200 OK\r\nDate: rubbish\r\n");
}

BOOST_AUTO_TEST_CASE(what_ends_at_this_hop_is_not_passed_on)
{
    struct Row {
        const char* name;
        const char* fields;
        const char* expected;
    };
    const Row rows[] = {
        {"Connection and its options", "Connection: close, X-Hop\nX-Hop: 1\nX-A: 2", "X-A: 2"},
        {"several Connection lines", "Connection: a\nConnection: b\nA: 1\nB: 2", ""},
        {"Keep-Alive", "Keep-Alive: timeout=5", ""},
        {"Transfer-Encoding", "Transfer-Encoding: chunked", ""},
        {"Trailer", "Trailer: X-Sum\nTransfer-Encoding: chunked", ""},
        {"Upgrade", "Upgrade: h2c", ""},
        {"Proxy-Authenticate", "Proxy-Authenticate: Basic", ""},
        {"Age: the edge says its own", "Age: 10", ""},
        {"Connection cannot name what says how to cache",
         "Connection: Cache-Control, Vary, Content-Type\nCache-Control: no-store\nVary: "
         "accept\nContent-Type: text/plain",
         "Cache-Control: no-store\nVary: accept\nContent-Type: text/plain"},
        {"Content-Length stays", "Content-Length: 5", "Content-Length: 5"},
        {"other ends stay", "Warning: 1\nPragma: x\nSet-Cookie: a=1\nSet-Cookie: b=2",
         "Warning: 1\nPragma: x\nSet-Cookie: a=1\nSet-Cookie: b=2"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(lines_of(row.fields) == expected_lines(row.expected));
}

// RFC 9110 §8.6
BOOST_AUTO_TEST_CASE(a_204_carries_no_content_length_but_head_and_304_do)
{
    BOOST_TEST(planned("HTTP/1.1 204 No Content\n" + kDate + "\nContent-Length: 0").lines ==
               with_crlf("HTTP/1.1 204 No Content\n" + kDate + "\n"));
    BOOST_TEST(planned("HTTP/1.1 304 Not Modified\n" + kDate + "\nContent-Length: 7").lines ==
               with_crlf("HTTP/1.1 304 Not Modified\n" + kDate + "\nContent-Length: 7\n"));
    Options head;
    head.asked.facts.method = http::Method::head;
    BOOST_TEST(lines_of("Content-Length: 7", head) == expected_lines("Content-Length: 7"));
}

BOOST_AUTO_TEST_CASE(fields_for_caches_only_are_stripped_unless_the_site_shows_them)
{
    const std::string tags = "Surrogate-Key: a b\nCache-Tag: c\nxkey: d\nEdge-Cache-Tag: "
                             "e\nX-Magento-Tags: f\nSurrogate-Control: max-age=5";
    const std::string cdn = "CDN-Cache-Control: max-age=9";
    const std::string groups = "Cache-Groups: \"g\"";
    const std::string all = tags + "\n" + cdn + "\n" + groups;
    BOOST_TEST(lines_of(all) == expected_lines(cdn + "\n" + groups));
    Options shown;
    shown.settings.strip_tags = false;
    BOOST_TEST(lines_of(all, shown) == expected_lines(all));
    Options hidden;
    hidden.settings.forward_targeted = false;
    BOOST_TEST(lines_of(all, hidden) == expected_lines(groups));
}

BOOST_AUTO_TEST_CASE(what_clients_are_not_shown_is_kept_for_other_nodes)
{
    const std::string fields =
        "HTTP/1.1 200 OK\nSurrogate-Key: a b\nX-Other: x\nCDN-Cache-Control: "
        "max-age=9\nCache-Groups: \"g\"\nTidemark-Fence: 5\nxkey: c";
    BOOST_TEST(planned(fields).peer_lines == "Surrogate-Key: a b\r\nxkey: c\r\n");
    BOOST_TEST(planned(fields).lines.find("Tidemark") == std::string::npos);
    Options hidden;
    hidden.settings.forward_targeted = false;
    BOOST_TEST(planned(fields, hidden).peer_lines ==
               "Surrogate-Key: a b\r\nCDN-Cache-Control: max-age=9\r\nxkey: c\r\n");
    Options shown;
    shown.settings.strip_tags = false;
    shown.rule = stripping({"x-other"});
    BOOST_TEST(planned(fields, shown).peer_lines == "");
}

BOOST_AUTO_TEST_CASE(tags_are_read_though_they_are_stripped)
{
    const auto plan = planned("HTTP/1.1 200 OK\nSurrogate-Key: b a\nCache-Tag: c,a");
    BOOST_TEST((plan.tags == std::vector<std::string>{"a", "b", "c"}));
}

BOOST_AUTO_TEST_CASE(a_path_rule_strips_fields_before_storing)
{
    Options options;
    options.rule = stripping({"set-cookie", "x-debug"});
    const std::string fields =
        "Cache-Control: max-age=60\nSet-Cookie: a=1\nX-Debug: 1\nset-cookie: b=2\nX-Debugger: 2";
    BOOST_TEST(lines_of(fields, options) ==
               expected_lines("Cache-Control: max-age=60\nX-Debugger: 2"));
    // What is stripped is no reason against storing.
    options.settings.store.store_set_cookie = false;
    const std::string response = "HTTP/1.1 200 OK\n" + kDate + "\n" + fields;
    BOOST_TEST((planned(response, options).storable == Storable::yes));
    options.rule.reset();
    BOOST_TEST((planned(response, options).storable == Storable::set_cookie));
}

BOOST_AUTO_TEST_CASE(storable_and_shareable_follow_the_response)
{
    struct Row {
        const char* name;
        const char* fields;
        Storable storable;
        bool shareable;
    };
    const Row rows[] = {
        {"fresh", "Cache-Control: max-age=60", Storable::yes, true},
        {"no-store", "Cache-Control: no-store", Storable::no_store, false},
        {"private", "Cache-Control: private, max-age=60", Storable::is_private, false},
        {"no-cache with a validator is stored, for each to validate",
         "Cache-Control: no-cache\nETag: \"a\"", Storable::yes, false},
        {"max-age=0 with a validator", "Cache-Control: max-age=0\nETag: \"a\"", Storable::yes,
         false},
        {"stale from the start, but served while it is validated",
         "Cache-Control: max-age=0, stale-while-revalidate=60\nETag: \"a\"", Storable::yes, true},
        {"some fields private", "Cache-Control: max-age=60, private=\"x-user\"\nX-User: 1",
         Storable::yes, false},
        {"some fields no-cache", "Cache-Control: max-age=60, no-cache=\"set-cookie\"",
         Storable::yes, false},
        {"Vary: *", "Cache-Control: max-age=60\nVary: *", Storable::vary_any, false},
        {"nothing said", "X-A: 1", Storable::no_freshness, false},
        {"older than its lifetime", "Cache-Control: max-age=60\nAge: 60\nETag: \"a\"",
         Storable::yes, true},
        {"CDN-Cache-Control rules", "Cache-Control: no-store\nCDN-Cache-Control: max-age=60",
         Storable::yes, true},
        {"and forbids", "Cache-Control: max-age=60\nCDN-Cache-Control: no-store",
         Storable::no_store, false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            const auto plan = planned("HTTP/1.1 200 OK\n" + kDate + "\n" + row.fields);
            BOOST_TEST(text_of(plan.storable) == text_of(row.storable));
            BOOST_TEST(plan.shareable == row.shareable);
        }
}

BOOST_AUTO_TEST_CASE(fields_for_the_one_who_asked_are_not_kept)
{
    const auto plan = planned("HTTP/1.1 200 OK\n" + kDate +
                              "\nCache-Control: max-age=60, private=\"x-user, Set-Cookie\", "
                              "no-cache=\"x-token\"\nX-User: me\nset-cookie: a=1\nX-Token: "
                              "t\nX-A: 1\nContent-Length: 3");
    const std::string cc = "Cache-Control: max-age=60, private=\"x-user, Set-Cookie\", "
                           "no-cache=\"x-token\"";
    BOOST_TEST(plan.fields_differ);
    BOOST_TEST(plan.lines == expected_lines(cc + "\nX-User: me\nset-cookie: a=1\nX-Token: t\nX-A: "
                                                 "1\nContent-Length: 3"));
    BOOST_TEST(plan.stored_lines == expected_lines(cc + "\nX-A: 1\nContent-Length: 3"));
}

BOOST_AUTO_TEST_CASE(a_date_is_added_to_what_is_kept_too)
{
    const auto plan = planned("HTTP/1.1 200 OK\nCache-Control: max-age=60, private=\"x\"\nX: 1");
    BOOST_TEST(
        plan.stored_lines ==
        with_crlf("HTTP/1.1 200 OK\nCache-Control: max-age=60, private=\"x\"\n" + kDate + "\n"));
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_apart_where_all_fields_may_be_kept)
{
    const auto plan = planned("HTTP/1.1 200 OK\nCache-Control: max-age=60");
    BOOST_TEST(!plan.fields_differ);
    BOOST_TEST(plan.stored_lines == "");
}

BOOST_AUTO_TEST_CASE(vary_is_normalised)
{
    BOOST_TEST(planned("HTTP/1.1 200 OK\nVary: Accept-Language, accept\nVary: ACCEPT").vary ==
               "accept,accept-language");
    BOOST_TEST(planned("HTTP/1.1 200 OK\nVary: accept, *").vary == "*");
    BOOST_TEST(planned("HTTP/1.1 200 OK").vary == "");
}

BOOST_AUTO_TEST_CASE(a_rules_time_to_live_replaces_what_the_response_says)
{
    Options options;
    options.rule.emplace();
    options.rule->ttl = 100s;
    const std::string start = "HTTP/1.1 200 OK\n" + kDate + "\n";
    auto plan = planned(start + "Cache-Control: no-cache, max-age=5", options);
    BOOST_TEST((plan.storable == Storable::yes));
    BOOST_TEST(plan.shareable);
    BOOST_TEST((plan.freshness.lifetime == 100s));
    BOOST_TEST((planned(start + "X-A: 1", options).storable == Storable::yes));
    BOOST_TEST(
        (planned(start + "Cache-Control: no-store", options).storable == Storable::no_store));
    BOOST_TEST(
        (planned(start + "Cache-Control: private", options).storable == Storable::is_private));
    options.rule->ttl.reset();
    BOOST_TEST((planned(start + "Cache-Control: max-age=5", options).freshness.lifetime == 5s));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(freshen_plan)

namespace
{
FreshenPlan freshened(const std::string& stored, const std::string& update,
                      const Options& options = {}, const cache::Freshness& before = {})
{
    const Response not_modified("HTTP/1.1 304 Not Modified" +
                                (update.empty() ? "" : "\n" + update));
    const http::FieldList fields = cache::fields_of(stored);
    return plan_freshen(*not_modified, 200, "Fine", fields, before, kTimes, options.settings,
                        options.rule ? &*options.rule : nullptr);
}
std::string kept(const std::string& fields)
{
    return with_crlf("HTTP/1.1 200 Fine\n" + fields + "\n");
}
} // namespace

// RFC 9213 §2.2: the targeted field still rules, though clients were never shown it.
BOOST_AUTO_TEST_CASE(
    a_304_that_repeats_no_ruling_field_leaves_the_lifetime_that_a_stripped_one_gave)
{
    cache::Freshness before;
    before.lifetime = Seconds{10};
    before.ruled_by_unkept_fields = true;
    const std::string stored = "Cache-Control: max-age=600\nETag: \"e\"";
    BOOST_TEST((freshened(stored, "ETag: \"e\"", {}, before).freshness.lifetime == Seconds{10}));
    BOOST_TEST(freshened(stored, "ETag: \"e\"", {}, before).freshness.ruled_by_unkept_fields);
    BOOST_TEST((freshened(stored, "Cache-Control: max-age=60", {}, before).freshness.lifetime ==
                Seconds{60}));
    BOOST_TEST(!freshened(stored, "Cache-Control: max-age=60", {}, before)
                    .freshness.ruled_by_unkept_fields);
}

BOOST_AUTO_TEST_CASE(a_304_brings_the_fields_for_other_nodes_up_to_date)
{
    const Response update("HTTP/1.1 304 Not Modified\nSurrogate-Key: new\nTidemark-Fence: 5");
    const http::FieldList stored = cache::fields_of("ETag: \"e\"");
    const FreshenPlan plan =
        plan_freshen(*update, 200, "OK", stored, {}, kTimes, {}, nullptr,
                     "Surrogate-Key: old\r\nxkey: c\r\nSurrogate-Control: max-age=5\r\n");
    BOOST_TEST(plan.peer_lines ==
               "xkey: c\r\nSurrogate-Control: max-age=5\r\nSurrogate-Key: new\r\n");
    BOOST_TEST(plan.lines.find("Tidemark") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_304_that_forbids_storing_keeps_nothing)
{
    BOOST_TEST(freshened("Cache-Control: max-age=600", "").keep);
    BOOST_TEST(!freshened("Cache-Control: max-age=600", "Cache-Control: no-store").keep);
    BOOST_TEST(!freshened("Cache-Control: max-age=600", "Cache-Control: private").keep);
}

// RFC 9111 §3.2, §4.3.4
BOOST_AUTO_TEST_CASE(
    a_304_replaces_the_stored_fields_that_it_carries_but_not_what_describes_content)
{
    struct Row {
        const char* name;
        std::string stored;
        std::string update;
        std::string expected;
    };
    const Row rows[] = {
        {"replaced, the rest stays", kDate + "\nX-A: 1\nX-B: 2", "X-A: 3",
         kDate + "\nX-B: 2\nX-A: 3"},
        {"one line by several", kDate + "\nX-A: 1", "X-A: 2\nX-A: 3", kDate + "\nX-A: 2\nX-A: 3"},
        {"a new Date", kDate + "\nX-A: 1", "Date: Mon, 07 Nov 1994 08:49:37 GMT",
         "X-A: 1\nDate: Mon, 07 Nov 1994 08:49:37 GMT"},
        {"what describes the content",
         kDate + "\nContent-Length: 5\nContent-Type: text/plain\nContent-Encoding: gzip",
         "Content-Length: 0\nContent-Type: text/html\nContent-Encoding: br\nContent-Range: bytes "
         "0-0/1",
         kDate + "\nContent-Length: 5\nContent-Type: text/plain\nContent-Encoding: gzip"},
        {"hop-by-hop fields", kDate + "\nX-A: 1",
         "Connection: close, X-Hop\nX-Hop: 1\nKeep-Alive: timeout=5\nUpgrade: h2c",
         kDate + "\nX-A: 1"},
        {"an Age of either side", kDate + "\nAge: 5\nX-A: 1", "Age: 7", kDate + "\nX-A: 1"},
        {"a cookie for all", kDate, "Set-Cookie: a=1", kDate + "\nSet-Cookie: a=1"},
        {"fields for the one who asked", kDate,
         "Cache-Control: max-age=9, private=\"set-cookie\"\nSet-Cookie: a=1",
         kDate + "\nCache-Control: max-age=9, private=\"set-cookie\""},
        {"tags", kDate, "Surrogate-Key: a\nCache-Tag: b", kDate},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
    BOOST_TEST(freshened(row.stored, row.update).lines == kept(row.expected));
}

BOOST_AUTO_TEST_CASE(what_a_304_names_in_connection_does_not_cost_the_stored_field)
{
    BOOST_TEST(freshened(kDate + "\nX-Frame-Options: DENY",
                         "Connection: X-Frame-Options\nX-Frame-Options: ALLOWALL")
                   .lines == kept(kDate + "\nX-Frame-Options: DENY"));
}

BOOST_AUTO_TEST_CASE(a_date_is_added_if_neither_has_one)
{
    BOOST_TEST(freshened("X-A: 1", "").lines == kept("X-A: 1\n" + kDate));
}

BOOST_AUTO_TEST_CASE(freshness_counts_from_this_exchange_with_the_merged_directives)
{
    const std::string stored =
        "Date: " + cache::http_date(kNow - 100s) + "\nCache-Control: max-age=10\nAge: 50";
    const auto plan = freshened(stored, kDate + "\nCache-Control: max-age=30");
    BOOST_TEST((plan.freshness.lifetime == 30s));
    BOOST_TEST((cache::current_age(plan.freshness, kNow) == 0s));
    BOOST_TEST((freshened(stored, kDate).freshness.lifetime == 10s));
    BOOST_TEST((cache::current_age(freshened(stored, kDate + "\nAge: 7").freshness, kNow) == 7s));
    Options options;
    options.rule.emplace();
    options.rule->ttl = 100s;
    BOOST_TEST((freshened(stored, kDate, options).freshness.lifetime == 100s));
}

BOOST_AUTO_TEST_CASE(tags_come_from_the_304_if_it_has_any)
{
    BOOST_TEST((freshened(kDate, "Cache-Tag: b,a").tags == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(freshened(kDate, "").tags.empty());
}

BOOST_AUTO_TEST_CASE(a_path_rule_strips_the_update_too)
{
    Options options;
    options.rule = stripping({"set-cookie"});
    BOOST_TEST(freshened(kDate, "Set-Cookie: a=1\nX-A: 1", options).lines ==
               kept(kDate + "\nX-A: 1"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(lines)

BOOST_AUTO_TEST_CASE(parsing_lines_gives_the_fields_that_were_written)
{
    for (const char* fields : {"X-A: 1", "X-A: 1\nx-a: 2\nETag: \"a: b\"", "X-Empty: \nX-B: c:d: e",
                               "Set-Cookie: a=1; Path=/: x"})
        BOOST_TEST_CONTEXT(fields)
        {
            const std::string written = lines_of(fields);
            http::FieldList parsed;
            parsed.add("left", "over");
            parse_lines(written, parsed);
            BOOST_TEST(cache::text_of_fields(parsed) == kDate + "\n" + fields);
            BOOST_TEST(parsed.has(http::FieldId::date));
            BOOST_TEST(!parsed.has(http::FieldId::vary));
        }
}

BOOST_AUTO_TEST_CASE(a_status_line_alone_has_no_fields)
{
    http::FieldList parsed;
    parse_lines("HTTP/1.1 200 OK\r\n", parsed);
    BOOST_TEST(parsed.empty());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
