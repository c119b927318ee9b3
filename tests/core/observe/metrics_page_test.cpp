#include "core/observe/metrics_page.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace tidemark;
using namespace tidemark::observe;

namespace
{
Sample counter(const char* name, double value,
               std::vector<std::pair<std::string, std::string>> labels = {})
{
    Sample sample;
    sample.name = name;
    sample.help = std::string{"Help of "} + name + ".";
    sample.value = value;
    sample.labels = std::move(labels);
    return sample;
}

std::size_t lines_with(const std::string& page, const std::string& part)
{
    std::istringstream in{page};
    std::size_t n = 0;
    for (std::string line; std::getline(in, line);)
        n += line.find(part) != line.npos ? 1U : 0U;
    return n;
}
} // namespace

BOOST_AUTO_TEST_SUITE(metrics_page_text)

BOOST_AUTO_TEST_CASE(samples_of_one_name_are_one_family)
{
    const Sample samples[] = {counter("a_total", 1, {{"result", "hit"}}), counter("b_total", 7),
                              counter("a_total", 2, {{"result", "miss"}})};
    BOOST_TEST(metrics_page(samples) == "# HELP a_total Help of a_total.\n"
                                        "# TYPE a_total counter\n"
                                        "a_total{result=\"hit\"} 1\n"
                                        "a_total{result=\"miss\"} 2\n"
                                        "# HELP b_total Help of b_total.\n"
                                        "# TYPE b_total counter\n"
                                        "b_total 7\n");
}

BOOST_AUTO_TEST_CASE(large_counters_keep_their_digits)
{
    const Sample samples[] = {counter("a_total", 9007199254740991.0)};
    BOOST_TEST(lines_with(metrics_page(samples), "a_total 9007199254740991") == 1U);
}

BOOST_AUTO_TEST_CASE(label_values_are_escaped)
{
    const Sample samples[] = {counter("a_total", 1, {{"upstream", "a\"b\\c\nd"}})};
    BOOST_TEST(lines_with(metrics_page(samples), R"(a_total{upstream="a\"b\\c\nd"} 1)") == 1U);
}

BOOST_AUTO_TEST_CASE(a_gauge_says_so)
{
    Sample sample = counter("open", -3);
    sample.type = MetricType::gauge;
    const std::string page = metrics_page({&sample, 1});
    BOOST_TEST(lines_with(page, "# TYPE open gauge") == 1U);
    BOOST_TEST(lines_with(page, "open -3") == 1U);
}

BOOST_AUTO_TEST_CASE(a_histogram_has_growing_buckets_a_sum_and_a_count)
{
    LatencyHistogram histogram;
    histogram.record(std::chrono::microseconds{3});
    histogram.record(std::chrono::microseconds{16});
    histogram.record(std::chrono::microseconds{17});
    histogram.record(std::chrono::seconds{1000});
    Sample sample;
    sample.name = "wait_seconds";
    sample.help = "Waits.";
    sample.type = MetricType::histogram;
    sample.histogram = histogram.read();
    const std::string page = metrics_page({&sample, 1});
    for (const char* line :
         {"# TYPE wait_seconds histogram", "wait_seconds_count 4", "wait_seconds_sum 1000.000036",
          "wait_seconds_bucket{le=\"1.6e-05\"} 2", "wait_seconds_bucket{le=\"3.2e-05\"} 3",
          "wait_seconds_bucket{le=\"+Inf\"} 4"})
        BOOST_TEST_CONTEXT(line << " in\n" << page)
        {
            BOOST_TEST(lines_with(page, line) == 1U);
        }
    BOOST_TEST(lines_with(page, "_bucket") < 30U);
}

BOOST_AUTO_TEST_CASE(no_samples_make_an_empty_page)
{
    BOOST_TEST(metrics_page({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
