#include "edge/serve/answer.hpp"
#include "tests/edge/cache/fields.hpp"
#include "tests/support/messages.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::serve
{
namespace
{
using cache::fields_of;
using cache::kNow;
using test::Request;
using test::with_crlf;

// The stored response of these tests: 100 bytes, modified an hour before it was sent.
const std::string kModified = cache::http_date(kNow - Seconds{7200});
const std::string kStored = "Date: " + cache::http_date(kNow - Seconds{3600}) +
                            "\nETag: \"v1\"\nLast-Modified: " + kModified +
                            "\nContent-Type: text/plain\nContent-Length: 100\nCache-Control: "
                            "max-age=9\nX-A: 1";

Answer decide(const std::string& fields, std::string_view method = "GET",
              std::uint16_t status = 200, std::string_view stored = kStored,
              std::uint64_t bytes = 100)
{
    const Request request(std::string(method) + " / HTTP/1.1\nHost: h" +
                          (fields.empty() ? "" : "\n" + fields));
    return decide_answer(*request, status, fields_of(stored), bytes, kNow - Seconds{3600}, kNow);
}

using Ranges = std::vector<http::ByteRange>;

std::string head_of(const Answer& answer, std::string_view stored = kStored)
{
    std::string out;
    append_answer_head(out, answer, fields_of(stored), 100);
    return out;
}
} // namespace

BOOST_AUTO_TEST_SUITE(answer)

BOOST_AUTO_TEST_CASE(conditions_and_ranges_choose_the_kind_of_answer)
{
    struct Row {
        const char* name;
        std::string fields;
        AnswerKind kind;
        Ranges ranges;
    };
    const std::string before = cache::http_date(kNow - Seconds{7201});
    const Row rows[] = {
        {"nothing asked", "", AnswerKind::full, {}},
        {"the tag that we have", "If-None-Match: \"v1\"", AnswerKind::not_modified, {}},
        {"weakly", "If-None-Match: W/\"v1\"", AnswerKind::not_modified, {}},
        {"in a list", "If-None-Match: \"v0\", \"v1\"", AnswerKind::not_modified, {}},
        {"in a second line",
         "If-None-Match: \"v0\"\nIf-None-Match: \"v1\"",
         AnswerKind::not_modified,
         {}},
        {"any", "If-None-Match: *", AnswerKind::not_modified, {}},
        {"another tag", "If-None-Match: \"v2\"", AnswerKind::full, {}},
        {"not modified since", "If-Modified-Since: " + kModified, AnswerKind::not_modified, {}},
        {"modified since", "If-Modified-Since: " + before, AnswerKind::full, {}},
        {"the tag outranks the date",
         "If-None-Match: \"v2\"\nIf-Modified-Since: " + kModified,
         AnswerKind::full,
         {}},
        {"a range", "Range: bytes=0-9", AnswerKind::partial, {{0, 9}}},
        {"clipped", "Range: bytes=90-200", AnswerKind::partial, {{90, 99}}},
        {"open", "Range: bytes=99-", AnswerKind::partial, {{99, 99}}},
        {"a suffix", "Range: bytes=-10", AnswerKind::partial, {{90, 99}}},
        {"a suffix larger than all", "Range: bytes=-1000", AnswerKind::partial, {{0, 99}}},
        {"several",
         "Range: bytes=0-0, 50-59,-1",
         AnswerKind::multipart,
         {{0, 0}, {50, 59}, {99, 99}}},
        {"several of which one can be had",
         "Range: bytes=200-, 5-6",
         AnswerKind::partial,
         {{5, 6}}},
        {"beyond the end", "Range: bytes=100-", AnswerKind::unsatisfiable, {}},
        {"a suffix of nothing", "Range: bytes=-0", AnswerKind::unsatisfiable, {}},
        {"no valid range", "Range: bytes=9-1", AnswerKind::full, {}},
        {"another unit", "Range: lines=0-1", AnswerKind::full, {}},
        {"two Range lines", "Range: bytes=0-1\nRange: bytes=2-3", AnswerKind::full, {}},
        {"If-Range holds", "Range: bytes=0-9\nIf-Range: \"v1\"", AnswerKind::partial, {{0, 9}}},
        {"If-Range holds by date",
         "Range: bytes=0-9\nIf-Range: " + kModified,
         AnswerKind::partial,
         {{0, 9}}},
        {"If-Range fails", "Range: bytes=0-9\nIf-Range: \"v0\"", AnswerKind::full, {}},
        {"If-Range is never weak", "Range: bytes=0-9\nIf-Range: W/\"v1\"", AnswerKind::full, {}},
        {"If-Range fails though the range cannot be had",
         "Range: bytes=100-\nIf-Range: \"v0\"",
         AnswerKind::full,
         {}},
        {"If-Range alone", "If-Range: \"v0\"", AnswerKind::full, {}},
        {"a condition comes before the range",
         "Range: bytes=0-9\nIf-None-Match: \"v1\"",
         AnswerKind::not_modified,
         {}},
        {"and if it does not hold, the range counts",
         "Range: bytes=0-9\nIf-None-Match: \"v0\"",
         AnswerKind::partial,
         {{0, 9}}},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Answer answer = decide(row.fields);
            BOOST_TEST((answer.kind == row.kind));
            BOOST_TEST((answer.ranges == row.ranges));
            if (row.kind == AnswerKind::full) BOOST_TEST(answer.body_bytes == 100U);
            if (row.kind == AnswerKind::partial)
                BOOST_TEST(answer.body_bytes == row.ranges.front().size());
            if (row.kind == AnswerKind::not_modified || row.kind == AnswerKind::unsatisfiable)
                BOOST_TEST(answer.body_bytes == 0U);
        }
}

BOOST_AUTO_TEST_CASE(head_knows_conditions_but_no_ranges)
{
    BOOST_TEST((decide("If-None-Match: \"v1\"", "HEAD").kind == AnswerKind::not_modified));
    BOOST_TEST((decide("Range: bytes=0-9", "HEAD").kind == AnswerKind::full));
    BOOST_TEST((decide("Range: bytes=100-", "HEAD").kind == AnswerKind::full));
}

BOOST_AUTO_TEST_CASE(only_a_200_is_asked_conditionally_or_in_part)
{
    static constexpr std::uint16_t kOthers[] = {203, 206, 301, 404, 500};
    for (const std::uint16_t status : kOthers)
        for (const char* fields : {"If-None-Match: \"v1\"", "Range: bytes=0-9"})
            BOOST_TEST_CONTEXT(status << " " << fields)
    BOOST_TEST((decide(fields, "GET", status).kind == AnswerKind::full));
}

BOOST_AUTO_TEST_CASE(an_empty_representation_has_no_ranges)
{
    BOOST_TEST(
        (decide("Range: bytes=0-", "GET", 200, kStored, 0).kind == AnswerKind::unsatisfiable));
}

BOOST_AUTO_TEST_CASE(asking_conditionally_is_what_could_change_the_answer)
{
    struct Row {
        const char* fields;
        bool asks;
    };
    const Row rows[] = {
        {"Range: x", true},     {"If-None-Match: x", true}, {"If-Modified-Since: x", true},
        {"If-Range: x", false}, {"If-Match: x", false},     {"Accept: x", false}};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.fields)
    BOOST_TEST(asks_conditionally(
                   *Request("GET / HTTP/1.1\nHost: h\n" + std::string(row.fields))) == row.asks);
}

