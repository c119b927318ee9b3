#include "purge/frames.hpp"

#include "tests/purge/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <string>

BOOST_AUTO_TEST_SUITE(frames)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
Bytes encoded(const Frame& frame)
{
    Bytes out;
    ByteWriter to{out};
    BOOST_REQUIRE(encode_frame(frame, to));
    return out;
}
Result<Frame, FrameError> decoded(ByteView bytes)
{
    return decode_frame(bytes);
}

template <class T> T any()
{
    return *rc::gen::arbitrary<T>();
}
Version any_version()
{
    return *rc::gen::inRange<Version>(0, kVersionMax);
}
Digest any_digest()
{
    return {any<std::uint64_t>(), any<std::uint64_t>()};
}
ContentDigest any_content()
{
    ContentDigest digest{};
    for (std::uint8_t& byte : digest)
        byte = any<std::uint8_t>();
    return digest;
}
Received any_received()
{
    VersionSet set{*rc::gen::inRange<Version>(0, 1000)};
    for (const auto gap : any<std::vector<std::uint8_t>>())
        set.add(set.highest() + 1 + gap % 4);
    return received_of(set, set.highest() + any<std::uint8_t>());
}
Millis any_lease()
{
    return Millis{*rc::gen::inRange<std::int64_t>(0, kLeaseMax.count())};
}
std::vector<std::uint64_t> any_nodes()
{
    std::vector<std::uint64_t> nodes;
    std::uint64_t node = 0;
    for (int i = *rc::gen::inRange(0, 64); i > 0; --i)
        nodes.push_back(node += 1U + any<std::uint8_t>());
    return nodes;
}
DigestReply any_reply()
{
    DigestReply reply{any<std::uint32_t>(), {any_version(), any_version()}, any_digest(), 3, {}};
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) {
        NodeChildren node{any_version(), std::vector<Digest>(kFanOut)};
        for (Digest& child : node.children)
            if (any<bool>()) child = any_digest();
        reply.nodes.push_back(node);
    }
    return reply;
}
// `text` outlives the frame.
Frame any_frame(std::size_t kind, const std::string& text)
{
    switch (kind) {
    case 0:
        return Records{text};
    case 1:
        return Heartbeat{any<JournalId>(), any_version(), any_digest(), any<Stamp>(), any_lease()};
    case 2:
        return Ack{any<Stamp>(), any<std::uint64_t>(), any<std::uint64_t>(), any_version(),
                   any_received()};
    case 3:
        return Nack{any_received()};
    case 4:
        return Hello{1,
                     *rc::gen::inRange<std::uint8_t>(1, 255),
                     static_cast<Adrift>(*rc::gen::inRange(1, 4)),
                     any<bool>(),
                     any<std::uint64_t>(),
                     any_lease(),
                     any<JournalId>(),
                     any_version(),
                     any_version(),
                     any_digest(),
                     *any_text(1, kEdgeNameBytesMax)};
    case 5:
        return Welcome{any<std::uint8_t>(), any<JournalId>(), any_version(),
                       any_version(),       any_lease(),      any<std::uint32_t>(),
                       any<std::uint16_t>()};
    case 6:
        return Refusal{static_cast<RefusalReason>(*rc::gen::inRange(1, 5)), *any_text(0, 255)};
    case 7:
        return RepairRequest{any_received()};
    case 8:
        return SnapshotPiece{any<JournalId>(), any_version(),     any_digest(), any_digest(),
                             kVersionMax,      any_version() / 2, text};
    case 9:
        return DigestQuery{any<std::uint32_t>(), {any_version(), any_version()}, 9, any_nodes()};
    case 10:
        return any_reply();
    case 11:
        return PushOffer{any_content(), any_version(), any_version(), *any_text(1, 100)};
    case 12:
        return PushHave{any_content(), any_version()};
    case 13:
        return PushPiece{any_content(), any_version(), text};
    default:
        return FenceKey{any<std::uint32_t>(), any_content()};
    }
}
} // namespace

