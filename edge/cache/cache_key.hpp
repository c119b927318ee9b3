#pragma once
#include "core/http/message.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Request → cache key; Vary → variant key (RFC 9111 §2, §4.1).
namespace tidemark::cache
{
// How a site forms its keys. What is dropped from the key is dropped from the forwarded target too:
// what is not keyed does not decide an answer.
struct KeyRules {
    // Names of query parameters and cookies may hold '*' for any rest: "utm_*", "gclid".
    std::vector<std::string> drop_query;
    std::optional<std::vector<std::string>> keep_query; // if set, only these parameters stay
    bool sort_query = false;
    std::vector<std::string> keyed_cookies; // their values are part of the key
    std::vector<std::string> keyed_fields;  // lower-case names of request fields that are
    friend bool operator==(const KeyRules&, const KeyRules&) = default;
    [[nodiscard]] bool plain() const noexcept
    {
        return drop_query.empty() && !keep_query && !sort_query && keyed_cookies.empty() &&
               keyed_fields.empty();
    }
};

// The target as it is forwarded and keyed: `path` itself where no rule changes it, else written
// into `scratch`.
[[nodiscard]] std::string_view forwarded_path(std::string_view path, const KeyRules& rules,
                                              std::string& scratch);

// Appends the primary key: scheme "://" host[:port, unless the scheme's default] path, host in
// lower case, path byte for byte as forwarded; then, for each keyed cookie and field, a
// length-prefixed value. The part before the first NUL is the effective request URI: purges by URL
// name that.
void append_cache_key(std::string& key, const http::RequestHead& request,
                      std::string_view forwarded_path, const KeyRules& rules);
// The effective request URI of a key, without keyed extras.
[[nodiscard]] std::string_view uri_of_key(std::string_view key) noexcept;
// `text` ("http://Host:80/path?q") in the form append_cache_key gives it under `rules`; nothing if
// it is not an absolute http or https URI. A fragment is dropped, an empty path becomes "/".
[[nodiscard]] std::optional<std::string> normalise_uri(std::string_view text,
                                                       const KeyRules& rules);

// Vary, all lines: lower-case names, sorted, without repetition; or "*", which matches no request.
struct VarySpec {
    bool any = false;
    std::vector<std::string> names;
};
[[nodiscard]] VarySpec parse_vary(const http::FieldList& response_fields);
// As VarySpec, from its stored form: names joined by ','. (A stored response keeps that text.)
[[nodiscard]] std::string vary_text(const VarySpec& spec);

// Appends each nominated request field's name and value, values length-prefixed, absent ones told
// from empty ones, after normalisations that keep the meaning: several lines joined, white space
// around commas, and for Accept, Accept-Encoding and Accept-Language letter case of tokens and
// order of members of equal weight.
void append_variant_key(std::string& key, std::string_view vary_text,
                        const http::FieldList& request_fields);
} // namespace tidemark::cache
