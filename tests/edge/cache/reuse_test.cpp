#include "edge/cache/reuse.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace tidemark::cache
{
static std::ostream& operator<<(std::ostream& out, Reuse reuse)
{
    const char* names[] = {"serve", "serve_and_validate", "validate", "fetch"};
    return out << names[static_cast<int>(reuse)];
}
} // namespace tidemark::cache

namespace
{
constexpr auto kValid = PurgeVerdict::valid;
constexpr auto kSoft = PurgeVerdict::soft_stale;
constexpr auto kMust = PurgeVerdict::must_validate;
constexpr auto kRemoved = PurgeVerdict::removed;

// A response that arrived at kNow with age 0.
Freshness stored(std::string_view cache_control, Seconds implicit_stale_on_error = Seconds{0})
{
    http::FieldList fields;
    fields.add("cache-control", cache_control);
    FreshnessRules rules;
    rules.implicit_stale_on_error = implicit_stale_on_error;
    return freshness_of(200, fields, parse_response_directives(fields), {kNow, kNow}, rules);
}

RequestDirectives request(std::string_view cache_control)
{
    http::FieldList fields;
    fields.add("cache-control", cache_control);
    return parse_request_directives(fields);
}

struct ReuseRow {
    const char* name;
    const char* request;
    const char* response;
    PurgeVerdict purge;
    std::int64_t age_ms;
    Reuse expected;
};

const ReuseRow kReuse[] = {
    {"4.2 fresh", "", "max-age=10", kValid, 0, Reuse::serve},
    {"4.2 fresh to the last millisecond", "", "max-age=10", kValid, 9999, Reuse::serve},
    {"4.2 stale when the age reaches the lifetime", "", "max-age=10", kValid, 10000,
     Reuse::validate},
    {"no lifetime", "", "public", kValid, 0, Reuse::validate},
    {"a lifetime of zero", "", "max-age=0", kValid, 0, Reuse::validate},
    {"5.2.2.4 no-cache, however fresh", "", "max-age=10, no-cache", kValid, 0, Reuse::validate},
    {"5.2.2.4 a qualified no-cache is fresh", "", "max-age=10, no-cache=\"a\"", kValid, 0,
     Reuse::serve},
    {"5.2.2.2 must-revalidate while fresh", "", "max-age=10, must-revalidate", kValid, 5000,
     Reuse::serve},
    {"5.2.2.2 must-revalidate when stale", "", "max-age=10, must-revalidate", kValid, 10000,
     Reuse::validate},
    {"RFC 8246 immutable when stale", "", "max-age=10, immutable", kValid, 10000, Reuse::validate},
    {"RFC 5861 §3 within the window", "", "max-age=10, stale-while-revalidate=5", kValid, 14999,
     Reuse::serve_and_validate},
    {"RFC 5861 §3 from its first moment", "", "max-age=10, stale-while-revalidate=5", kValid, 10000,
     Reuse::serve_and_validate},
    {"RFC 5861 §3 past the window", "", "max-age=10, stale-while-revalidate=5", kValid, 15000,
     Reuse::validate},
    {"RFC 5861 §3 with no lifetime", "", "max-age=0, stale-while-revalidate=5", kValid, 0,
     Reuse::serve_and_validate},
    {"must-revalidate closes the window", "",
     "max-age=10, must-revalidate, stale-while-revalidate=5", kValid, 12000, Reuse::validate},
    {"s-maxage leaves an explicit window", "", "s-maxage=10, stale-while-revalidate=5", kValid,
     12000, Reuse::serve_and_validate},
    {"stale-if-error is not for plain reuse", "", "max-age=10, stale-if-error=5", kValid, 12000,
     Reuse::validate},

    {"5.2.1.4 no-cache", "no-cache", "max-age=10", kValid, 0, Reuse::validate},
    {"5.2.1.1 max-age that the age meets", "max-age=5", "max-age=10", kValid, 5000, Reuse::serve},
    {"5.2.1.1 max-age that the age exceeds", "max-age=5", "max-age=10", kValid, 5001,
     Reuse::validate},
    {"5.2.1.1 max-age=0", "max-age=0", "max-age=10", kValid, 1, Reuse::validate},
    {"5.2.1.3 min-fresh met", "min-fresh=4", "max-age=10", kValid, 6000, Reuse::serve},
    {"5.2.1.3 min-fresh missed", "min-fresh=4", "max-age=10", kValid, 6001, Reuse::validate},
    {"5.2.1.3 min-fresh and the window", "min-fresh=0", "max-age=10, stale-while-revalidate=5",
     kValid, 12000, Reuse::validate},
    {"5.2.1.2 max-stale met", "max-stale=5", "max-age=10", kValid, 14999, Reuse::serve},
    {"5.2.1.2 max-stale missed", "max-stale=5", "max-age=10", kValid, 15000, Reuse::validate},
    {"5.2.1.2 max-stale without a bound", "max-stale", "max-age=10", kValid, 999999999,
     Reuse::serve},
    {"5.2.1.2 max-stale against must-revalidate", "max-stale", "max-age=10, must-revalidate",
     kValid, 12000, Reuse::validate},
    {"5.2.1.2 max-stale against s-maxage", "max-stale=5", "s-maxage=10", kValid, 12000,
     Reuse::validate},
    {"5.2.1.2 max-stale against no-cache", "max-stale", "no-cache", kValid, 0, Reuse::validate},
    {"max-stale does not lift max-age", "max-stale, max-age=1", "max-age=10", kValid, 2000,
     Reuse::validate},

    {"a soft purge: fresh, yet validated", "", "max-age=10", kSoft, 0, Reuse::serve_and_validate},
    {"a soft purge within the window", "", "max-age=10, stale-while-revalidate=5", kSoft, 12000,
     Reuse::serve_and_validate},
    {"a soft purge of what was stale anyway", "", "max-age=10", kSoft, 12000, Reuse::validate},
    {"a soft purge, must-revalidate", "", "max-age=10, must-revalidate", kSoft, 0, Reuse::validate},
    {"a soft purge, no-cache", "", "max-age=10, no-cache", kSoft, 0, Reuse::validate},
    {"a soft purge, min-fresh", "min-fresh=1", "max-age=10", kSoft, 0, Reuse::validate},
    {"a soft purge, no-cache asked", "no-cache", "max-age=10", kSoft, 0, Reuse::validate},
    {"must_validate outranks freshness", "", "max-age=10", kMust, 0, Reuse::validate},
    {"must_validate outranks max-stale", "max-stale", "max-age=10", kMust, 0, Reuse::validate},
    {"must_validate outranks the window", "", "max-age=10, stale-while-revalidate=5", kMust, 12000,
     Reuse::validate},
    {"removed: as if nothing were stored", "", "max-age=10", kRemoved, 0, Reuse::fetch},
    {"removed: not even for no-cache", "no-cache", "no-cache", kRemoved, 0, Reuse::fetch},
    {"removed: not even for max-stale", "max-stale", "max-age=10", kRemoved, 20000, Reuse::fetch},
};

struct ErrorRow {
    const char* name;
    const char* response;
    PurgeVerdict purge;
    std::int64_t age_ms;
    bool allowed;
};

// The implicit allowance is 60 seconds.
const ErrorRow kErrors[] = {
    {"4.2.4 within the implicit allowance", "max-age=10", kValid, 69999, true},
    {"4.2.4 past it", "max-age=10", kValid, 70000, false},
    {"RFC 5861 §4 within", "max-age=10, stale-if-error=5", kValid, 14999, true},
    {"RFC 5861 §4 past", "max-age=10, stale-if-error=5", kValid, 15000, false},
    {"RFC 5861 §4 longer than the implicit one", "max-age=10, stale-if-error=500", kValid, 400000,
     true},
    {"stale-if-error=0", "max-age=10, stale-if-error=0", kValid, 10000, false},
    {"must-revalidate", "max-age=10, must-revalidate", kValid, 10000, false},
    {"must-revalidate, still fresh", "max-age=10, must-revalidate", kValid, 9999, true},
    {"proxy-revalidate", "max-age=10, proxy-revalidate", kValid, 10000, false},
    {"s-maxage", "s-maxage=10", kValid, 10000, false},
    {"s-maxage with stale-if-error", "s-maxage=10, stale-if-error=5", kValid, 12000, true},
    {"s-maxage with a window only", "s-maxage=10, stale-while-revalidate=5", kValid, 12000, false},
    {"no-cache", "max-age=10, no-cache", kValid, 0, false},
    {"no-cache with stale-if-error", "no-cache, stale-if-error=500", kValid, 0, false},
    {"a soft purge", "max-age=10", kSoft, 5000, true},
    {"a soft purge past every allowance", "max-age=10", kSoft, 70000, false},
    {"a soft purge, must-revalidate", "max-age=10, must-revalidate", kSoft, 5000, false},
    {"must_validate", "max-age=10, stale-if-error=500", kMust, 0, false},
    {"removed", "max-age=10, stale-if-error=500", kRemoved, 0, false},
};
} // namespace

