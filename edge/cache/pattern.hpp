#pragma once
#include <string_view>

namespace tidemark::cache
{
// Whole-text match, byte for byte; '*' stands for any bytes, also none. Other characters stand for
// themselves.
[[nodiscard]] constexpr bool matches_pattern(std::string_view pattern,
                                             std::string_view text) noexcept
{
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star =
        std::string_view::npos; // the last '*' met, and where the text behind it is tried from
    std::size_t resume = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else
            return false;
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

// Does one of `patterns` match?
template <class Patterns>
[[nodiscard]] bool matches_any(const Patterns& patterns, std::string_view text) noexcept
{
    for (const auto& pattern : patterns)
        if (matches_pattern(pattern, text)) return true;
    return false;
}
} // namespace tidemark::cache
