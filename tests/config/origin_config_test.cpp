#include "config/origin_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::config;

namespace
{
OriginFlags whole()
{
    OriginFlags flags;
    flags.admin = "127.0.0.1:7100";
    flags.link = ":7101";
    flags.data = "/d";
    flags.certs = "/c";
    return flags;
}

OriginSettings settings_of(const std::string& toml, const OriginFlags& flags = whole())
{
    auto settings = parse_origin(toml, "origin.toml", flags);
    if (!settings)
        for (const ConfigError& error : settings.error())
            BOOST_ERROR(text_of(error));
    BOOST_REQUIRE(settings.has_value());
    return *std::move(settings);
}

std::string errors_of(const std::string& toml, const OriginFlags& flags = whole())
{
    const auto settings = parse_origin(toml, "origin.toml", flags);
    if (settings) return "none";
    std::string lines;
    for (const ConfigError& error : settings.error())
        lines += text_of(error) + "\n";
    if (!lines.empty()) lines.pop_back();
    return lines;
}

std::string token(const std::string& name, const std::string& rest)
{
    return "[[token]]\nname = \"" + name + "\"\nhash = \"sha256:" + std::string(62, '0') +
           "aF\"\n" + rest;
}
} // namespace

BOOST_AUTO_TEST_SUITE(origin_config)