BOOST_AUTO_TEST_CASE(each_kind_has_its_status)
{
    const std::pair<AnswerKind, int> rows[] = {{AnswerKind::full, 203},
                                               {AnswerKind::not_modified, 304},
                                               {AnswerKind::partial, 206},
                                               {AnswerKind::multipart, 206},
                                               {AnswerKind::unsatisfiable, 416}};
    for (const auto& [kind, status] : rows) {
        Answer answer;
        answer.kind = kind;
        BOOST_TEST(status_of(answer, 203) == status);
    }
}

// RFC 9110 §15.4.5
BOOST_AUTO_TEST_CASE(a_304_carries_what_a_200_would_have_said_about_caching)
{
    const std::string many =
        "Cache-Control: max-age=9\nContent-Location: /b\nDate: d\nETag: \"v1\"\nExpires: "
        "e\nVary: accept\nCDN-Cache-Control: max-age=8\nSet-Cookie: a=1\nLast-Modified: "
        "m\nContent-Type: t\nContent-Length: 100\nX-A: 1\nContent-Encoding: gzip";
    BOOST_TEST(head_of(decide("If-None-Match: *"), many) ==
               with_crlf("HTTP/1.1 304 Not Modified\nCache-Control: max-age=9\nContent-Location: "
                         "/b\nDate: d\nETag: \"v1\"\nExpires: e\nVary: accept\nCDN-Cache-Control: "
                         "max-age=8\nSet-Cookie: a=1\n"));
    BOOST_TEST(head_of(decide("If-None-Match: *"), "Last-Modified: m\nX-A: 1") ==
               with_crlf("HTTP/1.1 304 Not Modified\nLast-Modified: m\n"));
}

