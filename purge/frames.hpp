#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "purge/ack_ranges.hpp"
#include "purge/digest.hpp"
#include "purge/message.hpp"
#include "purge/reconcile.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

// What origin and edge say to each other. The same frames travel in datagrams and on the stream.
// Byte views in a decoded frame borrow from the bytes it was decoded from.
namespace tidemark::purge
{
// Microseconds of the sender's boot clock, rounded down. Its peer only echoes it.
using Stamp = std::uint64_t;

// origin → edge (datagram or stream)
struct Records {
    ByteView records; // whole records, one behind the other: next_record(), decode_message()
    friend bool operator==(const Records&, const Records&) = default;
};
struct Heartbeat {
    JournalId journal = 0;
    Version mark = 0; // the greatest durable version
    Digest root;      // of all versions up to the mark
    Stamp echo = 0;   // the greatest stamp heard from the edge; 0: none yet
    Millis lease{0};  // granted from when the echoed datagram was sent; 0: none
    friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

// edge → origin (datagram or stream)
struct Ack {
    Stamp stamp = 0;             // when this was sent: the heartbeat echoes it
    std::uint64_t echo = 0;      // the greatest packet number opened
    std::uint64_t datagrams = 0; // how many datagrams opened under these keys
    Version heard = 0;           // the greatest version heard of, heartbeats included
    Received received;           // applied; its `contiguous` is the edge's mark
    friend bool operator==(const Ack&, const Ack&) = default;
};
// "These I miss: send them now", as they were sent first.
struct Nack {
    Received received;
    friend bool operator==(const Nack&, const Nack&) = default;
};

// The stream only, from here on.
enum class Adrift : std::uint8_t { revalidate = 1, serve = 2, fail = 3 };
struct Hello { // edge → origin, first
    std::uint8_t wire_min = 1;
    std::uint8_t wire_max = 1;
    Adrift adrift = Adrift::revalidate;
    bool only_acks_count = false; // it may serve old content beyond its lease (design: I4)
    std::uint64_t instance = 0;   // drawn anew per boot
    Millis lease{0};              // wished for
    JournalId journal = 0;        // 0: knows none
    Version contiguous = 0;
    Version heard = 0;
    Digest root; // at `contiguous`
    std::string name;
    friend bool operator==(const Hello&, const Hello&) = default;
};
struct Welcome { // origin → edge, its answer
    std::uint8_t wire = 1;
    JournalId journal = 0;
    Version mark = 0;
    Version oldest = 1; // what is older is only in the snapshot
    Millis lease{0};
    std::uint32_t link = 0;  // names the edge in its datagrams
    std::uint16_t epoch = 0; // of the datagram keys exported from this session
    friend bool operator==(const Welcome&, const Welcome&) = default;
};
enum class RefusalReason : std::uint8_t {
    wire_version = 1,
    name_taken = 2, // another live instance has it
    unknown_edge = 3,
    not_ready = 4,
};
struct Refusal { // origin → edge, instead of it
    RefusalReason reason = RefusalReason::not_ready;
    std::string detail;
    friend bool operator==(const Refusal&, const Refusal&) = default;
};
// "Send me these on the stream." Answered by records, or by a snapshot where the journal no longer
// has them.
struct RepairRequest {
    Received received;
    friend bool operator==(const RepairRequest&, const RepairRequest&) = default;
};
struct SnapshotPiece {
    JournalId journal = 0;
    Version through = 0; // the snapshot stands for all up to here
    Digest root;         // of all versions up to there: the edge's tree goes on from it
    Digest state;        // CompactState::digest() of the whole: proves it
    std::uint64_t total_bytes = 0;
    std::uint64_t offset = 0;
    ByteView bytes;
    friend bool operator==(const SnapshotPiece&, const SnapshotPiece&) = default;
};
// A push crosses the stream once per edge; after a break it goes on where the edge says.
struct PushOffer { // origin → edge
    ContentDigest digest{};
    std::uint64_t content_bytes = 0; // head and body, before compression
    std::uint64_t packed_bytes = 0;  // as they travel: pieces' offsets count these
    std::string uri;
    friend bool operator==(const PushOffer&, const PushOffer&) = default;
};
struct PushHave { // edge → origin; all of it: staged and durable
    ContentDigest digest{};
    std::uint64_t packed_bytes = 0;
    friend bool operator==(const PushHave&, const PushHave&) = default;
};
struct PushPiece { // origin → edge
    ContentDigest digest{};
    std::uint64_t offset = 0;
    ByteView bytes;
    friend bool operator==(const PushPiece&, const PushPiece&) = default;
};
// The key under which fences and read-your-purge tokens carry their MAC.
struct FenceKey {
    std::uint32_t id = 0;
    std::array<std::uint8_t, 32> key{};
    friend bool operator==(const FenceKey&, const FenceKey&) = default;
};

using Frame =
    std::variant<Records, Heartbeat, Ack, Nack, Hello, Welcome, Refusal, RepairRequest,
                 SnapshotPiece, DigestQuery, DigestReply, PushOffer, PushHave, PushPiece, FenceKey>;

inline constexpr std::size_t kPieceBytesMax = 64 * 1024;
inline constexpr std::size_t kFrameBytesMax = kRecordBytesMax + 1024; // without type and length
inline constexpr std::size_t kEdgeNameBytesMax = 63;
inline constexpr std::size_t kRefusalBytesMax = 255;
inline constexpr std::size_t kGapBytesMax = 900; // an ack fits into a datagram
inline constexpr Millis kLeaseMax{24 * 3600 * 1000};

// A frame: 1 type (its place in Frame, from 1), v bytes, then so many:
//    1 records    any
//    2 heartbeat  8 journal, v mark, 16 root, v echo, v lease ms
//    3 ack        v stamp, v echo, v datagrams, v contiguous, v heard, gaps
//    4 nack       v contiguous, gaps
//    5 hello      1 wire_min, 1 wire_max, 1 adrift, 1 only_acks_count, 8 instance, v lease ms,
//                 8 journal, v contiguous, v heard, 16 root, text name
//    6 welcome    1 wire, 8 journal, v mark, v oldest, v lease ms, 4 link, 2 epoch
//    7 refusal    1 reason, text detail
//    8 repair     v contiguous, gaps
//    9 snapshot   8 journal, v through, 16 root, 16 state, v total_bytes, v offset, rest bytes
//   10 query      4 walk, v first, v end, 1 level, v nodes, each v: less the one before
//   11 reply      4 walk, v first, v end, 16 below, 1 level, v nodes, each: v node,
//                 8 bits which children follow (the others are zero), each 16
//   12 offer      32 digest, v content_bytes, v packed_bytes, text uri
//   13 have       32 digest, v packed_bytes
//   14 piece      32 digest, v offset, rest bytes
//   15 fence key  4 id, 32 key
// v is a varint, text a varint length and as many bytes, gaps as in ack_ranges.hpp. The wire
// version is agreed in the hello; what it does not know is corrupt.

// Appends `frame`, or nothing if the writer has no room. False: no room. Gap lists are cut to
// kGapBytesMax, or to the writer's room where that is less. Lengths within the limits are the
// caller's affair (checked).
bool encode_frame(const Frame& frame, ByteWriter& to);

enum class FrameError : std::uint8_t {
    truncated, // bytes end early: on a stream, wait for more; in a datagram, drop it
    corrupt,
};
// Reads one frame from the front of `bytes` and advances past it; after an error `bytes` stands
// where it stood.
[[nodiscard]] Result<Frame, FrameError> decode_frame(ByteView& bytes);
} // namespace tidemark::purge
