#include "edge/serve/outcome.hpp"

#include "core/base/text.hpp"
#include "core/http/date.hpp"
#include "core/http/precondition.hpp"
#include "core/http/range.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/freshen.hpp"
#include "edge/cache/hop_by_hop.hpp"
#include "edge/cache/invalidation.hpp"
#include "edge/upstream/forward.hpp"

#include <algorithm>

namespace tidemark::serve
{
namespace
{
using http::Field;
using http::FieldId;
using http::Method;

RequestPlan refuse(std::uint16_t status)
{
    RequestPlan plan;
    plan.course = Course::refuse;
    plan.status = status;
    return plan;
}

// The first protocol of Upgrade that the site allows; null if none, or if Connection does not name
// Upgrade.
std::string_view upgrade_of(const http::RequestHead& request,
                            const std::vector<std::string>& allowed)
{
    std::string_view chosen;
    bool named = false;
    request.fields.each(FieldId::connection, [&](std::string_view value) {
        http::each_list_member(
            value, [&](std::string_view member) { named = named || iequals(member, "upgrade"); });
    });
    if (!named) return {};
    request.fields.each(FieldId::upgrade, [&](std::string_view value) {
        http::each_list_member(value, [&](std::string_view member) {
            for (const std::string& protocol : allowed)
                if (chosen.empty() && iequals(member, protocol)) chosen = member;
        });
    });
    return chosen;
}

bool has_body(const http::RequestHead& request) noexcept
{
    return request.framing.kind == http::BodyFraming::Kind::chunked ||
           (request.framing.kind == http::BodyFraming::Kind::length &&
            request.framing.length_bytes > 0);
}

// OPTIONS with Max-Forwards: 0 ends here (RFC 9110 §7.6.2).
bool ends_here(const http::RequestHead& request)
{
    if (request.method != Method::options) return false;
    return request.path == "*" || parse_decimal(request.fields.first(FieldId::max_forwards)) == 0;
}

void append_status_line(std::string& out, std::uint16_t status, std::string_view reason)
{
    out.append("HTTP/1.1 ");
    append_decimal(out, status);
    out.append(" ").append(reason.empty() ? reason_of(status) : reason).append("\r\n");
}

void append_line(std::string& out, const Field& field)
{
    out.append(field.name).append(": ").append(field.value).append("\r\n");
}

bool stripped(const Field& field, const config::CacheSettings& settings,
              const config::PathRule* rule)
{
    if (is_between_nodes(field.id)) return true;
    if (settings.strip_tags && cache::stripped_towards_clients(field.id)) return true;
    if (!settings.forward_targeted && field.id == FieldId::cdn_cache_control) return true;
    return rule != nullptr &&
           std::any_of(rule->strip_response_fields.begin(), rule->strip_response_fields.end(),
                       [&](const std::string& name) { return iequals(name, field.name); });
}

// Another node of ours needs them as much as we do: it is purged by the same tags, and fresh as
// long.
bool for_peers(FieldId id) noexcept
{
    return cache::stripped_towards_clients(id) || id == FieldId::cache_groups ||
           id == FieldId::cdn_cache_control;
}

// Lines without a status line.
void parse_field_lines(std::string_view lines, http::FieldList& out)
{
    while (!lines.empty()) {
        const std::size_t colon = lines.find(": ");
        const std::size_t end = lines.find("\r\n", colon);
        out.add(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
        lines.remove_prefix(end + 2);
    }
}

// The fields that rule freshness, and whether some of them are not kept with the response.
constexpr http::FieldSet kRuling = {FieldId::surrogate_control, FieldId::cdn_cache_control,
                                    FieldId::cache_control, FieldId::expires};
bool ruled_by_unkept(const http::FieldList& fields, const config::CacheSettings& settings,
                     const config::PathRule* rule)
{
    return std::any_of(fields.begin(), fields.end(), [&](const Field& field) {
        return kRuling.has(field.id) && stripped(field, settings, rule);
    });
}

bool for_clients(const http::ResponseHead& response, const Field& field,
                 const upstream::HopByHop& hop_by_hop)
{
    if (field.id == FieldId::age || hop_by_hop.covers(field)) return false;
    if (field.id != FieldId::content_length) return true;
    const bool bodiless = response.status < 200 || response.status == 204;
    return !bodiless && response.framing.kind != http::BodyFraming::Kind::chunked;
}

cache::FreshnessRules rules_of(const config::CacheSettings& settings, const config::PathRule* rule)
{
    cache::FreshnessRules rules = settings.freshness;
    if (rule != nullptr && rule->ttl) rules.ttl_override = rule->ttl;
    return rules;
}

// RFC 9110 §6.6.1: whoever has a clock adds what an origin server without one left out.
void append_missing_date(std::string& out, const http::FieldList& fields, WallTime received)
{
    if (fields.has(FieldId::date)) return;
    out.append("Date: ");
    http::append_date(out, received);
    out.append("\r\n");
}
// RFC 9110 §10.1.1: there is one expectation. HTTP/1.0 has none.
bool expects_unknown(const http::RequestHead& request)
{
    bool unknown = false;
    if (request.minor_version == 0) return false;
    request.fields.each(FieldId::expect, [&](std::string_view value) {
        http::each_list_member(value, [&](std::string_view expectation) {
            unknown = unknown || !iequals(expectation, "100-continue");
        });
    });
    return unknown;
}
} // namespace

RequestPlan plan_request(const http::RequestHead& request, const config::SiteSettings& site,
                         bool bypass, std::string_view edge_name)
{
    if (request.method == Method::connect || request.method == Method::trace) return refuse(405);
    if (upstream::loops(request.fields, edge_name)) return refuse(508);
    if (ends_here(request)) return refuse(204);
    if (expects_unknown(request)) return refuse(417);
    RequestPlan plan;
    plan.upgrade = upgrade_of(request, site.upgrade);
    plan.bypass = bypass;
    plan.ranged = request.method == Method::get && request.fields.lines_of(FieldId::range) == 1 &&
                  http::parse_ranges(request.fields.first(FieldId::range)).has_value();
    const bool plain = !bypass && plan.upgrade.empty() && !has_body(request) &&
                       !http::has_origin_precondition(request);
    if (plain && request.method == Method::get)
        plan.course = Course::cache;
    else if (plain && request.method == Method::head)
        plan.course = Course::head;
    else
        plan.course = Course::pass;
    return plan;
}

Meaning meaning_of(const Asked& asked, const http::ResponseHead& response,
                   const http::FieldList* stored)
{
    switch (response.status) {
    case 304:
        if (!asked.for_cache) return Meaning::response;
        if (!asked.validators_sent || stored == nullptr) return Meaning::bad;
        return cache::selects(response.fields, *stored) ? Meaning::not_modified : Meaning::mismatch;
    case 500:
    case 502:
    case 503:
    case 504:
        return Meaning::error;
    default:
        return Meaning::response;
    }
}

ResponsePlan plan_response(const Asked& asked, const http::ResponseHead& response,
                           const cache::ExchangeTimes& times, const config::CacheSettings& settings,
                           const config::PathRule* rule)
{
    ResponsePlan plan;
    const cache::ResponseDirectives directives = cache::parse_response_directives(response.fields);
    plan.freshness = cache::freshness_of(response.status, response.fields, directives, times,
                                         rules_of(settings, rule));
    http::ResponseHead kept = response;
    if (rule != nullptr && !rule->strip_response_fields.empty()) {
        kept.fields.clear();
        for (const Field& field : response.fields)
            if (!stripped(field, settings, rule) || cache::stripped_towards_clients(field.id))
                kept.fields.add(field);
    }
    plan.freshness.ruled_by_unkept_fields = ruled_by_unkept(response.fields, settings, rule);
    plan.storable = cache::decide_storable(asked.facts, asked.target_uri, kept, directives,
                                           plan.freshness, settings.store);
    plan.fields_differ = !directives.private_fields.empty() || !directives.no_cache_fields.empty();
    const bool reusable =
        plan.freshness.lifetime + plan.freshness.stale_while_revalidate > Millis{0};
    plan.shareable = plan.storable == cache::Storable::yes && reusable &&
                     !plan.freshness.no_cache && !plan.fields_differ;
    plan.vary = cache::vary_text(cache::parse_vary(response.fields));
    plan.tags = cache::tags_of(response.fields).names;

    const upstream::HopByHop hop_by_hop(response.fields);
    const std::string_view connection = response.fields.first(FieldId::connection);
    append_status_line(plan.lines, response.status, response.reason);
    if (plan.fields_differ) append_status_line(plan.stored_lines, response.status, response.reason);
    for (const Field& field : response.fields) {
        if (!for_clients(response, field, hop_by_hop)) continue;
        if (stripped(field, settings, rule)) {
            if (for_peers(field.id)) append_line(plan.peer_lines, field);
            continue;
        }
        append_line(plan.lines, field);
        if (plan.fields_differ && cache::stored_field(field, connection, directives))
            append_line(plan.stored_lines, field);
    }
    append_missing_date(plan.lines, response.fields, times.response_received);
    if (plan.fields_differ)
        append_missing_date(plan.stored_lines, response.fields, times.response_received);
    return plan;
}

FreshenPlan plan_freshen(const http::ResponseHead& update, std::uint16_t stored_status,
                         std::string_view stored_reason, const http::FieldList& stored,
                         const cache::Freshness& stored_freshness,
                         const cache::ExchangeTimes& times, const config::CacheSettings& settings,
                         const config::PathRule* rule, std::string_view stored_peer_lines)
{
    FreshenPlan plan;
    http::FieldList merged;
    cache::merge_fields(stored, update.fields, merged);
    const cache::ResponseDirectives directives = cache::parse_response_directives(merged);
    plan.freshness =
        cache::freshness_of(stored_status, merged, directives, times, rules_of(settings, rule));
    if (stored_freshness.ruled_by_unkept_fields && !update.fields.has_any(kRuling)) {
        const WallTime age_zero = plan.freshness.age_zero;
        plan.freshness = stored_freshness;
        plan.freshness.age_zero = age_zero;
    } else
        plan.freshness.ruled_by_unkept_fields = ruled_by_unkept(update.fields, settings, rule);
    plan.keep = !directives.no_store && !directives.is_private;
    if (!plan.keep) plan.freshness.no_cache = true;
    plan.tags = cache::tags_of(update.fields).names;
    http::FieldList for_nodes;
    parse_field_lines(stored_peer_lines, for_nodes);
    for (const Field& field : for_nodes)
        if (!update.fields.has(field.id)) append_line(plan.peer_lines, field);
    for (const Field& field : update.fields)
        if (for_peers(field.id) && stripped(field, settings, rule))
            append_line(plan.peer_lines, field);
    append_status_line(plan.lines, stored_status, stored_reason);
    // Without the 304's hop-by-hop fields already: what its Connection names are fields of its own,
    // not the stored ones.
    for (const Field& field : merged)
        if (field.id != FieldId::age && !stripped(field, settings, rule) &&
            cache::stored_field(field, {}, directives))
            append_line(plan.lines, field);
    append_missing_date(plan.lines, merged, times.response_received);
    return plan;
}

bool is_between_nodes(http::FieldId id) noexcept
{
    constexpr http::FieldSet kBetween = {FieldId::tidemark_debug, FieldId::tidemark_fence,
                                         FieldId::tidemark_purge_version, FieldId::tidemark_read};
    return kBetween.has(id);
}

void parse_lines(std::string_view lines, http::FieldList& out)
{
    out.clear();
    lines.remove_prefix(lines.find("\r\n") + 2);
    while (!lines.empty()) {
        const std::size_t colon = lines.find(": ");
        const std::size_t end = lines.find("\r\n", colon);
        out.add(lines.substr(0, colon), lines.substr(colon + 2, end - colon - 2));
        lines.remove_prefix(end + 2);
    }
}

std::string_view reason_of(std::uint16_t status) noexcept
{
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 103:
        return "Early Hints";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 303:
        return "See Other";
    case 304:
        return "Not Modified";
    case 307:
        return "Temporary Redirect";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 411:
        return "Length Required";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    case 508:
        return "Loop Detected";
    default:
        return "";
    }
}
} // namespace tidemark::serve
