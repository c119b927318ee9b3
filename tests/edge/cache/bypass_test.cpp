#include "edge/cache/bypass.hpp"

#include "edge/cache/cookie.hpp"
#include "edge/cache/pattern.hpp"
#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
BypassRules wordpress_shop()
{
    BypassRules rules;
    rules.cookies = {"wordpress_logged_in_*", "PHPSESSID", "woocommerce_items_in_cart"};
    rules.query = {"add-to-cart", "preview*"};
    rules.paths = {"/wp-admin/*", "/wp-login.php", "*.cgi", "/cart", "/a*/edit"};
    rules.fields = {{"x-no-cache", std::nullopt}, {"x-requested-with", "XMLHttp*"}};
    return rules;
}

bool passes_by(std::string_view path, std::string_view fields = "")
{
    http::RequestHead request;
    request.path = path;
    request.fields = fields_of(fields);
    return bypasses(wordpress_shop(), request);
}

struct BypassRow {
    const char* name;
    const char* path;
    const char* fields;
    bool expected;
};

const BypassRow kBypass[] = {
    {"nothing", "/", "", false},
    {"a cookie", "/", "cookie: PHPSESSID=1", true},
    {"a cookie without a value", "/", "cookie: PHPSESSID", true},
    {"a cookie with an empty value", "/", "cookie: PHPSESSID=", true},
    {"a cookie by its beginning", "/", "cookie: wordpress_logged_in_0a1b=x", true},
    {"a cookie among others", "/", "cookie: _ga=1; woocommerce_items_in_cart=2; b=3", true},
    {"a cookie on the second line", "/", "cookie: a=1\ncookie: PHPSESSID=1", true},
    {"white space around a cookie", "/", "cookie: a=1;\tPHPSESSID =1", true},
    {"a cookie's value is no name", "/", "cookie: a=PHPSESSID", false},
    {"a cookie's name is case-sensitive", "/", "cookie: phpsessid=1", false},
    {"a longer name is another", "/", "cookie: PHPSESSID2=1", false},
    {"a shorter name is another", "/", "cookie: wordpress_logged_in=1", false},
    {"a query parameter", "/?add-to-cart=7", "", true},
    {"a query parameter without a value", "/?x=1&add-to-cart", "", true},
    {"a query parameter by its beginning", "/?preview_id=1", "", true},
    {"a query parameter's value is no name", "/?x=preview", "", false},
    {"a path is no query", "/preview", "", false},
    {"a path by its beginning", "/wp-admin/post.php?x", "", true},
    {"that beginning itself", "/wp-admin/", "", true},
    {"less than it", "/wp-admin", "", false},
    {"a path by its end", "/x/y.cgi?z", "", true},
    {"its end in the query", "/x?y.cgi", "", false},
    {"a whole path", "/cart", "", true},
    {"with a query", "/cart?x", "", true},
    {"more than a whole path", "/cart/x", "", false},
    {"a star in the middle", "/articles/7/edit", "", true},
    {"a path in percent-encoding", "/wp%2Dadmin/x", "", true},
    {"a slash in percent-encoding", "/wp-admin%2fx", "", true},
    {"slashes in a row", "//wp-admin//x", "", true},
    {"dot segments", "/x/../wp-admin/./y", "", true},
    {"dot segments in percent-encoding", "/x/%2e%2E/wp-admin/y", "", true},
    {"dot segments that lead away still count as received", "/wp-admin/../x", "", true},
    {"a broken percent-encoding stands for itself", "/%zz/%2", "", false},
    {"a field", "/", "X-No-Cache: 1", true},
    {"an empty field", "/", "x-no-cache:", true},
    {"a field's value", "/", "x-requested-with: XMLHttpRequest", true},
    {"on its second line", "/", "x-requested-with: a\nx-requested-with: XMLHttpRequest", true},
    {"another value", "/", "x-requested-with: fetch", false},
    {"another field", "/", "x-no-cache-x: 1", false},
};
} // namespace

BOOST_AUTO_TEST_SUITE(bypass)

BOOST_AUTO_TEST_CASE(a_request_that_a_rule_names_passes_by_the_cache)
{
    for (const BypassRow& row : kBypass)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(passes_by(row.path, row.fields) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(without_rules_nothing_passes_by)
{
    for (const BypassRow& row : kBypass)
        BOOST_TEST_CONTEXT(row.name)
        {
            http::RequestHead request;
            request.path = row.path;
            request.fields = fields_of(row.fields);
            BOOST_TEST(!bypasses({}, request));
        }
}

BOOST_AUTO_TEST_CASE(a_star_stands_for_any_bytes_and_all_else_for_itself)
{
    struct PatternRow {
        const char* pattern;
        const char* text;
        bool expected;
    };
    const PatternRow rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "abc", true},
        {"a*", "a", true},
        {"a*", "abc", true},
        {"a*", "ba", false},
        {"*c", "abc", true},
        {"*c", "abcd", false},
        {"a*c", "abc", true},
        {"a*c", "ac", true},
        {"a*c", "acb", false},
        {"*b*", "abc", true},
        {"*b*", "ac", false},
        {"a**c", "abc", true},
        {"abc", "abc", true},
        {"abc", "ab", false},
        {"abc", "abcd", false},
        {"*ab", "aab", true},
        {"*aab", "aaab", true},
        {"a.c", "abc", false},
        {"[a]", "a", false},
        {"a?", "ab", false},
        {"*a*b*c*", "xxaxxbxxcxx", true},
        {"*a*b*c*", "cba", false},
    };
    for (const PatternRow& row : rows)
        BOOST_TEST_CONTEXT(row.pattern << " " << row.text)
        {
            BOOST_TEST(matches_pattern(row.pattern, row.text) == row.expected);
        }
}

RC_BOOST_PROP(a_text_with_parts_starred_out_still_matches, (const std::string& text))
{
    std::string pattern;
    for (const char c : text) {
        if (*rc::gen::inRange(0, 3) == 0)
            pattern += '*';
        else
            pattern += c;
    }
    RC_ASSERT(matches_pattern(pattern, text));
}

// RFC 6265 §4.2.1, and what browsers send beyond it
BOOST_AUTO_TEST_CASE(cookies_are_read_in_order_from_all_lines)
{
    const auto read = [](std::string_view text) {
        std::string out;
        each_cookie(fields_of(text), [&](std::string_view name, std::string_view value) {
            out.append("<").append(name).append("|").append(value).append(">");
        });
        return out;
    };
    BOOST_TEST(read("accept: x") == "");
    BOOST_TEST(read("cookie:") == "");
    BOOST_TEST(read("cookie: a=1") == "<a|1>");
    BOOST_TEST(read("cookie: a=1; b=2") == "<a|1><b|2>");
    BOOST_TEST(read("cookie: a=1;b=2;") == "<a|1><b|2>");
    BOOST_TEST(read("cookie: a=1\ncookie: a=2") == "<a|1><a|2>");
    BOOST_TEST(read("cookie: a=b=c") == "<a|b=c>");
    BOOST_TEST(read("cookie: a=\"x y\"") == "<a|\"x y\">");
    BOOST_TEST(read("cookie: a; =b; ; c=") == "<a|><|b><c|>");
    BOOST_TEST(read("cookie:  a = 1 ;\tb") == "<a|1><b|>");
}

BOOST_AUTO_TEST_SUITE_END()
