#include "purge/read_token.hpp"

namespace tidemark::purge
{
namespace
{
// What the MAC covers: the token's own text up to the MAC, behind a name of its own.
Mac sign(const FenceKey& key, std::string_view unsigned_token)
{
    return mac_of(key, std::string("tidemark-read 1\n").append(unsigned_token));
}
} // namespace

std::string make_read_token(const FenceKey& key, JournalId journal, Version version)
{
    std::string token = "v" + std::to_string(version) + ".";
    append_hex(token, journal);
    token.append(".").append(std::to_string(key.id)).append(".");
    append_hex(token, sign(key, token));
    return token;
}

std::optional<ReadToken> prove_read_token(const KeyRing& keys, std::string_view token)
{
    if (token.size() > kReadTokenBytesMax) return std::nullopt;
    std::string_view rest = token;
    if (!take(rest, "v")) return std::nullopt;
    const auto version = take_number(rest);
    if (!version || !take(rest, ".")) return std::nullopt;
    const auto journal = take_hex(rest);
    if (!journal || !take(rest, ".")) return std::nullopt;
    const auto id = take_number(rest);
    if (!id || *id > UINT32_MAX || !take(rest, ".")) return std::nullopt;
    const std::string_view unsigned_token = token.substr(0, token.size() - rest.size());
    const auto mac = take_mac(rest);
    const FenceKey* key = keys.find(static_cast<std::uint32_t>(*id));
    if (!mac || !rest.empty() || key == nullptr) return std::nullopt;
    if (!same_mac(*mac, sign(*key, unsigned_token))) return std::nullopt;
    return ReadToken{*journal, *version};
}
} // namespace tidemark::purge
