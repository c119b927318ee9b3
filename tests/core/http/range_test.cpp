#include "core/http/range.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>
#include <vector>

namespace tidemark::http
{
namespace
{
// "416", "200", or the ranges of a 206 as "0-4 7-9".
std::string decided(std::string_view value, std::uint64_t complete_bytes)
{
    const RangeDecision decision = decide_ranges(value, complete_bytes);
    if (decision.outcome == RangeOutcome::ignore) return "200";
    if (decision.outcome == RangeOutcome::unsatisfiable) return "416";
    std::string text;
    for (const ByteRange range : decision.ranges) {
        if (!text.empty()) text += ' ';
        text += std::to_string(range.first) + "-" + std::to_string(range.last);
    }
    return text;
}

std::string spread_ranges(std::size_t count)
{
    std::string value = "bytes=";
    for (std::size_t i = 0; i < count; ++i)
        value += std::to_string(i * 2) + "-" + std::to_string(i * 2) + ",";
    return value;
}

BOOST_AUTO_TEST_SUITE(http_range)

// RFC 9110 §14.1.2, §14.2, §15.5.17
BOOST_AUTO_TEST_CASE(ranges_are_decided_against_the_complete_length)
{
    struct Row {
        std::string_view what, value;
        std::uint64_t complete_bytes;
        std::string_view expected;
    };
    const Row rows[] = {
        {"the first bytes", "bytes=0-4", 10, "0-4"},
        {"the first byte", "bytes=0-0", 10, "0-0"},
        {"the last byte", "bytes=9-9", 10, "9-9"},
        {"the middle", "bytes=3-5", 10, "3-5"},
        {"everything", "bytes=0-9", 10, "0-9"},
        {"an end beyond the last byte is clipped", "bytes=5-99", 10, "5-9"},
        {"open", "bytes=3-", 10, "3-9"},
        {"open from the start", "bytes=0-", 10, "0-9"},
        {"open from the last byte", "bytes=9-", 10, "9-9"},
        {"a suffix", "bytes=-3", 10, "7-9"},
        {"a suffix of everything", "bytes=-10", 10, "0-9"},
        {"a suffix longer than everything", "bytes=-11", 10, "0-9"},
        {"a unit in other case", "BYTES=0-1", 10, "0-1"},
        {"leading zeros", "bytes=0000-0004", 10, "0-4"},
        {"two", "bytes=0-1,5-6", 10, "0-1 5-6"},
        {"two with white space", "bytes=0-1 ,\t5-6", 10, "0-1 5-6"},
        {"empty members", "bytes=,0-1,,5-6,", 10, "0-1 5-6"},
        {"in the order asked for", "bytes=5-6,0-1,-1", 10, "5-6 0-1 9-9"},
        {"one of two unsatisfiable", "bytes=0-1,10-", 10, "0-1"},
        {"the other of two unsatisfiable", "bytes=99-100,-1", 10, "9-9"},
        {"two that overlap", "bytes=0-5,3-9", 10, "0-5 3-9"},
        {"the same twice", "bytes=0-5,0-5", 10, "0-5 0-5"},
        {"two that touch", "bytes=0-4,5-9", 10, "0-4 5-9"},
        {"three that overlap", "bytes=0-5,3-9,4-4", 10, "200"},
        {"the same three times", "bytes=0-,0-,0-", 10, "200"},
        {"two pairs that overlap", "bytes=0-1,1-2,5-6,6-7", 10, "200"},
        {"two that overlap and one apart", "bytes=0-1,1-2,5-6", 10, "0-1 1-2 5-6"},
        {"a start at the end", "bytes=10-", 10, "416"},
        {"a start beyond the end", "bytes=99-100", 10, "416"},
        {"a suffix of nothing", "bytes=-0", 10, "416"},
        {"several, all unsatisfiable", "bytes=10-11,20-,-0", 10, "416"},
        {"of nothing", "bytes=0-", 0, "416"},
        {"a suffix of an empty content", "bytes=-5", 0, "416"},
        {"an end beyond 64 bits", "bytes=5-99999999999999999999999", 10, "5-9"},
        {"a start beyond 64 bits", "bytes=99999999999999999999999-", 10, "416"},
        {"a start and an end beyond 64 bits",
         "bytes=99999999999999999999998-99999999999999999999999", 10, "416"},
        {"a suffix beyond 64 bits", "bytes=-99999999999999999999999", 10, "0-9"},
        {"the largest content", "bytes=-1", 18446744073709551615U,
         "18446744073709551614-18446744073709551614"},
        {"nothing", "", 10, "200"},
        {"a unit alone", "bytes", 10, "200"},
        {"no ranges", "bytes=", 10, "200"},
        {"empty members alone", "bytes=,,", 10, "200"},
        {"another unit", "items=0-4", 10, "200"},
        {"a longer unit", "bytesx=0-4", 10, "200"},
        {"no unit", "0-4", 10, "200"},
        {"no equals sign", "bytes 0-4", 10, "200"},
        {"a space before the equals sign", "bytes =0-4", 10, "200"},
        {"a dash alone", "bytes=-", 10, "200"},
        {"no dash", "bytes=5", 10, "200"},
        {"two dashes", "bytes=0--4", 10, "200"},
        {"a negative start", "bytes=-1-4", 10, "200"},
        {"the end before the start", "bytes=4-0", 10, "200"},
        {"the end before the start in the second", "bytes=0-1,4-3", 10, "200"},
        {"a sign", "bytes=+0-4", 10, "200"},
        {"a letter", "bytes=0-4a", 10, "200"},
        {"hex", "bytes=0x0-0x4", 10, "200"},
        {"a space inside", "bytes=0 -4", 10, "200"},
        {"an asterisk", "bytes=*", 10, "200"},
        {"a semicolon between", "bytes=0-1;5-6", 10, "200"},
        {"quotes", "bytes=\"0-1\"", 10, "200"},
        {"a second unit", "bytes=0-1,bytes=5-6", 10, "200"},
        {"a Content-Range", "bytes 0-1/10", 10, "200"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what << ": " << row.value)
        {
            BOOST_TEST(decided(row.value, row.complete_bytes) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(more_ranges_than_anybody_needs_are_ignored)
{
    BOOST_TEST(decide_ranges(spread_ranges(kRangesMax), 1000).ranges.size() == kRangesMax);
    BOOST_TEST(decided(spread_ranges(kRangesMax + 1), 1000) == "200");
    BOOST_TEST(decided(spread_ranges(5000), 100000) == "200");
}

BOOST_AUTO_TEST_CASE(what_is_asked_for_is_known_before_the_length)
{
    const auto specs = parse_ranges("bytes=1-2, 3-, -4");
    BOOST_TEST_REQUIRE(specs.has_value());
    BOOST_TEST_REQUIRE(specs->size() == 3U);
    BOOST_TEST((*specs)[0].first.value() == 1U);
    BOOST_TEST((*specs)[0].last.value() == 2U);
    BOOST_TEST((*specs)[1].first.value() == 3U);
    BOOST_TEST(!(*specs)[1].last.has_value());
    BOOST_TEST(!(*specs)[2].first.has_value());
    BOOST_TEST((*specs)[2].suffix_bytes == 4U);
    BOOST_TEST(!parse_ranges("bytes=a").has_value());
}

// RFC 9110 §14.4
BOOST_AUTO_TEST_CASE(a_content_range_is_read)
{
    struct Row {
        std::string_view value;
        ByteRange range;
        std::optional<std::uint64_t> complete_bytes;
    };
    const Row rows[] = {
        {"bytes 0-4/10", {0, 4}, 10},
        {"bytes 9-9/10", {9, 9}, 10},
        {"bytes 0-4/*", {0, 4}, std::nullopt},
        {"Bytes 0-4/10", {0, 4}, 10},
        {"bytes 0-9223372036854775806/9223372036854775807",
         {0, 9223372036854775806U},
         9223372036854775807U},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.value)
        {
            const auto parsed = parse_content_range(row.value);
            BOOST_TEST_REQUIRE(parsed.has_value());
            BOOST_TEST((parsed->range == row.range));
            BOOST_TEST((parsed->complete_bytes == row.complete_bytes));
        }
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_content_range)
{
    for (const std::string_view value : {"",
                                         "bytes",
                                         "bytes ",
                                         "bytes 0-4",
                                         "bytes 0-4/",
                                         "bytes */10",
                                         "bytes */*",
                                         "bytes=0-4/10",
                                         "items 0-4/10",
                                         "bytes 4-0/10",
                                         "bytes 0-10/10",
                                         "bytes 0-4/4",
                                         "bytes 0-4/0",
                                         "bytes -4/10",
                                         "bytes 0-/10",
                                         "bytes 0-4/10 ",
                                         "bytes  0-4/10",
                                         "bytes\t0-4/10",
                                         "bytes 0 - 4/10",
                                         "bytes 0-4 /10",
                                         "bytes 0-4/ 10",
                                         "bytes 0-4/10x",
                                         "bytes 0-4/**",
                                         "bytes a-b/c",
                                         "bytes +0-4/10",
                                         "bytes 0-4/10, bytes 5-9/10",
                                         "bytes 0-9223372036854775807/*",
                                         "bytes 0-4/9223372036854775808",
                                         "bytes 0-18446744073709551615/*",
                                         "bytes 0-99999999999999999999999/*",
                                         "0-4/10"})
        BOOST_TEST_CONTEXT(value)
        {
            BOOST_TEST(!parse_content_range(value).has_value());
        }
}

BOOST_AUTO_TEST_CASE(a_content_range_is_written)
{
    std::string out = "x";
    append_content_range(out, {2, 7}, 18446744073709551615U);
    BOOST_TEST(out == "xbytes 2-7/18446744073709551615");
}

RC_BOOST_PROP(a_content_range_written_is_read_back, ())
{
    const auto first = *rc::gen::inRange<std::uint64_t>(0, 1000000);
    const auto last = *rc::gen::inRange<std::uint64_t>(first, 2000000);
    const auto complete = *rc::gen::inRange<std::uint64_t>(last + 1, 3000000);
    std::string text;
    append_content_range(text, {first, last}, complete);
    const auto parsed = parse_content_range(text);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->range == (ByteRange{first, last}));
    RC_ASSERT(parsed->complete_bytes == complete);
}

RC_BOOST_PROP(decided_ranges_lie_within_the_content, (std::uint64_t complete_bytes))
{
    const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "0", "1", "5", "99", "-", "-", ",", " ", "18446744073709551615"));
    std::string value = "bytes=";
    for (const std::string& part : parts)
        value += part;
    const RangeDecision decision = decide_ranges(value, complete_bytes);
    RC_ASSERT((decision.outcome == RangeOutcome::satisfiable) == !decision.ranges.empty());
    RC_ASSERT(decision.ranges.size() <= kRangesMax);
    for (const ByteRange range : decision.ranges) {
        RC_ASSERT(range.first <= range.last);
        RC_ASSERT(range.last < complete_bytes);
        RC_ASSERT(range.size() <= complete_bytes);
    }
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http
