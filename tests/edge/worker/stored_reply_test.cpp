#include "edge/worker/stored_reply.hpp"
#include "tests/edge/cache/fields.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/stored_response.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::worker
{
namespace
{
using test::pattern_bytes;
using test::with_crlf;

struct Sent {
    serve::Answer answer;
    std::string head;
    std::string body;
};

Sent send(const store::StoredResponse& record, const std::string& range)
{
    const test::Request request("GET / HTTP/1.1\nHost: h" +
                                (range.empty() ? "" : "\nRange: bytes=" + range));
    http::FieldList fields;
    record.fields(fields);
    Sent sent;
    sent.answer = serve::decide_answer(*request, record.status(), fields, record.body_bytes(),
                                       cache::kNow, cache::kNow);
    serve::append_answer_head(sent.head, sent.answer, fields, record.body_bytes());
    Output out;
    append_stored_body(out, record, sent.answer);
    for (const uv_buf_t& buffer : out.buffers())
        sent.body.append(buffer.base, buffer.len);
    BOOST_TEST(out.bytes() == sent.body.size());
    return sent;
}

// "bytes" records: one that is inline, one of several slices, one without a type, one empty.
store::StoredRef record_of(const std::vector<std::string>& pieces,
                           const char* fields = "Content-Type: text/plain")
{
    return test::stored_response(cache::fields_of(fields), pieces);
}
} // namespace

BOOST_AUTO_TEST_SUITE(stored_reply)

BOOST_AUTO_TEST_CASE(a_whole_body_leaves_byte_for_byte)
{
    BOOST_TEST(send(*record_of({"hello"}), "").body == "hello");
    BOOST_TEST(send(*record_of({}), "").body == "");
    const auto large = record_of({pattern_bytes(40'000), pattern_bytes(7, 40'000)});
    BOOST_TEST(large->body_pieces() == 2U);
    BOOST_TEST((send(*large, "").body == pattern_bytes(40'007)));
}

BOOST_AUTO_TEST_CASE(a_range_is_cut_from_wherever_the_pieces_end)
{
    constexpr std::size_t kFirst = 33'000;
    const auto record = record_of(
        {pattern_bytes(kFirst), pattern_bytes(5, kFirst), pattern_bytes(2'000, kFirst + 5)});
    const std::string all = pattern_bytes(kFirst + 2'005);
    BOOST_TEST_REQUIRE(record->body_pieces() == 3U);
    for (const std::size_t from : {std::size_t{0}, kFirst - 1, kFirst, kFirst + 1, kFirst + 4,
                                   kFirst + 5, kFirst + 6, all.size() - 1})
        for (const std::size_t last :
             {std::size_t{0}, kFirst - 1, kFirst, kFirst + 4, kFirst + 5, all.size() - 1}) {
            if (last < from) continue;
            BOOST_TEST_CONTEXT(from << "-" << last)
            {
                const Sent sent = send(*record, std::to_string(from) + "-" + std::to_string(last));
                BOOST_TEST((sent.answer.kind == serve::AnswerKind::partial));
                BOOST_TEST((sent.body == all.substr(from, last - from + 1)));
                BOOST_TEST(sent.answer.body_bytes == sent.body.size());
            }
        }
}

BOOST_AUTO_TEST_CASE(several_ranges_leave_as_parts_of_exactly_the_declared_length)
{
    const auto record = record_of({"0123456789"});
    const Sent sent = send(*record, "0-1,4-4,-2");
    BOOST_TEST(sent.body ==
               with_crlf("--tidemark-5f2b7c1e9d60a384\nContent-Type: text/plain\nContent-Range: "
                         "bytes 0-1/10\n\n01\n--tidemark-5f2b7c1e9d60a384\nContent-Type: "
                         "text/plain\nContent-Range: bytes "
                         "4-4/10\n\n4\n--tidemark-5f2b7c1e9d60a384\nContent-Type: "
                         "text/plain\nContent-Range: bytes "
                         "8-9/10\n\n89\n--tidemark-5f2b7c1e9d60a384--\n"));
    BOOST_TEST(sent.head ==
               with_crlf("HTTP/1.1 206 Partial Content\nContent-Type: multipart/byteranges; "
                         "boundary=tidemark-5f2b7c1e9d60a384\nContent-Length: " +
                         std::to_string(sent.body.size()) + "\n"));
}

BOOST_AUTO_TEST_CASE(the_length_of_a_multipart_body_is_always_what_its_head_says)
{
    const std::vector<std::vector<std::string>> bodies = {
        {"0123456789"},
        {pattern_bytes(100)},
        {pattern_bytes(33'000), pattern_bytes(1'000, 33'000)}};
    for (const auto& pieces : bodies)
        for (const char* fields : {"Content-Type: text/plain", "X-A: 1", "Content-Type: "})
            for (const char* range : {"0-0,2-2", "0-0,5-,-3", "1-1,3-3,5-5,7-7,9-9", "9-,0-1"})
                BOOST_TEST_CONTEXT(pieces.front().size() << " " << fields << " " << range)
                {
                    const auto record = record_of(pieces, fields);
                    const Sent sent = send(*record, range);
                    BOOST_TEST((sent.answer.kind == serve::AnswerKind::multipart));
                    BOOST_TEST(sent.answer.body_bytes == sent.body.size());
                    BOOST_TEST(sent.body.ends_with("\r\n--tidemark-5f2b7c1e9d60a384--\r\n"));
                    const bool typed = std::string_view(fields) == "Content-Type: text/plain";
                    BOOST_TEST((sent.body.find("Content-Type:") != std::string::npos) == typed);
                }
}

BOOST_AUTO_TEST_CASE(answers_without_content_have_none)
{
    const auto record = record_of({"0123456789"});
    BOOST_TEST(send(*record, "10-").body == "");
    serve::Answer not_modified;
    not_modified.kind = serve::AnswerKind::not_modified;
    Output out;
    append_stored_body(out, *record, not_modified);
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::worker
