#include "edge/cache/storable.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace tidemark;
using namespace tidemark::cache;

namespace tidemark::cache
{
static std::ostream& operator<<(std::ostream& out, Storable s)
{
    return out << text_of(s);
}
} // namespace tidemark::cache

namespace
{
constexpr std::string_view kTarget = "http://example.com/a?b";

Storable decide(std::uint16_t status, std::string_view text, const RequestFacts& request = {},
                const StoreRules& rules = {}, const FreshnessRules& freshness_rules = {})
{
    const std::string dated = with_dates(text);
    http::ResponseHead response;
    response.status = status;
    response.fields = fields_of(dated);
    const ResponseDirectives directives = parse_response_directives(response.fields);
    const Freshness freshness =
        freshness_of(status, response.fields, directives, {kNow, kNow}, freshness_rules);
    return decide_storable(request, kTarget, response, directives, freshness, rules);
}

struct Row {
    const char* name;
    std::uint16_t status;
    const char* fields;
    Storable expected;
};

const Row kGet[] = {
    {"max-age", 200, "cache-control: max-age=60", Storable::yes},
    {"s-maxage", 200, "cache-control: s-maxage=60", Storable::yes},
    {"Expires", 200, "date: {0}\nexpires: {+60}", Storable::yes},
    {"a guessed lifetime", 200, "last-modified: {-1000}", Storable::yes},
    {"a validator alone", 200, "etag: \"a\"", Storable::yes},
    {"no lifetime, no validator", 200, "date: {0}", Storable::no_freshness},
    {"stale from the start, no validator", 200, "cache-control: max-age=0", Storable::no_freshness},
    {"stale from the start, a validator", 200, "cache-control: max-age=0\netag: \"a\"",
     Storable::yes},
    {"stale from the start, a window", 200, "cache-control: max-age=0, stale-while-revalidate=9",
     Storable::yes},
    {"stale from the start, an allowance", 200, "cache-control: max-age=0, stale-if-error=9",
     Storable::yes},
    {"an Expires in the past, no validator", 200, "expires: 0", Storable::no_freshness},

    {"§3 no-store", 200, "cache-control: no-store", Storable::no_store},
    {"§3 no-store, however fresh", 200, "cache-control: max-age=60, no-store", Storable::no_store},
    {"§3 private", 200, "cache-control: private, max-age=60", Storable::is_private},
    {"§3 private outranks s-maxage", 200, "cache-control: private, s-maxage=60",
     Storable::is_private},
    {"§5.2.2.7 a qualified private", 200, "cache-control: private=\"a\", max-age=60",
     Storable::yes},
    {"§5.2.2.4 no-cache with a validator", 200, "cache-control: no-cache\netag: \"a\"",
     Storable::yes},
    {"§5.2.2.4 no-cache without one could never be used", 200,
     "cache-control: no-cache, max-age=60", Storable::no_freshness},
    {"§5.4 Pragma is ignored", 200, "cache-control: max-age=60\npragma: no-cache", Storable::yes},
    {"RFC 9213 targeted over no-store", 200,
     "cache-control: no-store\ncdn-cache-control: max-age=60", Storable::yes},
    {"RFC 9213 targeted no-store", 200, "cache-control: max-age=60\ncdn-cache-control: no-store",
     Storable::no_store},
    {"RFC 9213 targeted private", 200, "cache-control: max-age=60\ncdn-cache-control: private",
     Storable::is_private},
    {"RFC 9213 an Expires beside it is no lifetime", 202,
     "cdn-cache-control: foo\nexpires: {+60}\netag: \"a\"", Storable::no_freshness},

    {"§5.2.2.3 must-understand lifts no-store", 200,
     "cache-control: no-store, must-understand, max-age=60", Storable::yes},
    {"§5.2.2.3 not for a status unknown to us", 599,
     "cache-control: no-store, must-understand, max-age=60", Storable::status},
    {"§5.2.2.3 which is not stored without no-store either", 599,
     "cache-control: must-understand, max-age=60", Storable::status},
    {"§5.2.2.3 it does not lift private", 200,
     "cache-control: no-store, must-understand, private, max-age=60", Storable::is_private},

    {"§3 an interim answer", 103, "cache-control: max-age=60", Storable::status},
    {"§3.3 a partial answer", 206, "cache-control: max-age=60", Storable::status},
    {"a 304", 304, "cache-control: max-age=60", Storable::status},
    {"an answer to preconditions", 412, "cache-control: max-age=60", Storable::status},
    {"an answer to a Range", 416, "cache-control: max-age=60", Storable::status},
    {"an answer to an Expect", 417, "cache-control: max-age=60", Storable::status},
    {"no status code at all", 600, "cache-control: max-age=60", Storable::status},
    {"an error without a lifetime", 500, "last-modified: {-1000}\netag: \"a\"",
     Storable::no_freshness},
    {"a 302 without a lifetime", 302, "last-modified: {-1000}", Storable::no_freshness},
    {"public allows any status to be guessed for", 599,
     "cache-control: public\nlast-modified: {-1000}", Storable::yes},

    {"§4.1 Vary", 200, "cache-control: max-age=60\nvary: accept", Storable::yes},
    {"§4.1 Vary: *", 200, "cache-control: max-age=60\nvary: *", Storable::vary_any},
    {"§4.1 Vary: * on a second line", 200, "cache-control: max-age=60\nvary: a\nvary: b, *",
     Storable::vary_any},

    {"§7.3 Set-Cookie with a lifetime", 200, "cache-control: max-age=60\nset-cookie: a=b",
     Storable::yes},
    {"§7.3 Set-Cookie with Expires", 200, "expires: {+60}\nset-cookie: a=b", Storable::yes},
    {"§7.3 Set-Cookie with a guessed lifetime", 200, "last-modified: {-1000}\nset-cookie: a=b",
     Storable::set_cookie},
    {"§7.3 Set-Cookie with a validator alone", 200, "etag: \"a\"\nset-cookie: a=b",
     Storable::set_cookie},
    {"§7.3 Set-Cookie with a lifetime of zero", 200,
     "cache-control: max-age=0\netag: \"a\"\nset-cookie: a=b", Storable::set_cookie},
    {"§7.3 Set-Cookie with no-cache", 200,
     "cache-control: max-age=60, no-cache\netag: \"a\"\nset-cookie: a=b", Storable::set_cookie},
    {"§5.2.2.7 private=\"Set-Cookie\" keeps it out", 200,
     "cache-control: private=\"Set-Cookie\"\netag: \"a\"\nset-cookie: a=b", Storable::yes},
    {"§5.2.2.4 no-cache=\"Set-Cookie\" keeps it out", 200,
     "cache-control: no-cache=\"set-cookie\"\netag: \"a\"\nset-cookie: a=b", Storable::yes},
};
} // namespace

