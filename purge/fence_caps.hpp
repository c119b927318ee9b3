#pragma once
#include "purge/state.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

// What fences taken before certain moments count as. A fence with a local sequence below a cap's is
// older than it, so its version counts as at most the cap's. Immutable once published.
namespace tidemark::purge
{
class FenceCaps
{
  public:
    // These, and a newer one for every fence below `local`. Beyond `most` the two oldest become
    // one, stricter than either.
    [[nodiscard]] FenceCaps with(std::uint64_t local, std::uint64_t version,
                                 std::uint64_t generation, std::size_t most) const
    {
        FenceCaps fresh;
        fresh.generation_ = generation;
        // Each older one holds for what the new one holds for too: what is not stricter is
        // needless.
        for (const Cap& cap : caps_)
            if (cap.version < version) fresh.caps_.push_back(cap);
        fresh.caps_.push_back({local, version});
        while (fresh.caps_.size() > std::max<std::size_t>(most, 1)) {
            fresh.caps_[1].version = fresh.caps_[0].version;
            fresh.caps_.erase(fresh.caps_.begin());
        }
        return fresh;
    }
    [[nodiscard]] std::uint64_t version_of(const Fence& fence) const noexcept
    {
        // Later caps have greater versions, so the first that is newer than the fence rules.
        for (const Cap& cap : caps_)
            if (fence.local < cap.local) return std::min(fence.version, cap.version);
        return fence.version;
    }
    // In which the newest takes effect: what was found before it was found of uncapped fences.
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  private:
    struct Cap {
        std::uint64_t local;
        std::uint64_t version;
    };
    std::vector<Cap> caps_; // by rising local and rising version
    std::uint64_t generation_ = 0;
};
} // namespace tidemark::purge
