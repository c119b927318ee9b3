#pragma once
#include "edge/follow/standing.hpp"

#include <cstdint>

namespace tidemark::worker
{
// On what footing a request may be answered from store.
struct Stance {
    follow::Footing footing = follow::Footing::in_sync;
    // While footing is revalidate: only what was sent for since then is reused unvalidated.
    std::uint64_t reusable_from = 0;

    [[nodiscard]] bool too_old(std::uint64_t sent_local) const noexcept
    {
        return footing == follow::Footing::revalidate && sent_local < reusable_from;
    }
};
enum class Asker : std::uint8_t { client, node }; // node: another edge of ours
} // namespace tidemark::worker
