#include "edge/serve/site.hpp"
#include "tests/support/messages.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::serve
{
namespace
{
using Names = std::vector<std::string>;

config::SiteSettings site(Names hosts, const Names& upstreams = {"http://127.0.0.1:3000"})
{
    config::SiteSettings settings;
    settings.hosts = std::move(hosts);
    for (const std::string& url : upstreams)
        settings.upstreams.push_back(config::parse_upstream_url(url).value());
    return settings;
}

config::EdgeSettings edge(std::vector<config::SiteSettings> sites)
{
    config::EdgeSettings settings;
    settings.name = "edge";
    settings.sites = std::move(sites);
    return settings;
}

std::string label_of(const Site* found)
{
    return found == nullptr ? "none" : found->settings.label();
}
} // namespace

BOOST_AUTO_TEST_SUITE(site_match)

BOOST_AUTO_TEST_CASE(the_host_of_an_authority_finds_its_site)
{
    const Sites sites(
        edge({site({"example.org", "[2001:db8::1]"}), site({"www.example.org", "192.0.2.7"}),
              site({"*.example.org"}), site({"*.deep.example.org"}), site({})}),
        nullptr);
    struct Row {
        const char* authority;
        const char* label;
    };
    const Row rows[] = {
        {"example.org", "example.org"},
        {"example.org:8080", "example.org"},
        {"EXAMPLE.Org", "example.org"},
        {"www.example.org", "www.example.org"}, // exact before wildcard
        {"WWW.example.org:80", "www.example.org"},
        {"a.example.org", "*.example.org"},
        {"a.b.example.org:1", "*.example.org"},
        {"deep.example.org", "*.example.org"},
        {"x.deep.example.org", "*.deep.example.org"}, // the longest wildcard
        {"y.X.Deep.example.org", "*.deep.example.org"},
        {"[2001:db8::1]", "example.org"},
        {"[2001:DB8::1]:443", "example.org"},
        {"[2001:db8::2]", "default"},
        {"192.0.2.7:80", "www.example.org"},
        {"192.0.2.8", "default"},
        {"badexample.org", "default"},
        {"example.org.evil.com", "default"},
        {"org", "default"},
        {"", "default"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.authority)
    BOOST_TEST(label_of(sites.match(row.authority)) == row.label);
}

BOOST_AUTO_TEST_CASE(without_a_site_for_every_other_host_a_stranger_finds_none)
{
    const Sites sites(edge({site({"example.org"}), site({"*.example.net"})}), nullptr);
    BOOST_TEST(sites.match("example.com") == nullptr);
    BOOST_TEST(sites.match("example.net") == nullptr);
    BOOST_TEST(sites.match("") == nullptr);
    BOOST_TEST(label_of(sites.match("example.org")) == "example.org");
}

BOOST_AUTO_TEST_CASE(the_only_site_for_every_host_takes_all)
{
    const Sites sites(edge({site({})}), nullptr);
    for (const char* authority : {"example.org", "[::1]:80", ""})
        BOOST_TEST(label_of(sites.match(authority)) == "default");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(site_rules)

BOOST_AUTO_TEST_CASE(the_first_path_rule_that_matches_decides_without_the_query)
{
    Site one;
    for (const char* match : {"*.css", "/static/*", "/exact", "/admin*"}) {
        config::PathRule rule;
        rule.match = match;
        one.settings.paths.push_back(rule);
    }
    struct Row {
        const char* path;
        const char* match;
    };
    const Row rows[] = {{"/a.css", "*.css"},
                        {"/static/a.css?v=1", "*.css"},
                        {"/static/a", "/static/*"},
                        {"/exact", "/exact"},
                        {"/exact?a=/b.css", "/exact"},
                        {"/exactly", ""},
                        {"/", ""},
                        {"/?x=.css", ""},
                        {"/admin", "/admin*"}};
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.path)
        {
            const config::PathRule* rule = one.rule_for(row.path);
            BOOST_TEST((rule == nullptr ? "" : rule->match) == row.match);
        }
}

BOOST_AUTO_TEST_CASE(a_path_rule_or_a_bypass_rule_makes_a_request_pass_by)
{
    Site one;
    one.settings.bypass.cookies = {"session*"};
    config::PathRule passes;
    passes.bypass = true;
    const config::PathRule caches;
    const test::Request plain("GET / HTTP/1.1\nHost: h");
    const test::Request logged_in("GET / HTTP/1.1\nHost: h\nCookie: a=1; session_id=2");
    BOOST_TEST(!one.bypasses(*plain, nullptr));
    BOOST_TEST(!one.bypasses(*plain, &caches));
    BOOST_TEST(one.bypasses(*plain, &passes));
    BOOST_TEST(one.bypasses(*logged_in, nullptr));
    BOOST_TEST(one.bypasses(*logged_in, &caches));
}

BOOST_AUTO_TEST_CASE(a_site_is_plain_only_without_any_rule)
{
    using Change = void (*)(config::SiteSettings&);
    const auto is_plain = [](Change change) {
        config::SiteSettings settings = site({});
        change(settings);
        return Sites(edge({settings}), nullptr).match("h")->plain;
    };
    BOOST_TEST(is_plain([](config::SiteSettings&) {}));
    const Change changes[] = {
        [](config::SiteSettings& s) { s.paths.emplace_back(); },
        [](config::SiteSettings& s) { s.key.drop_query = {"utm_*"}; },
        [](config::SiteSettings& s) { s.key.keep_query.emplace(); },
        [](config::SiteSettings& s) { s.key.sort_query = true; },
        [](config::SiteSettings& s) { s.key.keyed_cookies = {"a"}; },
        [](config::SiteSettings& s) { s.key.keyed_fields = {"a"}; },
        [](config::SiteSettings& s) { s.bypass.cookies = {"a"}; },
        [](config::SiteSettings& s) { s.bypass.query = {"a"}; },
        [](config::SiteSettings& s) { s.bypass.paths = {"a"}; },
        [](config::SiteSettings& s) { s.bypass.fields.emplace_back(); },
    };
    for (std::size_t i = 0; i < std::size(changes); ++i)
        BOOST_TEST_CONTEXT(i) BOOST_TEST(!is_plain(changes[i]));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(site_reload)

namespace
{
constexpr MonoTime kStart{Nanos{1}};

upstream::Upstream* upstream_of(const Sites& sites, const std::string& name)
{
    for (const auto& [url, upstream] : sites.upstreams())
        if (url.text == name) return upstream.get();
    return nullptr;
}
} // namespace

BOOST_AUTO_TEST_CASE(sites_that_name_one_upstream_share_it)
{
    const Sites sites(
        edge({site({"a"}, {"http://h:1", "http://h:2"}), site({"b"}, {"http://h:2"})}), nullptr);
    BOOST_TEST(sites.upstreams().size() == 2U);
    BOOST_TEST(sites.match("a")->upstreams->members()[1] ==
               sites.match("b")->upstreams->members()[0]);
}

BOOST_AUTO_TEST_CASE(a_reload_keeps_the_health_of_an_upstream_that_stays)
{
    const auto before =
        std::make_shared<const Sites>(edge({site({"a"}, {"http://h:1", "http://h:2"})}), nullptr);
    upstream::Upstream* kept = upstream_of(*before, "http://h:1");
    for (int i = 0; i < 3; ++i)
        kept->health.failed(kStart);
    const Sites after(edge({site({"b"}, {"http://h:3", "http://h:1"})}), before);
    BOOST_TEST(upstream_of(after, "http://h:1") == kept);
    BOOST_TEST(after.match("b")->upstreams->members()[1].get() == kept);
    BOOST_TEST(!kept->health.up(kStart));
    BOOST_TEST(upstream_of(after, "http://h:2") == nullptr);
    BOOST_TEST(upstream_of(after, "http://h:3")->health.up(kStart));
}

BOOST_AUTO_TEST_CASE(a_reload_gives_it_the_new_rules_of_health)
{
    const auto before = std::make_shared<const Sites>(edge({site({}, {"http://h:1"})}), nullptr);
    config::SiteSettings stricter = site({}, {"http://h:1"});
    stricter.health.fail_after = 1;
    const Sites after(edge({stricter}), before);
    BOOST_TEST(upstream_of(after, "http://h:1")->health.failed(kStart));
}

BOOST_AUTO_TEST_CASE(the_name_is_ready_for_cache_status)
{
    config::EdgeSettings settings = edge({site({})});
    settings.name = "9edge";
    BOOST_TEST(Sites(settings, nullptr).status_name() == "\"9edge\"");
    BOOST_TEST(Sites(edge({site({})}), nullptr).status_name() == "edge");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
