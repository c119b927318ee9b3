#include "config/units.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::config;

BOOST_AUTO_TEST_SUITE(units)

BOOST_AUTO_TEST_CASE(sizes_know_powers_of_1024_and_of_1000)
{
    const struct {
        const char* text;
        std::optional<std::uint64_t> bytes;
    } rows[] = {
        {"0", 0},
        {"4096", 4096},
        {"17B", 17},
        {"64k", 65536},
        {"64K", 65536},
        {"64KiB", 65536},
        {"64kb", 64000},
        {"256MiB", 268435456},
        {"1GB", 1000000000},
        {"1g", 1073741824},
        {"2TiB", 2199023255552},
        {"9223372036854775807", 9223372036854775807ULL},
        {"9223372036854775808", std::nullopt},
        {"8388608TiB", std::nullopt},
        {"99999999999999999999", std::nullopt},
        {"", std::nullopt},
        {"MiB", std::nullopt},
        {"-1", std::nullopt},
        {"+1", std::nullopt},
        {"1.5GiB", std::nullopt},
        {"1 GiB", std::nullopt},
        {"1GiBs", std::nullopt},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST((parse_size(row.text) == row.bytes));
        }
}

BOOST_AUTO_TEST_CASE(durations_are_seconds_unless_they_say_otherwise)
{
    const struct {
        const char* text;
        std::optional<std::int64_t> millis;
    } rows[] = {
        {"0", 0},
        {"10", 10'000},
        {"10s", 10'000},
        {"500ms", 500},
        {"5m", 300'000},
        {"1h", 3'600'000},
        {"1d", 86'400'000},
        {"106751991167d", 9'223'372'036'828'800'000},
        {"106751991168d", std::nullopt},
        {"", std::nullopt},
        {"s", std::nullopt},
        {"1w", std::nullopt},
        {"1h30m", std::nullopt},
        {"-1s", std::nullopt},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            const auto parsed = parse_duration(row.text);
            BOOST_TEST(parsed.has_value() == row.millis.has_value());
            if (parsed && row.millis) BOOST_TEST(parsed->count() == *row.millis);
        }
}

BOOST_AUTO_TEST_CASE(quantities_are_written_with_the_largest_unit_that_fits)
{
    BOOST_TEST(size_text(256ULL << 20) == "256MiB");
    BOOST_TEST(size_text(1000) == "1000");
    BOOST_TEST(size_text(0) == "0");
    BOOST_TEST(duration_text(Millis{86'400'000}) == "1d");
    BOOST_TEST(duration_text(Millis{90'000}) == "90s");
    BOOST_TEST(duration_text(Millis{1}) == "1ms");
    BOOST_TEST(duration_text(Millis{0}) == "0");
}

RC_BOOST_PROP(a_written_size_reads_back, (std::uint64_t bytes))
{
    bytes >>= 1;
    RC_ASSERT(parse_size(size_text(bytes)) == bytes);
}

RC_BOOST_PROP(a_written_duration_reads_back, (std::uint64_t millis))
{
    const Millis duration{static_cast<std::int64_t>(millis >> 1)};
    RC_ASSERT(parse_duration(duration_text(duration)) == duration);
}

BOOST_AUTO_TEST_SUITE_END()
