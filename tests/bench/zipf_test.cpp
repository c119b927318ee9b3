#include "bench/load/zipf.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <rapidcheck/boost_test.h>
#include <vector>

using tidemark::bench::Random;
using tidemark::bench::Zipf;

BOOST_AUTO_TEST_SUITE(bench_zipf)

BOOST_AUTO_TEST_CASE(every_rank_comes_as_often_as_its_probability_says)
{
    constexpr std::uint64_t kRanks = 20;
    constexpr int kDraws = 200'000;
    for (const double alpha : {0.0, 0.5, 0.9, 1.0, 1.1, 2.5}) {
        BOOST_TEST_CONTEXT("alpha " << alpha)
        {
            const Zipf zipf(kRanks, alpha);
            Random random(7);
            std::vector<int> drawn(kRanks + 1);
            for (int i = 0; i < kDraws; ++i)
                ++drawn.at(zipf.draw(random));
            double weights = 0;
            for (std::uint64_t k = 1; k <= kRanks; ++k)
                weights += std::pow(static_cast<double>(k), -alpha);
            for (std::uint64_t k = 1; k <= kRanks; ++k) {
                const double p = std::pow(static_cast<double>(k), -alpha) / weights;
                const double deviation = std::sqrt(kDraws * p * (1 - p));
                BOOST_TEST(std::abs(drawn[k] - kDraws * p) < 5 * deviation, "rank " << k);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(one_rank_is_always_drawn)
{
    const Zipf zipf(1, 0.9);
    Random random(1);
    for (int i = 0; i < 100; ++i)
        BOOST_TEST_REQUIRE(zipf.draw(random) == 1U);
}

BOOST_AUTO_TEST_CASE(the_same_seed_draws_the_same_ranks)
{
    const Zipf zipf(1'000'000, 0.9);
    Random one(42);
    Random other(42);
    for (int i = 0; i < 1'000; ++i)
        BOOST_TEST_REQUIRE(zipf.draw(one) == zipf.draw(other));
}

RC_BOOST_PROP(a_rank_lies_within_the_count, (std::uint64_t seed))
{
    const auto count = *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000);
    const double alpha = *rc::gen::inRange(0, 300) / 100.0;
    const Zipf zipf(count, alpha);
    Random random(seed);
    for (int i = 0; i < 50; ++i) {
        const std::uint64_t rank = zipf.draw(random);
        RC_ASSERT(rank >= 1U);
        RC_ASSERT(rank <= count);
    }
}

BOOST_AUTO_TEST_SUITE_END()
