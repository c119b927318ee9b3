#include "edge/cache/uri.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace tidemark::cache
{
namespace
{
bool is_alpha(char c) noexcept
{
    return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

bool is_digit(char c) noexcept
{
    return c >= '0' && c <= '9';
}

// Bytes before the ':' of a scheme; 0 if `text` does not start with one.
std::size_t scheme_bytes(std::string_view text) noexcept
{
    if (text.empty() || !is_alpha(text.front())) return 0;
    std::size_t n = 1;
    while (n < text.size() && (is_alpha(text[n]) || is_digit(text[n]) || text[n] == '+' ||
                               text[n] == '-' || text[n] == '.'))
        ++n;
    return n < text.size() && text[n] == ':' ? n : 0;
}

// Cuts `text` at the first `mark`, giving what stands behind it.
std::optional<std::string_view> cut_at(std::string_view& text, char mark) noexcept
{
    const std::size_t at = text.find(mark);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(at + 1);
    text = text.substr(0, at);
    return rest;
}

bool starts_with(std::string_view text, std::string_view prefix) noexcept
{
    return text.substr(0, prefix.size()) == prefix;
}

void remove_last_segment(std::string& path)
{
    const std::size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
}
} // namespace

UriReference split_uri(std::string_view text) noexcept
{
    UriReference uri;
    uri.fragment = cut_at(text, '#');
    uri.query = cut_at(text, '?');
    if (const std::size_t n = scheme_bytes(text); n > 0) {
        uri.scheme = text.substr(0, n);
        text.remove_prefix(n + 1);
    }
    if (starts_with(text, "//")) {
        const std::size_t slash = text.find('/', 2);
        uri.authority = text.substr(2, slash == std::string_view::npos ? slash : slash - 2);
        text = slash == std::string_view::npos ? std::string_view{} : text.substr(slash);
    }
    uri.path = text;
    return uri;
}

std::string remove_dot_segments(std::string_view in)
{
    std::string out;
    out.reserve(in.size());
    while (!in.empty()) {
        if (starts_with(in, "../"))
            in.remove_prefix(3);
        else if (starts_with(in, "./"))
            in.remove_prefix(2);
        else if (starts_with(in, "/./"))
            in.remove_prefix(2);
        else if (in == "/.")
            in = "/";
        else if (starts_with(in, "/../")) {
            in.remove_prefix(3);
            remove_last_segment(out);
        } else if (in == "/..") {
            in = "/";
            remove_last_segment(out);
        } else if (in == "." || in == "..")
            in = {};
        else {
            const std::size_t end = in.find('/', 1);
            out += in.substr(0, end);
            in.remove_prefix(end == std::string_view::npos ? in.size() : end);
        }
    }
    return out;
}

void append_authority(std::string& out, std::string_view scheme, std::string_view authority)
{
    std::size_t digits = authority.size();
    while (digits > 0 && is_digit(authority[digits - 1]))
        --digits;
    std::string_view port;
    std::string_view host = authority;
    if (digits > 0 && authority[digits - 1] == ':') { // an IPv6 address without a port ends in ']'
        port = authority.substr(digits);
        host = authority.substr(0, digits - 1);
    }
    const std::size_t start = out.size();
    out += host;
    for (char* c = out.data() + start; c != out.data() + out.size(); ++c)
        *c = to_lower(*c);

    while (port.size() > 1 && port.front() == '0')
        port.remove_prefix(1);
    if (port.empty() || port == (scheme == "https" ? "443" : "80")) return;
    out += ':';
    out += port;
}
} // namespace tidemark::cache