BOOST_AUTO_TEST_CASE(a_206_carries_the_stored_fields_and_says_which_part)
{
    const std::string stored = "Date: d\nETag: \"v1\"\nContent-Type: text/plain\nContent-Length: "
                               "100\nContent-Range: bytes 7-8/9\nX-A: 1";
    BOOST_TEST(head_of(decide("Range: bytes=10-19", "GET", 200, stored), stored) ==
               with_crlf("HTTP/1.1 206 Partial Content\nDate: d\nETag: \"v1\"\nContent-Type: "
                         "text/plain\nX-A: 1\nContent-Range: bytes 10-19/100\nContent-Length: "
                         "10\n"));
}

BOOST_AUTO_TEST_CASE(a_multipart_206_has_its_type_and_no_content_range)
{
    const std::string stored = "ETag: \"v1\"\nContent-Type: text/plain\nContent-Length: 100";
    const Answer answer = decide("Range: bytes=0-1,98-", "GET", 200, stored);
    BOOST_TEST(head_of(answer, stored) ==
               with_crlf("HTTP/1.1 206 Partial Content\nETag: \"v1\"\nContent-Type: "
                         "multipart/byteranges; "
                         "boundary=tidemark-5f2b7c1e9d60a384\nContent-Length: " +
                         std::to_string(answer.body_bytes) + "\n"));
}

BOOST_AUTO_TEST_CASE(a_416_says_the_length_and_nothing_of_the_content)
{
    BOOST_TEST(head_of(decide("Range: bytes=100-")) ==
               with_crlf("HTTP/1.1 416 Range Not Satisfiable\nContent-Range: bytes "
                         "*/100\nContent-Length: 0\n"));
}

BOOST_AUTO_TEST_CASE(a_full_answer_has_its_head_already)
{
    BOOST_TEST(head_of(decide("")) == "");
}

// RFC 9110 §14.6
BOOST_AUTO_TEST_CASE(parts_are_delimited_as_multipart_demands)
{
    std::string out;
    append_part_head(out, {0, 1}, "text/plain", 100, true);
    BOOST_TEST(out == with_crlf("--tidemark-5f2b7c1e9d60a384\nContent-Type: "
                                "text/plain\nContent-Range: bytes 0-1/100\n\n"));
    out.clear();
    append_part_head(out, {98, 99}, "", 100, false);
    BOOST_TEST(out == with_crlf("\n--tidemark-5f2b7c1e9d60a384\nContent-Range: bytes "
                                "98-99/100\n\n"));
    out.clear();
    append_parts_end(out);
    BOOST_TEST(out == with_crlf("\n--tidemark-5f2b7c1e9d60a384--\n"));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
