#include "edge/cache/freshness.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
constexpr ExchangeTimes kAtOnce{kNow, kNow};

Freshness freshness(std::string_view text, std::uint16_t status = 200,
                    const FreshnessRules& rules = {}, const ExchangeTimes& times = kAtOnce)
{
    const std::string dated = with_dates(text);
    const http::FieldList fields = fields_of(dated);
    return freshness_of(status, fields, parse_response_directives(fields), times, rules);
}

std::int64_t lifetime_seconds(const Freshness& f)
{
    return std::chrono::duration_cast<Seconds>(f.lifetime).count();
}

struct LifetimeRow {
    const char* name;
    const char* fields;
    std::int64_t seconds;
    bool is_explicit;
};

const LifetimeRow kLifetimes[] = {
    {"4.2.1 s-maxage wins in a shared cache", "cache-control: max-age=60, s-maxage=10", 10, true},
    {"4.2.1 s-maxage wins when it is longer", "cache-control: max-age=0, s-maxage=10", 10, true},
    {"4.2.1 s-maxage wins over Expires", "cache-control: s-maxage=10\ndate: {0}\nexpires: {-60}",
     10, true},
    {"4.2.1 max-age before Expires", "cache-control: max-age=60\ndate: {0}\nexpires: {+10}", 60,
     true},
    {"5.3 max-age before an Expires in the past",
     "cache-control: max-age=60\ndate: {0}\nexpires: {-7200}", 60, true},
    {"5.3 max-age=0 before an Expires in the future",
     "cache-control: max-age=0\ndate: {0}\nexpires: {+3600}", 0, true},
    {"5.3 max-age before an invalid Expires", "cache-control: max-age=60\nexpires: 0", 60, true},
    {"4.2.1 Expires minus Date", "date: {0}\nexpires: {+30}", 30, true},
    {"4.2.1 Expires minus Date, Date slow", "date: {-10}\nexpires: {+10}", 20, true},
    {"4.2.1 Expires minus Date, Date fast", "date: {+10}\nexpires: {+20}", 10, true},
    {"4.2.1 Expires before Date", "date: {+400}\nexpires: {+300}", 0, true},
    {"5.3 Expires equal to Date", "date: {0}\nexpires: {0}", 0, true},
    {"5.3 Expires: 0", "date: {0}\nexpires: 0", 0, true},
    {"5.3 an Expires that is no date", "date: {0}\nexpires: tomorrow", 0, true},
    {"5.3 an empty Expires", "date: {0}\nexpires:", 0, true},
    {"RFC 9110 §6.6.1 no Date", "expires: {+10}", 10, true},
    {"RFC 9110 §6.6.1 a Date that is no date", "date: foo\nexpires: {+10}", 10, true},
    {"4.2.1 the first of two Expires", "date: {0}\nexpires: {+10}\nexpires: {+99}", 10, true},
    {"Cache-Control without a lifetime leaves Expires", "cache-control: public\nexpires: {+10}", 10,
     true},
    {"RFC 9213 a targeted field replaces Expires too",
     "cdn-cache-control: public\ndate: {0}\nexpires: {+10}", 0, false},
    {"RFC 9213 and Cache-Control's max-age", "cdn-cache-control: public\ncache-control: max-age=60",
     0, false},
    {"RFC 9213 its own lifetime", "cdn-cache-control: max-age=7\ncache-control: max-age=60", 7,
     true},
    {"Surrogate-Control's lifetime", "surrogate-control: max-age=7\nexpires: {+60}", 7, true},
    {"nothing: no default", "date: {0}", 0, false},
    {"no-cache alone", "cache-control: no-cache", 0, false},
    {"a far Expires", "date: {0}\nexpires: Fri, 31 Dec 9999 23:59:59 GMT", 252618189022, true},
};

BOOST_AUTO_TEST_SUITE(freshness_lifetime)

BOOST_AUTO_TEST_CASE(it_follows_the_first_rule_that_applies)
{
    for (const LifetimeRow& row : kLifetimes)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Freshness f = freshness(row.fields);
            BOOST_TEST(lifetime_seconds(f) == row.seconds);
            BOOST_TEST(f.explicit_lifetime == row.is_explicit);
            BOOST_TEST(!f.heuristic);
        }
}

