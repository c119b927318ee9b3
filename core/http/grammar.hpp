#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// Byte classes of RFC 9110 §5.6, shared by the parsers of this folder. Long texts are tested eight
// bytes at a time.
namespace tidemark::http
{
namespace detail
{
inline constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
inline constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

[[nodiscard]] inline std::uint64_t load_word(const char* at) noexcept
{
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}
// Is any byte of `word` below `bound` (≤ 128)?
[[nodiscard]] constexpr bool any_below(std::uint64_t word, std::uint8_t bound) noexcept
{
    return ((word - kOnes * bound) & ~word & kHighBits) != 0;
}
[[nodiscard]] constexpr bool any_equal(std::uint64_t word, std::uint8_t byte) noexcept
{
    return any_below(word ^ (kOnes * byte), 1);
}
} // namespace detail

[[nodiscard]] constexpr bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alpha(char c) noexcept
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
// The value of a hex digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}
namespace detail
{
inline constexpr std::array<bool, 256> kTokenBytes = [] {
    std::array<bool, 256> table{};
    for (int c = 0; c < 128; ++c)
        table[static_cast<std::size_t>(c)] =
            is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c));
    for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
        table[static_cast<unsigned char>(c)] = true;
    return table;
}();
} // namespace detail

// tchar (RFC 9110 §5.6.2).
[[nodiscard]] constexpr bool is_tchar(char c) noexcept
{
    return detail::kTokenBytes[static_cast<unsigned char>(c)];
}
// How many bytes of a token `text` begins with.
[[nodiscard]] constexpr std::size_t token_bytes(std::string_view text) noexcept
{
    std::size_t count = 0;
    while (count < text.size() && is_tchar(text[count]))
        ++count;
    return count;
}
// What may stand in a field value (RFC 9110 §5.5): VCHAR, obs-text, SP, HTAB.
[[nodiscard]] constexpr bool is_field_byte(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}
} // namespace tidemark::http
