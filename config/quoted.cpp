#include "config/quoted.hpp"

#include <algorithm>

namespace tidemark::config
{
namespace
{
bool continues_character(char c) noexcept
{
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}
} // namespace

std::string printable(std::string_view text, std::size_t bytes_max)
{
    constexpr char kHex[] = "0123456789abcdef";
    std::size_t end = std::min(text.size(), bytes_max);
    while (end > 0 && end < text.size() && continues_character(text[end]))
        --end;

    std::string out;
    for (const char c : text.substr(0, end)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else
            out += c;
    }
    if (end < text.size()) out += "…";
    return out;
}

std::string quoted(std::string_view text)
{
    return '"' + printable(text, 80) + '"';
}
} // namespace tidemark::config
