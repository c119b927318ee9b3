#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "purge/scope.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// What the origin says: one message of the journal, as it is kept (a record), as it travels and as
// it is digested.
namespace tidemark::purge
{
using Version = std::uint64_t;   // a message's place in the journal, from 1, no gaps; 0: none yet
using JournalId = std::uint64_t; // drawn at random when a journal is made; never 0

// How an order treats what it covers. `refresh` asks edges that served it lately to fetch it anew
// at once; until then it is like soft where max_stale is given, else like hard.
enum class OrderMode : std::uint8_t { hard = 1, soft = 2, refresh = 3 };

struct Order {
    Scope scope = Scope::url;
    OrderMode mode = OrderMode::hard;
    Seconds max_stale{0}; // not with hard; counted by each edge from first application
    std::string selector; // as received: each edge maps it through its own rules; empty for all
    friend bool operator==(const Order&, const Order&) = default;
};

// A purge. Several orders are a barrier: they take effect at once.
struct Invalidate {
    std::vector<Order> orders;
    bool erase = false; // the bytes are to be gone from memory and disk too; cannot be undone
    friend bool operator==(const Invalidate&, const Invalidate&) = default;
};

using ContentDigest = std::array<std::uint8_t, 32>; // SHA-256

// Content that was staged on the edges by its digest is the response to `uri` from here on. An edge
// without it takes this as a hard invalidation of `uri`.
struct Push {
    std::string uri;
    ContentDigest digest{};          // of head and body as staged
    std::uint64_t content_bytes = 0; // head and body as staged
    Version as_of = 0;               // the copy's fence: what the content reflects
    friend bool operator==(const Push&, const Push&) = default;
};

// Verdicts ignore message `undone` from here on.
struct Undo {
    Version undone = 0;
    friend bool operator==(const Undo&, const Undo&) = default;
};

// Stored responses with a fence below `floor` must be validated; the table forgets what is below.
struct Floor {
    Version floor = 0;
    friend bool operator==(const Floor&, const Floor&) = default;
};

using MessageBody = std::variant<Invalidate, Push, Undo, Floor>;

// (journal, version) names a message: applying it twice equals applying it once.
struct Message {
    Version version = 0;
    JournalId journal = 0;
    WallTime issued_at{}; // the origin's clock; for people, decides nothing
    std::string site;     // a site's name, or "*"
    std::string key;      // idempotency key; may be empty, as actor and note
    std::string actor;    // who ordered it
    std::string note;     // why
    MessageBody body;
    friend bool operator==(const Message&, const Message&) = default;
};

inline constexpr std::size_t kOrdersMax = 4096;
inline constexpr std::size_t kSelectorBytesMax = 16 * 1024;
inline constexpr std::size_t kSiteBytesMax = 255;
inline constexpr std::size_t kKeyBytesMax = 255;
inline constexpr std::size_t kActorBytesMax = 255;
inline constexpr std::size_t kNoteBytesMax = 1024;
inline constexpr std::size_t kRecordBytesMax = 1024 * 1024;
inline constexpr Seconds kMaxStaleMax{366 * 24 * 3600};

// Why a message cannot be written down.
enum class MessageFault : std::uint8_t {
    no_version,
    no_journal,
    issued_before_1970,
    site, // empty or too long
    key,  // too long, as the next two
    actor,
    note,
    no_order,
    too_many_orders,
    selector,  // too long, empty without scope all, or not empty with it
    max_stale, // negative, too long, or with hard
    as_of,     // not before the message itself, as the next two
    undone,    // 0: there is none
    floor,     // above the message itself
    too_large, // as a whole
};
[[nodiscard]] std::optional<MessageFault> fault_of(const Message& message);

// One message as it travels and as it is kept. Integers are big-endian, v is a varint, text is a
// varint length and as many bytes.
//   offset size  field
//        0    4  crc32c of every following byte of the record
//        4    4  record_bytes: the whole record, at most kRecordBytesMax
//        8    8  version: place in the journal, from 1, no gaps
//       16    8  journal id, not 0
//       24    8  issued_at: wall time, milliseconds since 1970-01-01T00:00Z, below 2^63
//       32    1  format: 1
//       33    1  kind: 1 invalidate, 2 push, 3 undo, 4 floor
//       34    1  flags: bit 0 erase (invalidate only); the others are zero
//       35 text  site, then texts: key, actor, note
//                by kind, up to the end of the record:
//                  invalidate  v orders, 1..kOrdersMax; each: 1 scope, 1 mode,
//                              v max_stale seconds, text selector
//                  push        text uri, 32 digest, v content_bytes, v as_of
//                  undo        v undone
//                  floor       v floor
// One message has one encoding.

// Appends the record. `message` has no fault (checked).
void encode_message(const Message& message, Bytes& out);

enum class RecordError : std::uint8_t {
    truncated, // bytes end early: at the tail of a file a torn write, not damage
    corrupt,   // checksum, kind, length or field wrong: nothing behind it can be trusted
};
// Reads one record from the front of `bytes` and advances past it; after an error `bytes` stands
// where it stood.
[[nodiscard]] Result<Message, RecordError> decode_message(ByteView& bytes);

// The record at the front of `bytes`, checked by length and checksum alone; its version. Advances
// as decode_message() does. The view borrows from `bytes`.
struct RecordView {
    Version version = 0;
    JournalId journal = 0;
    ByteView bytes; // the whole record
};
[[nodiscard]] Result<RecordView, RecordError> next_record(ByteView& bytes);
} // namespace tidemark::purge
