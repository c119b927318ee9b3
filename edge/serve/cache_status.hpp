#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// Cache-Status (RFC 9211): what this cache did, in one list member.
namespace tidemark::serve
{
// Why a request went forward, in the field's own words (§2.2).
enum class Forward : std::uint8_t {
    none,
    uri_miss,
    vary_miss,
    miss,
    stale,
    partial,
    method,
    bypass,
    request
};

struct CacheStatus {
    bool hit = false;
    Forward forward = Forward::none;
    std::uint16_t forward_status = 0; // §2.3; 0: the same as the answer's, or none came
    std::optional<Seconds> ttl;       // §2.4: freshness left, negative when stale
    bool stored = false;              // §2.5
    bool collapsed = false;           // §2.6
    std::string_view detail;          // §2.8: an sf-token
    // §2.8 too, instead: version applied and fence, for who may ask (debug_fences)
    std::optional<std::pair<std::uint64_t, std::uint64_t>> fences;
};

// "Cache-Status: NAME; hit; ttl=30\r\n". `name` is an sf-item already: a token, or a quoted string.
void append_cache_status(std::string& out, std::string_view name, const CacheStatus& status);
// How a name goes into the field: as it is where it is an sf-token, else quoted.
[[nodiscard]] std::string cache_status_name(std::string_view name);
[[nodiscard]] std::string_view text_of(Forward forward) noexcept;
} // namespace tidemark::serve
