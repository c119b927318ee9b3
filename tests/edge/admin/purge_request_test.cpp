#include "edge/admin/purge_request.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using purge::Mode;
using purge::Scope;

// example.org drops utm_* from its keys, every other site keeps all.
const serve::Sites& sites()
{
    static const serve::Sites all = [] {
        config::EdgeSettings settings;
        settings.name = "edge";
        for (int i = 0; i < 2; ++i) {
            config::SiteSettings site;
            site.upstreams.push_back(config::parse_upstream_url("http://127.0.0.1:3000").value());
            settings.sites.push_back(site);
        }
        settings.sites[0].hosts = {"example.org"};
        settings.sites[0].key.drop_query = {"utm_*"};
        return serve::Sites(settings, nullptr);
    }();
    return all;
}

std::string refused_field(std::string_view json)
{
    const auto parsed = parse_purge(json, sites());
    BOOST_TEST_REQUIRE(!parsed.has_value());
    BOOST_TEST(!parsed.error().detail.empty());
    BOOST_TEST(!parsed.error().title.empty());
    return parsed.error().field;
}

std::vector<purge::Invalidation> accepted(std::string_view json)
{
    const auto parsed = parse_purge(json, sites());
    BOOST_TEST_REQUIRE(parsed.has_value(), (parsed ? "" : parsed.error().detail));
    return *parsed;
}
} // namespace

BOOST_AUTO_TEST_SUITE(purge_request)