// RFC 9111 §4.2.2, RFC 9110 §15.1
BOOST_AUTO_TEST_CASE(a_guess_is_a_tenth_of_the_time_since_the_last_modification)
{
    const LifetimeRow rows[] = {
        {"a tenth", "date: {0}\nlast-modified: {-1000}", 100, false},
        {"Date missing", "last-modified: {-1000}", 100, false},
        {"Date older than now", "date: {-500}\nlast-modified: {-1000}", 50, false},
        {"at most the cap", "date: {0}\nlast-modified: {-99999999}", 86400, false},
        {"modified now", "date: {0}\nlast-modified: {0}", 0, false},
        {"modified in the future", "date: {0}\nlast-modified: {+1000}", 0, false},
        {"Last-Modified that is no date", "date: {0}\nlast-modified: yesterday", 0, false},
        {"no Last-Modified", "date: {0}\netag: \"a\"", 0, false},
        {"with a directive that is no lifetime",
         "cache-control: must-revalidate\ndate: {0}\nlast-modified: {-1000}", 100, false},
    };
    for (const LifetimeRow& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Freshness f = freshness(row.fields);
            BOOST_TEST(lifetime_seconds(f) == row.seconds);
            BOOST_TEST(f.heuristic == (row.seconds > 0));
            BOOST_TEST(!f.explicit_lifetime);
        }
}

BOOST_AUTO_TEST_CASE(an_explicit_lifetime_forbids_a_guess)
{
    for (const char* text : {"cache-control: max-age=0", "cache-control: s-maxage=0", "expires: 0",
                             "cdn-cache-control: max-age=0"})
        BOOST_TEST_CONTEXT(text)
        {
            const Freshness f = freshness(std::string(text) + "\nlast-modified: {-1000}");
            BOOST_TEST(f.lifetime.count() == 0);
            BOOST_TEST(!f.heuristic);
        }
}

BOOST_AUTO_TEST_CASE(a_guess_can_be_switched_off)
{
    FreshnessRules rules;
    rules.heuristic = false;
    BOOST_TEST(freshness("last-modified: {-1000}", 200, rules).lifetime.count() == 0);
}

BOOST_AUTO_TEST_CASE(only_some_status_codes_may_be_guessed_for)
{
    const std::vector<int> cacheable = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};
    for (int status = 200; status < 600; ++status)
        BOOST_TEST_CONTEXT(status)
        {
            const bool expected =
                std::find(cacheable.begin(), cacheable.end(), status) != cacheable.end();
            const auto code = static_cast<std::uint16_t>(status);
            BOOST_TEST(heuristically_cacheable(code) == expected);
            BOOST_TEST(freshness("last-modified: {-1000}", code).heuristic == expected);
        }
}

// RFC 9111 §5.2.2.9: public lifts the restriction
BOOST_AUTO_TEST_CASE(public_allows_a_guess_for_any_status_code)
{
    const Freshness f = freshness("cache-control: public\nlast-modified: {-1000}", 599);
    BOOST_TEST(lifetime_seconds(f) == 100);
    BOOST_TEST(f.heuristic);
}

BOOST_AUTO_TEST_CASE(an_override_replaces_what_the_response_says)
{
    FreshnessRules rules;
    rules.ttl_override = Seconds{50};
    for (const char* text :
         {"", "cache-control: max-age=1", "cache-control: no-cache", "date: {0}\nexpires: {-5}"})
        BOOST_TEST_CONTEXT(text)
        {
            const Freshness f = freshness(text, 200, rules);
            BOOST_TEST(lifetime_seconds(f) == 50);
            BOOST_TEST(f.explicit_lifetime);
            BOOST_TEST(!f.no_cache);
        }
}

BOOST_AUTO_TEST_CASE(an_override_counts_from_the_arrival_however_old_the_response_is)
{
    FreshnessRules rules;
    rules.ttl_override = Seconds{50};
    const Freshness f = freshness("age: 7200\ncache-control: max-age=1", 200, rules);
    BOOST_TEST((current_age(f, kNow) == Seconds{7200}));
    BOOST_TEST((current_age(f, kNow + Seconds{49}) < f.lifetime));
    BOOST_TEST((current_age(f, kNow + Seconds{50}) >= f.lifetime));
}

