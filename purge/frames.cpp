#include "purge/frames.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace tidemark::purge
{
namespace
{
constexpr std::uint64_t kNumberMax = kVersionMax;
constexpr auto kLeaseMaxCount = static_cast<std::uint64_t>(kLeaseMax.count());

// ---- parts

void write(ByteWriter& to, const Digest& digest)
{
    to.u64(digest.high);
    to.u64(digest.low);
}
Digest read_digest(ByteReader& from)
{
    const std::uint64_t high = from.u64();
    return {high, from.u64()};
}
void write(ByteWriter& to, const std::array<std::uint8_t, 32>& bytes)
{
    for (const std::uint8_t byte : bytes)
        to.u8(byte);
}
void read_bytes(ByteReader& from, std::array<std::uint8_t, 32>& bytes)
{
    for (std::uint8_t& byte : bytes)
        byte = from.u8();
}
void write(ByteWriter& to, Millis lease)
{
    TIDEMARK_CHECK(lease >= Millis{0} && lease <= kLeaseMax);
    to.varint(static_cast<std::uint64_t>(lease.count()));
}
Millis read_lease(ByteReader& from)
{
    return Millis{static_cast<std::int64_t>(from.varint(kLeaseMaxCount))};
}
void write_gaps(ByteWriter& to, const Received& received)
{
    encode_gaps(received, to, std::min(kGapBytesMax, to.room()));
}
void write(ByteWriter& to, const Received& received)
{
    to.varint(received.contiguous);
    write_gaps(to, received);
}
Received read_received(ByteReader& from)
{
    const Version contiguous = from.varint(kNumberMax);
    return decode_gaps(from, contiguous);
}
ByteView read_piece(ByteReader& from)
{
    if (from.left() > kPieceBytesMax) from.set_corrupt();
    return from.rest();
}
// A 1-byte enumeration whose values go from 1 to `last`.
template <class E> E read_enum(ByteReader& from, E last)
{
    const std::uint8_t value = from.u8();
    if (value < 1 || value > static_cast<std::uint8_t>(last)) from.set_corrupt();
    return static_cast<E>(value);
}

// ---- frames

void write(ByteWriter& to, const Records& frame)
{
    to.bytes(frame.records);
}
void read(ByteReader& from, Records& frame)
{
    frame.records = from.rest();
}

void write(ByteWriter& to, const Heartbeat& frame)
{
    to.u64(frame.journal);
    to.varint(frame.mark);
    write(to, frame.root);
    to.varint(frame.echo);
    write(to, frame.lease);
}
void read(ByteReader& from, Heartbeat& frame)
{
    frame.journal = from.u64();
    frame.mark = from.varint(kNumberMax);
    frame.root = read_digest(from);
    frame.echo = from.varint();
    frame.lease = read_lease(from);
}

void write(ByteWriter& to, const Ack& frame)
{
    to.varint(frame.stamp);
    to.varint(frame.echo);
    to.varint(frame.datagrams);
    to.varint(frame.received.contiguous);
    to.varint(frame.heard);
    write_gaps(to, frame.received);
}
void read(ByteReader& from, Ack& frame)
{
    frame.stamp = from.varint();
    frame.echo = from.varint();
    frame.datagrams = from.varint();
    const Version contiguous = from.varint(kNumberMax);
    frame.heard = from.varint(kNumberMax);
    frame.received = decode_gaps(from, contiguous);
}

void write(ByteWriter& to, const Nack& frame)
{
    write(to, frame.received);
}
void read(ByteReader& from, Nack& frame)
{
    frame.received = read_received(from);
}

void write(ByteWriter& to, const Hello& frame)
{
    TIDEMARK_CHECK(!frame.name.empty() && frame.name.size() <= kEdgeNameBytesMax);
    to.u8(frame.wire_min);
    to.u8(frame.wire_max);
    to.u8(static_cast<std::uint8_t>(frame.adrift));
    to.u8(frame.only_acks_count ? 1 : 0);
    to.u64(frame.instance);
    write(to, frame.lease);
    to.u64(frame.journal);
    to.varint(frame.contiguous);
    to.varint(frame.heard);
    write(to, frame.root);
    to.text(frame.name);
}
void read(ByteReader& from, Hello& frame)
{
    frame.wire_min = from.u8();
    frame.wire_max = from.u8();
    frame.adrift = read_enum(from, Adrift::fail);
    const std::uint8_t only_acks_count = from.u8();
    frame.only_acks_count = only_acks_count == 1;
    frame.instance = from.u64();
    frame.lease = read_lease(from);
    frame.journal = from.u64();
    frame.contiguous = from.varint(kNumberMax);
    frame.heard = from.varint(kNumberMax);
    frame.root = read_digest(from);
    frame.name = from.text(kEdgeNameBytesMax);
    if (only_acks_count > 1 || frame.name.empty() || frame.wire_min > frame.wire_max)
        from.set_corrupt();
}

void write(ByteWriter& to, const Welcome& frame)
{
    to.u8(frame.wire);
    to.u64(frame.journal);
    to.varint(frame.mark);
    to.varint(frame.oldest);
    write(to, frame.lease);
    to.u32(frame.link);
    to.u16(frame.epoch);
}
void read(ByteReader& from, Welcome& frame)
{
    frame.wire = from.u8();
    frame.journal = from.u64();
    frame.mark = from.varint(kNumberMax);
    frame.oldest = from.varint(kNumberMax);
    frame.lease = read_lease(from);
    frame.link = from.u32();
    frame.epoch = from.u16();
}

void write(ByteWriter& to, const Refusal& frame)
{
    TIDEMARK_CHECK(frame.detail.size() <= kRefusalBytesMax);
    to.u8(static_cast<std::uint8_t>(frame.reason));
    to.text(frame.detail);
}
void read(ByteReader& from, Refusal& frame)
{
    frame.reason = read_enum(from, RefusalReason::not_ready);
    frame.detail = from.text(kRefusalBytesMax);
}

void write(ByteWriter& to, const RepairRequest& frame)
{
    write(to, frame.received);
}
void read(ByteReader& from, RepairRequest& frame)
{
    frame.received = read_received(from);
}

void write(ByteWriter& to, const SnapshotPiece& frame)
{
    TIDEMARK_CHECK(frame.bytes.size() <= kPieceBytesMax);
    to.u64(frame.journal);
    to.varint(frame.through);
    write(to, frame.root);
    write(to, frame.state);
    to.varint(frame.total_bytes);
    to.varint(frame.offset);
    to.bytes(frame.bytes);
}
void read(ByteReader& from, SnapshotPiece& frame)
{
    frame.journal = from.u64();
    frame.through = from.varint(kNumberMax);
    frame.root = read_digest(from);
    frame.state = read_digest(from);
    frame.total_bytes = from.varint(kNumberMax);
    frame.offset = from.varint(frame.total_bytes);
    frame.bytes = read_piece(from);
    if (frame.bytes.size() > frame.total_bytes - frame.offset) from.set_corrupt();
}

void write(ByteWriter& to, const DigestQuery& frame)
{
    TIDEMARK_CHECK(frame.nodes.size() <= kQueryNodesMax);
    to.u32(frame.walk);
    to.varint(frame.span.first);
    to.varint(frame.span.end);
    to.u8(frame.level);
    to.varint(frame.nodes.size());
    std::uint64_t next = 0;
    for (const std::uint64_t node : frame.nodes) {
        TIDEMARK_CHECK(node >= next && node < kNumberMax);
        to.varint(node - next);
        next = node + 1;
    }
}
std::uint8_t read_level(ByteReader& from)
{
    const std::uint8_t level = from.u8();
    if (level < 1 || level > kLevelsMax) from.set_corrupt();
    return level;
}
void read(ByteReader& from, DigestQuery& frame)
{
    frame.walk = from.u32();
    frame.span.first = from.varint(kNumberMax);
    frame.span.end = from.varint(kNumberMax);
    frame.level = read_level(from);
    const std::uint64_t count = from.varint(kQueryNodesMax);
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
        const std::uint64_t node = next + from.varint(kNumberMax - 1);
        if (node >= kNumberMax) from.set_corrupt();
        frame.nodes.push_back(node);
        next = node + 1;
    }
}

void write(ByteWriter& to, const NodeChildren& node)
{
    TIDEMARK_CHECK(node.children.size() == kFanOut);
    std::uint64_t present = 0;
    for (std::size_t i = 0; i < kFanOut; ++i)
        if (!(node.children[i] == Digest{})) present |= std::uint64_t{1} << i;
    to.varint(node.node);
    to.u64(present);
    for (const Digest& child : node.children)
        if (!(child == Digest{})) write(to, child);
}
NodeChildren read_children(ByteReader& from)
{
    NodeChildren node{from.varint(kNumberMax - 1), std::vector<Digest>(kFanOut)};
    const std::uint64_t present = from.u64();
    for (std::size_t i = 0; i < kFanOut && from.ok(); ++i) {
        if ((present >> i & 1) == 0) continue;
        node.children[i] = read_digest(from);
        if (node.children[i] == Digest{}) from.set_corrupt();
    }
    return node;
}

void write(ByteWriter& to, const DigestReply& frame)
{
    TIDEMARK_CHECK(frame.nodes.size() <= kQueryNodesMax);
    to.u32(frame.walk);
    to.varint(frame.span.first);
    to.varint(frame.span.end);
    write(to, frame.below);
    to.u8(frame.level);
    to.varint(frame.nodes.size());
    for (const NodeChildren& node : frame.nodes)
        write(to, node);
}
void read(ByteReader& from, DigestReply& frame)
{
    frame.walk = from.u32();
    frame.span.first = from.varint(kNumberMax);
    frame.span.end = from.varint(kNumberMax);
    frame.below = read_digest(from);
    frame.level = read_level(from);
    const std::uint64_t count = from.varint(kQueryNodesMax);
    for (std::uint64_t i = 0; i < count && from.ok(); ++i)
        frame.nodes.push_back(read_children(from));
}

void write(ByteWriter& to, const PushOffer& frame)
{
    TIDEMARK_CHECK(!frame.uri.empty() && frame.uri.size() <= kSelectorBytesMax);
    write(to, frame.digest);
    to.varint(frame.content_bytes);
    to.varint(frame.packed_bytes);
    to.text(frame.uri);
}
void read(ByteReader& from, PushOffer& frame)
{
    read_bytes(from, frame.digest);
    frame.content_bytes = from.varint(kNumberMax);
    frame.packed_bytes = from.varint(kNumberMax);
    frame.uri = from.text(kSelectorBytesMax);
    if (frame.uri.empty()) from.set_corrupt();
}

void write(ByteWriter& to, const PushHave& frame)
{
    write(to, frame.digest);
    to.varint(frame.packed_bytes);
}
void read(ByteReader& from, PushHave& frame)
{
    read_bytes(from, frame.digest);
    frame.packed_bytes = from.varint(kNumberMax);
}

void write(ByteWriter& to, const PushPiece& frame)
{
    TIDEMARK_CHECK(frame.bytes.size() <= kPieceBytesMax);
    write(to, frame.digest);
    to.varint(frame.offset);
    to.bytes(frame.bytes);
}
void read(ByteReader& from, PushPiece& frame)
{
    read_bytes(from, frame.digest);
    frame.offset = from.varint(kNumberMax);
    frame.bytes = read_piece(from);
}

void write(ByteWriter& to, const FenceKey& frame)
{
    to.u32(frame.id);
    write(to, frame.key);
}
void read(ByteReader& from, FenceKey& frame)
{
    frame.id = from.u32();
    read_bytes(from, frame.key);
}

// ---- the variant, by its index

template <std::size_t I = 0> bool read_into(Frame& frame, std::size_t index, ByteReader& from)
{
    if constexpr (I < std::variant_size_v<Frame>) {
        if (index != I) return read_into<I + 1>(frame, index, from);
        read(from, frame.emplace<I>());
        return true;
    } else {
        return false;
    }
}

FrameError error_of(ReadFault fault)
{
    return fault == ReadFault::truncated ? FrameError::truncated : FrameError::corrupt;
}
} // namespace

