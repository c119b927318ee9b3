#pragma once
#include "core/base/time.hpp"
#include "core/http/message.hpp"
#include "edge/cache/directives.hpp"

#include <optional>

// Freshness lifetime, current age, stale allowance (RFC 9111 §4.2, RFC 5861).
namespace tidemark::cache
{
// A site's rules beyond the RFC.
struct FreshnessRules {
    bool heuristic = true; // RFC 9111 §4.2.2: 10 % of Date − Last-Modified, only with Last-Modified
    Seconds heuristic_cap{24 * 3600};
    // A path rule's: replaces what the response says (not no-store, private), and counts from the
    // response's arrival, however old it is by then.
    std::optional<Seconds> ttl_override;
    // Stale answer when the upstream fails, where the response says no stale-if-error.
    Seconds implicit_stale_on_error{0};
    // Departure from RFC 9111 §5.2.2.10, see ARCHITECTURE.md.
    bool explicit_stale_beside_s_maxage = true;
};

// When the exchange happened, for the age calculation (RFC 9111 §4.2.3).
struct ExchangeTimes {
    WallTime request_sent;
    WallTime response_received; // of the head
};

// What reuse needs of a response, computed once when it is stored or freshened. Its age at a time
// is that time − age_zero.
struct Freshness {
    WallTime age_zero;                // response_received − corrected_initial_age
    Millis lifetime{0};               // fresh while age < lifetime
    Millis stale_while_revalidate{0}; // beyond the lifetime (0: none)
    Millis stale_if_error{0};         // beyond the lifetime, explicit or implicit bound
    // Nobody allowed it: it stands in for an upstream that gives no answer, not for an error
    // answer.
    bool stale_if_error_implicit = false;
    // Ruled by fields that are not kept with the response (Surrogate-Control, say): a 304 that does
    // not repeat them changes nothing about the lifetime.
    bool ruled_by_unkept_fields = false;
    bool must_revalidate = false; // never served stale: must-revalidate, proxy-revalidate, no-cache
    bool no_cache = false;        // never served without validation
    bool heuristic = false;
    bool explicit_lifetime = false; // max-age, s-maxage, Expires, override: storable by that alone
};
[[nodiscard]] Freshness freshness_of(std::uint16_t status, const http::FieldList& fields,
                                     const ResponseDirectives& directives,
                                     const ExchangeTimes& times, const FreshnessRules& rules);

// First list member, digits only; anything else counts as absent (RFC 9111 §5.1).
[[nodiscard]] std::optional<Seconds> parse_age(const http::FieldList& fields);
// RFC 9110 §15.1: may its freshness be guessed, may it be stored without an explicit lifetime?
[[nodiscard]] bool heuristically_cacheable(std::uint16_t status) noexcept;

[[nodiscard]] inline Millis current_age(const Freshness& f, WallTime now) noexcept
{
    return now > f.age_zero ? now - f.age_zero : Millis{0};
}
} // namespace tidemark::cache
