#include "core/http/precondition.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace tidemark::http
{
namespace
{
using namespace std::string_view_literals;
using Lines = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::string_view kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kModified = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kLater = "Sun, 06 Nov 1994 08:49:38 GMT";
const WallTime kModifiedAt = wall_time_of(Seconds{784111777});
const WallTime kNow = wall_time_of(Seconds{1795467600});

RequestHead request_with(const Lines& lines, Method method = Method::get)
{
    RequestHead request;
    request.method = method;
    for (const auto& [name, value] : lines)
        request.fields.add(name, value);
    return request;
}

bool not_modified(const Lines& lines, const Validators& stored, WallTime stored_at = kNow,
                  Method method = Method::get)
{
    const auto outcome = evaluate_for_cache(request_with(lines, method), stored, stored_at, kNow);
    BOOST_TEST((outcome != PreconditionOutcome::failed));
    return outcome == PreconditionOutcome::not_modified;
}

BOOST_AUTO_TEST_SUITE(http_precondition)

// RFC 9110 §8.8.3
BOOST_AUTO_TEST_CASE(an_entity_tag_is_quoted_and_perhaps_weak)
{
    struct Row {
        std::string_view text, opaque;
        bool weak;
    };
    const Row rows[] = {
        {"\"a\"", "\"a\"", false},     {"W/\"a\"", "\"a\"", true},
        {"\"\"", "\"\"", false},       {"W/\"\"", "\"\"", true},
        {"\"a,b\"", "\"a,b\"", false}, {"\"\\\"", "\"\\\"", false},
        {"\"!#~\"", "\"!#~\"", false}, {"\"caf\xc3\xa9\"", "\"caf\xc3\xa9\"", false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            const auto tag = parse_entity_tag(row.text);
            BOOST_TEST_REQUIRE(tag.has_value());
            BOOST_TEST(tag->opaque == row.opaque);
            BOOST_TEST(tag->weak == row.weak);
        }
    for (const std::string_view bad :
         {""sv,         "a"sv,        "\""sv,     "\"a"sv,          "a\""sv,       "w/\"a\""sv,
          "W\"a\""sv,   "W/ \"a\""sv, "W/a"sv,    "W/"sv,           "\"a b\""sv,   "\"a\tb\""sv,
          "\"a\"b\""sv, "\"a\" "sv,   " \"a\""sv, "\"a\", \"b\""sv, "\"a\x7f\""sv, "\"a\0\""sv,
          "'a'"sv,      "*"sv})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!parse_entity_tag(bad).has_value());
        }
}

// RFC 9110 §8.8.3.2, the table of the RFC
BOOST_AUTO_TEST_CASE(tags_compare_strongly_and_weakly)
{
    struct Row {
        std::string_view a, b;
        bool strong, weak;
    };
    const Row rows[] = {
        {"W/\"1\"", "W/\"1\"", false, true}, {"W/\"1\"", "W/\"2\"", false, false},
        {"W/\"1\"", "\"1\"", false, true},   {"\"1\"", "\"1\"", true, true},
        {"\"a\"", "\"A\"", false, false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.a << ' ' << row.b)
        {
            const auto a = parse_entity_tag(row.a), b = parse_entity_tag(row.b);
            BOOST_TEST_REQUIRE((a && b));
            BOOST_TEST(strong_equal(*a, *b) == row.strong);
            BOOST_TEST(strong_equal(*b, *a) == row.strong);
            BOOST_TEST(weak_equal(*a, *b) == row.weak);
            BOOST_TEST(weak_equal(*b, *a) == row.weak);
        }
}

// RFC 9110 §13.1.1, §13.1.2
BOOST_AUTO_TEST_CASE(a_list_of_tags_names_one_or_all)
{
    struct Row {
        std::string_view what, list, tag;
        bool weak, expected;
    };
    const Row rows[] = {
        {"the same", "\"a\"", "\"a\"", true, true},
        {"another", "\"b\"", "\"a\"", true, false},
        {"weak asked", "W/\"a\"", "\"a\"", true, true},
        {"weak stored", "\"a\"", "W/\"a\"", true, true},
        {"weak asked, strong comparison", "W/\"a\"", "\"a\"", false, false},
        {"weak stored, strong comparison", "\"a\"", "W/\"a\"", false, false},
        {"the same, strong comparison", "\"a\"", "\"a\"", false, true},
        {"first of a list", "\"a\", \"b\"", "\"a\"", true, true},
        {"last of a list", "\"b\",\"c\" ,\t\"a\"", "\"a\"", true, true},
        {"not in the list", "\"b\", \"c\"", "\"a\"", true, false},
        {"empty members", ",, \"a\",", "\"a\"", true, true},
        {"a comma in a tag", "\"b\", \"a,c\"", "\"a,c\"", true, true},
        {"part of a tag with a comma", "\"a, \"b\"", "\"b\"", true, false},
        {"a backslash is no escape", "\"b\\\", \"a\"", "\"a\"", true, true},
        {"a tag that ends in a backslash", "\"a\\\", \"b\"", "\"a\\\"", true, true},
        {"an asterisk", "*", "\"a\"", true, true},
        {"an asterisk, nothing stored", "*", "", true, true},
        {"an asterisk in quotes", "\"*\"", "\"a\"", true, false},
        {"an empty list", "", "\"a\"", true, false},
        {"nothing stored", "\"a\"", "", true, false},
        {"both unquoted", "a", "a", true, true},
        {"unquoted in a list", "\"b\", a", "a", true, true},
        {"unquoted asked", "a", "\"a\"", true, false},
        {"unquoted stored", "\"a\"", "a", true, false},
        {"unquoted and in other case", "A", "a", true, false},
        {"an open quote", "\"a", "\"a\"", true, false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            FieldList fields;
            fields.add("If-None-Match", row.list);
            BOOST_TEST(any_tag_matches(fields, FieldId::if_none_match, row.tag, row.weak) ==
                       row.expected);
            BOOST_TEST(!any_tag_matches(fields, FieldId::if_match, row.tag, row.weak));
        }
}

BOOST_AUTO_TEST_CASE(all_lines_of_a_list_count)
{
    FieldList fields;
    fields.add("If-None-Match", "\"a\"");
    fields.add("If-None-Match", "\"b\", \"c\"");
    BOOST_TEST(any_tag_matches(fields, FieldId::if_none_match, "\"c\"", true));
    BOOST_TEST(!any_tag_matches(fields, FieldId::if_none_match, "\"d\"", true));
}

// RFC 9111 §4.3.2, RFC 9110 §13.2.2
BOOST_AUTO_TEST_CASE(if_none_match_decides_alone)
{
    const Validators stored{"\"a\"", kModified, kLater};
    BOOST_TEST(not_modified({{"If-None-Match", "\"a\""}}, stored));
    BOOST_TEST(not_modified({{"If-None-Match", "W/\"a\""}}, stored));
    BOOST_TEST(not_modified({{"If-None-Match", "*"}}, stored));
    BOOST_TEST(!not_modified({{"If-None-Match", "\"b\""}}, stored));
    BOOST_TEST(!not_modified({}, stored));
    BOOST_TEST(!not_modified({{"If-None-Match", "\"b\""}, {"If-Modified-Since", kLater}}, stored));
    BOOST_TEST(not_modified({{"If-None-Match", "\"a\""}, {"If-Modified-Since", kEarlier}}, stored));
    BOOST_TEST(!not_modified({{"If-None-Match", "\"a\""}, {"If-Modified-Since", kLater}},
                             {{}, kModified, kLater}));
}

// RFC 9110 §13.1.3
BOOST_AUTO_TEST_CASE(if_modified_since_compares_with_the_last_modification)
{
    const Validators stored{"\"a\"", kModified, kLater};
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, stored));
    BOOST_TEST(not_modified({{"If-Modified-Since", kLater}}, stored));
    BOOST_TEST(!not_modified({{"If-Modified-Since", kEarlier}}, stored));
    BOOST_TEST(not_modified({{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}}, stored));
    BOOST_TEST(not_modified({{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}}, stored));
}

BOOST_AUTO_TEST_CASE(an_if_modified_since_that_is_no_date_is_ignored)
{
    const Validators stored{"\"a\"", kModified, kLater};
    for (const std::string_view bad :
         {"", "0", "never", "2030-01-01", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!not_modified({{"If-Modified-Since", bad}}, stored));
        }
    BOOST_TEST(
        !not_modified({{"If-Modified-Since", kLater}, {"If-Modified-Since", kLater}}, stored));
}

BOOST_AUTO_TEST_CASE(without_a_last_modified_date_and_then_the_time_of_storing_stand_for_it)
{
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, {{}, {}, kModified}));
    BOOST_TEST(!not_modified({{"If-Modified-Since", kModified}}, {{}, {}, kLater}));
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, {{}, "no date", kModified}));
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, {}, kModifiedAt));
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, {}, kModifiedAt + Millis{999}));
    BOOST_TEST(!not_modified({{"If-Modified-Since", kModified}}, {}, kModifiedAt + Seconds{1}));
    BOOST_TEST(not_modified({{"If-Modified-Since", kModified}}, {{}, {}, "no date"}, kModifiedAt));
}

