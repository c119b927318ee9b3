#include "edge/cache/cache_key.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
std::string key_of(std::string_view scheme, std::string_view authority, std::string_view path,
                   const KeyRules& rules = {}, std::string_view fields = "")
{
    http::RequestHead request;
    request.scheme = scheme;
    request.authority = authority;
    request.path = path;
    request.fields = fields_of(fields);
    std::string scratch;
    std::string key;
    append_cache_key(key, request, forwarded_path(path, rules, scratch), rules);
    return key;
}

std::string forwarded(std::string_view path, const KeyRules& rules)
{
    std::string scratch;
    return std::string(forwarded_path(path, rules, scratch));
}

KeyRules dropping(std::vector<std::string> names)
{
    KeyRules rules;
    rules.drop_query = std::move(names);
    return rules;
}

KeyRules keeping(std::vector<std::string> names)
{
    KeyRules rules;
    rules.keep_query = std::move(names);
    return rules;
}

KeyRules sorting()
{
    KeyRules rules;
    rules.sort_query = true;
    return rules;
}

struct KeyRow {
    const char* name;
    const char* scheme;
    const char* authority;
    const char* path;
    const char* expected;
};

const KeyRow kKeys[] = {
    {"plain", "http", "example.com", "/", "http://example.com/"},
    {"§2 the host is case-insensitive", "http", "EXAMPLE.com", "/A", "http://example.com/A"},
    {"the default port of http", "http", "a:80", "/", "http://a/"},
    {"the default port of https", "https", "a:443", "/", "https://a/"},
    {"another scheme's default port", "https", "a:80", "/", "https://a:80/"},
    {"another port", "http", "a:8080", "/", "http://a:8080/"},
    {"an empty port", "http", "a:", "/", "http://a/"},
    {"a port with leading zeros", "http", "a:0080", "/", "http://a/"},
    {"an IPv4 address", "http", "127.0.0.1", "/", "http://127.0.0.1/"},
    {"an IPv4 address and port", "http", "127.0.0.1:81", "/", "http://127.0.0.1:81/"},
    {"an IPv6 address", "http", "[::1]", "/", "http://[::1]/"},
    {"an IPv6 address that ends like a port", "http", "[fe80::80]", "/", "http://[fe80::80]/"},
    {"an IPv6 address and default port", "http", "[2001:DB8::1]:80", "/", "http://[2001:db8::1]/"},
    {"an IPv6 address and port", "https", "[::1]:8443", "/", "https://[::1]:8443/"},
    {"path and query byte for byte", "http", "a", "/%7Eb/../C//?X=%2f&&y",
     "http://a/%7Eb/../C//?X=%2f&&y"},
    {"an empty query is not none", "http", "a", "/?", "http://a/?"},
    {"OPTIONS *", "http", "a", "*", "http://a*"},
};

struct PathRow {
    const char* name;
    KeyRules rules;
    const char* path;
    const char* expected;
};

std::vector<PathRow> path_rows()
{
    return {
        {"no rules", {}, "/a?b=1&a=2", "/a?b=1&a=2"},
        {"no query", dropping({"*"}), "/a", "/a"},
        {"a name", dropping({"gclid"}), "/a?gclid=1&b=2", "/a?b=2"},
        {"a name in the middle", dropping({"g"}), "/a?x=0&g=1&b=2", "/a?x=0&b=2"},
        {"every time it occurs", dropping({"g"}), "/a?g=1&b=2&g=3&g", "/a?b=2"},
        {"the last one takes the question mark along", dropping({"g"}), "/a?g=1", "/a"},
        {"a name is not its beginning", dropping({"g"}), "/a?gg=1&G=2", "/a?gg=1&G=2"},
        {"a trailing star", dropping({"utm_*"}), "/a?utm_source=x&utm_=y&utm=z", "/a?utm=z"},
        {"all", dropping({"*"}), "/a?b=1&c", "/a"},
        {"several rules", dropping({"utm_*", "gclid"}), "/?gclid=1&utm_a=2&b=3", "/?b=3"},
        {"nothing to drop keeps odd spellings", dropping({"g"}), "/a?&&b==1&", "/a?&&b==1&"},
        {"an empty query stays", dropping({"g"}), "/a?", "/a?"},
        {"keep", keeping({"id", "p*"}), "/a?x=1&id=2&page=3&p=4", "/a?id=2&page=3&p=4"},
        {"keep none", keeping({}), "/a?x=1", "/a"},
        {"sort", sorting(), "/a?c=1&a=2&b", "/a?a=2&b&c=1"},
        {"sort keeps the order of one name", sorting(), "/a?b=2&a=1&b=1", "/a?a=1&b=2&b=1"},
        {"sorted already", sorting(), "/a?a=1&b=2", "/a?a=1&b=2"},
        {"a question mark within the query", dropping({"b"}), "/a?x=?&b=1", "/a?x=?"},
    };
}

