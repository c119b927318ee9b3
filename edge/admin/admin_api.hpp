#pragma once
#include "admin/authority.hpp"
#include "admin/pages.hpp"
#include "core/net/loop.hpp"
#include "core/observe/access_log.hpp"
#include "edge/follow/follower.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/worker.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What an edge shows of itself: /healthz, /metrics, /v1/status. On the control thread.
namespace tidemark::admin
{
// What a part counts, to be shown as such.
struct Counter {
    const char* name;
    const char* help;
    std::uint64_t value;
};

// An edge's side of its origin, as far as the pages show it. Asked anew for each.
struct FollowReport {
    std::string origin; // as it was told
    bool linked = false;
    bool in_sync = false;
    Millis lease_left{0};
    std::string last_error; // of the link; "" none
    std::uint64_t connects = 0;
    purge::JournalId journal = 0;
    purge::Version contiguous = 0;
    purge::Version heard = 0;
    purge::Version mark = 0; // the origin's, as last told
    purge::Digest root;
    std::optional<Seconds> certificate_expires_in;
    follow::FollowerCounters link;
};

// What the pages look at. Owned by main; outlives the server.
struct View {
    worker::Shared& shared;
    const std::vector<std::unique_ptr<worker::Worker>>& workers;
    const std::unique_ptr<observe::AccessLog>& access_log;
    std::shared_ptr<const serve::Sites>& sites; // the control thread's: changes on reload
    std::string version;
    // Who makes this edge's versions; null where an origin does.
    const Authority* authority = nullptr;
    std::function<FollowReport()> following; // where an origin does
    // Of what messages ask of the edge.
    std::function<std::vector<Counter>()> counters;
    WallTime started;
};

[[nodiscard]] std::vector<Page> pages_of(const View& view, const net::Loop& loop);
} // namespace tidemark::admin
