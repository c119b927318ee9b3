#include "purge/digest.hpp"

#include "core/base/check.hpp"

#include <algorithm>

#include <xxhash.h>

namespace tidemark::purge
{
Digest digest_of(ByteView member) noexcept
{
    const XXH128_hash_t hash = XXH3_128bits(member.data(), member.size());
    return {hash.high64, hash.low64};
}

DigestTree::DigestTree(Version through, const Digest& below)
    : last_(through), root_(below),
      // A block that began before is known by its sum, too: that grows until the block is full.
      first_block_((through + kBlockVersions - 1) / kBlockVersions), below_(below)
{
    for (unsigned level = 0; level <= kLevelsMax; ++level)
        levels_.push_back({first_block_ >> (kFanOutBits * level), {}});
}

void DigestTree::add_to_block(std::uint64_t block, const Digest& change)
{
    for (unsigned i = 0; i < levels_.size(); ++i) {
        Level& level = levels_[i];
        const auto slot = static_cast<std::size_t>((block >> (kFanOutBits * i)) - level.first);
        if (slot >= level.nodes.size()) level.nodes.resize(slot + 1);
        level.nodes[slot] += change;
    }
}

void DigestTree::append(Version version, const Digest& record)
{
    TIDEMARK_CHECK(version == last_ + 1);
    last_ = version;
    root_ += record;
    if (block_of(version) < first_block_)
        below_ += record;
    else
        add_to_block(block_of(version), record);
}

Digest DigestTree::block(std::uint64_t block) const
{
    TIDEMARK_CHECK(block >= first_block_);
    const Level& blocks = levels_.front();
    const auto slot = static_cast<std::size_t>(block - blocks.first);
    return slot < blocks.nodes.size() ? blocks.nodes[slot] : Digest{};
}

Digest DigestTree::node(unsigned level, std::uint64_t index, const BlockSpan& span) const
{
    const unsigned shift = kFanOutBits * level;
    const std::uint64_t first = index << shift;
    const std::uint64_t end = (index + 1) << shift;
    if (end <= span.first || first >= span.end) return {};
    if (level == 0) return block(index);
    const Level& stored = levels_[level];
    const bool inside = (first >= span.first || span.first == first_block_) && end <= span.end;
    if (inside) return stored.nodes[static_cast<std::size_t>(index - stored.first)];
    Digest sum;
    for (std::uint64_t child = index << kFanOutBits; child < (index + 1) << kFanOutBits; ++child)
        sum += node(level - 1, child, span);
    return sum;
}

Digest DigestTree::prefix(std::uint64_t block) const
{
    TIDEMARK_CHECK(block >= first_block_);
    return below_ + node(height_of(block), 0, {first_block_, block});
}

void DigestTree::replace_block(std::uint64_t number, const Digest& digest)
{
    const Digest change = digest - block(number);
    root_ += change;
    add_to_block(number, change);
}

void DigestTree::forget_below(std::uint64_t end)
{
    TIDEMARK_CHECK(end <= full_blocks(last_));
    for (; first_block_ < end; ++first_block_) {
        const Digest gone = block(first_block_);
        below_ += gone;
        add_to_block(first_block_, Digest{} - gone);
    }
    for (unsigned i = 0; i < levels_.size(); ++i) {
        Level& level = levels_[i];
        for (; level.first < first_block_ >> (kFanOutBits * i); ++level.first)
            if (!level.nodes.empty()) level.nodes.pop_front();
    }
}
} // namespace tidemark::purge
