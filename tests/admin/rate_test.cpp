#include "admin/rate.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using admin::Rate;

namespace
{
MonoTime at(int millis)
{
    return MonoTime{Millis{1'000'000 + millis}};
}
} // namespace

BOOST_AUTO_TEST_SUITE(rate)

BOOST_AUTO_TEST_CASE(no_rate_lets_any_number_through)
{
    Rate any(0);
    for (int i = 0; i < 100; ++i)
        BOOST_TEST(!any.take(1'000'000, at(0)));
}

BOOST_AUTO_TEST_CASE(a_second_gives_as_much_as_it_says_and_no_more)
{
    Rate ten(10);
    for (int second = 0; second < 5; ++second) {
        for (int i = 0; i < 10; ++i)
            BOOST_TEST(!ten.take(1, at(second * 1000)));
        BOOST_TEST((ten.take(1, at(second * 1000)) == Seconds{1}));
    }
    BOOST_TEST((ten.take(1, at(4'050)) == Seconds{1}));
    BOOST_TEST(!ten.take(1, at(4'100)));
}

BOOST_AUTO_TEST_CASE(what_was_not_used_counts_for_one_second)
{
    Rate ten(10);
    BOOST_TEST(!ten.take(10, at(0)));
    BOOST_TEST(!ten.take(10, at(60'000)));
    BOOST_TEST(ten.take(1, at(60'000)).has_value());
}

BOOST_AUTO_TEST_CASE(a_batch_larger_than_a_second_gives_passes_and_is_paid_for)
{
    Rate ten(10);
    BOOST_TEST(!ten.take(50, at(0)));
    BOOST_TEST((ten.take(1, at(0)) == Seconds{5}));
    BOOST_TEST((ten.take(50, at(4'000)) == Seconds{1}));
    BOOST_TEST(!ten.take(50, at(5'000)));
}

BOOST_AUTO_TEST_SUITE_END()
