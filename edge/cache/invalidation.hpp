#pragma once
#include "core/http/message.hpp"

#include <string>
#include <vector>

// What an answer to an unsafe request invalidates (RFC 9111 §4.4), and the tags that responses
// carry.
namespace tidemark::cache
{
// URIs to invalidate, in the form of normalise_uri() without rules: the target, and Location and
// Content-Location where they resolve to the same scheme, host and port. Empty unless the method is
// unsafe (or unknown) and the answer 2xx or 3xx.
[[nodiscard]] std::vector<std::string> uris_to_invalidate(http::Method method,
                                                          std::string_view target_uri,
                                                          const http::ResponseHead& response);

// Resolves a Location or Content-Location against an absolute http(s) URI (RFC 3986 §5.2, dot
// segments removed; a fragment stays). "" if `base` has no scheme or authority.
[[nodiscard]] std::string resolve_uri(std::string_view base, std::string_view reference);

// Tags of a response: Surrogate-Key, xkey (space-separated), Cache-Tag, Edge-Cache-Tag,
// X-Magento-Tags (comma-separated), Cache-Groups (RFC 9875, a list of sf-strings). Bounded: at most
// 1 000 tags of 1 024 bytes; the rest is counted in `dropped`.
struct Tags {
    std::vector<std::string> names; // sorted, each once
    std::size_t dropped = 0;
};
[[nodiscard]] Tags tags_of(const http::FieldList& response_fields);
// Is this field for caches only, not to be shown to clients? (the tag fields but Cache-Groups, and
// Surrogate-Control)
[[nodiscard]] bool stripped_towards_clients(http::FieldId id) noexcept;
} // namespace tidemark::cache
