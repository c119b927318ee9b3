#include "core/http/grammar.hpp"
#include "core/http/parser.hpp"

#include <algorithm>

namespace tidemark::http
{
bool is_field_value(std::string_view text) noexcept
{
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        const std::uint64_t word = detail::load_word(text.data() + at);
        if (!detail::any_below(word, 0x20) && !detail::any_equal(word, 0x7f)) continue;
        const std::string_view eight = text.substr(at, 8); // a tab, or what is forbidden
        if (!std::all_of(eight.begin(), eight.end(), is_field_byte)) return false;
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is_field_byte);
}

bool is_token(std::string_view text) noexcept
{
    return !text.empty() && std::all_of(text.begin(), text.end(), is_tchar);
}
} // namespace tidemark::http
