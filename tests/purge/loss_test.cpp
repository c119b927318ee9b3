#include "purge/loss.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

BOOST_AUTO_TEST_SUITE(loss)

using namespace tidemark::purge;

namespace
{
LossEstimate after(std::uint64_t datagrams, double loss, std::uint64_t seed = 1)
{
    LossEstimate estimate;
    std::mt19937_64 random{seed};
    std::bernoulli_distribution lost{loss};
    std::uint64_t received = 0;
    for (std::uint64_t sent = 1; sent <= datagrams; ++sent)
        if (!lost(random)) estimate.on_report(sent, ++received);
    return estimate;
}
} // namespace

BOOST_AUTO_TEST_CASE(ten_percent_is_assumed_until_a_hundred_datagrams_were_reported)
{
    BOOST_TEST(LossEstimate{}.loss() == 0.1);
    LossEstimate estimate;
    estimate.on_report(99, 99);
    BOOST_TEST(estimate.loss() == 0.1);
    estimate.on_report(100, 100);
    BOOST_TEST(estimate.loss() == 0.0);
}

BOOST_AUTO_TEST_CASE(loss_is_learned_and_leans_high)
{
    for (const double loss : {0.0, 0.01, 0.1, 0.3, 0.5, 0.8}) {
        const double learned = after(3000, loss).loss();
        BOOST_TEST_CONTEXT(loss)
        {
            BOOST_TEST(learned >= loss * 0.9);
            BOOST_TEST(learned <= loss * 1.2 + 0.01);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_path_that_recovers_is_forgiven)
{
    LossEstimate estimate = after(2000, 0.5);
    LossEstimate grown = estimate;
    std::uint64_t received = 100'000;
    for (std::uint64_t sent = 200'000; sent < 220'000; ++sent)
        grown.on_report(sent, ++received);
    BOOST_TEST(grown.loss() < 0.02);
}

BOOST_AUTO_TEST_CASE(reports_that_are_late_or_impossible_teach_nothing)
{
    LossEstimate estimate;
    estimate.on_report(200, 100);
    const double loss = estimate.loss();
    estimate.on_report(150, 150);
    estimate.on_report(200, 200);
    estimate.on_report(300, 50);
    estimate.on_report(300, 301);
    BOOST_TEST(estimate.loss() == loss);
}

BOOST_AUTO_TEST_CASE(copies_make_a_whole_loss_rarer_than_one_in_ten_thousand)
{
    struct Row {
        double loss;
        unsigned copies;
        unsigned rounds;
    };
    const Row rows[] = {{0, 2, 8},    {0.01, 2, 8},  {0.02, 3, 8}, {0.1, 4, 8},
                        {0.3, 8, 14}, {0.5, 14, 32}, {0.9, 16, 32}};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.loss)
        {
            BOOST_TEST(copies_for(row.loss) == row.copies);
            BOOST_TEST(rounds_until_silent(row.loss) == row.rounds);
        }
}

BOOST_AUTO_TEST_SUITE_END()