BOOST_AUTO_TEST_SUITE(reuse)

BOOST_AUTO_TEST_CASE(a_stored_response_is_reused_as_rfc_9111_section_4_and_its_purges_allow)
{
    for (const ReuseRow& row : kReuse)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(decide_reuse(request(row.request), stored(row.response), row.purge,
                                    kNow + Millis{row.age_ms}) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_failed_upstream_is_covered_for_as_long_as_staleness_is_allowed)
{
    for (const ErrorRow& row : kErrors)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(stale_on_error_allowed(stored(row.response, Seconds{60}), row.purge,
                                              UpstreamError::no_answer,
                                              kNow + Millis{row.age_ms}) == row.allowed);
        }
}

// RFC 5861 §4; without it an error is an answer like any other.
BOOST_AUTO_TEST_CASE(an_error_answer_is_covered_for_by_stale_if_error_only)
{
    const WallTime stale = kNow + Millis{11'000};
    for (const UpstreamError error : {UpstreamError::no_answer, UpstreamError::answer})
        BOOST_TEST(stale_on_error_allowed(stored("max-age=10, stale-if-error=600", Seconds{60}),
                                          kValid, error, stale));
    const Freshness implicit = stored("max-age=10", Seconds{60});
    BOOST_TEST(stale_on_error_allowed(implicit, kValid, UpstreamError::no_answer, stale));
    BOOST_TEST(!stale_on_error_allowed(implicit, kValid, UpstreamError::answer, stale));
}

RC_BOOST_PROP(reuse_gets_no_better_with_time, ())
{
    const auto lifetime = *rc::gen::inRange(0, 50);
    const auto window = *rc::gen::inRange(0, 50);
    const auto verdict = *rc::gen::element(kValid, kSoft, kMust, kRemoved);
    const Freshness f = stored("max-age=" + std::to_string(lifetime) +
                               ", stale-while-revalidate=" + std::to_string(window));
    const Millis early{*rc::gen::inRange(0, 120'000)};
    const Millis later = early + Millis{*rc::gen::inRange(0, 120'000)};
    RC_ASSERT(decide_reuse({}, f, verdict, kNow + early) <=
              decide_reuse({}, f, verdict, kNow + later));
}

RC_BOOST_PROP(a_stricter_purge_never_allows_more, ())
{
    const Freshness f = stored(*rc::gen::element<std::string>(
        "max-age=10", "no-cache", "max-age=10, must-revalidate", "s-maxage=10",
        "max-age=10, stale-while-revalidate=20, stale-if-error=30"));
    const WallTime now = kNow + Millis{*rc::gen::inRange(0, 60'000)};
    RC_ASSERT(decide_reuse({}, f, kValid, now) <= decide_reuse({}, f, kSoft, now));
    RC_ASSERT(decide_reuse({}, f, kSoft, now) <= decide_reuse({}, f, kMust, now));
    RC_ASSERT(decide_reuse({}, f, kMust, now) < decide_reuse({}, f, kRemoved, now));
    RC_ASSERT(stale_on_error_allowed(f, kValid, UpstreamError::no_answer, now) >=
              stale_on_error_allowed(f, kSoft, UpstreamError::no_answer, now));
}

BOOST_AUTO_TEST_SUITE_END()
