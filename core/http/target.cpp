#include "core/http/target.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace tidemark::http
{
namespace
{
constexpr std::string_view kHttp = "http";
constexpr std::string_view kHttps = "https";

// Exactly one, and host[:port], whatever the form of the target; HTTP/1.0 may do without (RFC 9112
// §3.2).
Result<std::string_view, HeadError> checked_host(const RequestHead& head) noexcept
{
    const FieldList& fields = head.fields;
    if (!fields.has(FieldId::host)) {
        if (head.minor_version == 0) return std::string_view{};
        return fail(HeadError::bad_host);
    }
    const std::string_view host = fields.first(FieldId::host);
    if (fields.lines_of(FieldId::host) != 1 || !is_authority(host))
        return fail(HeadError::bad_host);
    return host;
}

// authority-form (RFC 9112 §3.2.3): with a port.
bool is_connect_target(std::string_view target) noexcept
{
    const std::size_t colon = target.rfind(':');
    return is_authority(target) && colon != std::string_view::npos &&
           target.find(']', colon) == std::string_view::npos;
}

// An absolute-form without a path asks for "/", or as OPTIONS for "*" (RFC 9112 §3.2.4, RFC 9110
// §4.2.3).
std::string_view path_of(const RequestHead& head, std::string_view rest, std::string& path_text)
{
    if (rest.empty()) return head.method == Method::options ? "*" : "/";
    if (rest.front() == '/') return rest;
    path_text = "/";
    path_text += rest;
    return path_text;
}

Result<void, HeadError> resolve_absolute(RequestHead& head, std::string& path_text)
{
    const std::size_t colon = head.target.find("://");
    if (colon == std::string_view::npos) return fail(HeadError::malformed);
    const std::string_view scheme = head.target.substr(0, colon);
    if (iequals(scheme, kHttp))
        head.scheme = kHttp;
    else if (iequals(scheme, kHttps))
        head.scheme = kHttps;
    else
        return fail(HeadError::malformed);

    const std::string_view rest = head.target.substr(colon + 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
    head.authority = rest.substr(0, authority_end);
    if (!is_authority(head.authority)) return fail(HeadError::malformed);
    head.path = path_of(head, rest.substr(authority_end), path_text);
    return {};
}
} // namespace

Result<void, HeadError> resolve_target(RequestHead& head, std::string_view scheme,
                                       std::string& path_text)
{
    const auto host = checked_host(head);
    if (!host) return fail(host.error());
    head.scheme = scheme;
    head.authority = *host;
    head.path = head.target;
    if (head.method == Method::connect) {
        if (!is_connect_target(head.target)) return fail(HeadError::malformed);
        head.authority = head.target;
        head.path = {};
        return {};
    }
    if (head.target.front() == '/') return {};
    if (head.target == "*") {
        if (head.method != Method::options) return fail(HeadError::malformed);
        return {};
    }
    return resolve_absolute(head, path_text);
}
} // namespace tidemark::http
