#include "bench/load/response_reader.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>
#include <rapidcheck/boost_test.h>
#include <string>
#include <vector>

using namespace tidemark;
using namespace tidemark::bench;
using namespace std::string_literals;

namespace
{
struct Outcome {
    std::vector<Response> responses;
    std::optional<ReadError> error;
    bool in_the_middle = false;
};

// Feeds `pieces` one after the other, as reads from a socket would.
Outcome read_all(ResponseReader& reader, const std::vector<std::string>& pieces)
{
    Outcome outcome;
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            std::size_t consumed = 0;
            const auto progress = reader.feed(piece, consumed);
            if (!progress) {
                outcome.error = progress.error();
                return outcome;
            }
            piece.remove_prefix(consumed);
            if (*progress == ReadProgress::complete) outcome.responses.push_back(reader.response());
        }
    }
    outcome.in_the_middle = reader.started();
    return outcome;
}

Outcome read_all(const std::string& bytes)
{
    ResponseReader reader;
    return read_all(reader, {bytes});
}

const std::string kSized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const std::string kChunked = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n"
                             "Cache-Status: edge; hit\r\n\r\n"
                             "5\r\nhello\r\n0A;note=\"x\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";
const std::string kEmpty = "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n";
const std::string kInterim = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
} // namespace

BOOST_AUTO_TEST_SUITE(bench_response_reader)

BOOST_AUTO_TEST_CASE(a_body_of_announced_length_is_counted)
{
    const Outcome outcome = read_all(kSized);
    BOOST_TEST_REQUIRE(outcome.responses.size() == 1U);
    BOOST_TEST(outcome.responses[0].status == 200);
    BOOST_TEST(outcome.responses[0].body_bytes == 5U);
    BOOST_TEST(outcome.responses[0].keep_alive);
    BOOST_TEST(!outcome.in_the_middle);
}

BOOST_AUTO_TEST_CASE(a_chunked_body_counts_without_its_framing)
{
    const Outcome outcome = read_all(kChunked);
    BOOST_TEST_REQUIRE(outcome.responses.size() == 1U);
    BOOST_TEST(outcome.responses[0].status == 404);
    BOOST_TEST(outcome.responses[0].body_bytes == 15U);
    BOOST_TEST((outcome.responses[0].cache == CacheWord::hit));
}

BOOST_AUTO_TEST_CASE(a_304_has_no_body_whatever_its_length_says)
{
    const Outcome outcome = read_all(kEmpty + kSized);
    BOOST_TEST_REQUIRE(outcome.responses.size() == 2U);
    BOOST_TEST(outcome.responses[0].body_bytes == 0U);
    BOOST_TEST(outcome.responses[1].body_bytes == 5U);
}

BOOST_AUTO_TEST_CASE(an_interim_response_is_passed_over)
{
    const Outcome outcome = read_all(kInterim + kSized);
    BOOST_TEST_REQUIRE(outcome.responses.size() == 1U);
    BOOST_TEST(outcome.responses[0].status == 200);
}

BOOST_AUTO_TEST_CASE(a_body_without_length_ends_with_the_connection)
{
    ResponseReader reader;
    const Outcome outcome = read_all(reader, {"HTTP/1.1 200 OK\r\n\r\nsome ", "bytes"});
    BOOST_TEST(outcome.responses.empty());
    BOOST_TEST_REQUIRE(reader.finish().has_value());
    BOOST_TEST(reader.response().body_bytes == 10U);
    BOOST_TEST(!reader.response().keep_alive);
}

