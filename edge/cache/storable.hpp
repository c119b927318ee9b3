#pragma once
#include "core/http/message.hpp"
#include "edge/cache/directives.hpp"
#include "edge/cache/freshness.hpp"

#include <cstdint>
#include <string_view>

// May this response be stored by a shared cache? (RFC 9111 §3)
namespace tidemark::cache
{
struct StoreRules {
    bool store_set_cookie = true; // RFC 9111 §7.3; with explicit freshness only
    // A response with neither lifetime nor validator is of no use: not stored.
    bool store_unvalidatable = false;
};

// What of the request decides.
struct RequestFacts {
    http::Method method = http::Method::get;
    bool authorization = false; // had an Authorization field
    bool has_body = false;
    bool range = false;    // a Range was forwarded
    bool no_store = false; // request directive, where the site honours them
};

enum class Storable : std::uint8_t {
    yes,
    method, // not GET (HEAD freshens; POST needs its target as Content-Location and a lifetime)
    status, // 1xx, 206, 304, 412, 416, 417, or not understood with must-understand
    no_store,
    is_private,
    authorization, // RFC 9111 §3.5
    vary_any,      // Vary: *
    no_freshness,  // no explicit lifetime, none to guess (§3); or neither lifetime nor validator
    set_cookie,
    request, // the request's own doing: body, no-store
};
[[nodiscard]] std::string_view text_of(Storable s) noexcept;

// `response` is complete as far as its head tells; truncation is the caller's business (nothing cut
// short is stored). `target_uri` is the effective request URI, for a POST's Content-Location
// (RFC 9110 §9.3.3).
[[nodiscard]] Storable decide_storable(const RequestFacts& request, std::string_view target_uri,
                                       const http::ResponseHead& response,
                                       const ResponseDirectives& directives,
                                       const Freshness& freshness, const StoreRules& rules);

// Status codes whose meaning we know: must-understand (RFC 9111 §5.2.2.3) asks.
[[nodiscard]] bool understood(std::uint16_t status) noexcept;

// Is the field kept in a stored response? Not: hop-by-hop, those Connection names, those of proxy
// authentication, and those of `private="…"` (RFC 9111 §3.1, §5.2.2.7). no-cache="…" fields would
// go on reuse without validation: kept out too.
[[nodiscard]] bool stored_field(const http::Field& field, std::string_view connection_value,
                                const ResponseDirectives& directives);
} // namespace tidemark::cache
