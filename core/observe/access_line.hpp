#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::observe
{
// One exchange with a client, when it has ended. An empty text is written "-".
struct AccessEntry {
    WallTime received{};     // when the request's head was complete
    std::string_view client; // address without port
    std::string_view method;
    std::string_view target;      // as received
    std::string_view protocol;    // "HTTP/1.1"
    std::uint16_t status = 0;     // 0: no response was begun
    std::uint64_t body_bytes = 0; // sent to the client
    bool complete = true;         // the client was sent all of it
    std::string_view referer;
    std::string_view user_agent;
    std::string_view host;
    std::string_view cache; // "hit", "stale", "uri_miss", … : as Cache-Status says (RFC 9211)
    Nanos total{0};         // from the head complete to the last byte handed over
    std::optional<Nanos>
        upstream; // from the upstream request sent to its response's head; nothing: not asked
};

// Longer values are cut there and end in "...".
inline constexpr std::size_t kLoggedValueBytesMax = 4096;

// Appends one line with its '\n', the combined log format with ours behind it (times in seconds):
//   192.0.2.7 - - [23/Nov/2026:21:40:49 +0000] "GET /a HTTP/1.1" 200 5124 "http://b/" "curl/8"
//   host="a" cache=hit total=0.000123 upstream=- complete
// Whatever a peer sent stays inside its place: quotes, backslashes and all but printable ASCII
// become \xNN.
void append_access_line(std::string& out, const AccessEntry& entry);
} // namespace tidemark::observe
