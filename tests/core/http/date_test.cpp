#include "core/http/date.hpp"

#include "core/base/text.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>

namespace tidemark::http
{
namespace
{
using namespace std::chrono_literals;

// 2026-11-23T21:00:00Z
const WallTime kNow = wall_time_of(Seconds{1795467600});

std::string date_text(WallTime t)
{
    std::string out;
    append_date(out, t);
    return out;
}

// Seconds since 1970, or -1 for no date. No row stands for that second.
std::int64_t seconds_of(std::string_view text, WallTime now = kNow)
{
    const auto t = parse_date(text, now);
    return t ? since_epoch(*t).count() : -1;
}

BOOST_AUTO_TEST_SUITE(http_date)

// RFC 9110 §5.6.7
BOOST_AUTO_TEST_CASE(all_three_forms_are_read)
{
    struct Row {
        std::string_view text;
        std::int64_t seconds;
    };
    const Row rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Tuesday, 01-Jan-80 00:00:00 GMT", 315532800},
        {"Thu Jan  1 00:00:00 1970", 0},
        {"Wed, 31 Dec 1969 23:59:58 GMT", -2},
        {"Sat Nov 26 08:49:37 1994", 785839777},
        {"Tue, 29 Feb 2000 12:00:00 GMT", 951825600},
        {"Thu, 29 Feb 2024 23:59:59 GMT", 1709251199},
        {"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200},
        {"Wed, 31 Dec 2008 23:59:60 GMT", 1230768000},
        {"Mon, 02 Feb 2026 00:00:00 GMT", 1769990400},
        {"Tue, 03 Mar 2026 00:00:00 GMT", 1772496000},
        {"Wed, 01 Apr 2026 00:00:00 GMT", 1775001600},
        {"Fri, 01 May 2026 00:00:00 GMT", 1777593600},
        {"Mon, 01 Jun 2026 00:00:00 GMT", 1780272000},
        {"Wed, 01 Jul 2026 00:00:00 GMT", 1782864000},
        {"Sat, 01 Aug 2026 00:00:00 GMT", 1785542400},
        {"Tue, 01 Sep 2026 00:00:00 GMT", 1788220800},
        {"Thu, 01 Oct 2026 00:00:00 GMT", 1790812800},
        {"Tue, 01 Dec 2026 00:00:00 GMT", 1796083200},
        {"Wednesday, 25-Nov-26 00:00:00 GMT", 1795564800},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(seconds_of(row.text) == row.seconds);
        }
}

BOOST_AUTO_TEST_CASE(a_two_digit_year_is_at_most_fifty_years_ahead)
{
    struct Row {
        std::string_view what, text, imf;
        std::int64_t now;
    };
    const Row rows[] = {
        {"next year", "Friday, 01-Jan-27 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT",
         1795467600},
        {"fifty years ahead to the day", "Monday, 23-Nov-76 00:00:00 GMT",
         "Mon, 23 Nov 2076 00:00:00 GMT", 1795467600},
        {"a day more is the past", "Wednesday, 24-Nov-76 00:00:00 GMT",
         "Wed, 24 Nov 1976 00:00:00 GMT", 1795467600},
        {"a year more is the past", "Saturday, 01-Jan-77 00:00:00 GMT",
         "Sat, 01 Jan 1977 00:00:00 GMT", 1795467600},
        {"last century", "Friday, 31-Dec-99 00:00:00 GMT", "Fri, 31 Dec 1999 00:00:00 GMT",
         1795467600},
        {"next century, seen from 1999", "Saturday, 01-Jan-05 00:00:00 GMT",
         "Sat, 01 Jan 2005 00:00:00 GMT", 936144000},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            const WallTime now = wall_time_of(Seconds{row.now});
            BOOST_TEST(seconds_of(row.text, now) == seconds_of(row.imf));
            BOOST_TEST(seconds_of(row.imf) != -1);
        }
}

// RFC 9110 §5.6.7: recipients are encouraged to be robust.
BOOST_AUTO_TEST_CASE(letter_case_and_a_weekday_that_does_not_fit_change_nothing)
{
    struct Row {
        std::string_view what, text;
    };
    const Row rows[] = {
        {"lower-case weekday", "sun, 06 Nov 1994 08:49:37 GMT"},
        {"upper-case weekday", "SUN, 06 Nov 1994 08:49:37 GMT"},
        {"lower-case month", "Sun, 06 nov 1994 08:49:37 GMT"},
        {"lower-case zone", "Sun, 06 Nov 1994 08:49:37 gmt"},
        {"the wrong weekday", "Mon, 06 Nov 1994 08:49:37 GMT"},
        {"the wrong weekday, rfc850", "Monday, 06-Nov-94 08:49:37 GMT"},
        {"the wrong weekday, asctime", "Mon Nov  6 08:49:37 1994"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what << ": " << row.text)
        {
            BOOST_TEST(seconds_of(row.text, kNow) ==
                       seconds_of("Sun, 06 Nov 1994 08:49:37 GMT", kNow));
        }
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_date)
{
    struct Row {
        std::string_view what, text;
    };
    const Row rows[] = {
        {"nothing", ""},
        {"zero, as many servers send for Expires", "0"},
        {"minus one", "-1"},
        {"a word", "never"},
        {"a number of seconds", "784111777"},
        {"ISO 8601", "1994-11-06T08:49:37Z"},
        {"no weekday", "06 Nov 1994 08:49:37 GMT"},
        {"an unknown weekday", "Xyz, 06 Nov 1994 08:49:37 GMT"},
        {"an unknown month", "Sun, 06 Foo 1994 08:49:37 GMT"},
        {"zone UTC", "Sun, 06 Nov 1994 08:49:37 UTC"},
        {"zone AEST", "Sun, 06 Nov 1994 08:49:37 AEST"},
        {"zone as an offset", "Sun, 06 Nov 1994 08:49:37 +0000"},
        {"no zone", "Sun, 06 Nov 1994 08:49:37"},
        {"no comma", "Sun 06 Nov 1994 08:49:37 GMT"},
        {"two spaces", "Sun,  06 Nov 1994 08:49:37 GMT"},
        {"a tab", "Sun,\t06 Nov 1994 08:49:37 GMT"},
        {"dashes in the short form", "Sun, 06-Nov-1994 08:49:37 GMT"},
        {"spaces in the rfc850 form", "Sunday, 06 Nov 94 08:49:37 GMT"},
        {"a short weekday in the rfc850 form", "Sun, 06-Nov-94 08:49:37 GMT"},
        {"four-digit year in the rfc850 form", "Sunday, 06-Nov-1994 08:49:37 GMT"},
        {"periods in the time", "Sun, 06 Nov 1994 08.49.37 GMT"},
        {"one-digit hour", "Sun, 06 Nov 1994 8:49:37 GMT"},
        {"one-digit day", "Sun, 6 Nov 1994 08:49:37 GMT"},
        {"two-digit year", "Sun, 06 Nov 94 08:49:37 GMT"},
        {"five-digit year", "Sun, 06 Nov 11994 08:49:37 GMT"},
        {"no seconds", "Sun, 06 Nov 1994 08:49 GMT"},
        {"a sign in the day", "Sun, +6 Nov 1994 08:49:37 GMT"},
        {"a sign in the year", "Sun, 06 Nov -994 08:49:37 GMT"},
        {"hour 24", "Sun, 06 Nov 1994 24:00:00 GMT"},
        {"minute 60", "Sun, 06 Nov 1994 08:60:00 GMT"},
        {"second 61", "Sun, 06 Nov 1994 08:49:61 GMT"},
        {"day 0", "Sun, 00 Nov 1994 08:49:37 GMT"},
        {"day 31 of November", "Thu, 31 Nov 1994 08:49:37 GMT"},
        {"29 February of no leap year", "Wed, 29 Feb 2023 08:49:37 GMT"},
        {"29 February 1900", "Thu, 29 Feb 1900 08:49:37 GMT"},
        {"a space before", " Sun, 06 Nov 1994 08:49:37 GMT"},
        {"a space behind", "Sun, 06 Nov 1994 08:49:37 GMT "},
        {"two dates", "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"},
        {"one space before a one-digit day, asctime", "Sun Nov 6 08:49:37 1994"},
        {"a zone behind asctime", "Sun Nov  6 08:49:37 1994 GMT"},
        {"a two-digit year in asctime", "Sun Nov  6 08:49:37 94"},
        {"a full weekday in asctime", "Sunday Nov  6 08:49:37 1994"},
        {"a date cut short", "Sun, 06 Nov 1994 08:49:3"},
        {"only NULs",
         std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 29)},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what << ": " << row.text)
        {
            BOOST_TEST(!parse_date(row.text, kNow).has_value());
        }
}

BOOST_AUTO_TEST_CASE(a_date_is_written_as_imf_fixdate)
{
    BOOST_TEST(date_text(wall_time_of(Seconds{784111777})) == "Sun, 06 Nov 1994 08:49:37 GMT");
    BOOST_TEST(date_text(wall_time_of(Seconds{0})) == "Thu, 01 Jan 1970 00:00:00 GMT");
    BOOST_TEST(date_text(wall_time_of(Seconds{-1})) == "Wed, 31 Dec 1969 23:59:59 GMT");
    BOOST_TEST(date_text(WallTime{Millis{1999}}) == "Thu, 01 Jan 1970 00:00:01 GMT");
    BOOST_TEST(date_text(WallTime{Millis{-1}}) == "Wed, 31 Dec 1969 23:59:59 GMT");
}

BOOST_AUTO_TEST_CASE(what_no_year_of_four_digits_can_say_is_written_as_the_nearest)
{
    BOOST_TEST(date_text(WallTime::max()) == "Fri, 31 Dec 9999 23:59:59 GMT");
    BOOST_TEST(date_text(WallTime::min()) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

RC_BOOST_PROP(a_date_written_is_read_as_the_same_second, ())
{
    const auto seconds = *rc::gen::inRange<std::int64_t>(-62167219200, 253402300800);
    const WallTime t = wall_time_of(Seconds{seconds});
    const std::string text = date_text(t);
    RC_ASSERT(text.size() == 29U);
    RC_ASSERT(parse_date(text, kNow) == t);
}

RC_BOOST_PROP(every_byte_of_a_date_matters, ())
{
    const std::string good = "Sun, 06 Nov 1994 08:49:37 GMT";
    std::string text = good;
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    text[at] = static_cast<char>(*rc::gen::inRange(1, 256) ^ text[at]);
    RC_PRE(!iequals(text, good)); // but not a letter's case
    const auto t = parse_date(text, kNow);
    RC_ASSERT(!t || since_epoch(*t).count() != 784111777);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http
