#include "config/nearest.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark::config;

BOOST_AUTO_TEST_SUITE(nearest)

BOOST_AUTO_TEST_CASE(the_name_fewest_edits_away_is_meant)
{
    constexpr std::string_view kNames[] = {"connect", "connections", "memory", "idle", "body_idle"};
    const struct {
        const char* text;
        const char* nearest;
    } rows[] = {
        {"conect", "connect"},
        {"connection", "connections"},
        {"memroy", "memory"},
        {"MEMORY", "memory"},
        {"iddle", "idle"},
        {"bodyidle", "body_idle"},
        {"upstream", ""},
        {"", ""},
        {"x", ""},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(nearest_name(row.text, kNames) == row.nearest);
        }
}

BOOST_AUTO_TEST_CASE(a_swap_of_neighbours_is_one_edit)
{
    constexpr std::string_view kNames[] = {"ttl"};
    BOOST_TEST(nearest_name("tlt", kNames) == "ttl");
}

BOOST_AUTO_TEST_CASE(a_text_of_any_length_is_answered)
{
    constexpr std::string_view kNames[] = {"ttl"};
    BOOST_TEST(nearest_name(std::string(100'000, 't'), kNames).empty());
    BOOST_TEST(nearest_name("ttl", {}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
