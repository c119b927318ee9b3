#include "edge/store/content.hpp"

#include "tests/support/packed.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::store;

namespace
{
const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
using Keep = ContentDecoder::Keep;

Result<Content, ContentFault> decode(std::string_view packed, std::uint64_t content_bytes,
                                     const purge::ContentDigest& digest,
                                     std::size_t piece = 64 * 1024)
{
    ContentDecoder decoder(content_bytes, Keep::content);
    for (; !packed.empty(); packed.remove_prefix(std::min(piece, packed.size())))
        if (const auto fed = decoder.feed(packed.substr(0, piece)); !fed)
            return tidemark::fail(fed.error());
    return decoder.finish(digest);
}

std::string body_of(const Content& content)
{
    std::string body;
    for (const Slice& slice : content.body)
        body.append(slice.view());
    return body;
}

ContentFault fault_of(const Result<Content, ContentFault>& decoded)
{
    BOOST_REQUIRE(!decoded);
    return decoded.error();
}
} // namespace

BOOST_AUTO_TEST_SUITE(content_decoder)

RC_BOOST_PROP(what_was_packed_comes_out_however_it_is_cut, ())
{
    const auto bytes = *rc::gen::inRange<std::size_t>(0, 300'000);
    const auto piece = *rc::gen::inRange<std::size_t>(1, 70'000);
    const std::string body = test::noise(bytes, bytes + 1);
    const std::string content = kHead + body;
    const auto decoded =
        decode(test::packed(content), content.size(), test::sha256(content), piece);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(decoded->head == kHead);
    RC_ASSERT(body_of(*decoded) == body);
    RC_ASSERT(decoded->body_bytes == body.size());
}

BOOST_AUTO_TEST_CASE(content_in_two_frames_is_content)
{
    const std::string content = kHead + "body";
    const std::string packed = test::packed(kHead) + test::packed("body");
    const auto decoded = decode(packed, content.size(), test::sha256(content));
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST(body_of(*decoded) == "body");
}

BOOST_AUTO_TEST_CASE(a_body_that_is_not_kept_is_digested_all_the_same)
{
    const std::string content = kHead + test::noise(100'000);
    ContentDecoder decoder(content.size(), Keep::nothing);
    BOOST_REQUIRE(decoder.feed(test::packed(content)).has_value());
    const auto decoded = decoder.finish(test::sha256(content));
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST(decoded->head == kHead);
    BOOST_TEST(decoded->body.empty());
    BOOST_TEST(decoded->body_bytes == 100'000U);
}

BOOST_AUTO_TEST_CASE(more_than_was_announced_is_never_given)
{
    const std::string content = kHead + std::string(50'000'000, 'x'); // a few KiB when packed
    const std::string packed = test::packed(content);
    BOOST_TEST(packed.size() < 10'000U);
    BOOST_TEST((fault_of(decode(packed, 1'000, test::sha256(content))) == ContentFault::length));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_content_is_said)
{
    const std::string content = kHead + "body";
    const std::string packed = test::packed(content);
    const auto digest = test::sha256(content);
    std::string damaged = test::packed(kHead + test::noise(1'000));
    damaged[500] = static_cast<char>(damaged[500] ^ 1);
    const std::string endless(kContentHeadBytesMax + 10, 'h');
    struct Row {
        const char* name;
        std::string packed;
        std::uint64_t bytes;
        purge::ContentDigest digest;
        ContentFault fault;
    };
    const Row rows[] = {
        {"not zstd", "no zstd at all", 10, digest, ContentFault::corrupt},
        {"cut off", packed.substr(0, packed.size() - 3), content.size(), digest,
         ContentFault::corrupt},
        {"too short", packed, content.size() + 1, digest, ContentFault::length},
        {"too long", packed, content.size() - 1, digest, ContentFault::length},
        {"nothing", "", content.size(), digest, ContentFault::length},
        {"another", packed, content.size(), test::sha256("other"), ContentFault::digest},
        {"damaged", damaged, kHead.size() + 1'000, test::sha256(kHead + test::noise(1'000)),
         ContentFault::digest},
        {"no head", test::packed("abc"), 3, test::sha256("abc"), ContentFault::head},
        {"endless head", test::packed(endless), endless.size(), test::sha256(endless),
         ContentFault::head},
    };
    for (const Row& row : rows)
        BOOST_TEST((fault_of(decode(row.packed, row.bytes, row.digest)) == row.fault), row.name);
}

BOOST_AUTO_TEST_SUITE_END()
