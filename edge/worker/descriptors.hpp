#pragma once
#include <cstdint>

// How the descriptors of the process are shared out. Nothing may ever find that there is none left:
// accept() would fail again and again, and an upstream could not be asked for those who are served.
namespace tidemark::worker
{
// The process's own: loops, listening sockets, logs; and connections that are just being told 503.
inline constexpr std::uint64_t kDescriptorsOfProcess = 32;
inline constexpr std::uint64_t kDescriptorsOfWorker = 16;
inline constexpr std::uint64_t kDescriptorsForRefusals = 24;

struct DescriptorShares {
    std::uint64_t connections = ~0ULL; // clients' and upstreams' together
    std::uint64_t upstreams = ~0ULL;   // of these at most
};

[[nodiscard]] constexpr DescriptorShares share_descriptors(std::uint64_t allowed,
                                                           std::uint32_t workers) noexcept
{
    const std::uint64_t own =
        kDescriptorsOfProcess + kDescriptorsOfWorker * workers + kDescriptorsForRefusals;
    const std::uint64_t connections = allowed > own + 16 ? allowed - own : 16;
    return {connections, connections / 2};
}
} // namespace tidemark::worker
