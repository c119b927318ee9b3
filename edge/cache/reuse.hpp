#pragma once
#include "core/base/time.hpp"
#include "edge/cache/directives.hpp"
#include "edge/cache/freshness.hpp"

#include <cstdint>

// Request + stored response + purge verdict + now → what to do (RFC 9111 §4).
namespace tidemark::cache
{
// What the invalidation state says of a stored response. (purge/state gives it; a purge outranks
// freshness.)
enum class PurgeVerdict : std::uint8_t {
    valid,
    soft_stale,    // a soft purge within its max_stale: may be served while it is validated
    must_validate, // a soft purge past that, below the floor, adrift: validate, with a strong
                   // validator only
    removed,       // a hard purge: never served, not even while validating; fetched anew without
                   // validators
};

enum class Reuse : std::uint8_t {
    serve,              // fresh
    serve_and_validate, // stale within stale-while-revalidate: serve now, one background validation
    validate,           // ask first; the stored response may be served stale on error if
                        // stale_on_error_allowed
    fetch,              // as if nothing were stored
};

// `request` is default-constructed where the site does not honour request directives.
[[nodiscard]] Reuse decide_reuse(const RequestDirectives& request, const Freshness& stored,
                                 PurgeVerdict purge, WallTime now);

// The upstream failed: may the stored response be served in its place? (RFC 9111 §4.2.4, RFC 5861
// §4)
enum class UpstreamError : std::uint8_t {
    no_answer, // refused, dropped, timed out: the implicit allowance counts too
    answer,    // 500, 502, 503, 504: only stale-if-error itself lets a stale response stand in
};
[[nodiscard]] bool stale_on_error_allowed(const Freshness& stored, PurgeVerdict purge,
                                          UpstreamError error, WallTime now);
} // namespace tidemark::cache