RC_BOOST_PROP(more_max_age_is_never_less_fresh, ())
{
    const auto a = *rc::gen::inRange<std::int64_t>(0, 4'000'000'000);
    const auto b = *rc::gen::inRange<std::int64_t>(a, 4'000'000'001);
    const Freshness shorter = freshness("cache-control: max-age=" + std::to_string(a));
    const Freshness longer = freshness("cache-control: max-age=" + std::to_string(b));
    RC_ASSERT(shorter.lifetime <= longer.lifetime);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(current_age_calculation)

struct AgeRow {
    const char* name;
    const char* fields;
    std::int64_t delay_ms;
    std::int64_t expected_ms; // on arrival
};

// RFC 9111 §4.2.3
const AgeRow kAges[] = {
    {"nothing said", "", 0, 0},
    {"Date now", "date: {0}", 0, 0},
    {"apparent_age", "date: {-7200}", 0, 7'200'000},
    {"Date in the future", "date: {+100}", 0, 0},
    {"Date that is no date", "date: never", 0, 0},
    {"age_value", "date: {0}\nage: 30", 0, 30'000},
    {"age_value without Date", "age: 30", 0, 30'000},
    {"response_delay counts", "date: {0}", 1500, 1500},
    {"response_delay adds to age_value", "date: {0}\nage: 30", 1500, 31'500},
    {"response_delay does not add to apparent_age", "date: {-60}", 1500, 60'000},
    {"the greater: apparent_age", "date: {-60}\nage: 30", 0, 60'000},
    {"the greater: corrected_age_value", "date: {-60}\nage: 90", 0, 90'000},
    {"a clock that stepped back between", "date: {0}", -5000, 0},
    {"the largest age", "date: {0}\nage: 99999999999999", 0, 2'147'483'648'000},
};

BOOST_AUTO_TEST_CASE(it_starts_at_the_greater_of_apparent_and_corrected_age)
{
    for (const AgeRow& row : kAges)
        BOOST_TEST_CONTEXT(row.name)
        {
            const ExchangeTimes times{kNow - Millis{row.delay_ms}, kNow};
            const Freshness f = freshness(row.fields, 200, {}, times);
            BOOST_TEST(current_age(f, kNow).count() == row.expected_ms);
            BOOST_TEST(current_age(f, kNow + Seconds{7}).count() == row.expected_ms + 7000);
        }
}

BOOST_AUTO_TEST_CASE(a_response_of_this_second_is_not_old_by_its_fraction)
{
    const WallTime received = kNow + Millis{999};
    const Freshness f = freshness("date: {0}", 200, {}, {received, received});
    BOOST_TEST(current_age(f, received).count() == 0);
}

BOOST_AUTO_TEST_CASE(it_is_never_negative)
{
    const Freshness f = freshness("date: {0}");
    BOOST_TEST(current_age(f, kNow - Seconds{100}).count() == 0);
}

// RFC 9111 §5.1
BOOST_AUTO_TEST_CASE(age_is_the_first_member_if_that_is_a_number)
{
    struct Row {
        const char* fields;
        std::int64_t seconds; // -1: counts as absent
    };
    const Row rows[] = {
        {"date: x", -1},
        {"age: 0", 0},
        {"age: 7200", 7200},
        {"age: 007", 7},
        {"age: 7200, 0", 7200},
        {"age: 0, 7200", 0},
        {"age: 7200\nage: 0", 7200},
        {"age: 0\nage: 7200", 0},
        {"age: , 5", 5},
        {"age:", -1},
        {"age: abc", -1},
        {"age: abc, 5", -1},
        {"age: -7200", -1},
        {"age: +5", -1},
        {"age: 7200.0", -1},
        {"age: 7200;foo=bar", -1},
        {"age: \"5\"", -1},
        {"age: 5 5", -1},
        {"age: 2147483647", 2147483647},
        {"age: 2147483649", 2147483648},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.fields)
        {
            const auto age = parse_age(fields_of(row.fields));
            BOOST_TEST((age ? age->count() : -1) == row.seconds);
        }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(stale_allowance)

struct StaleRow {
    const char* name;
    const char* fields;
    std::int64_t swr;
    std::int64_t sie;
    bool must_revalidate;
};

// The implicit allowance of these rows is 100 seconds.
const StaleRow kStale[] = {
    {"4.2.4 nothing forbids: the implicit allowance", "cache-control: max-age=5", 0, 100, false},
    {"4.2.4 also for a guess", "last-modified: {-1000}", 0, 100, false},
    {"RFC 5861 §3", "cache-control: max-age=5, stale-while-revalidate=7", 7, 100, false},
    {"RFC 5861 §4", "cache-control: max-age=5, stale-if-error=7", 0, 7, false},
    {"an explicit zero forbids it", "cache-control: max-age=5, stale-if-error=0", 0, 0, false},
    {"5.2.2.2 must-revalidate", "cache-control: max-age=5, must-revalidate", 0, 0, true},
    {"5.2.2.2 must-revalidate outranks stale-*",
     "cache-control: max-age=5, must-revalidate, stale-while-revalidate=7, stale-if-error=8", 0, 0,
     true},
    {"5.2.2.8 proxy-revalidate", "cache-control: max-age=5, proxy-revalidate, stale-if-error=8", 0,
     0, true},
    {"5.2.2.4 no-cache", "cache-control: max-age=5, no-cache, stale-if-error=8", 0, 0, true},
    {"5.2.2.4 a qualified no-cache forbids nothing", "cache-control: max-age=5, no-cache=\"a\"", 0,
     100, false},
    {"5.2.2.10 s-maxage forbids the implicit one", "cache-control: s-maxage=5", 0, 0, true},
    {"beside s-maxage an explicit window counts",
     "cache-control: s-maxage=5, stale-while-revalidate=7", 7, 0, false},
    {"beside s-maxage an explicit stale-if-error counts",
     "cache-control: s-maxage=5, stale-if-error=8", 0, 8, false},
    {"in a targeted field", "cdn-cache-control: max-age=5, stale-while-revalidate=7", 7, 100,
     false},
    {"Cache-Control's beside a targeted field are gone",
     "cdn-cache-control: max-age=5\ncache-control: must-revalidate, stale-while-revalidate=7", 0,
     100, false},
};

BOOST_AUTO_TEST_CASE(it_is_what_the_response_says_or_the_implicit_bound)
{
    FreshnessRules rules;
    rules.implicit_stale_on_error = Seconds{100};
    for (const StaleRow& row : kStale)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Freshness f = freshness(row.fields, 200, rules);
            BOOST_TEST((f.stale_while_revalidate == Seconds{row.swr}));
            BOOST_TEST((f.stale_if_error == Seconds{row.sie}));
            BOOST_TEST(f.must_revalidate == row.must_revalidate);
        }
}

BOOST_AUTO_TEST_CASE(to_the_letter_s_maxage_forbids_explicit_ones_too)
{
    FreshnessRules rules;
    rules.explicit_stale_beside_s_maxage = false;
    const Freshness f = freshness(
        "cache-control: s-maxage=5, stale-while-revalidate=7, stale-if-error=8", 200, rules);
    BOOST_TEST(f.must_revalidate);
    BOOST_TEST(f.stale_while_revalidate.count() == 0);
    BOOST_TEST(f.stale_if_error.count() == 0);
}

RC_BOOST_PROP(what_must_be_revalidated_has_no_allowance, ())
{
    const std::vector<std::string> all = {
        "max-age=5",      "s-maxage=9", "must-revalidate",  "proxy-revalidate",
        "no-cache",       "public",     "stale-if-error=8", "stale-while-revalidate=7",
        "no-cache=\"a\"", "immutable"};
    const auto members = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(all));
    std::string text = "cache-control: x";
    for (const std::string& member : members)
        text += ", " + member;
    FreshnessRules rules;
    rules.implicit_stale_on_error = Seconds{100};
    const Freshness f = freshness(text, 200, rules);
    if (f.must_revalidate)
        RC_ASSERT(f.stale_while_revalidate.count() == 0 && f.stale_if_error.count() == 0);
    RC_ASSERT(!f.no_cache || f.must_revalidate);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
