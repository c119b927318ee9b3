#include "core/http/grammar.hpp"
#include "core/http/parser.hpp"

namespace tidemark::http
{
namespace
{
// False also for a tab, which is seldom and looked at byte by byte.
bool surely_field_bytes(std::uint64_t word) noexcept
{
    return !detail::any_below(word, 0x20) && !detail::any_equal(word, 0x7f);
}

bool are_field_bytes(std::string_view text) noexcept
{
    for (const char c : text)
        if (!is_field_byte(c)) return false;
    return true;
}
} // namespace

bool is_field_value(std::string_view text) noexcept
{
    if (text.size() < 8) return are_field_bytes(text);
    const std::size_t last = text.size() - 8; // overlaps the word before it
    for (std::size_t at = 0; at < last; at += 8)
        if (!surely_field_bytes(detail::load_word(text.data() + at))) return are_field_bytes(text);
    return surely_field_bytes(detail::load_word(text.data() + last)) || are_field_bytes(text);
}

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && token_bytes(text) == text.size();
}
} // namespace tidemark::http
