#include "edge/cache/cache_key.hpp"

#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "edge/cache/cookie.hpp"
#include "edge/cache/pattern.hpp"
#include "edge/cache/uri.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::cache
{
namespace
{
struct Parameter {
    std::string_view text;
    std::string_view name;
};

bool has_query_rules(const KeyRules& rules) noexcept
{
    return !rules.drop_query.empty() || rules.keep_query || rules.sort_query;
}

bool keeps(const KeyRules& rules, std::string_view name) noexcept
{
    if (matches_any(rules.drop_query, name)) return false;
    return !rules.keep_query || matches_any(*rules.keep_query, name);
}

void append_sized(std::string& out, std::string_view bytes)
{
    append_decimal(out, static_cast<std::int64_t>(bytes.size()));
    out += ':';
    out += bytes;
}

struct Cookie {
    std::string_view name;
    std::string_view value;
};

// Their number first, then names and values: no two sets of cookies give the same bytes.
void append_keyed_cookies(std::string& key, const http::FieldList& fields,
                          const std::vector<std::string>& patterns)
{
    std::vector<Cookie> cookies;
    each_cookie(fields, [&](std::string_view name, std::string_view value) {
        if (matches_any(patterns, name)) cookies.push_back({name, value});
    });
    std::stable_sort(cookies.begin(), cookies.end(),
                     [](const Cookie& a, const Cookie& b) { return a.name < b.name; });
    append_decimal(key, static_cast<std::int64_t>(cookies.size()));
    key += ';';
    for (const Cookie& cookie : cookies) {
        append_sized(key, cookie.name);
        append_sized(key, cookie.value);
    }
}

// A target's bytes: what a request line can hold (RFC 9112 §3.2), so nothing that would end a key's
// URI.
bool is_target(std::string_view text) noexcept
{
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f; });
}
} // namespace

std::string_view forwarded_path(std::string_view path, const KeyRules& rules, std::string& scratch)
{
    const std::size_t mark = path.find('?');
    if (mark == std::string_view::npos || !has_query_rules(rules)) return path;

    const auto by_name = [](const Parameter& a, const Parameter& b) { return a.name < b.name; };
    std::vector<Parameter> kept;
    bool dropped = false;
    each_parameter(path.substr(mark + 1), [&](std::string_view text, std::string_view name) {
        if (keeps(rules, name))
            kept.push_back({text, name});
        else
            dropped = true;
    });
    const bool sorts = rules.sort_query && !std::is_sorted(kept.begin(), kept.end(), by_name);
    if (!dropped && !sorts) return path;

    if (sorts) std::stable_sort(kept.begin(), kept.end(), by_name);
    scratch.assign(path.substr(0, mark));
    char separator = '?';
    for (const Parameter& parameter : kept) {
        scratch += std::exchange(separator, '&');
        scratch += parameter.text;
    }
    return scratch;
}

void append_cache_key(std::string& key, const http::RequestHead& request,
                      std::string_view forwarded_path, const KeyRules& rules)
{
    key += request.scheme;
    key += "://";
    append_authority(key, request.scheme, request.authority);
    key += forwarded_path;
    if (rules.keyed_cookies.empty() && rules.keyed_fields.empty()) return;

    key += '\0';
    if (!rules.keyed_cookies.empty())
        append_keyed_cookies(key, request.fields, rules.keyed_cookies);
    for (const std::string& name : rules.keyed_fields)
        append_variant_key(key, name, request.fields);
}

std::string_view uri_of_key(std::string_view key) noexcept
{
    return key.substr(0, key.find('\0'));
}

std::optional<std::string> normalise_uri(std::string_view text, const KeyRules& rules)
{
    text = text.substr(0, text.find('#'));
    if (!is_target(text)) return std::nullopt;
    const UriReference uri = split_uri(text);
    if (!uri.scheme || !uri.authority || !http::is_authority(*uri.authority)) return std::nullopt;
    const bool secure = iequals(*uri.scheme, "https");
    if (!secure && !iequals(*uri.scheme, "http")) return std::nullopt;

    const std::string_view scheme = secure ? "https" : "http";
    std::string out;
    out.reserve(text.size() + 1);
    out += scheme;
    out += "://";
    append_authority(out, scheme, *uri.authority);
    // Path and query stand together behind the authority.
    const auto behind = static_cast<std::size_t>(uri.authority->data() - text.data());
    std::string_view path = text.substr(behind + uri.authority->size());
    std::string with_slash;
    if (uri.path.empty()) path = with_slash.append("/").append(path);
    std::string scratch;
    out += forwarded_path(path, rules, scratch);
    return out;
}
} // namespace tidemark::cache
