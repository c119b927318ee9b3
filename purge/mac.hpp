#pragma once
#include "purge/frames.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What the holders of a fence key prove to each other in HTTP fields: HMAC-SHA256, cut to 16 bytes
// (RFC 2104 §5). Pure.
namespace tidemark::purge
{
// The newest key signs; the one before still proves.
struct KeyRing {
    FenceKey newest;
    std::optional<FenceKey> before;

    [[nodiscard]] const FenceKey* find(std::uint32_t id) const noexcept
    {
        if (newest.id == id) return &newest;
        return before && before->id == id ? &*before : nullptr;
    }
};

inline constexpr std::size_t kMacBytes = 16;
using Mac = std::array<std::uint8_t, kMacBytes>;
[[nodiscard]] Mac mac_of(const FenceKey& key, std::string_view text);
// In constant time.
[[nodiscard]] bool same_mac(const Mac& a, const Mac& b) noexcept;

// Lower-case hexadecimal, of the whole width.
void append_hex(std::string& out, std::uint64_t number);
void append_hex(std::string& out, const Mac& mac);
// Reads exactly that form from the front of `text`, which advances past it.
[[nodiscard]] std::optional<std::uint64_t> take_hex(std::string_view& text);
[[nodiscard]] std::optional<Mac> take_mac(std::string_view& text);
// A number without sign or leading zeros, at most 2^64 - 1.
[[nodiscard]] std::optional<std::uint64_t> take_number(std::string_view& text);
[[nodiscard]] bool take(std::string_view& text, std::string_view expected);
} // namespace tidemark::purge
