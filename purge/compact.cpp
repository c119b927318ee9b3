#include "purge/compact.hpp"

#include "core/base/crc32c.hpp"
#include "purge/ack_ranges.hpp"

#include <algorithm>

namespace tidemark::purge
{
namespace
{
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kChecksumBytes = 4;
const std::string kEverySite = "*";

void write_entry(ByteWriter& to, const CompactKey& key, const CompactEntry& entry)
{
    to.text(key.site);
    to.u8(static_cast<std::uint8_t>(key.scope));
    to.text(key.selector);
    to.varint(entry.hard);
    to.varint(entry.soft);
}
Digest digest_of_entry(const CompactKey& key, const CompactEntry& entry)
{
    Bytes bytes;
    ByteWriter to{bytes};
    write_entry(to, key, entry);
    return digest_of(bytes);
}
// No entry looks like it: a site is never empty.
Digest digest_of_floor(Version floor)
{
    if (floor == 0) return {};
    Bytes bytes;
    ByteWriter to{bytes};
    to.text("");
    to.varint(floor);
    return digest_of(bytes);
}

CompactEntry without(CompactEntry entry, Version covered)
{
    if (entry.hard <= covered) entry.hard = 0;
    if (entry.soft <= std::max(covered, entry.hard)) entry.soft = 0;
    return entry;
}
bool is_order(const CompactKey& key)
{
    return key.scope >= Scope::url && key.scope <= Scope::origin && !key.site.empty() &&
           key.selector.empty() == (key.scope == Scope::all);
}
} // namespace

Version CompactState::hard_on_all(const std::string& site) const
{
    const auto found = entries_.find({site, Scope::all, {}});
    return found == entries_.end() ? 0 : found->second.hard;
}

// By others than itself.
Version CompactState::covered_up_to(const CompactKey& key) const
{
    const bool is_all = key.scope == Scope::all;
    const Version by_all = is_all && key.site == kEverySite ? 0 : hard_on_all(kEverySite);
    const Version by_site = is_all ? 0 : hard_on_all(key.site);
    return std::max({floor_, by_all, by_site});
}

void CompactState::put(const CompactKey& key, const CompactEntry& entry)
{
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
        digest_ -= digest_of_entry(key, found->second);
        entries_.erase(found);
    }
    if (entry == CompactEntry{}) return;
    entries_.emplace(key, entry);
    digest_ += digest_of_entry(key, entry);
}

void CompactState::join(const CompactKey& key, const CompactEntry& entry)
{
    const auto found = entries_.find(key);
    const CompactEntry before = found == entries_.end() ? CompactEntry{} : found->second;
    const CompactEntry joined = without(
        {std::max(before.hard, entry.hard), std::max(before.soft, entry.soft)}, covered_up_to(key));
    if (joined == before) return;
    put(key, joined);
    if (key.scope == Scope::all && joined.hard > before.hard) drop_covered();
}

bool CompactState::drop_covered()
{
    bool dropped = false;
    for (auto next = entries_.begin(); next != entries_.end();) {
        const auto [key, entry] = *next++;
        const CompactEntry kept = without(entry, covered_up_to(key));
        if (kept == entry) continue;
        put(key, kept);
        dropped = true;
    }
    return dropped;
}

void CompactState::raise_floor(Version floor)
{
    if (floor <= floor_) return;
    digest_ -= digest_of_floor(floor_);
    floor_ = floor;
    digest_ += digest_of_floor(floor_);
    drop_covered();
}

void CompactState::apply(const Message& message)
{
    through_ = std::max(through_, message.version);
    if (const auto* floor = std::get_if<Floor>(&message.body)) raise_floor(floor->floor);
    if (const auto* push = std::get_if<Push>(&message.body))
        join({message.site, Scope::url, push->uri}, {message.version, 0});
    const auto* purge = std::get_if<Invalidate>(&message.body);
    if (purge == nullptr) return;
    for (const Order& order : purge->orders) {
        const bool soft = order.mode == OrderMode::soft || order.max_stale > Seconds{0};
        const CompactEntry entry{soft ? 0 : message.version, soft ? message.version : 0};
        join({message.site, order.scope, order.selector}, entry);
    }
}

void encode_snapshot(const CompactState& state, Bytes& out)
{
    Bytes body;
    ByteWriter to{body};
    to.u8(kFormat);
    to.varint(state.through());
    to.varint(state.floor());
    to.varint(state.entries().size());
    for (const auto& [key, entry] : state.entries())
        write_entry(to, key, entry);
    ByteWriter{out}.u32(crc32c(body));
    out += body;
}

namespace
{
CompactKey read_key(ByteReader& from)
{
    CompactKey key;
    key.site = from.text(kSiteBytesMax);
    key.scope = static_cast<Scope>(from.u8());
    key.selector = from.text(kSelectorBytesMax);
    return key;
}
RecordError error_of(const ByteReader& from)
{
    return from.fault() == ReadFault::truncated ? RecordError::truncated : RecordError::corrupt;
}
} // namespace

Result<CompactState, RecordError> decode_snapshot(ByteView bytes)
{
    ByteReader from{bytes};
    const std::uint32_t checksum = from.u32();
    if (!from.ok()) return fail(RecordError::truncated);
    if (bytes.size() > kSnapshotBytesMax || crc32c(bytes.substr(kChecksumBytes)) != checksum)
        return fail(RecordError::corrupt);
    CompactState state;
    if (from.u8() != kFormat) from.set_corrupt();
    state.through_ = from.varint(kVersionMax);
    state.raise_floor(from.varint(state.through_));
    const std::uint64_t count = from.varint();
    for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
        const CompactKey key = read_key(from);
        const CompactEntry entry{from.varint(state.through_), from.varint(state.through_)};
        if (!from.ok()) break;
        const bool rising = state.entries_.empty() || state.entries_.rbegin()->first < key;
        if (!is_order(key) || !rising || entry == CompactEntry{} ||
            !(without(entry, state.floor_) == entry))
            return fail(RecordError::corrupt);
        state.put(key, entry);
    }
    if (!from.ok()) return fail(error_of(from));
    // Who writes one keeps nothing that is covered.
    if (from.left() != 0 || state.drop_covered()) return fail(RecordError::corrupt);
    return state;
}
} // namespace tidemark::purge
