#pragma once
#include "config/address.hpp"
#include "config/token_settings.hpp"
#include "core/base/time.hpp"
#include "core/observe/log_level.hpp"
#include "edge/cache/bypass.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/freshness.hpp"
#include "edge/cache/storable.hpp"
#include "purge/frames.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Everything that can be set at an edge, with its default. config/edge.example.toml explains each
// setting to operators with its unit and range. What load_edge() hands out is complete and
// consistent: nothing is left to "not given".
namespace tidemark::config
{
struct LimitSettings {
    std::uint64_t request_line_bytes = 8 << 10; // beyond: 414
    std::uint64_t head_bytes = 32 << 10;        // request or response head; beyond: 431, 502
    std::uint32_t fields = 100;                 // lines of a head
    std::optional<std::uint64_t>
        body_bytes; // of a request, unless its site says otherwise; beyond: 413; nothing: any
    std::uint64_t max_object_bytes =
        64ULL << 20; // larger responses stream through unstored; ≤ memory / 4
    std::uint64_t range_fetch_bytes =
        8ULL << 20; // a Range miss fetches a whole up to this, beyond it passes through
    std::uint64_t buffered_bytes = 256ULL << 10;   // of one exchange that is not stored
    std::uint32_t connections = 10000;             // from clients, all workers together
    std::uint32_t connections_per_address = 0;     // 0: any number
    std::uint32_t requests_per_connection = 10000; // 0: any number
    std::uint32_t upstream_connections = 1000;     // to each upstream, all workers together
    std::uint64_t staged_bytes = 1ULL << 30;       // packed content whose push has not come, of all
    std::uint32_t staged_contents = 64;
    friend bool operator==(const LimitSettings&, const LimitSettings&) = default;
};

struct TimeoutSettings {
    Millis head{10'000};               // a whole request head, from its first byte
    Millis idle{60'000};               // between requests on a connection
    Millis body_idle{30'000};          // between bytes of a request body
    std::uint64_t body_min_rate = 100; // bytes per second of a request body, on average; 0: any
    Millis write_idle{30'000};         // a client that takes nothing
    Millis connect{5'000};
    Millis first_byte{60'000};         // from the request sent to the response's head
    Millis upstream_idle{30'000};      // between bytes of a response
    Millis upstream_keepalive{30'000}; // unused in the pool
    Millis tunnel_idle{300'000};       // neither side of an upgraded connection sends
    friend bool operator==(const TimeoutSettings&, const TimeoutSettings&) = default;
};

struct CacheSettings {
    cache::FreshnessRules freshness = default_freshness(); // its ttl_override is PathRule's
    cache::StoreRules store;
    bool honour_request_directives = false; // no-cache, max-age … of clients (RFC 9111 §5.2.1)
    Seconds uncacheable_memory{60}; // how long a key that could not be stored is not queued for
    bool collapse = true;
    bool forward_targeted = true; // CDN-Cache-Control towards clients
    bool strip_tags = true;       // Surrogate-Key, Cache-Tag, … towards clients

    static cache::FreshnessRules default_freshness()
    {
        cache::FreshnessRules rules;
        rules.implicit_stale_on_error = Seconds{3600};
        return rules;
    }
};

struct HealthSettings {
    std::uint32_t fail_after = 3; // consecutive failures
    Millis retry_after{5'000};    // a failed upstream is tried again
    std::string path;             // GET it every interval; "" only watches real traffic
    Millis interval{10'000};
    friend bool operator==(const HealthSettings&, const HealthSettings&) = default;
};

// The first rule of a site whose pattern matches the path decides.
struct PathRule {
    std::string
        match; // against the path without its query; '*' matches any run: "/static/*", "*.css"
    std::optional<Seconds> ttl; // replaces what the response says, but not no-store or private
    bool bypass = false;
    bool ignore_query = false;                      // neither keyed nor forwarded
    std::vector<std::string> strip_response_fields; // lower case; before storing
    std::vector<std::string> strip_request_fields;  // lower case; before keying and forwarding
};

struct SiteSettings {
    std::vector<std::string>
        hosts; // lower case, no port; "*.example.org" is every name below; empty: every other host
    std::vector<UpstreamUrl> upstreams; // at least one; taken in turn
    // Its upstreams are edges of ours with the same origin: their answers carry a fence.
    bool shield = false;
    // A response field, in lower case, by which the app says which version its data reflects. It
    // can only lower a fence.
    std::optional<std::string> as_of_field;
    HealthSettings health;
    std::optional<std::string>
        host_header; // sent to the upstream; nothing: the client's, preserved
    std::optional<std::uint64_t> body_bytes; // LimitSettings' unless the site says otherwise
    std::vector<std::string> upgrade = {"websocket"}; // lower-case protocols that may be tunnelled
    CacheSettings cache;                              // the file's [cache], then [site.cache]
    cache::KeyRules key;
    cache::BypassRules bypass;
    std::vector<PathRule> paths;
    // For logs, counters and status: the first host, "default" for the site of every other host.
    [[nodiscard]] std::string label() const { return hosts.empty() ? "default" : hosts.front(); }
};

struct EdgeSettings {
    std::string name; // an RFC 9110 token, at most 64 bytes: in Cache-Status, Via and CDN-Loop
    std::vector<Address> listen;  // at least one
    std::optional<Address> admin; // nothing: off
    bool admin_allow_remote = false;
    std::vector<TokenSettings> tokens; // of the admin address; no name twice
    std::optional<Address> origin;     // TCP and UDP; nothing: this edge is its own
    std::string certs;                 // a folder; not "" with an origin
    std::string data; // a folder; not "" with an origin; "": nothing outlives a restart
    Millis lease{3'000};
    purge::Adrift adrift = purge::Adrift::revalidate;
    std::uint32_t refresh_rate = 50; // fetches per second that refreshing purges cause; 0: none
    bool debug_fences = false; // versions in Cache-Status for whoever sends Tidemark-Debug: fence
    std::uint32_t workers = 0; // 0: one per core
    std::uint64_t memory_bytes = 256ULL << 20;
    std::string access_log; // a path, "-" for standard output, "" for none
    log::Level log_level = log::Level::info;
    Millis drain_timeout{30'000};
    LimitSettings limits;
    TimeoutSettings timeouts;
    CacheSettings cache;             // of sites that say nothing else
    std::vector<SiteSettings> sites; // at least one; no host twice
};
} // namespace tidemark::config
