#include "bench/purge/purge_report.hpp"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

using namespace tidemark;
using namespace tidemark::bench;
using namespace std::chrono_literals;

namespace
{
PurgeReport two_levels()
{
    PurgeReport report;
    report.levels.resize(2);
    LevelReport& calm = report.levels[0];
    calm.last_clean.record(1ms);
    calm.last_clean.record(2ms);
    calm.wait_all.record(3ms);
    calm.idle_bytes_per_s = 650;
    LevelReport& bursty = report.levels[1];
    bursty.loss = 0.3;
    bursty.burst = 20ms;
    bursty.last_clean.record(200ms);
    return report;
}

std::string line_with(const std::string& text, const std::string& beginning, int nth)
{
    std::size_t at = 0;
    for (int i = 0; i < nth; ++i)
        at = text.find("\n" + beginning, at + 1);
    BOOST_TEST_REQUIRE(at != std::string::npos);
    return text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}
} // namespace

BOOST_AUTO_TEST_SUITE(purge_report)

BOOST_AUTO_TEST_CASE(the_table_has_a_row_a_level)
{
    const std::string text = text_of(two_levels(), PurgeOptions{});
    BOOST_TEST(contains(text, "seed 1, delay 10 ms one way"));
    BOOST_TEST(contains(line_with(text, "0 %", 1), "650"));
    BOOST_TEST(contains(line_with(text, "30 % in 20 ms bursts", 1), "200."));
}

BOOST_AUTO_TEST_CASE(slower_is_further_to_the_right_in_the_plot)
{
    const std::string text = text_of(two_levels(), PurgeOptions{});
    const std::string calm = line_with(text, "0 %", 2);
    const std::string bursty = line_with(text, "30 % in 20 ms bursts", 2);
    BOOST_TEST(calm.find('o') < calm.find('#'));
    BOOST_TEST(calm.find('#') < bursty.find('#'));
    const std::string axis = line_with(text, "                      0.1 ms", 1);
    BOOST_TEST(calm.find('o') == axis.find("1", 26)); // 1 ms
}

BOOST_AUTO_TEST_CASE(what_went_wrong_is_said_and_makes_the_run_bad)
{
    PurgeReport report = two_levels();
    BOOST_TEST(report.good());
    BOOST_TEST(!contains(text_of(report, PurgeOptions{}), "OLD CONTENT"));
    report.levels[1].old_answers = 1;
    BOOST_TEST(!report.good());
    BOOST_TEST(contains(text_of(report, PurgeOptions{}), "OLD CONTENT was served 1 times"));
    report = two_levels();
    report.levels[0].never_clean = 2;
    BOOST_TEST(!report.good());
    BOOST_TEST(contains(text_of(report, PurgeOptions{}), "2 purges were not applied"));
    report = two_levels();
    report.levels[0].never_answered = 3;
    BOOST_TEST(!report.good());
}

BOOST_AUTO_TEST_CASE(json_says_the_same)
{
    PurgeReport report = two_levels();
    report.throughput = ThroughputReport{150'000, 6'000, 64};
    report.catch_up = CatchUpReport{1'000'001, 10ms, 1s, 50'000'000, 2'000};
    const auto json = nlohmann::json::parse(json_of(report, PurgeOptions{}));
    BOOST_TEST(json.at("seed") == 1);
    BOOST_TEST(json.at("levels").size() == 2U);
    BOOST_TEST(json.at("levels")[0].at("last_edge_clean_ms").at("count") == 2);
    BOOST_TEST(json.at("levels")[1].at("burst_ms") == 20.0);
    BOOST_TEST(json.at("throughput").at("batched_per_s") == 150'000.0);
    BOOST_TEST(json.at("catch_up").at("to_sync_ms") == 1000.0);
    const std::string text = text_of(report, PurgeOptions{});
    BOOST_TEST(contains(text, "150000 in batches of 1000, 6000 as single calls over 64"));
    BOOST_TEST(contains(text, "1000001 versions missed: in sync 1.00 s after"));
}

BOOST_AUTO_TEST_SUITE_END()
