#pragma once
#include "purge/mac.hpp"

#include <optional>
#include <string>
#include <string_view>

// The field Tidemark-Fence between Tidemark nodes (design: Tiers, Trust). In a request: how far the
// edge has heard. In the answer: as of which version the content is valid. An item of structured
// fields (RFC 9651) with a MAC over kind, host, target and value; one that is unproven counts for
// nothing. Pure.
//
//   Tidemark-Fence: 1042;j="<journal, 16 hex digits>";k=<key id>;m="<mac, 32 hex digits>"
namespace tidemark::serve
{
inline constexpr std::size_t kFenceFieldBytesMax = 20 + 4 + 16 + 4 + 10 + 4 + 32 + 1;

enum class FenceKind : std::uint8_t { request, response };

struct FenceStamp {
    purge::JournalId journal = 0;
    purge::Version version = 0;
    friend bool operator==(const FenceStamp&, const FenceStamp&) = default;
};
// What it belongs to: Host (in any case) and the target, as they travel between the two nodes. The
// scheme is left out: a shield that is reached over another one than the client used sees only its
// own.
struct FencePlace {
    FenceKind kind = FenceKind::request;
    std::string_view host;
    std::string_view target;
};

[[nodiscard]] std::string make_fence_field(const purge::FenceKey& key, const FenceStamp& stamp,
                                           const FencePlace& place);
[[nodiscard]] std::optional<FenceStamp>
prove_fence_field(const purge::KeyRing& keys, std::string_view value, const FencePlace& place);
} // namespace tidemark::serve