struct UriRow {
    const char* name;
    const char* text;
    const char* expected; // null: not a URI of ours
};

const UriRow kUris[] = {
    {"as it is", "http://example.com/a?b", "http://example.com/a?b"},
    {"letter case of scheme and host", "HTTP://Example.COM/A", "http://example.com/A"},
    {"the default port", "https://a:443/x", "https://a/x"},
    {"another port", "http://a:443/x", "http://a:443/x"},
    {"an empty path", "http://a", "http://a/"},
    {"an empty path with a query", "http://a?b", "http://a/?b"},
    {"an empty query", "http://a/?", "http://a/?"},
    {"a fragment goes", "http://a/b#c?d", "http://a/b"},
    {"a fragment behind nothing", "http://a#c", "http://a/"},
    {"an IPv6 address", "http://[::1]:80/", "http://[::1]/"},
    {"dot segments stay: the path is as forwarded", "http://a/x/../y", "http://a/x/../y"},
    {"a scheme of others", "ftp://a/", nullptr},
    {"no scheme", "//a/b", nullptr},
    {"a path", "/a", nullptr},
    {"a host alone", "example.com", nullptr},
    {"nothing", "", nullptr},
    {"no host", "http:///a", nullptr},
    {"no authority", "http:/a", nullptr},
    {"a user", "http://u@a/", nullptr},
    {"a bad port", "http://a:b/", nullptr},
    {"a port too large", "http://a:65536/", nullptr},
    {"an open bracket", "http://[::1/", nullptr},
    {"a space", "http://a/b c", nullptr},
    {"a line end", "http://a/b\n", nullptr},
    {"a control byte", "http://a/\x7f", nullptr},
};
} // namespace

BOOST_AUTO_TEST_SUITE(cache_key)

