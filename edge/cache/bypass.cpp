#include "edge/cache/bypass.hpp"

#include "core/base/text.hpp"
#include "edge/cache/cookie.hpp"
#include "edge/cache/pattern.hpp"
#include "edge/cache/uri.hpp"

#include <algorithm>

namespace tidemark::cache
{
namespace
{
int hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    c = to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that a percent-encoding at `at` stands for; nothing if there is none.
std::optional<char> encoded_byte(std::string_view text, std::size_t at) noexcept
{
    if (text[at] != '%' || text.size() - at < 3) return std::nullopt;
    const int high = hex_digit(text[at + 1]);
    const int low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(static_cast<unsigned char>(high * 16 + low));
}

// As an origin server may read it: all percent-encodings decoded once, slashes merged, dot segments
// removed.
std::string canonical_path(std::string_view path)
{
    std::string decoded;
    decoded.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        const auto byte = encoded_byte(path, i);
        const char c = byte.value_or(path[i]);
        if (byte) i += 2;
        if (c != '/' || decoded.empty() || decoded.back() != '/') decoded += c;
    }
    return remove_dot_segments(decoded);
}

bool needs_canonical(std::string_view path) noexcept
{
    return path.find('%') != std::string_view::npos || path.find("//") != std::string_view::npos ||
           path.find("/.") != std::string_view::npos;
}

bool path_matches(const BypassRules& rules, std::string_view path)
{
    if (rules.paths.empty()) return false;
    if (matches_any(rules.paths, path)) return true;
    return needs_canonical(path) && matches_any(rules.paths, canonical_path(path));
}

bool query_matches(const BypassRules& rules, std::string_view query)
{
    if (rules.query.empty()) return false;
    bool matches = false;
    each_parameter(query, [&](std::string_view, std::string_view name) {
        matches = matches || matches_any(rules.query, name);
    });
    return matches;
}

bool cookie_matches(const BypassRules& rules, const http::FieldList& fields)
{
    if (rules.cookies.empty()) return false;
    bool matches = false;
    each_cookie(fields, [&](std::string_view name, std::string_view) {
        matches = matches || matches_any(rules.cookies, name);
    });
    return matches;
}

bool field_matches(const FieldCondition& condition, const http::FieldList& fields)
{
    return std::any_of(fields.begin(), fields.end(), [&](const http::Field& field) {
        return iequals(field.name, condition.name) &&
               (!condition.value || matches_pattern(*condition.value, field.value));
    });
}
} // namespace

bool bypasses(const BypassRules& rules, const http::RequestHead& request)
{
    const std::size_t mark = request.path.find('?');
    if (path_matches(rules, request.path.substr(0, mark))) return true;
    if (mark != std::string_view::npos && query_matches(rules, request.path.substr(mark + 1)))
        return true;
    if (cookie_matches(rules, request.fields)) return true;
    return std::any_of(
        rules.fields.begin(), rules.fields.end(),
        [&](const FieldCondition& condition) { return field_matches(condition, request.fields); });
}
} // namespace tidemark::cache
