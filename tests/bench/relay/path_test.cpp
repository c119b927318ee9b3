#include "bench/relay/path.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using namespace tidemark;
using namespace tidemark::bench;
using namespace std::chrono_literals;

namespace
{
constexpr int kMany = 200'000;

PathConditions lossy(double loss, Nanos burst = 0ms)
{
    PathConditions conditions;
    conditions.loss = loss;
    conditions.burst = burst;
    return conditions;
}

// Of datagrams sent every `gap`.
std::vector<bool> losses(Path& path, int count, Nanos gap)
{
    std::vector<bool> lost;
    MonoTime now{};
    for (int i = 0; i < count; ++i, now += gap)
        lost.push_back(path.next(now).lost);
    return lost;
}

double share(const std::vector<bool>& lost)
{
    return static_cast<double>(std::count(lost.begin(), lost.end(), true)) /
           static_cast<double>(lost.size());
}

double mean_run(const std::vector<bool>& lost)
{
    int runs = 0;
    for (std::size_t i = 0; i < lost.size(); ++i)
        if (lost[i] && (i == 0 || !lost[i - 1])) ++runs;
    return static_cast<double>(std::count(lost.begin(), lost.end(), true)) / std::max(runs, 1);
}
} // namespace

BOOST_AUTO_TEST_SUITE(path)

BOOST_AUTO_TEST_CASE(as_many_are_lost_as_was_said)
{
    for (const Nanos burst : {Nanos{0}, Nanos{20ms}})
        for (const double loss : {0.0, 0.01, 0.1, 0.3, 0.5, 1.0}) {
            Path path(7);
            path.set(lossy(loss, burst));
            const double seen = share(losses(path, kMany, 5ms));
            BOOST_TEST_CONTEXT("loss " << loss << ", bursts of " << burst.count() << " ns, saw "
                                       << seen)
            {
                BOOST_TEST(std::abs(seen - loss) <= loss * (1 - loss) * 0.2);
            }
        }
}

BOOST_AUTO_TEST_CASE(bursts_last_as_long_as_was_said_on_average)
{
    Path path(3);
    path.set(lossy(0.1, 20ms));
    const double mean_ms = mean_run(losses(path, kMany, 1ms));
    BOOST_TEST(std::abs(mean_ms - 20) < 2);
    Path single(3);
    single.set(lossy(0.1));
    BOOST_TEST(mean_run(losses(single, kMany, 1ms)) < 1.2);
}

BOOST_AUTO_TEST_CASE(after_a_long_silence_the_share_is_the_same)
{
    Path path(5);
    path.set(lossy(0.3, 20ms));
    BOOST_TEST(std::abs(share(losses(path, 20'000, 1h)) - 0.3) < 0.02);
}

BOOST_AUTO_TEST_CASE(delays_lie_between_delay_and_delay_with_jitter)
{
    PathConditions conditions;
    conditions.delay = 10ms;
    conditions.jitter = 5ms;
    conditions.duplicate = 0.25;
    Path path(1);
    path.set(conditions);
    int copies = 0;
    bool overtook = false;
    Nanos before{0};
    for (int i = 0; i < 10'000; ++i) {
        const Fate fate = path.next(MonoTime{});
        BOOST_TEST((fate.delay >= 10ms && fate.delay < 15ms));
        if (fate.copy_delay) {
            ++copies;
            BOOST_TEST((*fate.copy_delay >= 10ms && *fate.copy_delay < 15ms));
        }
        overtook = overtook || fate.delay < before;
        before = fate.delay;
    }
    BOOST_TEST(std::abs(copies - 2500) < 200);
    BOOST_TEST(overtook);
}

BOOST_AUTO_TEST_CASE(a_seed_says_everything)
{
    const auto seen_with = [](std::uint64_t seed) {
        Path path(seed);
        path.set(lossy(0.3, 20ms));
        return losses(path, 1000, 1ms);
    };
    BOOST_TEST(seen_with(1) == seen_with(1));
    BOOST_TEST(seen_with(1) != seen_with(2));
}

BOOST_AUTO_TEST_SUITE_END()
