#include "edge/follow/applied_times.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using follow::AppliedTimes;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(applied_times)

BOOST_AUTO_TEST_CASE(the_first_application_of_a_version_is_what_counts)
{
    AppliedTimes times;
    BOOST_TEST(!times.of(7).has_value());
    times.note(7, MonoTime{10ms});
    times.note(7, MonoTime{20ms});
    BOOST_TEST((times.of(7) == MonoTime{10ms}));
    BOOST_TEST(!times.of(0).has_value());
}

BOOST_AUTO_TEST_CASE(newer_versions_take_the_place_of_older_ones)
{
    AppliedTimes times;
    times.note(AppliedTimes::kKept + 7, MonoTime{10ms});
    times.note(7, MonoTime{20ms}); // came late
    BOOST_TEST(!times.of(7).has_value());
    BOOST_TEST(times.of(AppliedTimes::kKept + 7).has_value());
}

BOOST_AUTO_TEST_CASE(another_journal_begins_with_none)
{
    AppliedTimes times;
    times.note(7, MonoTime{10ms});
    times.clear();
    BOOST_TEST(!times.of(7).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
