#include "config/quoted.hpp"

namespace tidemark::config
{
std::string quoted(std::string_view text)
{
    constexpr std::size_t kBytesMax = 80;
    constexpr char kHex[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text.substr(0, kBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else
            out += c;
    }
    out += text.size() > kBytesMax ? "…\"" : "\"";
    return out;
}
} // namespace tidemark::config
