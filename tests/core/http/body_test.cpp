#include "core/http/body.hpp"

#include "heads.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>
#include <vector>

namespace tidemark::http::test
{
namespace
{
using namespace std::string_view_literals;
using Kind = BodyFraming::Kind;

struct BodyReading {
    std::optional<BodyError> error;
    bool complete = false;
    std::size_t consumed = 0; // only of a complete body
    std::string data;         // delivered until then
    std::string trailers;
    friend bool operator==(const BodyReading&, const BodyReading&) = default;
    friend std::ostream& operator<<(std::ostream& out, const BodyReading& reading)
    {
        if (reading.error) out << "error: " << *reading.error << ' ';
        return out << (reading.complete ? "complete" : "open") << ' ' << reading.consumed << " '"
                   << reading.data << "' " << reading.trailers;
    }
};

// Hands the decoder pieces of `piece` bytes, each in memory of its own, until the body ends.
BodyReading read_body(BodyDecoder decoder, std::string_view bytes,
                      std::size_t piece = std::string_view::npos)
{
    BodyReading reading;
    std::size_t at = 0;
    while (at < bytes.size() && !reading.complete) {
        const std::string_view part = bytes.substr(at, piece);
        const std::vector<char> own(part.begin(), part.end());
        std::string_view rest(own.data(), own.size());
        while (!rest.empty() && !reading.complete) {
            const auto step = decoder.next(rest);
            if (!step) {
                reading.error = step.error();
                return reading;
            }
            reading.data += step->data;
            reading.complete = step->complete;
            at += step->consumed;
            rest.remove_prefix(step->consumed);
            if (step->consumed == 0 && !step->complete) {
                BOOST_TEST_ERROR("a step took nothing");
                return reading;
            }
        }
    }
    if (reading.complete) {
        reading.consumed = at;
        reading.trailers = text_of(decoder.trailers());
        BOOST_TEST(decoder.complete());
    }
    return reading;
}

BodyDecoder chunked(const BodyLimits& limits = {})
{
    return BodyDecoder({Kind::chunked, 0}, limits);
}

BodyReading read_chunked(std::string_view bytes, std::size_t piece = std::string_view::npos)
{
    return read_body(chunked(), bytes, piece);
}

BOOST_AUTO_TEST_SUITE(http_body)

BOOST_AUTO_TEST_CASE(no_body_is_complete_at_once)
{
    BodyDecoder decoder;
    BOOST_TEST(decoder.complete());
    const auto step = decoder.next("GET / HTTP/1.1\r\n");
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST(step->complete);
    BOOST_TEST(step->consumed == 0U);
    BOOST_TEST(step->data.empty());
    BOOST_TEST(decoder.end().has_value());
    BOOST_TEST(BodyDecoder({Kind::none, 0}).complete());
    BOOST_TEST(BodyDecoder({Kind::length, 0}).complete());
}

// RFC 9112 §6.2
BOOST_AUTO_TEST_CASE(a_length_takes_that_many_bytes_and_no_more)
{
    BodyDecoder decoder({Kind::length, 5});
    BOOST_TEST(!decoder.complete());
    auto step = decoder.next("abc");
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST(step->data == "abc");
    BOOST_TEST(step->consumed == 3U);
    BOOST_TEST(!step->complete);
    BOOST_TEST((decoder.end().error() == BodyError::truncated));
    step = decoder.next("defgh");
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST(step->data == "de");
    BOOST_TEST(step->consumed == 2U);
    BOOST_TEST(step->complete);
    BOOST_TEST(decoder.complete());
    BOOST_TEST(decoder.end().has_value());
}

BOOST_AUTO_TEST_CASE(nothing_is_made_of_no_bytes)
{
    for (const BodyFraming framing : {BodyFraming{Kind::length, 5}, BodyFraming{Kind::chunked, 0},
                                      BodyFraming{Kind::until_close, 0}}) {
        BodyDecoder decoder(framing);
        const auto step = decoder.next("");
        BOOST_TEST_REQUIRE(step.has_value());
        BOOST_TEST(step->data.empty());
        BOOST_TEST(step->consumed == 0U);
        BOOST_TEST(!step->complete);
    }
}

BOOST_AUTO_TEST_CASE(until_close_ends_with_the_connection)
{
    BodyDecoder decoder({Kind::until_close, 0});
    const auto step = decoder.next("0\r\n\r\n");
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST(step->data == "0\r\n\r\n");
    BOOST_TEST(!step->complete);
    BOOST_TEST(!decoder.complete());
    BOOST_TEST(decoder.end().has_value());
    BOOST_TEST(decoder.complete());
}

// RFC 9112 §7.1
BOOST_AUTO_TEST_CASE(good_chunks_are_joined)
{
    struct Row {
        std::string_view what, bytes, data;
    };
    const Row rows[] = {
        {"nothing", "0\r\n\r\n", ""},
        {"one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"two chunks", "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!"},
        {"hex digits in both cases", "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
         "01234567890123456789"},
        {"leading zeros", "0005\r\nhello\r\n0\r\n\r\n", "hello"},
        {"fifteen digits", "000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
        {"many zeros at the end", "5\r\nhello\r\n000000000000000\r\n\r\n", "hello"},
        {"data that looks like framing", "7\r\n0\r\n\r\n5\r\r\n0\r\n\r\n", "0\r\n\r\n5\r"},
        {"an extension", "5;a\r\nhello\r\n0\r\n\r\n", "hello"},
        {"an extension with a value", "5;a=b\r\nhello\r\n0\r\n\r\n", "hello"},
        {"a quoted value", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"an escaped quote", "5;a=\"b\\\"c\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"several extensions", "5;a;b=c;d=\"e\"\r\nhello\r\n0\r\n\r\n", "hello"},
        {"white space in extensions", "5;\ta = b\r\nhello\r\n0\r\n\r\n", "hello"},
        {"an extension of the last chunk", "5\r\nhello\r\n0;a=b\r\n\r\n", "hello"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            for (const std::size_t piece :
                 {std::string_view::npos, std::size_t{1}, std::size_t{3}}) {
                const BodyReading reading =
                    read_chunked(std::string(row.bytes) + "GET / HTTP/1.1\r\n", piece);
                BOOST_TEST(reading.complete);
                BOOST_TEST(!reading.error.has_value());
                BOOST_TEST(reading.data == row.data);
                BOOST_TEST(reading.consumed == row.bytes.size());
                BOOST_TEST(reading.trailers == "");
            }
        }
}

BOOST_AUTO_TEST_CASE(chunks_out_of_grammar_are_refused)
{
    struct Row {
        std::string_view what, bytes;
    };
    const Row rows[] = {
        {"no size", "\r\nhello\r\n"},
        {"no size, but an extension", ";a\r\nhello\r\n"},
        {"a plus", "+5\r\nhello\r\n"},
        {"a minus", "-5\r\nhello\r\n"},
        {"0x", "0x5\r\nhello\r\n"},
        {"no hex digit", "g\r\nhello\r\n"},
        {"a letter behind", "5g\r\nhello\r\n"},
        {"a space before", " 5\r\nhello\r\n"},
        {"a tab before", "\t5\r\nhello\r\n"},
        {"a space behind", "5 \r\nhello\r\n"},
        {"a tab behind", "5\t\r\nhello\r\n"},
        {"a space before the extension", "5 ;a\r\nhello\r\n"},
        {"a tab before the extension", "5\t;a\r\nhello\r\n"},
        {"an underscore", "1_0\r\nhello\r\n"},
        {"a dot", "5.0\r\nhello\r\n"},
        {"a comma", "5,5\r\nhello\r\n"},
        {"a NUL", "5\0\r\nhello\r\n"sv},
        {"quotes", "\"5\"\r\nhello\r\n"},
        {"sixteen digits", "0000000000000005\r\nhello\r\n"},
        {"2^64 + 5", "10000000000000005\r\nhello\r\n"},
        {"2^63", "8000000000000000\r\nhello\r\n"},
        {"all bits", "ffffffffffffffff\r\nhello\r\n"},
        {"many digits", "fffffffffffffffffffffffffffffffffffffff\r\nhello\r\n"},
        {"a full-width digit", "\xef\xbc\x95\r\nhello\r\n"},
        {"a bare LF behind the size", "5\nhello\r\n0\r\n\r\n"},
        {"a bare CR behind the size", "5\rhello\r\n0\r\n\r\n"},
        {"two CRs behind the size", "5\r\r\nhello\r\n0\r\n\r\n"},
        {"a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"},
        {"a bare CR behind the data", "5\r\nhello\r0\r\n\r\n"},
        {"no line end behind the data", "5\r\nhello0\r\n\r\n"},
        {"less data than said", "6\r\nhello\r\n0\r\n\r\n"},
        {"more data than said", "4\r\nhello\r\n0\r\n\r\n"},
        {"two line ends behind the data", "5\r\nhello\r\n\r\n0\r\n\r\n"},
        {"a space behind the data", "5\r\nhello \r\n0\r\n\r\n"},
        {"an empty extension", "5;\r\nhello\r\n0\r\n\r\n"},
        {"a bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n"},
        {"a bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"},
        {"a NUL in an extension", "5;a\0b\r\nhello\r\n0\r\n\r\n"sv},
        {"a CTL in an extension", "5;a\x01\r\nhello\r\n0\r\n\r\n"},
        {"a DEL in an extension", "5;a\x7f\r\nhello\r\n0\r\n\r\n"},
        {"a line end in quotes", "5;a=\"b\r\nc\"\r\nhello\r\n0\r\n\r\n"},
        {"a bare LF in quotes", "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n"},
        {"a bare CR in quotes", "5;a=\"b\rc\"\r\nhello\r\n0\r\n\r\n"},
        {"an escaped CR in quotes", "5;a=\"b\\\rc\"\r\nhello\r\n0\r\n\r\n"},
        {"quotes that never end", "5;a=\"b\r\nhello\r\n0\r\n\r\n"},
        {"quotes whose end is escaped", "5;a=\"b\\\"\r\nhello\r\n0\r\n\r\n"},
        {"a bare LF behind the last chunk", "0\n\r\n"},
        {"a bare LF at the end", "0\r\n\n"},
        {"a bare CR at the end", "0\r\n\rX\n"},
        {"a trailer without a colon", "0\r\nabc\r\n\r\n"},
        {"a trailer with an empty name", "0\r\n: b\r\n\r\n"},
        {"a trailer with a space before the colon", "0\r\nA : b\r\n\r\n"},
        {"a trailer that begins with a space", "0\r\n A: b\r\n\r\n"},
        {"a folded trailer", "0\r\nA: b\r\n c\r\n\r\n"},
        {"a trailer that ends in a bare LF", "0\r\nA: b\n\r\n"},
        {"a bare CR in a trailer", "0\r\nA: b\rc\r\n\r\n"},
        {"a NUL in a trailer", "0\r\nA: b\0\r\n\r\n"sv},
        {"a CTL in a trailer", "0\r\nA: \x01\r\n\r\n"},
        {"a byte of 0x80 in the name of a trailer", "0\r\nA\x80: b\r\n\r\n"},
        {"the next request instead of the end", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            for (const std::size_t piece : {std::string_view::npos, std::size_t{1}}) {
                const BodyReading reading = read_chunked(row.bytes, piece);
                BOOST_TEST(!reading.complete);
                BOOST_TEST_REQUIRE(reading.error.has_value());
                BOOST_TEST(*reading.error == BodyError::malformed);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_chunked_body_cut_short_is_truncated_wherever_it_is_cut)
{
    const std::string_view whole = "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n";
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        BOOST_TEST_CONTEXT(cut)
        {
            BodyDecoder decoder = chunked();
            std::string_view rest = whole.substr(0, cut);
            while (!rest.empty()) {
                const auto step = decoder.next(rest);
                BOOST_TEST_REQUIRE(step.has_value());
                BOOST_TEST(!step->complete);
                rest.remove_prefix(step->consumed);
            }
            const auto ended = decoder.end();
            BOOST_TEST(!ended.has_value());
            BOOST_TEST((ended.error() == BodyError::truncated));
            BOOST_TEST(!decoder.complete());
        }
}

BOOST_AUTO_TEST_CASE(data_is_handed_on_without_a_copy)
{
    BodyDecoder decoder = chunked();
    const std::string_view bytes = "5\r\nhello\r\n0\r\n\r\n";
    const auto step = decoder.next(bytes);
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST((step->data.data() == bytes.data() + 3));
}

// RFC 9110 §6.5, RFC 9112 §7.1.2
BOOST_AUTO_TEST_CASE(trailers_are_kept_but_those_that_mean_nothing_behind_the_content)
{
    struct Row {
        std::string_view lines, expected;
    };
    const Row rows[] = {
        {"", ""},
        {"X-Sum: 5\r\n", "<0 X-Sum=5>"},
        {"X-Sum:\t 5 \r\nServer-Timing: a, b\r\n", "<0 X-Sum=5><0 Server-Timing=a, b>"},
        {"X-A:\r\n", "<0 X-A=>"},
        {"Content-Length: 5\r\nX: y\r\n", "<0 X=y>"},
        {"Transfer-Encoding: chunked\r\n", ""},
        {"HOST: b\r\n", ""},
        {"Trailer: x\r\n", ""},
        {"Content-Encoding: gzip\r\n", ""},
        {"Content-Type: a/b\r\n", ""},
        {"Content-Range: bytes 0-1/2\r\n", ""},
        {"Authorization: Basic x\r\n", ""},
        {"Set-Cookie: a=b\r\n", ""},
        {"Cookie: a=b\r\n", ""},
        {"Cache-Control: max-age=1\r\nExpires: 0\r\nAge: 1\r\nVary: a\r\nPragma: b\r\n", ""},
        {"CDN-Cache-Control: max-age=1\r\nSurrogate-Control: max-age=1\r\n", ""},
        {"Connection: close\r\nX-Forwarded-For: a\r\nForwarded: for=a\r\nLocation: /\r\n", ""},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.lines)
        {
            const std::string bytes = "1\r\na\r\n0\r\n" + std::string(row.lines) + "\r\n";
            for (const std::size_t piece : {std::string_view::npos, std::size_t{1}}) {
                const BodyReading reading = read_chunked(bytes + "rest", piece);
                BOOST_TEST(reading.complete);
                BOOST_TEST(reading.consumed == bytes.size());
                BOOST_TEST(reading.trailers == row.expected);
            }
        }
}

BOOST_AUTO_TEST_CASE(trailers_stay_when_the_decoder_moves)
{
    BodyDecoder decoder = chunked();
    const auto step = decoder.next("0\r\nA: b\r\n\r\n");
    BOOST_TEST_REQUIRE(step.has_value());
    BOOST_TEST(step->complete);
    const BodyDecoder moved = std::move(decoder);
    BOOST_TEST(text_of(moved.trailers()) == "<0 A=b>");
}

BOOST_AUTO_TEST_CASE(every_part_of_the_framing_has_a_limit)
{
    struct Row {
        std::string_view what;
        BodyLimits limits;
        std::string good, bad;
    };
    BodyLimits extension, free, ratio, trailer, fields;
    extension.extension_bytes_per_line = 10;
    free.framing_bytes_free = 20;
    free.framing_per_data = 1;
    ratio.framing_bytes_free = 0;
    ratio.framing_per_data = 4;
    trailer.trailer_bytes = 12;
    fields.trailer_fields = 2;
    std::string ones;
    for (int i = 0; i < 100; ++i)
        ones += "1\r\na\r\n";
    const Row rows[] = {
        {"an extension", extension, "1;234567890\r\na\r\n0\r\n\r\n",
         "1;2345678901\r\na\r\n0\r\n\r\n"},
        {"extensions in all", free, "1;23456\r\na\r\n0\r\n\r\n",
         "1;23456789012345678901\r\na\r\n0\r\n\r\n"},
        {"tiny chunks", free, "1\r\na\r\n1\r\na\r\n0\r\n\r\n", ones},
        {"trailer bytes", trailer,
         "0\r\nA: 67890\r\n\r\n"
         "",
         "0\r\nA: 678901\r\n\r\n"},
        {"trailer fields", fields, "0\r\nA: a\r\nB: b\r\n\r\n",
         "0\r\nA: a\r\nB: b\r\nC: c\r\n\r\n"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.what)
        {
            for (const std::size_t piece : {std::string_view::npos, std::size_t{1}}) {
                BOOST_TEST(read_body(chunked(row.limits), row.good, piece).complete);
                const BodyReading bad = read_body(chunked(row.limits), row.bad, piece);
                BOOST_TEST_REQUIRE(bad.error.has_value());
                BOOST_TEST(*bad.error == BodyError::too_large);
            }
        }
}

BOOST_AUTO_TEST_CASE(honest_chunks_never_meet_a_limit)
{
    std::string one_byte_chunks;
    for (int i = 0; i < 20000; ++i)
        one_byte_chunks += "1\r\na\r\n";
    one_byte_chunks += "0\r\n\r\n";
    BOOST_TEST(read_chunked(one_byte_chunks).data.size() == 20000U);
    BOOST_TEST(read_chunked(one_byte_chunks).complete);
}

BOOST_AUTO_TEST_CASE(extensions_in_ratio_to_the_data_have_a_limit)
{
    std::string abusive;
    for (int i = 0; i < 2000; ++i)
        abusive += "1;" + std::string(200, 'x') + "\r\na\r\n";
    const BodyReading reading = read_chunked(abusive);
    BOOST_TEST_REQUIRE(reading.error.has_value());
    BOOST_TEST(*reading.error == BodyError::too_large);
}

BOOST_AUTO_TEST_CASE(a_chunk_size_is_written_in_hex)
{
    const auto text = [](std::uint64_t bytes) {
        std::string out;
        append_chunk_size(out, bytes);
        return out;
    };
    BOOST_TEST(text(0) == "0\r\n");
    BOOST_TEST(text(10) == "a\r\n");
    BOOST_TEST(text(0x1234) == "1234\r\n");
    BOOST_TEST(text(~std::uint64_t{0}) == "ffffffffffffffff\r\n");
}

RC_BOOST_PROP(what_is_written_in_chunks_is_read_back,
              (const std::vector<std::string>& chunks, const std::string& behind))
{
    std::string encoded, data;
    for (const std::string& chunk : chunks) {
        if (chunk.empty()) continue;
        append_chunk_size(encoded, chunk.size());
        encoded += chunk + "\r\n";
        data += chunk;
    }
    encoded += "0\r\n\r\n";
    const auto piece = *rc::gen::inRange<std::size_t>(1, encoded.size() + 1);
    const BodyReading reading = read_chunked(encoded + behind, piece);
    RC_ASSERT(reading.complete);
    RC_ASSERT(reading.data == data);
    RC_ASSERT(reading.consumed == encoded.size());
}

RC_BOOST_PROP(any_split_of_a_chunked_body_reads_alike, ())
{
    const auto parts = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
        "1\r\na\r\n", "5;a=b\r\nhello\r\n", "3", "0", "0\r\n", "\r\n", "\r\n", "\r", "\n", ";", "=",
        "\"", "\\", "a", "A: b\r\n", "Host: b\r\n", ":", " ", "\x01"));
    std::string text;
    for (const std::string& part : parts)
        text += part;
    BodyLimits limits;
    limits.extension_bytes_per_line = 6;
    limits.framing_bytes_free = 30;
    limits.framing_per_data = 3;
    limits.trailer_bytes = 20;
    limits.trailer_fields = 2;
    const auto piece = *rc::gen::inRange<std::size_t>(1, 8);
    const BodyReading whole = read_body(chunked(limits), text);
    RC_ASSERT(read_body(chunked(limits), text, piece) == whole);
    RC_ASSERT(read_body(chunked(limits), text, 1) == whole);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http::test
