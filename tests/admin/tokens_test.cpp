#include "admin/tokens.hpp"

#include "admin/purge_request.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::admin
{
namespace
{
Tokens tokens()
{
    return Tokens::make({{"ci", hash_of_token("secret-ci"), {TokenScope::purge}, {"*"}},
                         {"shop",
                          hash_of_token("secret-shop"),
                          {TokenScope::purge, TokenScope::purge_all},
                          {"shop.example", "*.shop.example"}},
                         {"push", hash_of_token("secret-push"), {TokenScope::push}, {}}})
        .value();
}
int refused(const char* token, std::string_view json)
{
    const auto grant = tokens().admit(std::string("Bearer ") + token, false);
    BOOST_TEST_REQUIRE(grant.has_value());
    const auto problem = grant->refuses(parse_purge(json).value().drafts.front());
    return problem ? problem->status : 0;
}
} // namespace

BOOST_AUTO_TEST_SUITE(tokens_of_the_api)

BOOST_AUTO_TEST_CASE(without_tokens_only_this_machine_may_ask)
{
    BOOST_TEST(Tokens().admit("", true).has_value());
    BOOST_TEST(Tokens().admit("Bearer x", false).error().status == 403);
}

BOOST_AUTO_TEST_CASE(a_token_is_known_by_its_hash_and_nothing_else_is)
{
    BOOST_TEST(tokens().admit("bearer secret-ci", false)->actor() == "ci");
    for (const char* wrong :
         {"", "Bearer ", "Bearer secret-c", "Bearer secret-ci2", "Basic secret-ci", "secret-ci"})
        BOOST_TEST(tokens().admit(wrong, true).error().status == 401, wrong);
}

BOOST_AUTO_TEST_CASE(a_hash_in_another_form_is_no_rule)
{
    BOOST_TEST(!Tokens::make({{"a", "sha256:12", {}, {}}}).has_value());
    BOOST_TEST(!Tokens::make({{"a", "md5:12", {}, {}}}).has_value());
    BOOST_TEST(hash_of_token("") ==
               "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

BOOST_AUTO_TEST_CASE(scopes_and_sites_limit_what_is_purged)
{
    struct Row {
        const char* token;
        const char* json;
        int status;
    };
    const Row rows[] = {
        {"secret-ci", R"({"type":"uri","selectors":["http://any/"]})", 0},
        {"secret-ci", R"({"type":"pattern","selectors":["a"]})", 0},
        {"secret-ci", R"({"type":"all"})", 403},
        {"secret-push", R"({"type":"uri","selectors":["http://any/"]})", 403},
        {"secret-shop", R"({"type":"uri","selectors":["https://SHOP.example:8443/a"]})", 0},
        {"secret-shop", R"({"type":"host","selectors":["img.shop.example"]})", 0},
        {"secret-shop", R"({"type":"uri","selectors":["http://other.example/"]})", 403},
        {"secret-shop", R"({"type":"uri","selectors":["http://evilshop.example/"]})", 403},
        {"secret-shop", R"({"type":"uri","selectors":["http://shop.example@evil/"]})", -1},
        {"secret-shop", R"({"type":"group","groups":["a"]})", 403},
        {"secret-shop", R"({"type":"group","groups":["a"],"site":"shop.example"})", 0},
        {"secret-shop", R"({"type":"group","groups":["a"],"site":"other"})", 403},
        {"secret-shop", R"({"type":"all","site":"shop.example"})", 403},
        {"secret-shop", R"({"type":"pattern","selectors":["a"],"site":"shop.example"})", 403},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.token << " " << row.json)
        {
            if (row.status < 0)
                BOOST_TEST(!parse_purge(row.json).has_value());
            else
                BOOST_TEST(refused(row.token, row.json) == row.status);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
