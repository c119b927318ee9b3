#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// ASCII text, locale-free: what HTTP calls case-insensitive, whitespace and digits.
namespace tidemark
{
[[nodiscard]] constexpr char to_lower(char c) noexcept
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept
{
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    return true;
}

[[nodiscard]] constexpr bool is_ows(char c) noexcept
{
    return c == ' ' || c == '\t';
}

// Without leading and trailing OWS (RFC 9110 §5.6.3).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept
{
    while (!text.empty() && is_ows(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_ows(text.back()))
        text.remove_suffix(1);
    return text;
}

inline void append_lower(std::string& out, std::string_view text)
{
    for (const char c : text)
        out.push_back(to_lower(c));
}

// Digits only, the whole text, no sign; nothing for an empty text or overflow.
[[nodiscard]] inline std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept
{
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

inline void append_decimal(std::string& out, std::int64_t value)
{
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    static_cast<void>(error); // 24 bytes hold every 64-bit number
    out.append(digits, end);
}
} // namespace tidemark