BOOST_AUTO_TEST_CASE(every_problem_names_the_member_at_fault)
{
    struct Row {
        const char* name;
        const char* json;
        const char* field;
    };
    const Row rows[] = {
        {"no JSON", "type=all", ""},
        {"nothing", "", ""},
        {"cut off", R"({"type":"all")", ""},
        {"something behind it", R"({"type":"all"} x)", ""},
        {"no object", R"(["all"])", ""},
        {"bytes that are no UTF-8", "{\"type\":\"all\",\"note\":\"\xff\"}", ""},
        {"selectors beside all", R"({"type":"all","selectors":["http://a/"]})", "selectors"},
        {"groups beside all", R"({"type":"all","groups":["t"]})", "groups"},
        {"an unknown member", R"({"type":"all","mod":"soft"})", "mod"},
        {"no type", R"({"selectors":["http://h/"]})", "type"},
        {"a type that is no string", R"({"type":1})", "type"},
        {"an unknown type", R"({"type":"url","selectors":["http://h/"]})", "type"},
        {"no selectors", R"({"type":"uri"})", "selectors"},
        {"no array", R"({"type":"uri","selectors":"http://h/"})", "selectors"},
        {"an empty array", R"({"type":"uri","selectors":[]})", "selectors"},
        {"a selector that is no string", R"({"type":"uri","selectors":["http://h/",1]})",
         "selectors"},
        {"an empty selector", R"({"type":"group","selectors":[""]})", "selectors"},
        {"groups that are no strings", R"({"type":"group","groups":[1]})", "groups"},
        {"a URI without a scheme", R"({"type":"uri","selectors":["/a"]})", "selectors"},
        {"another scheme", R"({"type":"uri","selectors":["ftp://h/a"]})", "selectors"},
        {"one wrong of several", R"({"type":"uri","selectors":["http://h/","h"]})", "selectors"},
        {"a prefix without a host", R"({"type":"uri-prefix","selectors":["http:///a"]})",
         "selectors"},
        {"an origin with a path", R"({"type":"origin","selectors":["http://h/a"]})", "selectors"},
        {"a host with a path", R"({"type":"host","selectors":["h/a"]})", "selectors"},
        {"a host with a query", R"({"type":"host","selectors":["h?a"]})", "selectors"},
        {"a host with userinfo", R"({"type":"host","selectors":["u@h"]})", "selectors"},
        {"a host that is a URI", R"({"type":"host","selectors":["http://h/"]})", "selectors"},
        {"a host with a space", R"({"type":"host","selectors":["a b"]})", "selectors"},
        {"an unknown mode", R"({"type":"all","mode":"gentle"})", "mode"},
        {"a mode that is no string", R"({"type":"all","mode":1})", "mode"},
        {"a negative max_stale", R"({"type":"all","mode":"soft","max_stale":-1})", "max_stale"},
        {"a fraction", R"({"type":"all","mode":"soft","max_stale":1.5})", "max_stale"},
        {"a text", R"({"type":"all","mode":"soft","max_stale":"1"})", "max_stale"},
        {"more than a year", R"({"type":"all","mode":"soft","max_stale":31536001})", "max_stale"},
        {"more than any number", R"({"type":"all","mode":"soft","max_stale":99999999999999999999})",
         "max_stale"},
        {"max_stale of a hard purge", R"({"type":"all","max_stale":1})", "max_stale"},
        {"a key that is no string", R"({"type":"all","key":1})", "key"},
        {"a note that is no string", R"({"type":"all","note":[]})", "note"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name) BOOST_TEST(refused_field(row.json) == row.field);
}

BOOST_AUTO_TEST_CASE(selectors_are_normalised_as_stored_responses_are_known)
{
    struct Row {
        const char* type;
        const char* selector;
        Scope scope;
        const char* expected;
    };
    const Row rows[] = {
        {"uri", "http://h/a?b=1", Scope::url, "http://h/a?b=1"},
        {"uri", "HTTP://H:80/A?B", Scope::url, "http://h/A?B"},
        {"uri", "https://H:443", Scope::url, "https://h/"},
        {"uri", "http://h:8080/a#part", Scope::url, "http://h:8080/a"},
        {"uri", "http://Example.org/a?utm_source=x&b=1", Scope::url, "http://example.org/a?b=1"},
        {"uri", "http://h/a?utm_source=x&b=1", Scope::url, "http://h/a?utm_source=x&b=1"},
        {"uri-prefix", "http://H/blog/", Scope::prefix, "http://h/blog/"},
        {"uri-prefix", "http://H", Scope::prefix, "http://h/"},
        {"uri-prefix", "http://example.org/a?utm_source=x", Scope::prefix,
         "http://example.org/a?utm_source=x"},
        {"origin", "HTTP://H:80", Scope::origin, "http://h"},
        {"origin", "https://h:8443/", Scope::origin, "https://h:8443"},
        {"host", "H", Scope::host, "h"},
        {"host", "Example.org:8080", Scope::host, "example.org"},
        {"host", "[2001:DB8::1]", Scope::host, "[2001:db8::1]"},
        {"host", "[2001:db8::1]:80", Scope::host, "[2001:db8::1]"},
        {"group", "Shoes 42", Scope::tag, "Shoes 42"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.type << " " << row.selector)
        {
            const auto invalidations = accepted(R"({"type":")" + std::string(row.type) +
                                                R"(","selectors":[")" + row.selector + R"("]})");
            BOOST_TEST_REQUIRE(invalidations.size() == 1U);
            BOOST_TEST((invalidations[0].scope == row.scope));
            BOOST_TEST(invalidations[0].selector == row.expected);
            BOOST_TEST((invalidations[0].mode == Mode::hard));
        }
}

BOOST_AUTO_TEST_CASE(groups_is_another_word_for_the_selectors_of_a_group)
{
    const auto invalidations = accepted(R"({"type":"group","groups":["a","b"]})");
    BOOST_TEST_REQUIRE(invalidations.size() == 2U);
    BOOST_TEST(invalidations[0].selector == "a");
    BOOST_TEST(invalidations[1].selector == "b");
}

BOOST_AUTO_TEST_CASE(all_is_one_invalidation_without_a_selector)
{
    const auto invalidations = accepted(R"({"type":"all","key":"k","note":"n"})");
    BOOST_TEST_REQUIRE(invalidations.size() == 1U);
    BOOST_TEST((invalidations[0].scope == Scope::all));
    BOOST_TEST(invalidations[0].selector == "");
}

BOOST_AUTO_TEST_CASE(mode_and_max_stale_hold_for_every_selector)
{
    const auto soft = accepted(
        R"({"type":"uri","selectors":["http://h/1","http://h/2"],"mode":"soft","max_stale":31536000})");
    BOOST_TEST_REQUIRE(soft.size() == 2U);
    for (const auto& one : soft) {
        BOOST_TEST((one.mode == Mode::soft));
        BOOST_TEST((one.max_stale == Seconds{31'536'000}));
    }
    BOOST_TEST((accepted(R"({"type":"all","mode":"soft"})")[0].max_stale == Seconds{0}));
    BOOST_TEST((accepted(R"({"type":"all","mode":"hard"})")[0].mode == Mode::hard));
}

BOOST_AUTO_TEST_CASE(number_and_size_of_selectors_are_bounded)
{
    const auto group_of = [](std::size_t selectors, std::size_t bytes) {
        nlohmann::json json = {{"type", "group"}, {"selectors", nlohmann::json::array()}};
        for (std::size_t i = 0; i < selectors; ++i)
            json["selectors"].push_back(std::string(bytes, 'x'));
        return json.dump();
    };
    BOOST_TEST(accepted(group_of(kSelectorsMax, 1)).size() == kSelectorsMax);
    const auto many = parse_purge(group_of(kSelectorsMax + 1, 1), sites());
    BOOST_TEST_REQUIRE(!many.has_value());
    BOOST_TEST(many.error().status == 413);
    BOOST_TEST(many.error().field == "selectors");
    BOOST_TEST(accepted(group_of(1, kSelectorBytesMax)).size() == 1U);
    BOOST_TEST(refused_field(group_of(1, kSelectorBytesMax + 1)) == "selectors");
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_only_a_problem_in_the_request)
{
    const std::string deep =
        R"({"type":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    BOOST_TEST(refused_field(deep) == "type");
}

// RFC 9457
BOOST_AUTO_TEST_CASE(a_problem_is_told_as_json)
{
    const auto json =
        nlohmann::json::parse(problem_json({400, "Title", "a \"detail\" \xff", "mode"}));
    BOOST_TEST(json["status"] == 400);
    BOOST_TEST(json["title"] == "Title");
    BOOST_TEST(json["detail"] == "a \"detail\" \xef\xbf\xbd");
    BOOST_TEST(json["field"] == "mode");
    BOOST_TEST(!nlohmann::json::parse(problem_json({400, "T", "d", ""})).contains("field"));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
