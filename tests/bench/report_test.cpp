#include "bench/load/report.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace tidemark;
using namespace tidemark::bench;

namespace
{
constexpr MonoTime kBegin{Seconds{100}};

Report two_answers_and_two_failures()
{
    Report report;
    report.add_response({.status = 200, .body_bytes = 10, .cache = CacheWord::hit}, kBegin,
                        kBegin + Nanos{400});
    report.add_response({.status = 503, .body_bytes = 5, .cache = CacheWord::miss}, kBegin,
                        kBegin + Nanos{500});
    report.add_failure(Failure::connect);
    report.add_given_up(Failure::timeout, Seconds{10});
    return report;
}
} // namespace

BOOST_AUTO_TEST_SUITE(bench_report)

BOOST_AUTO_TEST_CASE(a_failed_connect_is_an_error_but_no_request)
{
    const Report report = two_answers_and_two_failures();
    BOOST_TEST(report.requests() == 3U);
    BOOST_TEST(report.failures() == 2U);
}

BOOST_AUTO_TEST_CASE(a_request_that_was_given_up_counts_in_the_percentiles)
{
    const Report report = two_answers_and_two_failures();
    BOOST_TEST(report.latency().count() == 3U);
    BOOST_TEST((report.latency().max() == Seconds{10}));
}

BOOST_AUTO_TEST_CASE(reports_add_up)
{
    Report sum = two_answers_and_two_failures();
    sum.merge(two_answers_and_two_failures());
    BOOST_TEST(sum.requests() == 6U);
    BOOST_TEST(sum.with_status(503) == 2U);
    BOOST_TEST(sum.failures(Failure::timeout) == 2U);
    BOOST_TEST(sum.with_cache_word(CacheWord::hit) == 2U);
    BOOST_TEST(sum.body_bytes() == 30U);
    BOOST_TEST((sum.last_response() == kBegin + Nanos{500}));
    sum.clear();
    BOOST_TEST(sum.requests() == 0U);
    BOOST_TEST(sum.latency().count() == 0U);
}

BOOST_AUTO_TEST_CASE(the_json_carries_every_count_and_names_its_units)
{
    const RunFacts facts{.rate = 100,
                         .connections = 4,
                         .threads = 2,
                         .pipeline = 1,
                         .measured = Seconds{1},
                         .elapsed = Seconds{2}};
    const auto json = nlohmann::json::parse(json_of(two_answers_and_two_failures(), facts));
    BOOST_TEST(json.at("mode") == "open");
    BOOST_TEST(json.at("requests") == 3);
    BOOST_TEST(json.at("responses") == 2);
    BOOST_TEST(json.at("rate_per_second") == 1.0);
    BOOST_TEST(json.at("errors").at("timeout") == 1);
    BOOST_TEST(json.at("errors").at("connect") == 1);
    BOOST_TEST(json.at("status").at("503") == 1);
    BOOST_TEST(json.at("cache").at("hit_ratio") == 0.5);
    BOOST_TEST(json.at("latency_us").at("p50") == 0.5);
    BOOST_TEST(json.at("latency_us").at("max") == 1e7);
    BOOST_TEST(json.at("latency_buckets_ns").size() == 3U);
}

BOOST_AUTO_TEST_CASE(without_a_cache_there_is_no_hit_ratio)
{
    const auto json = nlohmann::json::parse(json_of(Report{}, RunFacts{}));
    BOOST_TEST(json.at("cache").at("hit_ratio").is_null());
    BOOST_TEST(json.at("mode") == "closed");
    BOOST_TEST(json.at("rate_per_second") == 0.0);
}

BOOST_AUTO_TEST_CASE(the_summary_names_what_went_wrong)
{
    const std::string summary = summary_of(two_answers_and_two_failures(), RunFacts{});
    for (const char* part : {"timeout 1", "connect 1", "503: 1", "50.00 % hits", "max 10.00 s"})
        BOOST_TEST(summary.find(part) != std::string::npos, part);
}

BOOST_AUTO_TEST_SUITE_END()
