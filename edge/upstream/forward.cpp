#include "edge/upstream/forward.hpp"

#include "core/base/text.hpp"
#include "edge/cache/hop_by_hop.hpp"
#include "edge/cache/uri.hpp"

#include <algorithm>
#include <array>

namespace tidemark::upstream
{
namespace
{
using http::Field;
using http::FieldId;
using http::FieldSet;

// Written anew by append_request_head.
constexpr FieldSet kRewritten = {FieldId::host,
                                 FieldId::content_length,
                                 FieldId::expect,
                                 FieldId::via,
                                 FieldId::cdn_loop,
                                 FieldId::forwarded,
                                 FieldId::x_forwarded_for,
                                 FieldId::x_forwarded_proto,
                                 FieldId::x_forwarded_host,
                                 FieldId::x_forwarded_port,
                                 FieldId::tidemark_debug,
                                 FieldId::tidemark_fence,
                                 FieldId::tidemark_purge_version,
                                 FieldId::tidemark_read};

constexpr FieldSet kConditions = {FieldId::if_match, FieldId::if_none_match,
                                  FieldId::if_modified_since, FieldId::if_unmodified_since};
constexpr FieldSet kRanges = {FieldId::range, FieldId::if_range};

constexpr std::array<std::string_view, 4> kUnkeyedPrefixes = {"x-forwarded-", "x-original-",
                                                              "x-rewrite-", "x-override-"};
constexpr std::array<std::string_view, 12> kUnkeyed = {"x-http-method-override",
                                                       "x-http-method",
                                                       "x-method-override",
                                                       "x-http-host-override",
                                                       "x-http-destinationurl",
                                                       "x-proxy-url",
                                                       "x-host",
                                                       "x-real-host",
                                                       "x-scheme",
                                                       "x-url-scheme",
                                                       "front-end-https",
                                                       "base-url"};

// Origins behind CGI and its successors cannot tell "_" from "-" in a name.
std::string as_origins_read(std::string_view name)
{
    std::string read;
    append_lower(read, name);
    std::replace(read.begin(), read.end(), '_', '-');
    return read;
}

void append_line(std::string& out, std::string_view name, std::string_view value)
{
    out.append(name).append(": ").append(value).append("\r\n");
}

// name: <each line of the client's, joined>, added
void append_joined(std::string& out, std::string_view name, const http::FieldList& fields,
                   FieldId id, std::string_view added)
{
    out.append(name).append(": ");
    fields.each(id, [&](std::string_view value) {
        if (!value.empty()) out.append(value).append(", ");
    });
    out.append(added).append("\r\n");
}

void append_forwarded(std::string& out, const ForwardRequest& forward)
{
    const bool v6 = forward.client_address.find(':') != std::string_view::npos;
    out.append("Forwarded: for=");
    if (forward.client_address == "unix")
        out.append("unknown");
    else if (v6)
        out.append("\"[").append(forward.client_address).append("]\"");
    else
        out.append(forward.client_address);
    // The client's, spelled as it is keyed.
    out.append(";host=\"");
    cache::append_authority(out, forward.request->scheme, forward.request->authority);
    out.append("\";proto=");
    out.append(forward.request->scheme).append("\r\n");
}

void append_framing(std::string& out, const http::BodyFraming& framing)
{
    if (framing.kind == http::BodyFraming::Kind::chunked)
        append_line(out, "Transfer-Encoding", "chunked");
    if (framing.kind != http::BodyFraming::Kind::length) return;
    out.append("Content-Length: ");
    append_decimal(out, static_cast<std::int64_t>(framing.length_bytes));
    out.append("\r\n");
}

// A field that none of our decisions knows, but some origin takes for one that we write anew, drop
// or do not key.
bool is_disguised(std::string_view name)
{
    if (is_unkeyed(name)) return true;
    if (name.find('_') == std::string_view::npos) return false;
    const FieldId id = http::field_id(as_origins_read(name));
    return kRewritten.has(id) || cache::is_hop_by_hop(id);
}

bool forwards(const Field& field, const ForwardRequest& forward, const HopByHop& hop_by_hop)
{
    if (kRewritten.has(field.id)) return false;
    if (hop_by_hop.covers(field)) return false;
    if (forward.for_cache && kConditions.has(field.id)) return false;
    if (forward.for_cache && !forward.keep_range && kRanges.has(field.id)) return false;
    if (field.id == FieldId::other && is_disguised(field.name)) return false;
    return std::none_of(forward.strip_fields.begin(), forward.strip_fields.end(),
                        [&](const std::string& name) { return iequals(name, field.name); });
}

// Max-Forwards counts the hops of an OPTIONS down (RFC 9110 §7.6.2); one that is no number says
// nothing.
void append_field(std::string& out, const Field& field, http::Method method)
{
    const auto hops = field.id == FieldId::max_forwards && method == http::Method::options
                          ? parse_decimal(field.value)
                          : std::nullopt;
    if (hops && *hops > 0)
        append_line(out, field.name, std::to_string(*hops - 1));
    else
        append_line(out, field.name, field.value);
}
} // namespace

bool is_unkeyed(std::string_view name) noexcept
{
    const char first = name.empty() ? '\0' : to_lower(name.front());
    if (first != 'x' && first != 'f' && first != 'b') return false;
    const std::string read = as_origins_read(name);
    if (read == "x-forwarded-for" || read == "x-forwarded-proto") return false; // written anew
    return std::any_of(kUnkeyedPrefixes.begin(), kUnkeyedPrefixes.end(),
                       [&](std::string_view prefix) { return read.starts_with(prefix); }) ||
           std::any_of(kUnkeyed.begin(), kUnkeyed.end(),
                       [&](std::string_view unkeyed) { return read == unkeyed; });
}

bool HopByHop::covers(const Field& field) const
{
    if (cache::is_hop_by_hop(field.id)) return true;
    bool named = false;
    fields_.each(FieldId::connection, [&](std::string_view value) {
        named = named || cache::named_by_connection(field, value);
    });
    return named;
}

bool loops(const http::FieldList& fields, std::string_view edge_name)
{
    bool found = false;
    fields.each(FieldId::cdn_loop, [&](std::string_view value) {
        http::each_list_member(value, [&](std::string_view member) {
            found = found || iequals(trim(member.substr(0, member.find(';'))), edge_name);
        });
    });
    return found;
}

void append_request_head(std::string& out, const ForwardRequest& forward)
{
    const http::RequestHead& request = *forward.request;
    out.append(forward.method).append(" ").append(forward.path).append(" HTTP/1.1\r\n");
    append_line(out, "Host", forward.authority);
    const HopByHop hop_by_hop(request.fields);
    for (const Field& field : request.fields)
        if (forwards(field, forward, hop_by_hop)) append_field(out, field, request.method);
    append_framing(out, forward.framing);
    if (forward.expect_continue) append_line(out, "Expect", "100-continue");
    if (!forward.if_none_match.empty()) append_line(out, "If-None-Match", forward.if_none_match);
    if (!forward.if_modified_since.empty())
        append_line(out, "If-Modified-Since", forward.if_modified_since);
    if (!forward.client_address.empty()) {
        append_joined(out, "X-Forwarded-For", request.fields, FieldId::x_forwarded_for,
                      forward.client_address);
        append_forwarded(out, forward);
    }
    append_line(out, "X-Forwarded-Proto", request.scheme);
    std::string by = "1." + std::to_string(request.minor_version) + " ";
    append_joined(out, "Via", request.fields, FieldId::via, by.append(forward.edge_name));
    append_joined(out, "CDN-Loop", request.fields, FieldId::cdn_loop, forward.edge_name);
    if (!forward.fence.empty()) append_line(out, "Tidemark-Fence", forward.fence);
    if (!forward.upgrade.empty()) {
        append_line(out, "Upgrade", forward.upgrade);
        append_line(out, "Connection", "Upgrade");
    }
    out.append("\r\n");
}
} // namespace tidemark::upstream
