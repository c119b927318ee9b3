#include "app/token_command.hpp"

#include "config/origin_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::app;

BOOST_AUTO_TEST_SUITE(token_command)

BOOST_AUTO_TEST_CASE(a_hash_is_the_sha256_of_the_whole_token)
{
    BOOST_TEST(token_hash("test") ==
               "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
}

BOOST_AUTO_TEST_CASE(a_token_shows_what_it_is_and_all_of_its_secret)
{
    TokenSecret secret{};
    secret[0] = 0x0f;
    secret[31] = 0xa0;
    BOOST_TEST(token_of(secret) == "tm_0f" + std::string(60, '0') + "a0");
}

BOOST_AUTO_TEST_CASE(what_is_printed_can_be_configured)
{
    config::OriginFlags flags;
    flags.admin = "127.0.0.1:1";
    flags.link = ":2";
    flags.data = "/d";
    flags.certs = "/c";
    const std::string toml = "[[token]]\nname = \"a\"\nscopes = [\"read\"]\nhash = \"" +
                             token_hash(token_of({})) + "\"\n";
    BOOST_TEST(config::parse_origin(toml, "", flags).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
