#pragma once
#include "edge/serve/site.hpp"

#include <memory>

namespace tidemark::worker::test
{
// One site for every host; `change` may say more about it.
template <class Change> std::shared_ptr<const serve::Sites> a_site(Change&& change)
{
    config::EdgeSettings settings;
    settings.name = "edge";
    config::SiteSettings site;
    site.upstreams.push_back(
        config::parse_upstream_url("http://127.0.0.1:9").value()); // nobody is asked
    change(site);
    settings.sites.push_back(std::move(site));
    return std::make_shared<const serve::Sites>(std::move(settings), nullptr);
}

inline std::shared_ptr<const serve::Sites> any_site()
{
    return a_site([](config::SiteSettings&) {});
}
} // namespace tidemark::worker::test
