#include "edge/cache/invalidation.hpp"

#include "core/base/text.hpp"
#include "core/http/structured.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/uri.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::cache
{
namespace
{
using http::FieldId;

constexpr std::size_t kTagsMax = 1000;
constexpr std::size_t kTagBytesMax = 1024;

// RFC 3986 §5.2.3.
std::string merged_path(const UriReference& base, std::string_view reference_path)
{
    if (base.authority && base.path.empty()) return "/" + std::string(reference_path);
    const std::size_t slash = base.path.rfind('/');
    std::string path(base.path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
    path += reference_path;
    return path;
}

struct Target {
    std::string_view scheme;
    std::optional<std::string_view> authority;
    std::string path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;
};

// RFC 3986 §5.2.2, strict.
Target transform(const UriReference& base, const UriReference& reference)
{
    Target target{*base.scheme, base.authority, {}, reference.query, reference.fragment};
    if (reference.scheme || reference.authority) {
        if (reference.scheme) target.scheme = *reference.scheme;
        target.authority = reference.authority;
        target.path = remove_dot_segments(reference.path);
    } else if (reference.path.empty()) {
        target.path = base.path;
        if (!reference.query) target.query = base.query;
    } else if (reference.path.front() == '/')
        target.path = remove_dot_segments(reference.path);
    else
        target.path = remove_dot_segments(merged_path(base, reference.path));
    return target;
}

// RFC 3986 §5.3.
std::string compose(const Target& target)
{
    std::string uri(target.scheme);
    uri += ':';
    if (target.authority) {
        uri += "//";
        uri += *target.authority;
    }
    uri += target.path;
    if (target.query) {
        uri += '?';
        uri += *target.query;
    }
    if (target.fragment) {
        uri += '#';
        uri += *target.fragment;
    }
    return uri;
}

// Scheme, host and port of a normalised URI.
std::string_view origin_of(std::string_view uri) noexcept
{
    return uri.substr(0, uri.find('/', uri.find("://") + 3));
}

void add_same_origin(std::vector<std::string>& uris, std::string_view reference)
{
    auto uri = normalise_uri(resolve_uri(uris.front(), reference), KeyRules{});
    if (!uri || origin_of(*uri) != origin_of(uris.front())) return;
    if (std::find(uris.begin(), uris.end(), *uri) == uris.end()) uris.push_back(*std::move(uri));
}

void add_tag(Tags& tags, std::string_view name)
{
    if (name.empty()) return;
    if (name.size() > kTagBytesMax || tags.names.size() >= kTagsMax)
        ++tags.dropped;
    else
        tags.names.emplace_back(name);
}

void add_separated(Tags& tags, const http::FieldList& fields, FieldId id,
                   std::string_view separators)
{
    fields.each(id, [&](std::string_view line) {
        while (!line.empty()) {
            const std::size_t end = std::min(line.find_first_of(separators), line.size());
            add_tag(tags, trim(line.substr(0, end)));
            line.remove_prefix(std::min(end + 1, line.size()));
        }
    });
}

// RFC 9875 §2: a List of Strings, all lines together; any other type and the field is none.
void add_groups(Tags& tags, const http::FieldList& fields)
{
    std::string joined;
    fields.each(FieldId::cache_groups, [&](std::string_view line) {
        if (!joined.empty()) joined += ',';
        joined += line;
    });
    const auto members = http::parse_sf_list(joined);
    const auto is_string = [](const http::SfMember& member) {
        return !member.is_inner_list && std::holds_alternative<std::string>(member.item.value);
    };
    if (!members || !std::all_of(members->begin(), members->end(), is_string)) return;
    for (const http::SfMember& member : *members)
        add_tag(tags, std::get<std::string>(member.item.value));
}
} // namespace

std::vector<std::string> uris_to_invalidate(http::Method method, std::string_view target_uri,
                                            const http::ResponseHead& response)
{
    if (http::is_safe(method) || response.status < 200 || response.status > 399) return {};
    auto target = normalise_uri(target_uri, KeyRules{});
    if (!target) return {};

    std::vector<std::string> uris{*std::move(target)};
    for (const FieldId id : {FieldId::location, FieldId::content_location})
        if (response.fields.has(id)) add_same_origin(uris, response.fields.first(id));
    return uris;
}

std::string resolve_uri(std::string_view base, std::string_view reference)
{
    const UriReference base_uri = split_uri(base);
    if (!base_uri.scheme || !base_uri.authority) return {};
    return compose(transform(base_uri, split_uri(reference)));
}

Tags tags_of(const http::FieldList& response_fields)
{
    Tags tags;
    add_separated(tags, response_fields, FieldId::surrogate_key, " \t");
    add_separated(tags, response_fields, FieldId::xkey, " \t");
    add_separated(tags, response_fields, FieldId::cache_tag, ",");
    add_separated(tags, response_fields, FieldId::edge_cache_tag, ",");
    add_separated(tags, response_fields, FieldId::x_magento_tags, ",");
    if (response_fields.has(FieldId::cache_groups)) add_groups(tags, response_fields);
    std::sort(tags.names.begin(), tags.names.end());
    tags.names.erase(std::unique(tags.names.begin(), tags.names.end()), tags.names.end());
    return tags;
}

bool stripped_towards_clients(FieldId id) noexcept
{
    switch (id) {
    case FieldId::cache_tag:
    case FieldId::edge_cache_tag:
    case FieldId::surrogate_control:
    case FieldId::surrogate_key:
    case FieldId::x_magento_tags:
    case FieldId::xkey:
        return true;
    default:
        return false;
    }
}
} // namespace tidemark::cache
