#pragma once
#include "admin/authority.hpp"
#include "admin/pages.hpp"
#include "core/net/loop.hpp"
#include "core/observe/access_log.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/worker.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What an edge shows of itself: /healthz, /metrics, /v1/status. On the control thread.
namespace tidemark::admin
{
// What the pages look at. Owned by main; outlives the server.
struct View {
    worker::Shared& shared;
    const std::vector<std::unique_ptr<worker::Worker>>& workers;
    const std::unique_ptr<observe::AccessLog>& access_log;
    std::shared_ptr<const serve::Sites>& sites; // the control thread's: changes on reload
    std::string version;
    // Who makes this edge's versions; null where an origin does.
    const Authority* authority = nullptr;
    WallTime started;
};

[[nodiscard]] std::vector<Page> pages_of(const View& view, const net::Loop& loop);
} // namespace tidemark::admin