BOOST_AUTO_TEST_CASE(four_flags_make_a_working_origin)
{
    const OriginSettings s = settings_of("");
    BOOST_TEST((s.admin == Address{TcpAddress{"127.0.0.1", 7100}}));
    BOOST_TEST((s.link == Address{TcpAddress{"", 7101}}));
    BOOST_TEST(s.data == "/d");
    BOOST_TEST(s.certs == "/c");
    BOOST_TEST((s.heartbeat == Millis{200}));
    BOOST_TEST((s.lease_max == Millis{60'000}));
    BOOST_TEST(s.tokens.empty());
}

BOOST_AUTO_TEST_CASE(an_origin_with_nothing_lacks_four_things)
{
    BOOST_TEST(errors_of("", {}) ==
               "origin.toml: there is no address for purges; expected --admin ADDR:PORT, or admin "
               "= \"127.0.0.1:7100\" in a file\n"
               "origin.toml: there is no address for the edges; expected --link ADDR:PORT, or link "
               "= \":7101\" in a file\n"
               "origin.toml: there is no folder for the journal; expected --data DIR, or data = "
               "\"/var/lib/tidemark\" in a file\n"
               "origin.toml: there are no certificates; expected --certs DIR, or certs = "
               "\"/etc/tidemark/certs\" in a file (tidemark certs init makes them)");
}

BOOST_AUTO_TEST_CASE(flags_win_over_the_file)
{
    OriginFlags flags = whole();
    flags.log_level = "debug";
    const OriginSettings s =
        settings_of("admin = \"127.0.0.1:1\"\nlink = \":2\"\ndata = \"/x\"\ncerts = \"/y\"\n"
                    "log_level = \"error\"\n",
                    flags);
    BOOST_TEST((s.admin == Address{TcpAddress{"127.0.0.1", 7100}}));
    BOOST_TEST((s.link == Address{TcpAddress{"", 7101}}));
    BOOST_TEST(s.data == "/d");
    BOOST_TEST(s.certs == "/c");
    BOOST_TEST((s.log_level == log::Level::debug));
}

BOOST_AUTO_TEST_CASE(tokens_say_who_may_do_what_where)
{
    const OriginSettings s =
        settings_of(token("deploy", "scopes = [\"purge\", \"purge-all\"]\n") +
                    token("shop", "scopes = [\"read\", \"push\"]\nsites = [\"Shop.example\", "
                                  "\"*.shop.example\"]\n"));
    BOOST_REQUIRE(s.tokens.size() == 2U);
    BOOST_TEST(s.tokens[0].name == "deploy");
    BOOST_TEST(static_cast<int>(s.tokens[0].sha256[31]) == 0xaf);
    BOOST_TEST(
        (s.tokens[0].scopes == std::vector<TokenScope>{TokenScope::purge, TokenScope::purge_all}));
    BOOST_TEST((s.tokens[0].sites == std::vector<std::string>{"*"}));
    BOOST_TEST((s.tokens[1].sites == std::vector<std::string>{"shop.example", "*.shop.example"}));
}

BOOST_AUTO_TEST_CASE(each_mistake_is_named_with_its_place)
{
    const struct {
        const char* name;
        std::string toml;
        std::string expected;
    } rows[] = {
        {"an unknown key names the nearest one", "heartbeet = 1\n",
         "origin.toml:1:1: unknown setting \"heartbeet\"; did you mean \"heartbeat\"?"},
        {"times out of range", "heartbeat = \"1ms\"\nlease_max = \"2h\"\n",
         "origin.toml:1:13: heartbeat is 1ms; expected a duration such as \"10s\", from 10ms to "
         "10s\n"
         "origin.toml:2:13: lease_max is 2h; expected a duration such as \"10s\", from 500ms to "
         "1h"},
        {"a lease shorter than two heartbeats", "heartbeat = \"1s\"\nlease_max = \"1s\"\n",
         "origin.toml:2:13: lease_max is 1s: a lease would run out between two heartbeats; "
         "expected at least 2s"},
        {"limits and retention", "[limits]\nselectors = 0\n[retention]\nversions = 5\nage = 1\n",
         "origin.toml:2:13: limits.selectors is 0; expected a whole number from 1 to 1000000\n"
         "origin.toml:4:12: retention.versions is 5; expected a whole number from 1000 to "
         "4000000000\n"
         "origin.toml:5:7: retention.age is 1; expected a duration such as \"10s\", from 1m to "
         "3650d"},
        {"a token without anything", "[[token]]\n",
         "origin.toml:1:1: this [[token]] has no name; expected name = \"deploy\" or the like\n"
         "origin.toml:1:1: this [[token]] has no hash; expected the hash that `tidemark token "
         "hash` prints\n"
         "origin.toml:1:1: this [[token]] has no scopes; expected scopes = [\"purge\"] or the "
         "like"},
        {"a scope near one", token("a", "scopes = [\"purg\"]\n"),
         "origin.toml:4:11: token.scopes \"purg\" is no scope; expected read, purge, purge-all or "
         "push; did you mean \"purge\"?"},
        {"a site with a port", token("a", "scopes = [\"read\"]\nsites = [\"a:80\"]\n"),
         "origin.toml:5:10: token.sites \"a:80\" is no host; expected \"*\" for all, "
         "\"example.org\", or all names below it, \"*.example.org\""},
        {"a name twice", token("a", "scopes = [\"read\"]\n") + token("a", "scopes = [\"read\"]\n"),
         "origin.toml:6:8: token.name \"a\" is there twice"},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(errors_of(row.toml) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_token_in_place_of_its_hash_is_not_shown)
{
    const std::string errors =
        errors_of("[[token]]\nname = \"a\"\nscopes = [\"read\"]\nhash = \"my secret\"\n");
    BOOST_TEST(errors == "origin.toml:4:8: token.hash is no hash; expected \"sha256:\" and 64 hex "
                         "digits, as `tidemark token hash` prints them");
}

BOOST_AUTO_TEST_CASE(addresses_that_would_not_do)
{
    OriginFlags flags = whole();
    flags.admin = ":7100";
    flags.link = "unix:/a";
    flags.data = "";
    BOOST_TEST(errors_of("", flags) ==
               "--link: \"unix:/a\" is no place for edges to connect to; expected an address with "
               "a port, \":7101\"\n"
               "--data: \"\" is no folder; expected a path such as \"/var/lib/tidemark\"\n"
               "--admin: \":7100\" lets other machines purge; expected a loopback address such as "
               "\"127.0.0.1:7100\", or admin_allow_remote = true in the file");
    flags = whole();
    flags.admin = ":7100";
    BOOST_TEST(errors_of("admin_allow_remote = true\n", flags) == "none");
}

BOOST_AUTO_TEST_CASE(the_example_file_is_whole_and_shows_the_defaults)
{
    const auto loaded = load_origin(std::string{TIDEMARK_EXAMPLES} + "/origin.example.toml", {});
    if (!loaded)
        for (const ConfigError& error : loaded.error())
            BOOST_ERROR(text_of(error));
    BOOST_REQUIRE(loaded.has_value());
    const OriginSettings plain = settings_of("");
    BOOST_TEST((loaded->admin == plain.admin));
    BOOST_TEST((loaded->link == plain.link));
    BOOST_TEST((loaded->log_level == plain.log_level));
    BOOST_TEST((loaded->heartbeat == plain.heartbeat));
    BOOST_TEST((loaded->lease_max == plain.lease_max));
    BOOST_TEST((loaded->retention == plain.retention));
    BOOST_TEST((loaded->limits == plain.limits));
    BOOST_TEST(loaded->admin_allow_remote == plain.admin_allow_remote);
}

BOOST_AUTO_TEST_SUITE_END()
