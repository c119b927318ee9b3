#pragma once
#include "core/base/time.hpp"
#include "core/http/message.hpp"

#include <optional>
#include <string>
#include <vector>

// Cache directives of either side, parsed once (RFC 9111 §5.2, RFC 5861, RFC 8246, RFC 9213).
namespace tidemark::cache
{
// delta-seconds: digits only, the whole text; a number too large counts as 2^31 (RFC 9111 §1.2.2).
[[nodiscard]] std::optional<Seconds> parse_delta_seconds(std::string_view text) noexcept;

// A number too large counts as 2^31 seconds (RFC 9111 §1.2.2); one that is no number makes max-age
// and s-maxage 0 (stale) and the others absent. Directive names are case-insensitive; token and
// quoted forms are equal; of a repeated directive the first counts (RFC 9111 §4.2.1), except that
// any no-store, no-cache or private counts.
struct ResponseDirectives {
    bool no_store = false;
    bool no_cache = false;   // without an argument
    bool is_private = false; // without an argument
    bool is_public = false;
    bool must_revalidate = false;
    bool proxy_revalidate = false;
    bool must_understand = false;
    bool no_transform = false;
    bool immutable = false;
    std::optional<Seconds> max_age;
    std::optional<Seconds> s_maxage;
    std::optional<Seconds> stale_while_revalidate;
    std::optional<Seconds> stale_if_error;
    std::vector<std::string> no_cache_fields; // lower case; no-cache="a, b"
    std::vector<std::string> private_fields;  // lower case; private="a, b"
    // The field whose rule this is: a valid targeted field replaces Cache-Control and Expires
    // altogether (RFC 9213 §2.2).
    http::FieldId source = http::FieldId::other; // other: no such field was there
    [[nodiscard]] bool targeted() const noexcept
    {
        return source == http::FieldId::cdn_cache_control ||
               source == http::FieldId::surrogate_control;
    }
};

// What our edge obeys: CDN-Cache-Control, then Surrogate-Control, then Cache-Control.
//  - CDN-Cache-Control is a structured dictionary: with a syntax error, with nothing in it or with
//    one directive of the wrong type, the whole field is ignored. Parameters are ignored; of a
//    repeated key the last value counts, as in every dictionary.
//  - Surrogate-Control counts only if it says max-age, no-store, no-cache or private. A directive
//    with a target (";name") is for another surrogate. "max-age=10+60": fresh for 10 seconds, then
//    for 60 stale while it is validated.
//  - In Cache-Control, a no-store, no-cache or private behind a quote that never closes still
//    counts; nothing else there does.
[[nodiscard]] ResponseDirectives parse_response_directives(const http::FieldList& fields);

// RFC 9111 §5.2.1. Obeyed only where a site says so (`honour_request_directives`).
struct RequestDirectives {
    bool no_store = false;
    bool no_cache = false;
    bool no_transform = false;
    bool only_if_cached = false;
    std::optional<Seconds> max_age;
    std::optional<Seconds> min_fresh;
    bool max_stale_any = false;
    std::optional<Seconds> max_stale;
};
[[nodiscard]] RequestDirectives parse_request_directives(const http::FieldList& fields);
} // namespace tidemark::cache
