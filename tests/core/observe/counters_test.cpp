#include "core/observe/counters.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::observe;
using std::chrono::microseconds;

namespace
{
enum class Thing : std::uint8_t { hits, open, count_ };
constexpr Counters<Thing>::Table kThings = {{
    {"things_total", "Things.", MetricType::counter, {{{"kind", "hit"}}}},
    {"things_open", "Open things.", MetricType::gauge, {}},
}};
enum class Wait : std::uint8_t { head, count_ };
constexpr Histograms<Wait>::Table kWaits = {
    {{"wait_seconds", "Waits.", MetricType::histogram, {}}}};
} // namespace

BOOST_AUTO_TEST_SUITE(counters)

BOOST_AUTO_TEST_CASE(workers_are_added_up)
{
    Counters<Thing> a;
    Counters<Thing> b;
    a[Thing::hits].add(3);
    b[Thing::hits].add();
    const Counters<Thing>* workers[] = {&a, &b};
    std::vector<Sample> samples;
    collect<Thing>(samples, kThings, workers);
    BOOST_REQUIRE(samples.size() == 2U);
    BOOST_TEST(samples[0].name == "things_total");
    BOOST_TEST(samples[0].labels.at(0).second == "hit");
    BOOST_TEST(samples[0].labels.size() == 1U);
    BOOST_TEST(samples[0].value == 4);
}

BOOST_AUTO_TEST_CASE(a_gauge_may_rise_in_one_worker_and_fall_in_another)
{
    Counters<Thing> a;
    Counters<Thing> b;
    a[Thing::open].add(2);
    b[Thing::open].sub(3);
    const Counters<Thing>* workers[] = {&a, &b};
    std::vector<Sample> samples;
    collect<Thing>(samples, kThings, workers);
    BOOST_TEST(samples[1].value == -1);
}

BOOST_AUTO_TEST_CASE(buckets_end_at_their_bound)
{
    const struct {
        Nanos duration;
        microseconds bound;
    } rows[] = {
        {Nanos{-5}, microseconds{1}},           {Nanos{0}, microseconds{1}},
        {Nanos{1'000}, microseconds{1}},        {Nanos{1'001}, microseconds{2}},
        {Nanos{8'000}, microseconds{8}},        {Nanos{8'001}, microseconds{10}},
        {Nanos{16'000}, microseconds{16}},      {Nanos{16'001}, microseconds{20}},
        {Nanos{1'000'000}, microseconds{1024}}, {Nanos{3'600'000'000'000}, microseconds{1 << 27}},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.duration.count())
        {
            const std::size_t index = LatencyBuckets::index_of(row.duration);
            BOOST_TEST(LatencyBuckets::bound_of(index).count() == row.bound.count());
        }
}

RC_BOOST_PROP(a_duration_lies_between_the_bounds_of_its_bucket, ())
{
    const Nanos duration{*rc::gen::inRange<std::int64_t>(1, 134'217'728'000)};
    const std::size_t index = LatencyBuckets::index_of(duration);
    RC_ASSERT(duration <= LatencyBuckets::bound_of(index));
    if (index > 0) RC_ASSERT(duration > LatencyBuckets::bound_of(index - 1));
}

BOOST_AUTO_TEST_CASE(quantiles_come_from_all_workers)
{
    Histograms<Wait> a;
    Histograms<Wait> b;
    for (int i = 0; i < 98; ++i)
        a[Wait::head].record(microseconds{8});
    for (int i = 0; i < 2; ++i)
        b[Wait::head].record(microseconds{1000});
    const Histograms<Wait>* workers[] = {&a, &b};
    std::vector<Sample> samples;
    collect<Wait>(samples, kWaits, workers);
    const LatencySnapshot& all = samples.at(0).histogram.value();
    BOOST_TEST(all.count() == 100U);
    BOOST_TEST(all.sum.count() == 98 * 8'000 + 2 * 1'000'000);
    BOOST_TEST(all.quantile(0.5).count() == 8);
    BOOST_TEST(all.quantile(0.98).count() == 8);
    BOOST_TEST(all.quantile(0.99).count() == 1024);
    BOOST_TEST(all.quantile(0).count() == 8);
    BOOST_TEST(LatencySnapshot{}.quantile(0.5).count() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
