#pragma once
#include "core/http/message.hpp"
#include "core/observe/access_log.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/worker.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

// What the admin endpoint answers: /healthz, /metrics, /v1/status, /v1/purge. Runs on the control
// thread.
namespace tidemark::admin
{
// What the endpoint looks at. Owned by main; outlives the server.
struct View {
    worker::Shared& shared;
    const std::vector<std::unique_ptr<worker::Worker>>& workers;
    const std::unique_ptr<observe::AccessLog>& access_log;
    std::shared_ptr<const serve::Sites>& sites; // the control thread's: changes on reload
    std::string version;
    std::string
        journal; // an id drawn at start: versions of this edge's own counter mean nothing beyond it
    WallTime started;
};

struct Response {
    std::uint16_t status = 200;
    std::string content_type = "application/json";
    std::string body;
};

[[nodiscard]] Response answer(const View& view, http::Method method, std::string_view path,
                              std::string_view body, WallTime wall, MonoTime mono);
} // namespace tidemark::admin
