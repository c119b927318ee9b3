#include "core/base/check.hpp"
#include "edge/cache/bypass.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/invalidation.hpp"

#include <cstddef>
#include <cstdint>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
std::string_view take_line(std::string_view& text)
{
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

KeyRules rules_of(char choice)
{
    KeyRules rules;
    if (choice & 1) rules.drop_query = {"utm_*", "a"};
    if (choice & 2) rules.keep_query = {"b*", "utm_source"};
    if (choice & 4) rules.sort_query = true;
    if (choice & 8) rules.keyed_cookies = {"c*"};
    if (choice & 16) rules.keyed_fields = {"accept", "x"};
    return rules;
}

void check_uris(std::string_view text, std::string_view reference, const KeyRules& rules)
{
    const auto uri = normalise_uri(text, rules);
    if (!uri) return;
    TIDEMARK_CHECK(normalise_uri(*uri, rules) == uri);
    TIDEMARK_CHECK(uri_of_key(*uri) == *uri);

    http::ResponseHead response;
    response.status = 201;
    response.fields.add("location", reference);
    const auto uris = uris_to_invalidate(http::Method::put, text, response);
    TIDEMARK_CHECK(!uris.empty() && uris.size() <= 2);
    for (const std::string& one : uris)
        TIDEMARK_CHECK(normalise_uri(one, {}) == one);
}

void check_key(const http::RequestHead& request, const KeyRules& rules)
{
    std::string scratch;
    const std::string path(forwarded_path(request.path, rules, scratch));
    TIDEMARK_CHECK(path.size() <= request.path.size());
    std::string again;
    TIDEMARK_CHECK(forwarded_path(path, rules, again) == path);

    std::string key;
    append_cache_key(key, request, path, rules);
    TIDEMARK_CHECK(key.compare(0, 9, "https://h") == 0);
}

void check_variant(const http::FieldList& fields)
{
    const VarySpec spec = parse_vary(fields);
    const std::string text = vary_text(spec);
    http::FieldList stored;
    stored.add("vary", text);
    TIDEMARK_CHECK(vary_text(parse_vary(stored)) == text);
    std::string key = "k";
    append_variant_key(key, text, fields);
    TIDEMARK_CHECK(key[0] == 'k');
    TIDEMARK_CHECK(tags_of(fields).names.size() <= 1000);
}
} // namespace

// The first byte chooses rules; then lines: a URI, a reference, a path, and fields "name: value".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const KeyRules rules = rules_of(text.front());
    text.remove_prefix(1);

    const std::string_view uri = take_line(text);
    const std::string_view reference = take_line(text);
    check_uris(uri, reference, rules);

    http::RequestHead request;
    request.scheme = "https";
    request.authority = "H:443";
    request.path = take_line(text);
    while (!text.empty()) {
        const std::string_view line = take_line(text);
        const std::size_t colon = line.find(':');
        if (colon != std::string_view::npos)
            request.fields.add(line.substr(0, colon), line.substr(colon + 1));
    }
    check_key(request, rules);
    check_variant(request.fields);
    const BypassRules bypass{{"wp_*"}, {"preview*"}, {"/wp-admin/*", "*.php"}, {{"x", "a*b*c"}}};
    static_cast<void>(bypasses(bypass, request));
    return 0;
}
