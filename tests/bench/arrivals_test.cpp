#include "bench/load/arrivals.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>
#include <vector>

using namespace tidemark;
using bench::Arrivals;

namespace
{
constexpr MonoTime kStart{Seconds{1'000}};
}

BOOST_AUTO_TEST_SUITE(bench_arrivals)

BOOST_AUTO_TEST_CASE(arrivals_are_evenly_spaced_from_the_start)
{
    const Arrivals arrivals(kStart, 1'000, {});
    BOOST_TEST((arrivals.time_of(0) == kStart));
    BOOST_TEST((arrivals.time_of(1) == kStart + Millis{1}));
    BOOST_TEST((arrivals.time_of(1'500) == kStart + Millis{1'500}));
}

BOOST_AUTO_TEST_CASE(a_rate_that_divides_no_nanosecond_does_not_drift)
{
    const Arrivals arrivals(kStart, 3, {});
    BOOST_TEST((arrivals.time_of(3 * 86'400) == kStart + Seconds{86'400}));
}

BOOST_AUTO_TEST_CASE(the_lanes_together_are_the_whole_stream)
{
    const Arrivals whole(kStart, 7'000, {});
    std::vector<MonoTime> expected;
    for (std::uint64_t n = 0; n < 30; ++n)
        expected.push_back(whole.time_of(n));

    std::vector<MonoTime> merged;
    for (std::uint32_t lane = 0; lane < 3; ++lane) {
        const Arrivals part(kStart, 7'000, {lane, 3});
        for (std::uint64_t n = 0; n < 10; ++n)
            merged.push_back(part.time_of(n));
    }
    std::sort(merged.begin(), merged.end());
    BOOST_TEST((merged == expected));
}

BOOST_AUTO_TEST_CASE(a_run_of_a_second_has_as_many_arrivals_as_the_rate)
{
    for (const double rate : {1.0, 3.0, 999.0, 20'000.0, 1e6}) {
        BOOST_TEST_CONTEXT("rate " << rate)
        {
            const Arrivals arrivals(kStart, rate, {});
            BOOST_TEST(static_cast<double>(arrivals.count_before(kStart + Seconds{1})) == rate);
        }
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_due_before_the_start)
{
    const Arrivals arrivals(kStart, 1'000, {});
    BOOST_TEST(arrivals.count_before(kStart) == 0U);
    BOOST_TEST(arrivals.count_before(kStart - Seconds{5}) == 0U);
    BOOST_TEST(arrivals.count_before(kStart + Nanos{1}) == 1U);
}

RC_BOOST_PROP(count_before_agrees_with_time_of, ())
{
    const double rate = *rc::gen::inRange(1, 2'000'000) / 10.0;
    const auto lanes = *rc::gen::inRange<std::uint32_t>(1, 9);
    const auto lane = *rc::gen::inRange<std::uint32_t>(0, lanes);
    const Nanos after{*rc::gen::inRange<std::int64_t>(1, 3'600'000'000'000)};
    const Arrivals arrivals(kStart, rate, {lane, lanes});
    const std::uint64_t count = arrivals.count_before(kStart + after);
    RC_ASSERT((arrivals.time_of(count) >= kStart + after));
    RC_ASSERT((count == 0 || arrivals.time_of(count - 1) < kStart + after));
}

BOOST_AUTO_TEST_SUITE_END()
