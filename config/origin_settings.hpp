#pragma once
#include "config/address.hpp"
#include "config/token_settings.hpp"
#include "core/base/time.hpp"
#include "core/observe/log_level.hpp"

#include <cstdint>
#include <string>
#include <vector>

// Everything that can be set at an origin, with its default; config/origin.example.toml explains
// each to operators. What load_origin() hands out is complete and consistent.
namespace tidemark::config
{
// A version leaves the journal when it is beyond both; who missed it gets a snapshot.
struct RetentionSettings {
    std::uint32_t versions = 10'000'000;
    Seconds age{30 * 86'400};
    friend bool operator==(const RetentionSettings&, const RetentionSettings&) = default;
};

struct OriginLimitSettings {
    std::uint64_t body_bytes = 4ULL << 20; // of an admin request that is no push; beyond: 413
    std::uint64_t push_bytes = 1ULL << 30; // of pushed content; beyond: 413
    std::uint32_t selectors = 10'000;      // of one request; beyond: 422
    std::uint32_t versions_per_second = 0; // of all clients; beyond: 429; 0: any number
    friend bool operator==(const OriginLimitSettings&, const OriginLimitSettings&) = default;
};

struct OriginSettings {
    Address admin;
    bool admin_allow_remote = false;
    Address link;      // TCP and UDP, never a unix socket nor port 0
    std::string data;  // a folder, for the journal
    std::string certs; // a folder that `tidemark certs init` made
    log::Level log_level = log::Level::info;
    Millis heartbeat{200};
    Millis lease_max{60'000}; // the longest that an edge is granted; at least two heartbeats
    RetentionSettings retention;
    OriginLimitSettings limits;
    std::vector<TokenSettings> tokens; // no name twice
};
} // namespace tidemark::config
