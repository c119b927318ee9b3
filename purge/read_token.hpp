#pragma once
#include "purge/mac.hpp"

#include <optional>
#include <string>
#include <string_view>

// Read your purge: the token that a purge's reply gives, and that a client shows an edge in the
// request field Tidemark-Read. An edge that has not applied the version fetches instead. It carries
// a MAC, so that strangers cannot force misses. Pure.
//
//   v<version>.<journal, 16 hex digits>.<key id>.<mac, 32 hex digits>
namespace tidemark::purge
{
inline constexpr std::size_t kReadTokenBytesMax = 1 + 20 + 1 + 16 + 1 + 10 + 1 + 32;

struct ReadToken {
    JournalId journal = 0;
    Version version = 0;
    friend bool operator==(const ReadToken&, const ReadToken&) = default;
};
[[nodiscard]] std::string make_read_token(const FenceKey& key, JournalId journal, Version version);
// Nothing: not of this form, of a key that is not in the ring, or forged.
[[nodiscard]] std::optional<ReadToken> prove_read_token(const KeyRing& keys,
                                                        std::string_view token);
} // namespace tidemark::purge
