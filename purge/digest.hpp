#pragma once
#include "core/base/bytes.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <deque>
#include <vector>

// Set hashes: whether two sides hold the same records, and where not, without sending them.
namespace tidemark::purge
{
// The digest of a set is the sum of its members' hashes (XXH3-128, lane by lane modulo 2^64), so
// that it does not depend on order and a member comes and goes at the price of one hash. It finds
// faults, not forgers: only authenticated peers hold records, and no peer chooses the other's.
struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    Digest& operator+=(const Digest& other) noexcept
    {
        high += other.high;
        low += other.low;
        return *this;
    }
    Digest& operator-=(const Digest& other) noexcept
    {
        high -= other.high;
        low -= other.low;
        return *this;
    }
    friend Digest operator+(Digest a, const Digest& b) noexcept { return a += b; }
    friend Digest operator-(Digest a, const Digest& b) noexcept { return a -= b; }
    friend bool operator==(const Digest&, const Digest&) = default;
};
inline constexpr std::size_t kDigestBytes = 16;

// A member's hash. A record names its version and journal: the same purge at another place hashes
// differently.
[[nodiscard]] Digest digest_of(ByteView member) noexcept;

inline constexpr std::uint64_t kBlockVersions = 256;
inline constexpr unsigned kFanOutBits = 6;
inline constexpr std::uint64_t kFanOut = std::uint64_t{1} << kFanOutBits;
inline constexpr unsigned kLevelsMax = 9; // 64^9 blocks: every version there can be

// Block b holds the versions b × 256 + 1 … (b + 1) × 256.
[[nodiscard]] constexpr std::uint64_t block_of(Version version) noexcept
{
    return (version - 1) / kBlockVersions;
}
// How many blocks are full at `version`.
[[nodiscard]] constexpr std::uint64_t full_blocks(Version version) noexcept
{
    return version / kBlockVersions;
}
// The lowest level, from 1, whose first node spans `blocks` blocks.
[[nodiscard]] constexpr unsigned height_of(std::uint64_t blocks) noexcept
{
    unsigned height = 1;
    while (height < kLevelsMax && blocks >> (kFanOutBits * height) > 0 &&
           blocks != std::uint64_t{1} << (kFanOutBits * height))
        ++height;
    return height;
}

// Blocks from `first` up to, not with, `end`.
struct BlockSpan {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
    friend bool operator==(const BlockSpan&, const BlockSpan&) = default;
};

// The digests of all versions 1 … last(), by block and by node: node (level, index) sums the blocks
// index × 64^level … (index + 1) × 64^level − 1. Versions come in order; what arrives early waits
// with the caller. 16 bytes for each block that is not forgotten, and a 63rd of that for the nodes.
class DigestTree
{
  public:
    // Versions up to `through` are known by their sum only (from a snapshot, or forgotten earlier).
    explicit DigestTree(Version through = 0, const Digest& below = {});

    void append(Version version, const Digest& record); // version == last() + 1 (checked)
    [[nodiscard]] Version last() const noexcept { return last_; }
    [[nodiscard]] Digest root() const noexcept { return root_; }

    // Blocks before this one are known by their sum only.
    [[nodiscard]] std::uint64_t first_block() const noexcept { return first_block_; }
    // The sum of the blocks before `block`, from first_block() to full_blocks(last()).
    [[nodiscard]] Digest prefix(std::uint64_t block) const;
    // The sum of a node's blocks within `span`, which lies between first_block() and
    // full_blocks(last()).
    [[nodiscard]] Digest node(unsigned level, std::uint64_t index, const BlockSpan& span) const;

    // After a repair: what `block`, not forgotten, holds up to last().
    void replace_block(std::uint64_t block, const Digest& digest);
    // What `block`, not forgotten, holds up to last().
    [[nodiscard]] Digest block(std::uint64_t block) const;
    // Keeps only the sum of the blocks before `block`, at most full_blocks(last()).
    void forget_below(std::uint64_t block);

  private:
    struct Level {
        std::uint64_t first = 0; // index of the front
        std::deque<Digest> nodes;
    };
    void add_to_block(std::uint64_t block, const Digest& change);

    Version last_ = 0;
    Digest root_;
    std::uint64_t first_block_ = 0;
    Digest below_;
    std::vector<Level> levels_;
};
} // namespace tidemark::purge
