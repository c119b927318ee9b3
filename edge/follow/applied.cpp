#include "edge/follow/applied.hpp"

#include "core/base/text.hpp"
#include "edge/cache/cache_key.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace tidemark::follow
{
namespace
{
using purge::Scope;
using purge::Version;

std::string_view authority_of(std::string_view uri)
{
    const std::size_t start = uri.find("://");
    if (start == std::string_view::npos) return {};
    uri.remove_prefix(start + 3);
    const auto* const end = std::find_if(uri.begin(), uri.end(),
                                         [](char c) { return c == '/' || c == '?' || c == '#'; });
    return uri.substr(0, static_cast<std::size_t>(end - uri.begin()));
}

std::optional<std::string> origin_of(const std::string& selector)
{
    auto uri = cache::normalise_uri(selector, {});
    if (!uri || uri->find('/', uri->find("://") + 3) + 1 != uri->size()) return std::nullopt;
    uri->pop_back();
    return uri;
}

// Through a URI, so that it is checked and lower-cased the same way; any port is dropped.
std::optional<std::string> host_of(const std::string& selector)
{
    const auto uri = cache::normalise_uri("http://" + selector + "/", {});
    if (!uri || selector.find_first_of("/?#@") != std::string::npos) return std::nullopt;
    const std::string_view authority = authority_of(*uri);
    const std::size_t colon = authority.rfind(':');
    const bool port =
        colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
    return std::string(port ? authority.substr(0, colon) : authority);
}

// As its site's rules key it: a query that is not keyed does not count.
std::optional<std::string> url_of(const std::string& selector, const serve::Sites& sites)
{
    auto uri = cache::normalise_uri(selector, {});
    const serve::Site* site = uri ? sites.match(authority_of(*uri)) : nullptr;
    if (site == nullptr) return uri;
    const std::size_t path = uri->find('/', uri->find("://") + 3);
    const config::PathRule* rule = site->rule_for(std::string_view(*uri).substr(path));
    if (rule != nullptr && rule->ignore_query) uri->resize(std::min(uri->find('?'), uri->size()));
    return cache::normalise_uri(*uri, site->settings.key);
}

std::optional<std::string> normalised(Scope scope, const std::string& selector,
                                      const serve::Sites& sites)
{
    switch (scope) {
    case Scope::url:
        return url_of(selector, sites);
    case Scope::prefix:
        return cache::normalise_uri(selector, {});
    case Scope::origin:
        return origin_of(selector);
    case Scope::host:
        return host_of(selector);
    case Scope::tag:
    case Scope::pattern:
    case Scope::all:
        break;
    }
    return selector;
}

bool goes_by(const serve::Site& site, std::string_view name)
{
    const auto& hosts = site.settings.hosts;
    return site.settings.label() == name ||
           std::any_of(hosts.begin(), hosts.end(),
                       [&](const std::string& host) { return iequals(host, name); });
}

// The label of the site that a message is for; "": of every site; nothing: of none.
std::optional<std::string> label_of(const std::string& name, const serve::Sites& sites)
{
    if (name.empty() || name == "*") return std::string();
    for (const auto& site : sites.all())
        if (goes_by(*site, name)) return site->settings.label();
    // One of the names below "*.example.org", or of the site for every other host.
    const serve::Site* site = sites.match(name);
    if (site == nullptr) return std::nullopt;
    return site->settings.label();
}

purge::Mode mode_of(const purge::Order& order)
{
    if (order.mode == purge::OrderMode::soft) return purge::Mode::soft;
    if (order.mode == purge::OrderMode::refresh && order.max_stale.count() > 0)
        return purge::Mode::soft;
    return purge::Mode::hard;
}

void append_order(std::vector<purge::Invalidation>& into, const purge::Message& message,
                  const purge::Order& order, const serve::Sites& sites)
{
    auto selector = normalised(order.scope, order.selector, sites);
    if (!selector) return;
    auto label = label_of(message.site, sites);
    if (!label) return;
    into.push_back({message.version, order.scope, mode_of(order), order.max_stale,
                    *std::move(selector), *std::move(label)});
}

void append_meaning(std::vector<purge::Invalidation>& into, const purge::Message& message,
                    const serve::Sites& sites)
{
    if (const auto* invalidate = std::get_if<purge::Invalidate>(&message.body))
        for (const purge::Order& order : invalidate->orders)
            append_order(into, message, order, sites);
    if (const auto* push = std::get_if<purge::Push>(&message.body))
        append_order(into, message, {Scope::url, purge::OrderMode::hard, Seconds{0}, push->uri},
                     sites);
}
} // namespace

void append_invalidations(std::vector<purge::Invalidation>& into, const purge::Message& message,
                          const serve::Sites& sites)
{
    append_meaning(into, message, sites);
    for (const auto& former : sites.former())
        append_meaning(into, message, *former);
}

std::vector<purge::Invalidation> invalidations_of(const purge::Message& message,
                                                  const serve::Sites& sites)
{
    std::vector<purge::Invalidation> invalidations;
    append_invalidations(invalidations, message, sites);
    return invalidations;
}

std::vector<purge::Invalidation> invalidations_of(const purge::CompactState& snapshot,
                                                  const serve::Sites& sites)
{
    std::vector<purge::Invalidation> invalidations;
    purge::Message message;
    purge::Order order;
    const auto append = [&](Version version, purge::OrderMode mode) {
        if (version == 0) return;
        message.version = version;
        order.mode = mode;
        message.body = purge::Invalidate{{order}, false};
        append_invalidations(invalidations, message, sites);
    };
    for (const auto& [key, entry] : snapshot.entries()) {
        message.site = key.site;
        order.scope = key.scope;
        order.selector = key.selector;
        append(entry.hard, purge::OrderMode::hard);
        append(entry.soft, purge::OrderMode::soft);
    }
    return invalidations;
}
} // namespace tidemark::follow