BOOST_AUTO_TEST_CASE(the_key_is_the_effective_request_uri)
{
    for (const KeyRow& row : kKeys)
        BOOST_TEST_CONTEXT(row.name)
        {
            const std::string key = key_of(row.scheme, row.authority, row.path);
            BOOST_TEST(key == row.expected);
            BOOST_TEST(uri_of_key(key) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_key_is_appended_to_what_is_there)
{
    http::RequestHead request;
    request.scheme = "http";
    request.authority = "A";
    std::string key = "Before:";
    append_cache_key(key, request, "/", {});
    BOOST_TEST(key == "Before:http://a/");
}

BOOST_AUTO_TEST_CASE(query_rules_decide_what_is_forwarded_and_keyed)
{
    for (const PathRow& row : path_rows())
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(forwarded(row.path, row.rules) == row.expected);
            BOOST_TEST(forwarded(row.expected, row.rules) == row.expected);
            BOOST_TEST(key_of("http", "a", row.path, row.rules) ==
                       std::string("http://a") + row.expected);
        }
}

BOOST_AUTO_TEST_CASE(an_unchanged_path_is_not_copied)
{
    const std::string_view path = "/a?b=1";
    std::string scratch;
    for (const KeyRules& rules : {KeyRules{}, dropping({"x"}), keeping({"b"}), sorting()})
        BOOST_TEST(forwarded_path(path, rules, scratch).data() == path.data());
}

BOOST_AUTO_TEST_CASE(a_uri_is_brought_into_the_form_of_keys)
{
    for (const UriRow& row : kUris)
        BOOST_TEST_CONTEXT(row.name)
        {
            const auto uri = normalise_uri(row.text, {});
            BOOST_TEST(uri.has_value() == (row.expected != nullptr));
            if (uri && row.expected) BOOST_TEST(*uri == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_uri_goes_through_the_same_query_rules)
{
    BOOST_TEST(normalise_uri("http://A?utm_x=1&b=2", dropping({"utm_*"})).value() ==
               "http://a/?b=2");
}

BOOST_AUTO_TEST_CASE(keyed_extras_stand_behind_the_uri)
{
    KeyRules rules;
    rules.keyed_cookies = {"lang"};
    rules.keyed_fields = {"x-device"};
    const std::string key = key_of("http", "a", "/b", rules, "cookie: lang=de\nx-device: phone");
    BOOST_TEST(uri_of_key(key) == "http://a/b");
    BOOST_TEST(key.size() > std::string("http://a/b").size());
}

BOOST_AUTO_TEST_CASE(keyed_cookies_and_fields_tell_requests_apart)
{
    KeyRules rules;
    rules.keyed_cookies = {"lang", "exp_*"};
    rules.keyed_fields = {"x-device", "accept-language"};
    const auto key = [&](std::string_view fields) {
        return key_of("http", "a", "/", rules, fields);
    };
    const char* different[] = {
        "",
        "cookie: lang=de",
        "cookie: lang=en",
        "cookie: lang=",
        "cookie: exp_a=1",
        "cookie: exp_b=1",
        "cookie: exp_a=1; exp_b=1",
        "cookie: exp_a=1; exp_a=1",
        "cookie: lang=de; exp_a=1",
        "cookie: lang=1:x",
        "x-device: phone",
        "x-device:",
        "cookie: lang=de\nx-device: phone",
        "accept-language: de",
    };
    for (const char* a : different)
        for (const char* b : different)
            BOOST_TEST_CONTEXT(a << " / " << b)
            {
                BOOST_TEST((key(a) == key(b)) == (a == b));
            }
}

BOOST_AUTO_TEST_CASE(what_is_not_keyed_makes_no_difference)
{
    KeyRules rules;
    rules.keyed_cookies = {"lang"};
    const auto key = [&](std::string_view fields) {
        return key_of("http", "a", "/", rules, fields);
    };
    BOOST_TEST(key("cookie: lang=de") == key("cookie: _ga=1;lang=de ; Lang=x\naccept: y"));
    BOOST_TEST(key("cookie: lang=de") == key("cookie: x=y\ncookie: lang=de"));
    BOOST_TEST(key("") == key("cookie: language=de"));

    rules.keyed_cookies = {"*"};
    BOOST_TEST(key("cookie: b=1; a=2") == key("cookie: a=2; b=1"));
}

RC_BOOST_PROP(normalising_twice_is_normalising_once, ())
{
    const auto text =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ0.:/?&=#%[]@-_u*")));
    const KeyRules rules =
        *rc::gen::element(KeyRules{}, dropping({"a*"}), keeping({"a"}), sorting());
    if (const auto once = normalise_uri("http://h" + text, rules))
        RC_ASSERT(normalise_uri(*once, rules) == once);
}

RC_BOOST_PROP(a_request_and_its_uri_have_one_key, ())
{
    const auto query = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab=&1")));
    const KeyRules rules =
        *rc::gen::element(KeyRules{}, dropping({"a"}), keeping({"b"}), sorting());
    const std::string path = "/p?" + query;
    RC_ASSERT(normalise_uri("HTTPS://Host:443" + path, rules).value() ==
              key_of("https", "hoST", path, rules));
}

BOOST_AUTO_TEST_SUITE_END()
