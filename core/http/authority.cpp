#include "core/base/text.hpp"
#include "core/http/grammar.hpp"
#include "core/http/parser.hpp"

#include <algorithm>

namespace tidemark::http
{
namespace
{
// unreserved and sub-delims (RFC 3986 §2.2, §2.3).
bool is_reg_name_byte(char c) noexcept
{
    return is_alpha(c) || is_digit(c) || c == '.' || c == '-' ||
           (c != '\0' && std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos);
}

bool is_reg_name(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_reg_name_byte(text[i]))
            return false;
    }
    return !text.empty();
}

bool is_decimal_octet(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return false;
    const auto value = parse_decimal(text);
    return value && *value <= 255;
}

bool is_ipv4(std::string_view text) noexcept
{
    for (int dots = 0; dots < 3; ++dots) {
        const std::size_t dot = text.find('.');
        if (dot == std::string_view::npos || !is_decimal_octet(text.substr(0, dot))) return false;
        text.remove_prefix(dot + 1);
    }
    return is_decimal_octet(text);
}

bool is_hex_group(std::string_view text) noexcept
{
    if (text.empty() || text.size() > 4) return false;
    for (const char c : text)
        if (hex_value(c) < 0) return false;
    return true;
}

// How many 16-bit groups colon-separated `text` stands for; -1 if it is none. An IPv4 tail counts
// two.
int count_groups(std::string_view text, bool ipv4_allowed) noexcept
{
    int groups = 0;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        if (colon == std::string_view::npos) {
            if (ipv4_allowed && is_ipv4(group)) return groups + 2;
            return is_hex_group(group) ? groups + 1 : -1;
        }
        if (!is_hex_group(group)) return -1;
        ++groups;
        text.remove_prefix(colon + 1);
        if (text.empty()) return -1; // a single colon at the end
    }
    return groups;
}

// RFC 3986 §3.2.2: eight groups, or fewer around one "::". No zone.
bool is_ipv6(std::string_view text) noexcept
{
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) return count_groups(text, true) == 8;
    const int before = count_groups(text.substr(0, gap), false);
    const int after = count_groups(text.substr(gap + 2), true);
    return before >= 0 && after >= 0 && before + after <= 7;
}

bool is_port(std::string_view text) noexcept
{
    const auto value = parse_decimal(text);
    return value && text.size() <= 5 && *value <= 65535;
}
} // namespace

bool is_authority(std::string_view text) noexcept
{
    std::size_t host_end = 0;
    if (!text.empty() && text.front() == '[') {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos || !is_ipv6(text.substr(1, bracket - 1)))
            return false;
        host_end = bracket + 1;
    } else {
        host_end = std::min(text.find(':'), text.size());
        if (!is_reg_name(text.substr(0, host_end))) return false;
    }
    if (host_end == text.size()) return true;
    return text[host_end] == ':' && is_port(text.substr(host_end + 1));
}
} // namespace tidemark::http
