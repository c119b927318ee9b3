#include "edge/serve/site.hpp"

#include "core/base/text.hpp"
#include "edge/cache/pattern.hpp"
#include "edge/serve/cache_status.hpp"
#include "purge/state.hpp"

#include <algorithm>

namespace tidemark::serve
{
namespace
{
std::string_view without_query(std::string_view path) noexcept
{
    return path.substr(0, path.find('?'));
}

// "[::1]:80" → "[::1]", "host:80" → "host"
std::string_view host_of(std::string_view authority) noexcept
{
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.rfind(':');
    if (colon == std::string_view::npos) return authority;
    if (bracket != std::string_view::npos && colon < bracket) return authority;
    return authority.substr(0, colon);
}

} // namespace

const config::PathRule* Site::rule_for(std::string_view path) const
{
    for (const config::PathRule& rule : settings.paths)
        if (cache::matches_pattern(rule.match, without_query(path))) return &rule;
    return nullptr;
}

bool Site::bypasses(const http::RequestHead& request, const config::PathRule* rule) const
{
    if (rule != nullptr && rule->bypass) return true;
    return cache::bypasses(settings.bypass, request);
}

Sites::Sites(config::EdgeSettings settings, const std::shared_ptr<const Sites>& previous)
    : settings_(std::move(settings))
{
    if (previous != nullptr) {
        for (const std::shared_ptr<const Sites>& one : previous->former())
            former_.push_back(one);
        if (!names_alike(*previous)) former_.push_back(previous);
    }
    status_name_ = cache_status_name(settings_.name);
    std::unordered_map<std::string, std::shared_ptr<upstream::Upstream>> by_name;
    const auto upstream_of = [&](const config::UpstreamUrl& url,
                                 const config::HealthSettings& health) {
        std::shared_ptr<upstream::Upstream>& found = by_name[url.text];
        if (found) return found;
        if (previous != nullptr)
            for (const auto& [old_url, old] : previous->upstreams())
                if (old_url == url) found = old;
        if (found)
            found->health.set_rules(health.fail_after, health.retry_after);
        else
            found = std::make_shared<upstream::Upstream>(url.text, url.authority, health.fail_after,
                                                         health.retry_after);
        upstreams_.emplace_back(url, found);
        return found;
    };
    for (const config::SiteSettings& one : settings_.sites) {
        auto site = std::make_unique<Site>();
        site->settings = one;
        site->hash = purge::site_hash(one.label());
        site->plain = one.paths.empty() && one.key.plain() && one.bypass.cookies.empty() &&
                      one.bypass.query.empty() && one.bypass.paths.empty() &&
                      one.bypass.fields.empty();
        std::vector<std::shared_ptr<upstream::Upstream>> members;
        for (const config::UpstreamUrl& url : one.upstreams)
            members.push_back(upstream_of(url, one.health));
        site->upstreams = std::make_shared<upstream::UpstreamGroup>(std::move(members));
        for (const std::string& host : one.hosts) {
            if (host.starts_with("*."))
                by_wildcard_.emplace(host.substr(2), site.get());
            else
                by_host_.emplace(host, site.get());
        }
        if (one.hosts.empty()) fallback_ = site.get();
        sites_.push_back(std::move(site));
    }
}

bool Sites::names_alike(const Sites& other) const
{
    const auto same_rule = [](const config::PathRule& a, const config::PathRule& b) {
        return a.match == b.match && a.ignore_query == b.ignore_query;
    };
    const auto same_site = [&](const config::SiteSettings& a, const config::SiteSettings& b) {
        return a.hosts == b.hosts && a.key == b.key &&
               std::ranges::equal(a.paths, b.paths, same_rule);
    };
    return std::ranges::equal(settings_.sites, other.settings_.sites, same_site);
}

std::vector<std::shared_ptr<const Sites>> Sites::former() const
{
    std::vector<std::shared_ptr<const Sites>> alive;
    for (const std::weak_ptr<const Sites>& one : former_)
        if (auto held = one.lock()) alive.push_back(std::move(held));
    return alive;
}

const Site* Sites::match(std::string_view authority) const
{
    if (by_host_.empty() && by_wildcard_.empty()) return fallback_;
    std::string host;
    append_lower(host, host_of(authority));
    if (const auto found = by_host_.find(host); found != by_host_.end()) return found->second;
    for (std::size_t dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1))
        if (const auto found = by_wildcard_.find(host.substr(dot + 1)); found != by_wildcard_.end())
            return found->second;
    return fallback_;
}

std::uint64_t Sites::hash_of(std::string_view uri) const
{
    const std::size_t scheme = uri.find("://");
    if (scheme == std::string_view::npos) return 0;
    uri.remove_prefix(scheme + 3);
    const Site* site = match(uri.substr(0, uri.find_first_of("/?")));
    return site == nullptr ? 0 : site->hash;
}
} // namespace tidemark::serve