BOOST_AUTO_TEST_CASE(only_get_and_head_are_answered_by_not_modified)
{
    const Validators stored{"\"a\"", kModified, kLater};
    for (const Lines& lines :
         {Lines{{"If-None-Match", "\"a\""}}, Lines{{"If-Modified-Since", kModified}}}) {
        BOOST_TEST(not_modified(lines, stored, kNow, Method::head));
        for (const Method method : {Method::post, Method::put, Method::delete_, Method::options,
                                    Method::patch, Method::other})
            BOOST_TEST(!not_modified(lines, stored, kNow, method));
    }
}

// RFC 9111 §4.3.2
BOOST_AUTO_TEST_CASE(if_match_and_if_unmodified_since_are_for_the_origin_server)
{
    BOOST_TEST(has_origin_precondition(request_with({{"If-Match", "\"a\""}})));
    BOOST_TEST(has_origin_precondition(request_with({{"If-Unmodified-Since", kModified}})));
    BOOST_TEST(!has_origin_precondition(request_with({})));
    BOOST_TEST(!has_origin_precondition(request_with(
        {{"If-None-Match", "\"a\""}, {"If-Modified-Since", kModified}, {"If-Range", "\"a\""}})));
}

// RFC 9110 §13.1.5, §8.8.2.2
BOOST_AUTO_TEST_CASE(a_range_is_honoured_if_the_validator_is_strong_and_the_same)
{
    struct Row {
        std::string_view what, if_range;
        Validators stored;
        bool expected;
    };
    const Row rows[] = {
        {"the same tag", "\"a\"", {"\"a\"", {}, {}}, true},
        {"another tag", "\"b\"", {"\"a\"", {}, {}}, false},
        {"a weak tag asked", "W/\"a\"", {"\"a\"", {}, {}}, false},
        {"a weak tag stored", "\"a\"", {"W/\"a\"", {}, {}}, false},
        {"two weak tags", "W/\"a\"", {"W/\"a\"", {}, {}}, false},
        {"no tag stored", "\"a\"", {{}, kModified, kLater}, false},
        {"an unquoted tag", "a", {"a", {}, {}}, false},
        {"a list of tags", "\"a\", \"b\"", {"\"a\"", {}, {}}, false},
        {"the same date", kModified, {{}, kModified, kLater}, true},
        {"the same date in another form",
         "Sun Nov  6 08:49:37 1994",
         {{}, kModified, kLater},
         true},
        {"an earlier date", kEarlier, {{}, kModified, kLater}, false},
        {"a later date", kLater, {{}, kModified, "Sun, 06 Nov 1994 08:50:00 GMT"}, false},
        {"a date within the second of the answer", kModified, {{}, kModified, kModified}, false},
        {"no Date stored", kModified, {{}, kModified, {}}, false},
        {"no Last-Modified stored", kModified, {{}, {}, kLater}, false},
        {"an asterisk", "*", {"\"a\"", kModified, kLater}, false},
        {"nothing", "", {"\"a\"", kModified, kLater}, false},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            const RequestHead request =
                request_with({{"Range", "bytes=0-1"}, {"If-Range", row.if_range}});
            BOOST_TEST(if_range_holds(request, row.stored, kNow) == row.expected);
        }
    const Validators stored{"\"a\"", kModified, kLater};
    BOOST_TEST(if_range_holds(request_with({{"Range", "bytes=0-1"}}), stored, kNow));
    BOOST_TEST(!if_range_holds(request_with({{"If-Range", "\"a\""}, {"If-Range", "\"a\""}}), stored,
                               kNow));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http