BOOST_AUTO_TEST_CASE(a_connection_that_ends_early_leaves_a_truncated_response)
{
    for (const std::string& whole : {kSized, kChunked}) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            BOOST_TEST_CONTEXT(length << " bytes of " << whole)
            {
                ResponseReader reader;
                const Outcome outcome = read_all(reader, {whole.substr(0, length)});
                BOOST_TEST(outcome.responses.empty());
                BOOST_TEST(outcome.in_the_middle == (length != 0));
                const auto end = reader.finish();
                BOOST_TEST_REQUIRE(!end.has_value());
                BOOST_TEST((end.error() == ReadError::truncated));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(skipped_bytes_count_as_body_and_the_last_byte_completes_it)
{
    ResponseReader reader;
    const Outcome head = read_all(reader, {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n."});
    BOOST_TEST(head.responses.empty());
    BOOST_TEST_REQUIRE(reader.skippable_bytes() == 999'998U);
    reader.skip(999'998);
    BOOST_TEST(reader.skippable_bytes() == 0U);
    const Outcome end = read_all(reader, {"."});
    BOOST_TEST_REQUIRE(end.responses.size() == 1U);
    BOOST_TEST(end.responses[0].body_bytes == 1'000'000U);
}

BOOST_AUTO_TEST_CASE(whether_a_connection_stays_open_follows_version_and_connection_field)
{
    const struct {
        const char* head;
        bool kept;
    } rows[] = {
        {"HTTP/1.1 204 No Content\r\n\r\n", true},
        {"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", false},
        {"HTTP/1.1 204 No Content\r\nConnection: foo, Close\r\n\r\n", false},
        {"HTTP/1.0 204 No Content\r\n\r\n", false},
        {"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", true},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.head)
        {
            const Outcome outcome = read_all(row.head);
            BOOST_TEST_REQUIRE(outcome.responses.size() == 1U);
            BOOST_TEST(outcome.responses[0].keep_alive == row.kept);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_word_of_the_nearest_cache_is_the_last_member_of_cache_status)
{
    const struct {
        const char* value;
        CacheWord word;
    } rows[] = {
        {"edge; hit", CacheWord::hit},
        {"edge;hit;ttl=30", CacheWord::hit},
        {"edge; fwd=uri-miss; stored", CacheWord::miss},
        {"edge; hit=?0", CacheWord::miss},
        {"inner; hit, edge; fwd=stale", CacheWord::miss},
        {"inner; fwd=miss, edge; hit", CacheWord::hit},
        {"\"a, b; hit\"; fwd=miss", CacheWord::miss},
        {"edge; detail=\"x\\\", y; hit\"", CacheWord::miss},
        {"", CacheWord::none},
    };
    for (const auto& row : rows)
        BOOST_TEST((word_of_cache_status(row.value) == row.word), row.value);
}

BOOST_AUTO_TEST_CASE(x_cache_speaks_only_where_cache_status_is_silent)
{
    const auto word = [](const std::string& fields) {
        return read_all("HTTP/1.1 204 No Content\r\n" + fields + "\r\n").responses.at(0).cache;
    };
    BOOST_TEST((word("") == CacheWord::none));
    BOOST_TEST((word("X-Cache: HIT\r\n") == CacheWord::hit));
    BOOST_TEST((word("X-Cache: MISS\r\n") == CacheWord::miss));
    BOOST_TEST((word("X-Cache: HIT\r\nCache-Status: e; fwd=miss\r\n") == CacheWord::miss));
}

BOOST_AUTO_TEST_CASE(what_is_no_response_is_malformed)
{
    const std::string rows[] = {
        "hello there, this is no HTTP\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 999 Odd\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11112222333344445\r\n",
    };
    for (const std::string& row : rows) {
        BOOST_TEST_CONTEXT(row)
        {
            const Outcome outcome = read_all(row);
            BOOST_TEST_REQUIRE(outcome.error.has_value());
            BOOST_TEST((*outcome.error == ReadError::malformed));
        }
    }
}

BOOST_AUTO_TEST_CASE(heads_and_trailers_are_bounded)
{
    const std::string line(1'000, 'a');
    std::string endless = "HTTP/1.1 200 OK\r\n";
    while (endless.size() < 2 * ResponseReader::kHeadBytesMax)
        endless += "X: " + line + "\r\n";
    const std::string trailers =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + endless;
    for (const std::string& bytes : {endless, endless + "\r\n", trailers}) {
        const Outcome outcome = read_all(bytes);
        BOOST_TEST_REQUIRE(outcome.error.has_value());
        BOOST_TEST((*outcome.error == ReadError::too_large));
    }
}

RC_BOOST_PROP(any_split_of_the_bytes_reads_alike, ())
{
    const auto parts = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element(kSized, kChunked, kEmpty, kInterim + kSized));
    std::string all;
    for (const std::string& part : parts)
        all += part;
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < all.size();) {
        const auto length = *rc::gen::inRange<std::size_t>(1, 40);
        pieces.push_back(all.substr(at, length));
        at += length;
    }
    ResponseReader reader;
    const Outcome split = read_all(reader, pieces);
    const Outcome whole = read_all(all);
    RC_ASSERT(!split.error.has_value());
    RC_ASSERT(split.responses.size() == parts.size());
    RC_ASSERT(whole.responses.size() == parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        RC_ASSERT(split.responses[i].status == whole.responses[i].status);
        RC_ASSERT(split.responses[i].body_bytes == whole.responses[i].body_bytes);
        RC_ASSERT((split.responses[i].cache == whole.responses[i].cache));
    }
    RC_ASSERT(!split.in_the_middle);
}

BOOST_AUTO_TEST_SUITE_END()
