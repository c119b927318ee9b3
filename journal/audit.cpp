#include "journal/audit.hpp"

#include "core/base/text.hpp"
#include "purge/pattern.hpp"

#include <algorithm>

namespace tidemark::journal
{
namespace
{
using purge::Order;
using purge::Scope;

struct Parts {
    std::string_view scheme;
    std::string_view host;
    std::string_view port; // "" where it is the scheme's default
};

std::string_view without_default(std::string_view scheme, std::string_view port)
{
    const bool is_default =
        (iequals(scheme, "http") && port == "80") || (iequals(scheme, "https") && port == "443");
    return is_default ? std::string_view{} : port;
}

Parts parts_of(std::string_view url)
{
    Parts parts;
    const std::size_t scheme = url.find("://");
    if (scheme == std::string_view::npos) return parts;
    parts.scheme = url.substr(0, scheme);
    url.remove_prefix(scheme + 3);
    const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
    const std::size_t colon = authority.rfind(':');
    const bool has_port =
        colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    parts.host = has_port ? authority.substr(0, colon) : authority;
    if (has_port) parts.port = without_default(parts.scheme, authority.substr(colon + 1));
    return parts;
}

bool same_origin(std::string_view a, std::string_view b)
{
    const Parts left = parts_of(a);
    const Parts right = parts_of(b);
    return !left.host.empty() && iequals(left.scheme, right.scheme) &&
           iequals(left.host, right.host) && left.port == right.port;
}

// Whole path segments: "http://h/a" covers /a, /a/… and /a?…, not /ab.
bool starts_with_segments(std::string_view url, std::string_view prefix)
{
    if (!url.starts_with(prefix)) return false;
    if (url.size() == prefix.size() || prefix.ends_with('/')) return true;
    const char next = url[prefix.size()];
    return next == '/' || next == '?';
}

bool matches_pattern(std::string_view url, const std::string& pattern)
{
    std::string fault;
    const purge::Pattern compiled = purge::compile_pattern(pattern, fault);
    return compiled && purge::matches(*compiled, url);
}

bool covers_by(const Order& order, std::string_view url)
{
    switch (order.scope) {
    case Scope::url:
        return order.selector == url;
    case Scope::prefix:
        return starts_with_segments(url, order.selector);
    case Scope::host:
        return iequals(parts_of(url).host, order.selector);
    case Scope::origin:
        return same_origin(url, order.selector);
    case Scope::pattern:
        return matches_pattern(url, order.selector);
    case Scope::all:
        return true;
    case Scope::tag:
        return false;
    }
    return false;
}

// What a message speaks of, whatever its kind.
bool any_order(const purge::Message& message, const auto& pleases)
{
    if (const auto* push = std::get_if<purge::Push>(&message.body))
        return pleases(Order{Scope::url, purge::OrderMode::hard, Seconds{0}, push->uri});
    const auto* purge = std::get_if<purge::Invalidate>(&message.body);
    return purge != nullptr && std::any_of(purge->orders.begin(), purge->orders.end(),
                                           [&](const Order& order) { return pleases(order); });
}
} // namespace

bool covers(const purge::Message& message, std::string_view url)
{
    return any_order(message, [&](const Order& order) { return covers_by(order, url); });
}

bool matches(const Query& query, const purge::Message& message)
{
    if (query.since && message.issued_at < *query.since) return false;
    if (query.until && message.issued_at > *query.until) return false;
    if (!query.actor.empty() && message.actor != query.actor) return false;
    if (!query.key.empty() && message.key != query.key) return false;
    const bool asks_of_orders = query.scope || !query.selector.empty();
    if (asks_of_orders && !any_order(message, [&](const Order& order) {
            return (!query.scope || order.scope == *query.scope) &&
                   (query.selector.empty() || order.selector == query.selector);
        }))
        return false;
    return query.url.empty() || covers(message, query.url);
}
} // namespace tidemark::journal
