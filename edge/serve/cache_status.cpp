#include "edge/serve/cache_status.hpp"

#include "core/base/text.hpp"
#include "core/http/structured.hpp"

namespace tidemark::serve
{
std::string_view text_of(Forward forward) noexcept
{
    switch (forward) {
    case Forward::none:
        return "";
    case Forward::uri_miss:
        return "uri-miss";
    case Forward::vary_miss:
        return "vary-miss";
    case Forward::miss:
        return "miss";
    case Forward::stale:
        return "stale";
    case Forward::partial:
        return "partial";
    case Forward::method:
        return "method";
    case Forward::bypass:
        return "bypass";
    case Forward::request:
        return "request";
    }
    return "";
}

std::string cache_status_name(std::string_view name)
{
    if (http::is_sf_token(name)) return std::string(name);
    std::string quoted;
    return http::append_sf_string(quoted, name) ? quoted : std::string("tidemark");
}

void append_cache_status(std::string& out, std::string_view name, const CacheStatus& status)
{
    out.append("Cache-Status: ").append(name);
    if (status.hit) out.append("; hit");
    if (status.forward != Forward::none) out.append("; fwd=").append(text_of(status.forward));
    if (status.forward_status != 0) {
        out.append("; fwd-status=");
        append_decimal(out, status.forward_status);
    }
    if (status.ttl) {
        out.append("; ttl=");
        append_decimal(out, status.ttl->count());
    }
    if (status.stored) out.append("; stored");
    if (status.collapsed) out.append("; collapsed");
    if (!status.detail.empty())
        out.append("; detail=").append(status.detail);
    else if (status.fences)
        out.append("; detail=\"v=")
            .append(std::to_string(status.fences->first))
            .append(";f=")
            .append(std::to_string(status.fences->second))
            .append("\"");
    out.append("\r\n");
}
} // namespace tidemark::serve
