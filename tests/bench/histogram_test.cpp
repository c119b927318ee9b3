#include "bench/load/histogram.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>
#include <vector>

using tidemark::Nanos;
using tidemark::Seconds;
using tidemark::bench::Histogram;

namespace
{
Histogram histogram_of(const std::vector<std::int64_t>& values)
{
    Histogram histogram;
    for (const std::int64_t value : values)
        histogram.record(Nanos{value});
    return histogram;
}

std::vector<std::int64_t> durations()
{
    // Spread over the magnitudes, as latencies are.
    const auto one =
        rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 42), rc::gen::arbitrary<std::uint64_t>()),
                     [](const std::pair<int, std::uint64_t>& p) {
                         const std::uint64_t mask = (std::uint64_t{1} << p.first) - 1;
                         return static_cast<std::int64_t>(p.second & mask);
                     });
    return *rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(one));
}

std::int64_t exact_percentile(std::vector<std::int64_t> values, std::size_t per_mille)
{
    std::sort(values.begin(), values.end());
    const std::size_t rank = (per_mille * values.size() + 999) / 1000;
    return values[std::max<std::size_t>(rank, 1) - 1];
}

void check_same(const Histogram& a, const Histogram& b)
{
    const auto left = a.filled_buckets();
    const auto right = b.filled_buckets();
    RC_ASSERT(left.size() == right.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
        RC_ASSERT(left[i].lowest == right[i].lowest);
        RC_ASSERT(left[i].count == right[i].count);
    }
    RC_ASSERT(a.count() == b.count());
    RC_ASSERT(a.max() == b.max());
}
} // namespace

BOOST_AUTO_TEST_SUITE(bench_histogram)

BOOST_AUTO_TEST_CASE(an_empty_histogram_reports_zero)
{
    const Histogram histogram;
    BOOST_TEST(histogram.count() == 0U);
    BOOST_TEST(histogram.percentile(99).count() == 0);
    BOOST_TEST(histogram.max().count() == 0);
    BOOST_TEST(histogram.mean().count() == 0);
    BOOST_TEST(histogram.filled_buckets().empty());
}

BOOST_AUTO_TEST_CASE(small_values_are_exact)
{
    Histogram histogram;
    for (std::int64_t value = 1; value <= 500; ++value)
        histogram.record(Nanos{value});
    BOOST_TEST(histogram.percentile(0).count() == 1);
    BOOST_TEST(histogram.percentile(50).count() == 250);
    BOOST_TEST(histogram.percentile(99.8).count() == 499);
    BOOST_TEST(histogram.percentile(100).count() == 500);
    BOOST_TEST(histogram.mean().count() == 250);
}

BOOST_AUTO_TEST_CASE(one_slow_request_in_a_thousand_shows_beyond_its_percentile_only)
{
    Histogram histogram;
    for (int i = 0; i < 999; ++i)
        histogram.record(Nanos{1'000});
    histogram.record(Seconds{1});
    BOOST_TEST(histogram.percentile(99.9) < Nanos{1'004});
    BOOST_TEST(histogram.percentile(99.95).count() == Nanos{Seconds{1}}.count());
}

BOOST_AUTO_TEST_CASE(values_out_of_range_are_kept_at_the_ends_and_the_maximum_stays_exact)
{
    const Histogram histogram = histogram_of({-5, Histogram::kLargest.count() * 4});
    BOOST_TEST(histogram.count() == 2U);
    BOOST_TEST(histogram.percentile(50).count() == 0);
    BOOST_TEST(histogram.percentile(100).count() == Histogram::kLargest.count() * 4);
}

BOOST_AUTO_TEST_CASE(buckets_follow_each_other_without_gap_or_overlap)
{
    Histogram histogram;
    for (std::int64_t value = 0; value < 100'000; ++value)
        histogram.record(Nanos{value});
    std::int64_t next = 0;
    for (const Histogram::Bucket& bucket : histogram.filled_buckets()) {
        BOOST_TEST_REQUIRE(bucket.lowest.count() == next);
        next = bucket.highest.count() + 1;
    }
}

BOOST_AUTO_TEST_CASE(a_cleared_histogram_is_like_a_new_one)
{
    Histogram histogram = histogram_of({1, 2'000, 3'000'000});
    histogram.clear();
    BOOST_TEST(histogram.count() == 0U);
    BOOST_TEST(histogram.max().count() == 0);
    BOOST_TEST(histogram.filled_buckets().empty());
}

RC_BOOST_PROP(a_percentile_is_never_below_the_exact_one_and_at_most_a_256th_above, ())
{
    const auto values = durations();
    const auto per_mille = *rc::gen::inRange<std::size_t>(0, 1'001);
    const std::int64_t exact = exact_percentile(values, per_mille);
    const double percent = static_cast<double>(per_mille) / 10;
    const std::int64_t reported = histogram_of(values).percentile(percent).count();
    RC_ASSERT(reported >= exact);
    RC_ASSERT(reported - exact <= exact / 256);
}

RC_BOOST_PROP(merging_parts_equals_recording_everything_in_one, ())
{
    const auto left = durations();
    const auto right = durations();
    std::vector<std::int64_t> all = left;
    all.insert(all.end(), right.begin(), right.end());
    Histogram merged = histogram_of(left);
    merged.merge(histogram_of(right));
    check_same(merged, histogram_of(all));
}

BOOST_AUTO_TEST_SUITE_END()
