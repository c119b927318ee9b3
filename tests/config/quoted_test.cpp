#include "config/quoted.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark::config;

BOOST_AUTO_TEST_SUITE(quoted_text)

BOOST_AUTO_TEST_CASE(control_bytes_are_shown_and_not_sent)
{
    BOOST_TEST(quoted("a\x1b[31m\n\x7f é") == "\"a\\x1b[31m\\x0a\\x7f é\"");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_between_characters)
{
    BOOST_TEST(printable("abcdef", 3) == "abc…");
    BOOST_TEST(printable("abc", 3) == "abc");
    BOOST_TEST(printable("aéb", 2) == "a…");
    BOOST_TEST(printable("aéb", 3) == "aé…");
    BOOST_TEST(quoted(std::string(81, 'a')) == '"' + std::string(80, 'a') + "…\"");
}

BOOST_AUTO_TEST_SUITE_END()
