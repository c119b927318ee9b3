#pragma once
#include "config/edge_settings.hpp"
#include "core/http/message.hpp"
#include "edge/cache/directives.hpp"
#include "edge/cache/freshness.hpp"
#include "edge/cache/reuse.hpp"
#include "edge/cache/storable.hpp"

#include <string>
#include <string_view>
#include <vector>

// What a request is to the cache, and what an upstream's answer to it means. Pure.
namespace tidemark::serve
{
// How a request meets the cache, before anything is looked up.
enum class Course : std::uint8_t {
    cache,  // GET that may be answered from store, collapsed, stored
    head,   // HEAD: answered from a stored GET, else forwarded as HEAD
    pass,   // forwarded for itself; its answer may still be stored (POST) or invalidate
    refuse, // answered here: status below
};
struct RequestPlan {
    Course course = Course::cache;
    std::uint16_t status = 0; // refuse
    std::string_view upgrade; // protocol to be tunnelled, borrowed from the request
    bool bypass = false;      // passes because a rule says so
    bool ranged = false;      // a Range that we can work with ourselves
};
[[nodiscard]] RequestPlan plan_request(const http::RequestHead& request,
                                       const config::SiteSettings& site, bool bypass,
                                       std::string_view edge_name);

// What was asked of the upstream.
struct Asked {
    cache::RequestFacts facts;
    std::string_view target_uri;  // the key's
    bool for_cache = false;       // a GET of ours, without the client's conditions and ranges
    bool validators_sent = false; // of the stored response
};

enum class Meaning : std::uint8_t {
    response,     // a response in its own right
    not_modified, // our stored response is still good: freshen it
    mismatch,     // a 304 for something that we have not: ask again without validators
    bad,          // a 304 to a plain GET of ours: nobody can use it (502)
    error,        // 500, 502, 503, 504: a stored response may stand in
};
[[nodiscard]] Meaning meaning_of(const Asked& asked, const http::ResponseHead& response,
                                 const http::FieldList* stored);

// A response in its own right, judged.
struct ResponsePlan {
    cache::Freshness freshness;
    cache::Storable storable = cache::Storable::no_freshness;
    bool shareable = false; // whoever waits for the same key may take it
    bool fields_differ =
        false;         // some fields are for the one who asked only (private="…", no-cache="…")
    std::string vary;  // cache::vary_text
    std::string lines; // status line and fields for clients
    std::string stored_lines; // as kept; empty: `lines`
    std::string peer_lines;   // what is stripped towards clients, but not towards nodes of ours
    std::vector<std::string> tags;
};
[[nodiscard]] ResponsePlan plan_response(const Asked& asked, const http::ResponseHead& response,
                                         const cache::ExchangeTimes& times,
                                         const config::CacheSettings& settings,
                                         const config::PathRule* rule);

// The stored response with a 304's fields merged in (RFC 9111 §4.3.4).
struct FreshenPlan {
    cache::Freshness freshness;
    std::string lines;             // as kept
    std::vector<std::string> tags; // from the 304, if it has any
    std::string peer_lines;        // `stored_peer_lines`, brought up to date
    bool keep =
        true; // false: it says no-store or private now, so only the one who asked may have it
};
[[nodiscard]] FreshenPlan
plan_freshen(const http::ResponseHead& update, std::uint16_t stored_status,
             std::string_view stored_reason, const http::FieldList& stored,
             const cache::Freshness& stored_freshness, const cache::ExchangeTimes& times,
             const config::CacheSettings& settings, const config::PathRule* rule,
             std::string_view stored_peer_lines = {});

// Fields that go from node to node of ours, never on to clients or app.
[[nodiscard]] bool is_between_nodes(http::FieldId id) noexcept;

// Parses "status line CRLF (name: value CRLF)*" as the plans write it. Borrows from `lines`.
void parse_lines(std::string_view lines, http::FieldList& out);
// Reason phrases of RFC 9110 §15; "" for codes that it does not name.
[[nodiscard]] std::string_view reason_of(std::uint16_t status) noexcept;
} // namespace tidemark::serve
