#include "purge/message.hpp"

#include "core/base/check.hpp"
#include "core/base/crc32c.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::purge
{
namespace
{
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kFrontBytes = 8; // checksum and length
constexpr std::size_t kFixedBytes = 35;
constexpr std::uint8_t kFormat = 1;
constexpr std::uint8_t kErase = 1;

enum class Kind : std::uint8_t { invalidate = 1, push = 2, undo = 3, floor = 4 };

Kind kind_of(const MessageBody& body)
{
    return static_cast<Kind>(body.index() + 1);
}

// ---- faults

bool valid_scope(Scope scope)
{
    return scope >= Scope::url && scope <= Scope::origin;
}
bool valid_mode(OrderMode mode)
{
    return mode >= OrderMode::hard && mode <= OrderMode::refresh;
}

std::optional<MessageFault> fault_of_body(const Order& order, Version)
{
    const bool whole = order.scope == Scope::all;
    if (!valid_scope(order.scope) || order.selector.empty() != whole ||
        order.selector.size() > kSelectorBytesMax)
        return MessageFault::selector;
    if (!valid_mode(order.mode) || order.max_stale < Seconds{0} || order.max_stale > kMaxStaleMax ||
        (order.mode == OrderMode::hard && order.max_stale != Seconds{0}))
        return MessageFault::max_stale;
    return std::nullopt;
}
std::optional<MessageFault> fault_of_body(const Invalidate& purge, Version version)
{
    if (purge.orders.empty()) return MessageFault::no_order;
    if (purge.orders.size() > kOrdersMax) return MessageFault::too_many_orders;
    for (const Order& order : purge.orders)
        if (const auto fault = fault_of_body(order, version)) return fault;
    return std::nullopt;
}
std::optional<MessageFault> fault_of_body(const Push& push, Version version)
{
    if (push.uri.empty() || push.uri.size() > kSelectorBytesMax) return MessageFault::selector;
    if (push.as_of >= version) return MessageFault::as_of;
    return std::nullopt;
}
std::optional<MessageFault> fault_of_body(const Undo& undo, Version version)
{
    if (undo.undone == 0 || undo.undone >= version) return MessageFault::undone;
    return std::nullopt;
}
std::optional<MessageFault> fault_of_body(const Floor& floor, Version version)
{
    if (floor.floor > version) return MessageFault::floor;
    return std::nullopt;
}

std::optional<MessageFault> fault_of_head(const Message& message)
{
    if (message.version == 0) return MessageFault::no_version;
    if (message.journal == 0) return MessageFault::no_journal;
    if (message.issued_at < WallTime{}) return MessageFault::issued_before_1970;
    if (message.site.empty() || message.site.size() > kSiteBytesMax) return MessageFault::site;
    if (message.key.size() > kKeyBytesMax) return MessageFault::key;
    if (message.actor.size() > kActorBytesMax) return MessageFault::actor;
    if (message.note.size() > kNoteBytesMax) return MessageFault::note;
    return std::nullopt;
}

// ---- writing

std::size_t text_bytes(ByteView text)
{
    return varint_bytes(text.size()) + text.size();
}
std::uint64_t seconds_of(const Order& order)
{
    return static_cast<std::uint64_t>(order.max_stale.count());
}

std::size_t body_bytes(const Invalidate& purge)
{
    std::size_t bytes = varint_bytes(purge.orders.size());
    for (const Order& order : purge.orders)
        bytes += 2 + varint_bytes(seconds_of(order)) + text_bytes(order.selector);
    return bytes;
}
std::size_t body_bytes(const Push& push)
{
    return text_bytes(push.uri) + push.digest.size() + varint_bytes(push.content_bytes) +
           varint_bytes(push.as_of);
}
std::size_t body_bytes(const Undo& undo)
{
    return varint_bytes(undo.undone);
}
std::size_t body_bytes(const Floor& floor)
{
    return varint_bytes(floor.floor);
}

std::size_t record_bytes(const Message& message)
{
    return kFixedBytes + text_bytes(message.site) + text_bytes(message.key) +
           text_bytes(message.actor) + text_bytes(message.note) +
           std::visit([](const auto& body) { return body_bytes(body); }, message.body);
}

void write(ByteWriter& to, const Invalidate& purge)
{
    to.varint(purge.orders.size());
    for (const Order& order : purge.orders) {
        to.u8(static_cast<std::uint8_t>(order.scope));
        to.u8(static_cast<std::uint8_t>(order.mode));
        to.varint(seconds_of(order));
        to.text(order.selector);
    }
}
void write(ByteWriter& to, const Push& push)
{
    to.text(push.uri);
    for (const std::uint8_t byte : push.digest)
        to.u8(byte);
    to.varint(push.content_bytes);
    to.varint(push.as_of);
}
void write(ByteWriter& to, const Undo& undo)
{
    to.varint(undo.undone);
}
void write(ByteWriter& to, const Floor& floor)
{
    to.varint(floor.floor);
}

bool erases(const MessageBody& body)
{
    const auto* purge = std::get_if<Invalidate>(&body);
    return purge != nullptr && purge->erase;
}

void write_after_checksum(ByteWriter& to, const Message& message)
{
    to.u32(static_cast<std::uint32_t>(record_bytes(message)));
    to.u64(message.version);
    to.u64(message.journal);
    to.u64(static_cast<std::uint64_t>(message.issued_at.time_since_epoch().count()));
    to.u8(kFormat);
    to.u8(static_cast<std::uint8_t>(kind_of(message.body)));
    to.u8(erases(message.body) ? kErase : 0);
    to.text(message.site);
    to.text(message.key);
    to.text(message.actor);
    to.text(message.note);
    std::visit([&](const auto& body) { write(to, body); }, message.body);
}

// ---- reading

Order read_order(ByteReader& from)
{
    Order order;
    order.scope = static_cast<Scope>(from.u8());
    order.mode = static_cast<OrderMode>(from.u8());
    order.max_stale = Seconds{
        static_cast<std::int64_t>(from.varint(static_cast<std::uint64_t>(kMaxStaleMax.count())))};
    order.selector = from.text(kSelectorBytesMax);
    return order;
}
Invalidate read_invalidate(ByteReader& from, bool erase)
{
    Invalidate purge;
    purge.erase = erase;
    const std::uint64_t count = from.varint(kOrdersMax);
    for (std::uint64_t i = 0; i < count && from.ok(); ++i)
        purge.orders.push_back(read_order(from));
    return purge;
}
Push read_push(ByteReader& from)
{
    Push push;
    push.uri = from.text(kSelectorBytesMax);
    for (std::uint8_t& byte : push.digest)
        byte = from.u8();
    push.content_bytes = from.varint();
    push.as_of = from.varint();
    return push;
}

MessageBody read_body(ByteReader& from, Kind kind, std::uint8_t flags)
{
    if ((flags & ~(kind == Kind::invalidate ? kErase : 0)) != 0) from.set_corrupt();
    switch (kind) {
    case Kind::invalidate:
        return read_invalidate(from, flags != 0);
    case Kind::push:
        return read_push(from);
    case Kind::undo:
        return Undo{from.varint()};
    case Kind::floor:
        return Floor{from.varint()};
    }
    from.set_corrupt();
    return {};
}

Message read_message(ByteReader& from)
{
    Message message;
    message.version = from.u64();
    message.journal = from.u64();
    message.issued_at = WallTime{Millis{static_cast<std::int64_t>(from.u64())}};
    if (from.u8() != kFormat) from.set_corrupt();
    const auto kind = static_cast<Kind>(from.u8());
    const std::uint8_t flags = from.u8();
    message.site = from.text(kSiteBytesMax);
    message.key = from.text(kKeyBytesMax);
    message.actor = from.text(kActorBytesMax);
    message.note = from.text(kNoteBytesMax);
    message.body = read_body(from, kind, flags);
    return message;
}
} // namespace

std::optional<MessageFault> fault_of(const Message& message)
{
    if (const auto fault = fault_of_head(message)) return fault;
    const auto fault = std::visit(
        [&](const auto& body) { return fault_of_body(body, message.version); }, message.body);
    if (fault) return fault;
    if (record_bytes(message) > kRecordBytesMax) return MessageFault::too_large;
    return std::nullopt;
}

void encode_message(const Message& message, Bytes& out)
{
    TIDEMARK_CHECK(!fault_of(message));
    const std::size_t start = out.size();
    out.reserve(start + record_bytes(message));
    ByteWriter to{out};
    to.u32(0);
    write_after_checksum(to, message);
    Bytes checksum;
    ByteWriter{checksum}.u32(crc32c(ByteView{out}.substr(start + kChecksumBytes)));
    out.replace(start, kChecksumBytes, checksum);
}

Result<RecordView, RecordError> next_record(ByteView& bytes)
{
    if (bytes.size() < kFrontBytes) return fail(RecordError::truncated);
    ByteReader front{bytes};
    const std::uint32_t checksum = front.u32();
    const std::size_t size = front.u32();
    if (size <= kFixedBytes || size > kRecordBytesMax) return fail(RecordError::corrupt);
    if (bytes.size() < size) return fail(RecordError::truncated);
    const ByteView record = bytes.substr(0, size);
    if (crc32c(record.substr(kChecksumBytes)) != checksum) return fail(RecordError::corrupt);
    const Version version = front.u64();
    const JournalId journal = front.u64();
    bytes.remove_prefix(size);
    return RecordView{version, journal, record};
}

Result<Message, RecordError> decode_message(ByteView& bytes)
{
    ByteView behind = bytes;
    const auto record = next_record(behind);
    if (!record) return fail(record.error());
    ByteReader from{record->bytes.substr(kFrontBytes)};
    Message message = read_message(from);
    if (!from.ok() || from.left() != 0 || fault_of(message)) return fail(RecordError::corrupt);
    bytes = behind;
    return message;
}
} // namespace tidemark::purge
