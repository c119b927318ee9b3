#pragma once
#include "config/edge_settings.hpp"
#include "core/http/message.hpp"
#include "edge/cache/bypass.hpp"
#include "edge/upstream/health.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// The sites of one configuration, ready to be asked by every request. Immutable; a reload makes a
// new one, and exchanges that began under the old one end under it.
namespace tidemark::serve
{
struct Site {
    config::SiteSettings settings;
    std::shared_ptr<upstream::UpstreamGroup> upstreams;
    std::uint64_t hash = 0; // purge::site_hash of its label, for verdicts
    bool plain = true; // no path rules, bypass rules or key rules: a hit needs to look at nothing
                       // but the key

    // The first path rule that matches; null if none does.
    [[nodiscard]] const config::PathRule* rule_for(std::string_view path) const;
    // Neither answered from cache nor stored.
    [[nodiscard]] bool bypasses(const http::RequestHead& request,
                                const config::PathRule* rule) const;
};

class Sites
{
  public:
    // Upstreams that `previous` had under the same name are taken over with their health; the
    // rules of health are the new settings'.
    // `previous` may be null.
    Sites(config::EdgeSettings settings, const std::shared_ptr<const Sites>& previous);

    // Do purges name stored responses here as they do there? Not if hosts or key rules differ.
    [[nodiscard]] bool names_alike(const Sites& other) const;
    // Those before it that name them otherwise and by which somebody still serves: until all have
    // changed over, a purge must cover what goes by their names too.
    [[nodiscard]] std::vector<std::shared_ptr<const Sites>> former() const;

    // By the host of an authority, without its port; null: no site serves it (421).
    [[nodiscard]] const Site* match(std::string_view authority) const;
    // Site::hash of the site that serves this effective request URI; 0: none does.
    [[nodiscard]] std::uint64_t hash_of(std::string_view uri) const;
    [[nodiscard]] const config::EdgeSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Site>>& all() const noexcept { return sites_; }
    // Each upstream once.
    [[nodiscard]] const std::vector<
        std::pair<config::UpstreamUrl, std::shared_ptr<upstream::Upstream>>>&
    upstreams() const noexcept
    {
        return upstreams_;
    }
    [[nodiscard]] const std::string& status_name() const noexcept { return status_name_; }

  private:
    config::EdgeSettings settings_;
    std::vector<std::weak_ptr<const Sites>> former_;
    std::string status_name_; // cache_status_name(settings_.name)
    std::vector<std::unique_ptr<Site>> sites_;
    std::vector<std::pair<config::UpstreamUrl, std::shared_ptr<upstream::Upstream>>> upstreams_;
    std::unordered_map<std::string, const Site*> by_host_;     // "example.org"
    std::unordered_map<std::string, const Site*> by_wildcard_; // "example.org" for "*.example.org"
    const Site* fallback_ = nullptr;
};
} // namespace tidemark::serve