BOOST_AUTO_TEST_CASE(a_heartbeat_and_its_ack_are_small)
{
    // An edge that runs for a year, a billion versions, a datagram every 200 ms.
    const Stamp year = 365ULL * 24 * 3600 * 1'000'000;
    const Frame heartbeat = Heartbeat{~0ULL, 1'000'000'000, {~0ULL, ~0ULL}, year, Millis{30'000}};
    const Frame ack = Ack{year, 1 << 24, 1 << 24, 1'000'000'000, {1'000'000'000, 0, {}}};
    BOOST_TEST(encoded(heartbeat).size() <= 45U);
    BOOST_TEST(encoded(ack).size() <= 30U);
}

BOOST_AUTO_TEST_CASE(what_no_writer_writes_is_corrupt)
{
    const Bytes hello = encoded(Hello{1, 1, Adrift::fail, false, 1, 1s, 1, 1, 1, {}, "a"});
    const auto with = [&](std::size_t at, char value) {
        Bytes changed = hello;
        changed[at] = value;
        return changed;
    };
    struct Row {
        const char* name;
        Bytes bytes;
    };
    using namespace std::string_literals;
    const Row rows[] = {
        {"type 0", "\x00\x00"s},
        {"type 16", "\x10\x00"s},
        {"a length above the limit", "\x01\xFF\xFF\xFF\x7F"s},
        {"a heartbeat without body", "\x02\x00"s},
        {"bytes left over", encoded(FenceKey{}).replace(1, 1, "\x25") + "x"},
        {"adrift 0", with(4, '\0')},
        {"adrift 4", with(4, '\4')},
        {"a flag that is no flag", with(5, '\2')},
        {"versions the wrong way round", with(2, '\2')},
        {"a snapshot beyond its total",
         "\x09\x2D"s + Bytes(8, 'j') + "\x01"s + Bytes(32, 'd') + "\x01\x01xy"s},
        {"level 0", "\x0A\x08"s + Bytes(4, 'w') + "\x00\x01\x00\x00"s},
        {"65 nodes", "\x0A\x08"s + Bytes(4, 'w') + "\x00\x01\x01\x41"s},
    };
    BOOST_TEST(decoded(hello).has_value());
    for (const Row& row : rows) {
        const auto frame = decoded(row.bytes);
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST_REQUIRE(!frame.has_value());
            BOOST_TEST((frame.error() == FrameError::corrupt));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_left_out_whole_and_gap_lists_are_cut)
{
    Bytes out;
    ByteWriter to{out, 40};
    BOOST_TEST(!encode_frame(Records{std::string(37, 'r')}, to));
    BOOST_TEST(out.empty());
    VersionSet odd;
    for (Version v = 1; v < 10'000; v += 2)
        odd.add(v);
    const Received all = received_of(odd, 10'000);
    BOOST_TEST(encode_frame(Nack{all}, to));
    BOOST_TEST(out.size() <= 40U);
    const auto frame = decoded(out);
    BOOST_TEST_REQUIRE(frame.has_value());
    const Received told = std::get<Nack>(*frame).received;
    BOOST_TEST(told.span >= 200U);
    BOOST_TEST((told == received_of(odd, 1 + told.span)));
}

RC_BOOST_PROP(what_was_encoded_is_decoded_and_any_cut_is_truncated, (const std::string& text))
{
    for (std::size_t kind = 0; kind < std::variant_size_v<Frame>; ++kind) {
        const Frame frame = any_frame(kind, text);
        const Bytes bytes = encoded(frame);
        const Bytes followed = bytes + "x";
        ByteView left = followed;
        const auto read = decode_frame(left);
        RC_ASSERT(frame.index() == kind);
        RC_ASSERT(read.has_value());
        RC_ASSERT(*read == frame);
        RC_ASSERT(left == "x");
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            const auto part = decoded(ByteView{bytes}.substr(0, cut));
            RC_ASSERT(!part && part.error() == FrameError::truncated);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
