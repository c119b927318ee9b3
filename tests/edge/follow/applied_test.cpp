#include "edge/follow/applied.hpp"

#include "config/edge_config.hpp"

#include "tests/purge/messages.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

namespace tidemark::follow
{
namespace
{
using purge::OrderMode;
using purge::Scope;

serve::Sites sites()
{
    const auto settings = config::parse_edge(R"(
listen = ["127.0.0.1:1"]
[[site]]
hosts = ["shop.example", "www.shop.example"]
upstreams = ["http://127.0.0.1:2"]
[[site.path]]
match = "/static/*"
ignore_query = true
[[site]]
upstreams = ["http://127.0.0.1:2"]
)",
                                             "edge.toml", {}, "edge");
    if (!settings)
        for (const auto& error : settings.error())
            BOOST_TEST_MESSAGE(config::text_of(error));
    BOOST_TEST_REQUIRE(settings.has_value());
    return serve::Sites(*settings, nullptr);
}

purge::Message message_of(Scope scope, const std::string& selector,
                          OrderMode mode = OrderMode::hard, Seconds max_stale = Seconds{0})
{
    return purge::purge_of(7, {{scope, mode, max_stale, selector}});
}

struct Case {
    const char* name;
    Scope scope;
    const char* selector;
    const char* expected; // null: it covers nothing
};
std::ostream& operator<<(std::ostream& out, const Case& c)
{
    return out << c.name;
}
const Case kCases[] = {
    {"a URL takes the key's form", Scope::url, "HTTP://Shop.Example:80/a?b=1",
     "http://shop.example/a?b=1"},
    {"a query that is not keyed does not count", Scope::url, "http://shop.example/static/a?v=1",
     "http://shop.example/static/a"},
    {"a prefix takes the key's form", Scope::prefix, "http://SHOP.example/a",
     "http://shop.example/a"},
    {"a prefix of no URL covers nothing", Scope::prefix, "shop", nullptr},
    {"a relative URL covers nothing", Scope::url, "/a", nullptr},
    {"an origin has no path", Scope::origin, "http://Shop.example", "http://shop.example"},
    {"an origin with a path covers nothing", Scope::origin, "http://shop.example/a", nullptr},
    {"a host is in lower case", Scope::host, "Shop.Example", "shop.example"},
    {"a host's port does not count", Scope::host, "shop.example:81", "shop.example"},
    {"a host with a path covers nothing", Scope::host, "shop.example/a", nullptr},
    {"a tag stays as it is", Scope::tag, "Shoes", "Shoes"},
    {"a pattern stays as it is", Scope::pattern, "^http://h/.*[.]css$", "^http://h/.*[.]css$"},
    {"all needs no selector", Scope::all, "", ""},
};
} // namespace

BOOST_AUTO_TEST_SUITE(applied)

BOOST_DATA_TEST_CASE(a_selector_takes_the_form_that_stored_responses_are_known_by,
                     boost::unit_test::data::make(kCases), c)
{
    const auto found = invalidations_of(message_of(c.scope, c.selector), sites());
    BOOST_TEST_REQUIRE(found.size() == (c.expected == nullptr ? 0U : 1U));
    if (found.empty()) return;
    BOOST_TEST(found.front().selector == c.expected);
    BOOST_TEST((found.front().scope == c.scope));
    BOOST_TEST(found.front().version == 7U);
    BOOST_TEST(found.front().site.empty());
}

BOOST_AUTO_TEST_CASE(refresh_is_soft_with_an_allowance_and_hard_without)
{
    const serve::Sites all = sites();
    const auto mode = [&](OrderMode order, Seconds max_stale) {
        return invalidations_of(message_of(Scope::tag, "t", order, max_stale), all).front().mode;
    };
    BOOST_TEST((mode(OrderMode::hard, Seconds{0}) == purge::Mode::hard));
    BOOST_TEST((mode(OrderMode::soft, Seconds{0}) == purge::Mode::soft));
    BOOST_TEST((mode(OrderMode::refresh, Seconds{0}) == purge::Mode::hard));
    BOOST_TEST((mode(OrderMode::refresh, Seconds{5}) == purge::Mode::soft));
}

BOOST_AUTO_TEST_CASE(a_push_is_hard_on_its_uri)
{
    purge::Message message = message_of(Scope::all, "");
    message.body = purge::Push{"http://shop.example/a", {}, 10, 6};
    const auto found = invalidations_of(message, sites());
    BOOST_TEST_REQUIRE(found.size() == 1U);
    BOOST_TEST(found.front().selector == "http://shop.example/a");
    BOOST_TEST((found.front().mode == purge::Mode::hard));
}

BOOST_AUTO_TEST_CASE(a_site_is_named_by_any_of_its_hosts)
{
    const serve::Sites all = sites();
    purge::Message message = message_of(Scope::tag, "t");
    const auto label = [&](const char* site) {
        message.site = site;
        const auto found = invalidations_of(message, all);
        return found.empty() ? std::string("none") : found.front().site;
    };
    BOOST_TEST(label("shop.example") == "shop.example");
    BOOST_TEST(label("www.shop.example") == "shop.example");
    BOOST_TEST(label("other.example") == "default");
    BOOST_TEST(label("*").empty());
}

BOOST_AUTO_TEST_CASE(an_undo_and_a_floor_invalidate_nothing_by_themselves)
{
    purge::Message message = message_of(Scope::all, "");
    message.body = purge::Undo{3};
    BOOST_TEST(invalidations_of(message, sites()).empty());
    message.body = purge::Floor{3};
    BOOST_TEST(invalidations_of(message, sites()).empty());
}

BOOST_AUTO_TEST_CASE(while_somebody_serves_by_the_former_rules_a_purge_covers_both)
{
    auto former = std::make_shared<const serve::Sites>(sites().settings(), nullptr);
    config::EdgeSettings settings = former->settings();
    settings.sites.front().paths.clear();
    const auto now = std::make_shared<const serve::Sites>(settings, former);
    const auto again = std::make_shared<const serve::Sites>(settings, now);
    BOOST_TEST(!now->names_alike(*former));
    BOOST_TEST(again->names_alike(*now));
    const auto selectors = [&] {
        std::vector<std::string> all;
        for (const auto& one :
             invalidations_of(message_of(Scope::url, "http://shop.example/static/a?v=1"), *again))
            all.push_back(one.selector);
        return all;
    };
    BOOST_TEST((selectors() == std::vector<std::string>{"http://shop.example/static/a?v=1",
                                                        "http://shop.example/static/a"}));
    former.reset();
    BOOST_TEST((selectors() == std::vector<std::string>{"http://shop.example/static/a?v=1"}));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::follow