BOOST_AUTO_TEST_SUITE(storable)

BOOST_AUTO_TEST_CASE(the_answer_to_a_get_is_stored_as_rfc_9111_section_3_allows)
{
    for (const Row& row : kGet)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(decide(row.status, row.fields) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(any_final_status_with_an_explicit_lifetime_is_stored)
{
    const std::set<int> never = {206, 304, 412, 416, 417};
    for (int status = 200; status < 600; ++status)
        BOOST_TEST_CONTEXT(status)
        {
            const Storable s =
                decide(static_cast<std::uint16_t>(status), "cache-control: max-age=60");
            BOOST_TEST(s == (never.count(status) ? Storable::status : Storable::yes));
        }
}

BOOST_AUTO_TEST_CASE(only_get_is_stored_as_it_is)
{
    using http::Method;
    for (const Method method : {Method::head, Method::put, Method::delete_, Method::connect,
                                Method::options, Method::trace, Method::patch, Method::other})
        BOOST_TEST_CONTEXT(static_cast<int>(method))
        {
            RequestFacts request;
            request.method = method;
            BOOST_TEST(decide(200, "cache-control: max-age=60", request) == Storable::method);
        }
}

// RFC 9110 §9.3.3
BOOST_AUTO_TEST_CASE(a_post_is_stored_if_it_says_that_it_is_the_target)
{
    RequestFacts post;
    post.method = http::Method::post;
    post.has_body = true;
    const Row rows[] = {
        {"the target itself", 200, "expires: {+60}\ncontent-location: http://example.com/a?b",
         Storable::yes},
        {"in other words", 200, "expires: {+60}\ncontent-location: HTTP://EXAMPLE.com:80/x/../a?b",
         Storable::yes},
        {"relative", 200, "cache-control: max-age=60\ncontent-location: a?b", Storable::yes},
        {"empty: the target", 200, "cache-control: max-age=60\ncontent-location:", Storable::yes},
        {"without Content-Location", 200, "cache-control: max-age=60", Storable::method},
        {"another resource", 200, "cache-control: max-age=60\ncontent-location: /a",
         Storable::method},
        {"another host", 200, "cache-control: max-age=60\ncontent-location: http://x.com/a?b",
         Storable::method},
        {"without a lifetime", 200, "last-modified: {-1000}\ncontent-location: /a?b",
         Storable::method},
        {"not 200", 201, "cache-control: max-age=60\ncontent-location: /a?b", Storable::method},
        {"no-store", 200, "cache-control: max-age=60, no-store\ncontent-location: /a?b",
         Storable::no_store},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(decide(row.status, row.fields, post) == row.expected);
        }
}

// RFC 9111 §3.5
BOOST_AUTO_TEST_CASE(an_authorized_answer_is_stored_only_if_it_says_so)
{
    RequestFacts authorized;
    authorized.authorization = true;
    const Row rows[] = {
        {"a lifetime is not enough", 200, "cache-control: max-age=60", Storable::authorization},
        {"nor is Expires", 200, "expires: {+60}", Storable::authorization},
        {"nor is proxy-revalidate", 200, "cache-control: max-age=60, proxy-revalidate",
         Storable::authorization},
        {"nor is no-cache", 200, "cache-control: no-cache\netag: \"a\"", Storable::authorization},
        {"public", 200, "cache-control: max-age=60, public", Storable::yes},
        {"must-revalidate", 200, "cache-control: max-age=60, must-revalidate", Storable::yes},
        {"s-maxage", 200, "cache-control: s-maxage=60", Storable::yes},
        {"not beside private", 200, "cache-control: s-maxage=60, private", Storable::is_private},
        {"a targeted field speaks alone", 200,
         "cdn-cache-control: max-age=60\ncache-control: public", Storable::authorization},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(decide(row.status, row.fields, authorized) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(the_request_may_forbid_storing)
{
    RequestFacts request;
    request.no_store = true;
    BOOST_TEST(decide(200, "cache-control: max-age=60", request) == Storable::request);
    request.no_store = false;
    request.has_body = true;
    BOOST_TEST(decide(200, "cache-control: max-age=60", request) == Storable::request);
}

BOOST_AUTO_TEST_CASE(a_whole_answer_to_a_range_request_is_stored)
{
    RequestFacts request;
    request.range = true;
    BOOST_TEST(decide(200, "cache-control: max-age=60", request) == Storable::yes);
    BOOST_TEST(decide(206, "cache-control: max-age=60", request) == Storable::status);
}

BOOST_AUTO_TEST_CASE(a_site_may_refuse_cookies_and_take_what_cannot_be_validated)
{
    StoreRules no_cookies;
    no_cookies.store_set_cookie = false;
    BOOST_TEST(decide(200, "cache-control: max-age=60\nset-cookie: a=b", {}, no_cookies) ==
               Storable::set_cookie);
    BOOST_TEST(decide(200, "cache-control: max-age=60", {}, no_cookies) == Storable::yes);

    StoreRules anything;
    anything.store_unvalidatable = true;
    BOOST_TEST(decide(200, "date: {0}", {}, anything) == Storable::yes);
    BOOST_TEST(decide(503, "date: {0}", {}, anything) == Storable::no_freshness);
}

BOOST_AUTO_TEST_CASE(the_implicit_allowance_for_errors_alone_keeps_nothing)
{
    FreshnessRules rules;
    rules.implicit_stale_on_error = Seconds{3600};
    BOOST_TEST(decide(200, "date: {0}", {}, {}, rules) == Storable::no_freshness);
}

BOOST_AUTO_TEST_CASE(an_override_makes_storable_but_not_what_is_private)
{
    FreshnessRules rules;
    rules.ttl_override = Seconds{60};
    const Row rows[] = {
        {"nothing said", 200, "", Storable::yes},
        {"an error", 503, "", Storable::yes},
        {"no-cache", 200, "cache-control: no-cache", Storable::yes},
        {"no-store", 200, "cache-control: no-store", Storable::no_store},
        {"private", 200, "cache-control: private", Storable::is_private},
        {"a cookie", 200, "set-cookie: a=b", Storable::set_cookie},
        {"a cookie with a lifetime of its own", 200, "cache-control: max-age=5\nset-cookie: a=b",
         Storable::yes},
        {"Vary: *", 200, "vary: *", Storable::vary_any},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(decide(row.status, row.fields, {}, {}, rules) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(known_status_codes_are_understood)
{
    for (const int status : {200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403,
                             404, 405, 410, 414, 421, 422, 429, 451, 500, 501, 503, 504})
        BOOST_TEST_CONTEXT(status)
        {
            BOOST_TEST(understood(static_cast<std::uint16_t>(status)));
        }
    for (const int status : {103, 206, 299, 304, 306, 399, 418, 499, 509, 599, 600, 999})
        BOOST_TEST_CONTEXT(status)
        {
            BOOST_TEST(!understood(static_cast<std::uint16_t>(status)));
        }
}

// RFC 9111 §3.1
BOOST_AUTO_TEST_CASE(fields_of_one_connection_are_not_stored)
{
    struct FieldRow {
        const char* name;
        const char* connection;
        const char* cache_control;
        bool stored;
    };
    const FieldRow rows[] = {
        {"Content-Type", "", "", true},
        {"X-Anything", "", "", true},
        {"Set-Cookie", "", "", true},
        {"Proxy-Status", "", "", true},
        {"Connection", "", "", false},
        {"Keep-Alive", "", "", false},
        {"Proxy-Authenticate", "", "", false},
        {"Proxy-Authentication-Info", "", "", false},
        {"Proxy-Authorization", "", "", false},
        {"Proxy-Connection", "", "", false},
        {"TE", "", "", false},
        {"Trailer", "", "", false},
        {"Transfer-Encoding", "", "", false},
        {"Upgrade", "", "", false},
        {"A", "a, b", "", false},
        {"B", "a, b", "", false},
        {"C", "a, b", "", true},
        {"X-Close", "close", "", true},
        {"Content-Length", "content-length", "", true},
        {"Cache-Control", "cache-control", "", true},
        {"Vary", "vary", "", true},
        {"Set-Cookie", "", "private=\"Set-Cookie\"", false},
        {"A", "", "no-cache=\"x, a\"", false},
        {"B", "", "no-cache=\"x, a\"", true},
        {"A", "", "private, no-cache", true},
    };
    for (const FieldRow& row : rows)
        BOOST_TEST_CONTEXT(row.name << " " << row.connection << " " << row.cache_control)
        {
            http::FieldList fields;
            fields.add(row.name, "x");
            http::FieldList control;
            control.add("cache-control", row.cache_control);
            BOOST_TEST(stored_field(fields[0], row.connection,
                                    parse_response_directives(control)) == row.stored);
        }
}

BOOST_AUTO_TEST_CASE(every_reason_has_its_own_word)
{
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(Storable::request); ++i)
        words.insert(text_of(static_cast<Storable>(i)));
    BOOST_TEST(words.size() == static_cast<std::size_t>(Storable::request) + 1);
    BOOST_TEST(words.count("") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