bool encode_frame(const Frame& frame, ByteWriter& to)
{
    const std::size_t start = to.size();
    // Type and length come first but are known last: room for the longest is kept.
    constexpr std::size_t kFrontBytesMax = 4;
    if (to.room() < kFrontBytesMax) return false;
    Bytes body;
    ByteWriter into{body, to.room() - kFrontBytesMax};
    std::visit([&](const auto& alternative) { write(into, alternative); }, frame);
    if (!into.ok()) return false;
    TIDEMARK_CHECK(body.size() <= kFrameBytesMax);
    to.u8(static_cast<std::uint8_t>(frame.index() + 1));
    to.text(body);
    if (to.ok()) return true;
    to.rewind(start);
    return false;
}

Result<Frame, FrameError> decode_frame(ByteView& bytes)
{
    ByteReader front{bytes};
    const std::uint8_t type = front.u8();
    if (front.ok() && (type == 0 || type > std::variant_size_v<Frame>))
        return fail(FrameError::corrupt);
    const ByteView body = front.text(kFrameBytesMax);
    if (!front.ok()) return fail(error_of(front.fault()));

    Frame frame;
    ByteReader from{body};
    read_into(frame, type - 1U, from);
    // All of the frame is here: what it lacks does not come any more.
    if (!from.ok() || from.left() != 0) return fail(FrameError::corrupt);
    bytes.remove_prefix(bytes.size() - front.left());
    return frame;
}
} // namespace tidemark::purge
