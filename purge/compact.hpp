#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "purge/digest.hpp"
#include "purge/message.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>

// What a journal comes down to: for each selector its greatest invalidations, without what greater
// ones make superfluous. An edge for which the journal no longer goes back far enough gets it as a
// snapshot; the digest proves it.
namespace tidemark::purge
{
struct CompactKey {
    std::string site;
    Scope scope = Scope::url;
    std::string selector;
    friend auto operator<=>(const CompactKey&, const CompactKey&) = default;
};
// A selector's greatest versions; 0: none. No allowance is kept: after a snapshot a soft one counts
// as passed.
struct CompactEntry {
    Version hard = 0;
    Version soft = 0; // above `hard`, or none
    friend bool operator==(const CompactEntry&, const CompactEntry&) = default;
};

// The join of what was applied: the same in whatever order and however often. Hard on everything
// covers all entries of its site up to its version (site "*": of every site), the floor covers all;
// what is covered is not kept.
//
// Only messages older than the undo window come here, and of those none that was undone; so a
// snapshot is this and the records since.
class CompactState
{
  public:
    // Invalidations, pushes (hard on their URI) and floors. Undo changes nothing here.
    void apply(const Message& message);

    using Entries = std::map<CompactKey, CompactEntry>;
    [[nodiscard]] const Entries& entries() const noexcept { return entries_; }
    [[nodiscard]] Version floor() const noexcept { return floor_; }
    // Of the entries and the floor, kept up with each application.
    [[nodiscard]] const Digest& digest() const noexcept { return digest_; }

    // The greatest message that is in here, or was when it was covered.
    [[nodiscard]] Version through() const noexcept { return through_; }

    friend bool operator==(const CompactState& a, const CompactState& b)
    {
        return a.entries_ == b.entries_ && a.floor_ == b.floor_ && a.through_ == b.through_;
    }

  private:
    friend Result<CompactState, RecordError> decode_snapshot(ByteView bytes);
    void join(const CompactKey& key, const CompactEntry& entry);
    void put(const CompactKey& key, const CompactEntry& entry);
    void raise_floor(Version floor);
    bool drop_covered(); // anything?
    [[nodiscard]] Version covered_up_to(const CompactKey& key) const;
    [[nodiscard]] Version hard_on_all(const std::string& site) const;

    Entries entries_;
    Version floor_ = 0;
    Version through_ = 0;
    Digest digest_;
};

// A snapshot, v a varint, text a varint length and as many bytes:
//   4 crc32c of every following byte, 1 format: 1, v through, v floor, v entries; each, by rising
//   key: text site, 1 scope, text selector, v hard, v soft
// Compressed where it is sent; at most kSnapshotBytesMax before.
inline constexpr std::size_t kSnapshotBytesMax = std::size_t{1} << 30;
void encode_snapshot(const CompactState& state, Bytes& out);
// All of `bytes` is one snapshot. Errors as for records.
[[nodiscard]] Result<CompactState, RecordError> decode_snapshot(ByteView bytes);
} // namespace tidemark::purge
