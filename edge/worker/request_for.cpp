#include "edge/worker/request_for.hpp"

#include "core/base/text.hpp"
#include "core/http/parser.hpp"
#include "edge/cache/uri.hpp"

namespace tidemark::worker
{
std::optional<http::RequestHead> request_for(std::string_view uri)
{
    const cache::UriReference parts = cache::split_uri(uri);
    if (!parts.scheme || !parts.authority || !http::is_authority(*parts.authority))
        return std::nullopt;
    http::RequestHead request;
    if (iequals(*parts.scheme, "http"))
        request.scheme = "http";
    else if (iequals(*parts.scheme, "https"))
        request.scheme = "https";
    else
        return std::nullopt;
    request.method_text = "GET";
    request.authority = *parts.authority;
    // From the path to the end of the query: they lie side by side.
    std::size_t bytes = parts.path.size();
    if (parts.query) bytes += 1 + parts.query->size();
    if (parts.path.empty() && parts.query) return std::nullopt; // "http://h?q": nobody asks so
    request.path = bytes == 0 ? std::string_view("/") : std::string_view(parts.path.data(), bytes);
    request.target = request.path;
    return request;
}
} // namespace tidemark::worker
