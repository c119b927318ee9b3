#include "config/edge_config.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::config;

namespace
{
// What every file needs, in one line so that the lines of a test's own text start at 2.
const std::string kBase = "listen = [\":8080\"]\n";
const std::string kSite = "[[site]]\nupstreams = [\"http://127.0.0.1:3000\"]\n";

Result<EdgeSettings, ConfigErrors> parse(const std::string& toml, const EdgeFlags& flags = {})
{
    return parse_edge(toml, "edge.toml", flags, "host-1");
}

EdgeSettings settings_of(const std::string& toml, const EdgeFlags& flags = {})
{
    auto settings = parse(toml, flags);
    if (!settings)
        for (const ConfigError& error : settings.error())
            BOOST_ERROR(text_of(error));
    BOOST_REQUIRE(settings.has_value());
    return *std::move(settings);
}

std::string errors_of(const std::string& toml, const EdgeFlags& flags = {})
{
    const auto settings = parse(toml, flags);
    if (settings) return "none";
    std::string lines;
    for (const ConfigError& error : settings.error())
        lines += text_of(error) + "\n";
    if (!lines.empty()) lines.pop_back();
    return lines;
}

EdgeFlags minimal_flags()
{
    EdgeFlags flags;
    flags.listen = {":8080"};
    flags.upstream = {"http://127.0.0.1:3000"};
    return flags;
}
} // namespace

BOOST_AUTO_TEST_SUITE(edge_config)

struct BadCase {
    const char* name;
    std::string toml;     // between kBase and kSite
    std::string expected; // the errors, a line each
};

const BadCase kBadCases[] = {
    {"an unknown key names the nearest one", "memmory = \"1GiB\"\n",
     "edge.toml:2:1: unknown setting \"memmory\"; did you mean \"memory\"?"},
    {"an unknown key far from any is just unknown", "frobnicate = 1\n",
     "edge.toml:2:1: unknown setting \"frobnicate\""},
    {"an unknown key of a table", "[timeouts]\n  conect = \"5s\"\n",
     "edge.toml:3:3: unknown setting \"conect\" in [timeouts]; did you mean \"connect\"?"},
    {"an unknown table", "[limit]\nhead = 1\n",
     "edge.toml:2:2: unknown setting \"limit\"; did you mean \"limits\"?"},
    {"a type that fits nothing", "memory = true\nworkers = \"many\"\nadmin_allow_remote = 1\n",
     "edge.toml:2:10: memory is a boolean; expected a size such as \"64KiB\", from 1MiB to 64TiB\n"
     "edge.toml:3:11: workers is a string; expected a whole number from 0 to 256\n"
     "edge.toml:4:22: admin_allow_remote is an integer; expected true or false"},
    {"a size out of range, or none",
     "memory = \"1k\"\n[limits]\nhead = \"12XB\"\nrequest_line = -1\n",
     "edge.toml:2:10: memory is 1k; expected a size such as \"64KiB\", from 1MiB to 64TiB\n"
     "edge.toml:4:8: limits.head \"12XB\" is no size; expected a size such as \"64KiB\", from 256 "
     "to 16MiB\n"
     "edge.toml:5:16: limits.request_line is -1; expected a size such as \"64KiB\", from 64 to "
     "1MiB"},
    {"a number out of range",
     "workers = 257\n[limits]\nfields = 0\nconnections = 9223372036854775807\n",
     "edge.toml:2:11: workers is 257; expected a whole number from 0 to 256\n"
     "edge.toml:4:10: limits.fields is 0; expected a whole number from 1 to 10000\n"
     "edge.toml:5:15: limits.connections is 9223372036854775807; expected a whole number from 1 to "
     "10000000"},
    {"a duration out of range, or none", "[timeouts]\nhead = 0\nidle = \"1w\"\nconnect = 5.5\n",
     "edge.toml:3:8: timeouts.head is 0; expected a duration such as \"10s\", from 1ms to 1d\n"
     "edge.toml:4:8: timeouts.idle \"1w\" is no duration; expected a duration such as \"10s\", "
     "from 1ms to 1d\n"
     "edge.toml:5:11: timeouts.connect is a fraction; expected a duration such as \"10s\", from "
     "1ms to 1d"},
    {"caching times are whole seconds", "[cache]\nuncacheable_memory = \"1500ms\"\n",
     "edge.toml:3:22: cache.uncacheable_memory is 1500ms; expected whole seconds"},
    {"a name that no field could carry", "name = \"my edge\"\n",
     "edge.toml:2:8: name \"my edge\" cannot stand in Via and CDN-Loop; expected 1 to 64 letters, "
     "digits, '-', "
     "'.' or '_'"},
    {"control bytes do not reach the terminal", "name = \"a\\u001b[31m\"\n",
     "edge.toml:2:8: name \"a\\x1b[31m\" cannot stand in Via and CDN-Loop; expected 1 to 64 "
     "letters, digits, "
     "'-', '.' or '_'"},
    {"a level near one", "log_level = \"wran\"\n",
     "edge.toml:2:13: log_level \"wran\" is no level; expected trace, debug, info, warn or error; "
     "did you mean "
     "\"warn\"?"},
    {"an access log nowhere", "access_log = \"\"\n",
     "edge.toml:2:14: access_log \"\" is no file; expected a path, \"-\" for standard output, or "
     "\"off\""},
    {"an admin address that others reach", "admin = \":8081\"\n",
     "edge.toml:2:9: \":8081\" lets other machines purge and read the status; expected a loopback "
     "address such as "
     "\"127.0.0.1:8081\", or admin_allow_remote = true in the file"},
    {"an object too large for the memory", "memory = \"64MiB\"\n[limits]\nmax_object = \"17MiB\"\n",
     "edge.toml:4:14: limits.max_object is more than a quarter of memory, which is 64MiB; expected "
     "at most 16MiB"},
    {"a range fetch that could not be stored",
     "[limits]\nmax_object = \"1MiB\"\nrange_fetch = \"2MiB\"\n",
     "edge.toml:4:15: limits.range_fetch is more than limits.max_object: nothing so large is "
     "stored; expected at "
     "most 1MiB"},
    {"two sites claim one host",
     "[[site]]\nhosts = [\"example.org\"]\nupstreams = [\"http://a\"]\n"
     "[[site]]\nhosts = [\"www.example.org\",\n  \"EXAMPLE.org\"]\nupstreams = [\"http://b\"]\n",
     "edge.toml:7:3: site.hosts \"EXAMPLE.org\" already has a site, in line 3"},
    {"two sites for every other host", "[[site]]\nupstreams = [\"http://a\"]\n",
     "edge.toml:4:1: a second [[site]] without hosts: every other host already has the site in "
     "line 2; expected "
     "hosts = [\"example.org\"] or the like"},
    {"a site that leads nowhere",
     "[[site]]\nhosts = [\"a\"]\n[[site]]\nhosts = [\"b\"]\nupstreams = []\n",
     "edge.toml:2:1: this [[site]] has no upstreams; expected upstreams = "
     "[\"http://127.0.0.1:3000\"] or the like\n"
     "edge.toml:4:1: this [[site]] has no upstreams; expected upstreams = "
     "[\"http://127.0.0.1:3000\"] or the like"},
    {"hosts with a port, a scheme, a star inside",
     "[[site]]\nhosts = [\"a:80\", \"http://a\", \"a.*.org\"]\nupstreams = [\"http://a\"]\n",
     "edge.toml:3:10: site.hosts \"a:80\" is no host; expected a name without a port, "
     "\"example.org\", or all names below it, \"*.example.org\"\n"
     "edge.toml:3:18: site.hosts \"http://a\" is no host; expected a name without a port, "
     "\"example.org\", or all names below it, \"*.example.org\"\n"
     "edge.toml:3:30: site.hosts \"a.*.org\" is no host; expected a name without a port, "
     "\"example.org\", or all names below it, \"*.example.org\""},
    {"upstreams of the wrong kind",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"https://a\", 3000, \"http://b\", "
     "\"http://b:80\"]\n",
     "edge.toml:4:14: https upstreams are not supported yet by this build; expected "
     "\"http://host:port\", \"http://[::1]:3000\" or \"unix:/path/app.sock\"\n"
     "edge.toml:4:27: site.upstreams is an integer; expected URLs such as "
     "\"http://127.0.0.1:3000\"\n"
     "edge.toml:4:45: site.upstreams \"http://b:80\" is there twice"},
    {"a list that is a text", "[[site]]\nhosts = \"a\"\nupstreams = [\"http://a\"]\n",
     "edge.toml:3:9: site.hosts is a string; expected a list of hosts such as \"example.org\""},
    {"a table that is a list, and the other way", "limits = []\nsite = {}\n",
     "edge.toml:2:10: limits is a list; expected a table, [limits]\n"
     "edge.toml:3:8: site is a table; expected tables, [[site]]"},
    {"both lists of query parameters",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\n[site.key]\ndrop_query = "
     "[\"a\"]\nkeep_query = [\"b\"]\n",
     "edge.toml:7:14: site.key has drop_query as well as keep_query; expected one of them"},
    {"patterns that could not match",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\n[site.key]\ndrop_query = "
     "[\"*x\"]\ncookies = [\"a b\"]\nfields = [\"\"]\n[site.bypass]\npaths = [\"wp-admin\", "
     "\"/a?b\"]\n",
     "edge.toml:6:15: site.key.drop_query \"*x\" is no query parameter; expected a name, '*' at "
     "its end for any rest: \"gclid\" or \"utm_*\"\n"
     "edge.toml:7:12: site.key.cookies \"a b\" is no cookie name; expected a name, '*' at its end "
     "for any rest: \"currency\" or \"lang_*\"\n"
     "edge.toml:8:11: site.key.fields \"\" is no field name; expected a name such as "
     "\"X-Forwarded-For\"\n"
     "edge.toml:10:10: site.bypass.paths \"wp-admin\" is no path pattern; expected a path without "
     "a query, '*' for any run: \"/static/*\" or \"*.css\"\n"
     "edge.toml:10:22: site.bypass.paths \"/a?b\" is no path pattern; expected a path without a "
     "query, '*' for any run: \"/static/*\" or \"*.css\""},
    {"path rules that say nothing or too much",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\n[[site.path]]\nttl = "
     "\"1h\"\n[[site.path]]\nmatch = \"/b\"\nbypass = true\nttl = 5\n",
     "edge.toml:5:1: this [[site.path]] has no match; expected match = \"/static/*\" or the like\n"
     "edge.toml:10:7: site.path.ttl has no effect beside bypass = true; expected one of them"},
    {"fields that frame the message",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\n[[site.path]]\nmatch = "
     "\"/\"\nstrip_response_fields = [\"Content-Length\"]\n",
     "edge.toml:7:26: site.path.strip_response_fields \"Content-Length\" frames the message and "
     "cannot be stripped; expected another field"},
    {"an origin nowhere, a lease too short and a policy that is none",
     "origin = \":7101\"\ncerts = \"\"\ndata = \"/d\"\nlease = \"100ms\"\nadrift = \"server\"\n",
     "edge.toml:2:10: origin \":7101\" is no place to connect to; expected the origin's --link "
     "address, \"origin.example.org:7101\"\n"
     "edge.toml:3:9: certs \"\" is no folder; expected a path such as \"/var/lib/tidemark\"\n"
     "edge.toml:5:9: lease is 100ms; expected a duration such as \"10s\", from 500ms to 1h\n"
     "edge.toml:6:10: adrift \"server\" is no policy; expected revalidate, serve or fail; did you "
     "mean \"serve\"?"},
    {"an origin by a wrong name, and a name that no certificate has",
     "name = \"a+b\"\norigin = \"a/b:7101\"\ncerts = \"/c\"\ndata = \"/d\"\n",
     "edge.toml:2:8: \"a+b\" cannot be the name of an edge's certificate; expected 1 to 63 "
     "letters, digits, '-', '_' or '.', and neither origin, ca nor crl\n"
     "edge.toml:3:10: origin \"a/b:7101\" is no place to connect to; expected the origin's --link "
     "address, \"origin.example.org:7101\""},
    {"a field that could carry no version",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\nas_of_field = \"Content-Length\"\n",
     "edge.toml:5:15: site.as_of_field \"Content-Length\" is no field that could carry a version; "
     "expected a name such as \"X-Data-Version\""},
    {"h2c behind our back",
     "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\nupgrade = [\"h2c\"]\n",
     "edge.toml:5:12: site.upgrade \"h2c\" cannot be tunnelled: it would hide requests from this "
     "edge; expected protocols such as \"websocket\""},
};

BOOST_AUTO_TEST_CASE(each_mistake_is_named_with_its_place)
{
    for (const BadCase& row : kBadCases)
        BOOST_TEST_CONTEXT(row.name)
        {
            const bool no_site_after = row.toml.find("site = {}") != std::string::npos;
            BOOST_TEST(errors_of(kBase + row.toml + (no_site_after ? "" : kSite)) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(broken_toml_is_told_with_its_place)
{
    BOOST_TEST(errors_of("a = 1\nb = \n").starts_with("edge.toml:2:5: "));
    BOOST_TEST(errors_of("workers = 1\nworkers = 2\n").starts_with("edge.toml:2:11: "));
}

BOOST_AUTO_TEST_CASE(an_empty_file_lacks_an_address_and_a_site)
{
    BOOST_TEST(errors_of("") == "edge.toml: there is no address to listen on; expected --listen "
                                "ADDR:PORT, or listen = [\":8080\"] "
                                "in a file\n"
                                "edge.toml: there is no site to serve; expected --upstream "
                                "http://HOST:PORT, or a [[site]] with "
                                "upstreams in a file");
}

BOOST_AUTO_TEST_CASE(wrong_addresses_are_not_missing_ones)
{
    BOOST_TEST(errors_of("listen = [\"8080\", \":80\", \":80\"]\n" + kSite) ==
               "edge.toml:1:11: \"8080\" has no port; expected \"127.0.0.1:8080\", \"[::1]:8080\", "
               "\":8080\" (all "
               "interfaces) or \"unix:/path\"\n"
               "edge.toml:1:26: listen \":80\" is there twice");
}

BOOST_AUTO_TEST_CASE(two_flags_make_a_working_edge)
{
    const EdgeSettings s = parse_edge("", "", minimal_flags(), "host-1").value();
    BOOST_TEST(s.name == "host-1");
    BOOST_TEST((s.listen == std::vector<Address>{TcpAddress{"", 8080}}));
    BOOST_REQUIRE(s.sites.size() == 1U);
    BOOST_TEST(s.sites[0].hosts.empty());
    BOOST_TEST(s.sites[0].label() == "default");
    BOOST_TEST((s.sites[0].upstreams.at(0).address == Address{TcpAddress{"127.0.0.1", 3000}}));
    BOOST_TEST(!s.admin.has_value());
    BOOST_TEST(s.memory_bytes == 256ULL << 20);
    BOOST_TEST(s.limits.max_object_bytes == 64ULL << 20);
    BOOST_TEST((s.sites[0].cache.freshness.implicit_stale_on_error == Seconds{3600}));
}

BOOST_AUTO_TEST_CASE(flags_win_over_the_file)
{
    EdgeFlags flags;
    flags.listen = {"127.0.0.1:1", "127.0.0.1:2"};
    flags.upstream = {"http://b"};
    flags.admin = "[::1]:9";
    flags.workers = "3";
    flags.memory = "1GiB";
    flags.name = "flag";
    flags.access_log = "-";
    flags.log_level = "debug";
    const EdgeSettings s =
        settings_of("name = \"file\"\nlisten = [\":80\"]\nadmin = \"127.0.0.1:8\"\nworkers = 1\n"
                    "memory = \"64MiB\"\naccess_log = \"/a\"\nlog_level = \"error\"\n"
                    "[[site]]\nhosts = [\"x\"]\nupstreams = [\"http://x\"]\n"
                    "[[site]]\nupstreams = [\"http://a\"]\nupgrade = []\n",
                    flags);
    BOOST_TEST(s.listen.size() == 2U);
    BOOST_TEST((s.admin == Address{TcpAddress{"::1", 9}}));
    BOOST_TEST(s.workers == 3U);
    BOOST_TEST(s.memory_bytes == 1ULL << 30);
    BOOST_TEST(s.name == "flag");
    BOOST_TEST(s.access_log == "-");
    BOOST_TEST((s.log_level == log::Level::debug));
    BOOST_REQUIRE(s.sites.size() == 2U);
    BOOST_TEST(s.sites[0].upstreams.at(0).text == "http://x");
    BOOST_REQUIRE(s.sites[1].upstreams.size() == 1U);
    BOOST_TEST(s.sites[1].upstreams[0].text == "http://b");
    BOOST_TEST(s.sites[1].upgrade.empty());
}

BOOST_AUTO_TEST_CASE(an_upstream_flag_gives_the_file_a_site_for_every_other_host)
{
    EdgeFlags flags;
    flags.upstream = {"http://b"};
    const EdgeSettings s = settings_of(
        kBase +
            "[cache]\ncollapse = false\n[[site]]\nhosts = [\"x\"]\nupstreams = [\"http://x\"]\n",
        flags);
    BOOST_REQUIRE(s.sites.size() == 2U);
    BOOST_TEST(s.sites[1].hosts.empty());
    BOOST_TEST(!s.sites[1].cache.collapse);
}

BOOST_AUTO_TEST_CASE(an_upstream_flag_fills_a_site_that_has_none)
{
    EdgeFlags flags;
    flags.upstream = {"http://b"};
    const EdgeSettings s = settings_of(kBase + "[[site]]\nhost_header = \"b:81\"\n", flags);
    BOOST_REQUIRE(s.sites.size() == 1U);
    BOOST_TEST(s.sites[0].host_header.value() == "b:81");
    BOOST_TEST(s.sites[0].upstreams.at(0).text == "http://b");
}

BOOST_AUTO_TEST_CASE(wrong_flags_are_named_behind_the_errors_of_the_file)
{
    EdgeFlags flags = minimal_flags();
    flags.listen = {"nowhere"};
    flags.upstream = {"https://a"};
    flags.admin = "0.0.0.0:1";
    flags.workers = "many";
    flags.memory = "12";
    flags.log_level = "inf";
    BOOST_TEST(
        errors_of("name = \"\"\n", flags) ==
        "edge.toml:1:8: name \"\" cannot stand in Via and CDN-Loop; expected 1 to 64 letters, "
        "digits, '-', "
        "'.' or '_'\n"
        "--listen: \"nowhere\" has no port; expected \"127.0.0.1:8080\", \"[::1]:8080\", \":8080\" "
        "(all "
        "interfaces) or \"unix:/path\"\n"
        "--upstream: https upstreams are not supported yet by this build; expected "
        "\"http://host:port\", "
        "\"http://[::1]:3000\" or \"unix:/path/app.sock\"\n"
        "--workers: \"many\" is no number; expected a whole number from 0 to 256\n"
        "--memory: 12 is out of range; expected a size such as \"64KiB\", from 1MiB to 64TiB\n"
        "--log-level: \"inf\" is no level; expected trace, debug, info, warn or error; did you "
        "mean "
        "\"info\"?\n"
        "--admin: \"0.0.0.0:1\" lets other machines purge and read the status; expected a loopback "
        "address "
        "such as \"127.0.0.1:8081\", or admin_allow_remote = true in the file");
}

BOOST_AUTO_TEST_CASE(a_memory_flag_is_held_against_the_files_object_size)
{
    EdgeFlags flags;
    flags.memory = "4MiB";
    BOOST_TEST(errors_of(kBase + "[limits]\nmax_object = \"2MiB\"\n" + kSite, flags) ==
               "edge.toml:3:14: limits.max_object is more than a quarter of memory, which is 4MiB; "
               "expected at most "
               "1MiB");
}

BOOST_AUTO_TEST_CASE(default_object_sizes_give_way_to_a_small_memory)
{
    const EdgeSettings s = settings_of("memory = \"16MiB\"\n" + kBase + kSite);
    BOOST_TEST(s.limits.max_object_bytes == 4ULL << 20);
    BOOST_TEST(s.limits.range_fetch_bytes == 4ULL << 20);
}

BOOST_AUTO_TEST_CASE(a_site_starts_from_the_cache_and_body_settings_of_all_sites)
{
    const EdgeSettings s =
        settings_of(kBase + "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\nbody = 0\n"
                            "[site.cache]\nheuristic = false\n"
                            "[[site]]\nupstreams = [\"http://b\"]\n"
                            "[cache]\nheuristic_max = \"1h\"\nstrip_tags = false\n"
                            "[limits]\nbody = \"1MiB\"\n");
    BOOST_REQUIRE(s.sites.size() == 2U);
    for (const SiteSettings& site : s.sites) {
        BOOST_TEST((site.cache.freshness.heuristic_cap == Seconds{3600}));
        BOOST_TEST(!site.cache.strip_tags);
    }
    BOOST_TEST(!s.sites[0].cache.freshness.heuristic);
    BOOST_TEST(s.sites[1].cache.freshness.heuristic);
    BOOST_TEST(!s.sites[0].body_bytes.has_value());
    BOOST_TEST(s.sites[1].body_bytes.value() == 1U << 20);
}

BOOST_AUTO_TEST_CASE(names_that_http_compares_without_case_are_kept_in_lower_case)
{
    const EdgeSettings s = settings_of(
        kBase + "[[site]]\nhosts = [\"Example.ORG\"]\nupstreams = [\"http://a\"]\n"
                "upgrade = [\"WebSocket\"]\n[site.key]\nfields = [\"X-Country\"]\n"
                "[[site.path]]\nmatch = \"/A*\"\nttl = 0\nstrip_request_fields = [\"Cookie\"]\n");
    const SiteSettings& site = s.sites.at(0);
    BOOST_TEST(site.hosts.at(0) == "example.org");
    BOOST_TEST(site.upgrade.at(0) == "websocket");
    BOOST_TEST(site.key.keyed_fields.at(0) == "x-country");
    BOOST_TEST(site.paths.at(0).match == "/A*");
    BOOST_TEST((site.paths.at(0).ttl == Seconds{0}));
    BOOST_TEST(site.paths.at(0).strip_request_fields.at(0) == "cookie");
}

BOOST_AUTO_TEST_CASE(a_field_condition_may_ask_for_a_value)
{
    const EdgeSettings s = settings_of(kBase + kSite +
                                       "[site.bypass]\nfields = [\"X-Preview\", \"X-Stage: a*\"]\n"
                                       "query = [\"add-*-cart\"]\n");
    const cache::BypassRules& bypass = s.sites.at(0).bypass;
    BOOST_REQUIRE(bypass.fields.size() == 2U);
    BOOST_TEST(bypass.fields[0].name == "x-preview");
    BOOST_TEST(!bypass.fields[0].value.has_value());
    BOOST_TEST(bypass.fields[1].name == "x-stage");
    BOOST_TEST(bypass.fields[1].value.value() == "a*");
    BOOST_TEST(bypass.query.at(0) == "add-*-cart");
}

BOOST_AUTO_TEST_CASE(the_admin_may_be_opened_to_others_on_purpose)
{
    BOOST_TEST(settings_of("admin = \":1\"\nadmin_allow_remote = true\n" + kBase + kSite)
                   .admin.has_value());
}

BOOST_AUTO_TEST_CASE(an_edge_follows_its_origin)
{
    EdgeFlags flags = minimal_flags();
    flags.origin = "localhost:7101";
    flags.certs = "/c";
    flags.data = "/d";
    const EdgeSettings plain = settings_of("", flags);
    BOOST_TEST((plain.origin == Address{TcpAddress{"127.0.0.1", 7101}}));
    BOOST_TEST(plain.certs == "/c");
    BOOST_TEST(plain.data == "/d");
    BOOST_TEST((plain.lease == Millis{3000}));
    BOOST_TEST((plain.adrift == purge::Adrift::revalidate));

    flags.lease = "10s";
    flags.adrift = "fail";
    const EdgeSettings flagged = settings_of("lease = \"1h\"\nadrift = \"serve\"\n", flags);
    BOOST_TEST((flagged.lease == Millis{10'000}));
    BOOST_TEST((flagged.adrift == purge::Adrift::fail));
    const EdgeSettings alone = settings_of(kBase + "data = \"/d\"\n" + kSite);
    BOOST_TEST(!alone.origin.has_value());
    BOOST_TEST(alone.data == "/d");
}

BOOST_AUTO_TEST_CASE(an_origin_needs_certificates_and_a_folder)
{
    EdgeFlags flags = minimal_flags();
    flags.origin = "127.0.0.1:7101";
    BOOST_TEST(errors_of("", flags) ==
               "--origin: an edge that has an origin needs certificates; expected --certs DIR, or "
               "certs = \"/etc/tidemark/certs\" in a file\n"
               "--origin: an edge that has an origin needs a folder for its state; expected --data "
               "DIR, or data = \"/var/lib/tidemark\" in a file");
}

BOOST_AUTO_TEST_CASE(a_shield_and_an_apps_own_version_are_of_a_site)
{
    const EdgeSettings s = settings_of(kBase +
                                       "[[site]]\nhosts = [\"a\"]\nupstreams = [\"http://a\"]\n"
                                       "shield = true\nas_of_field = \"X-Data-Version\"\n" +
                                       kSite);
    BOOST_TEST(s.sites.at(0).shield);
    BOOST_TEST(s.sites.at(0).as_of_field.value() == "x-data-version");
    BOOST_TEST(!s.sites.at(1).shield);
    BOOST_TEST(!s.sites.at(1).as_of_field.has_value());
}

BOOST_AUTO_TEST_CASE(the_example_file_is_whole_and_shows_the_defaults)
{
    const std::string path = std::string{TIDEMARK_EXAMPLES} + "/edge.example.toml";
    const auto loaded = load_edge(path, {});
    if (!loaded)
        for (const ConfigError& error : loaded.error())
            BOOST_ERROR(text_of(error));
    BOOST_REQUIRE(loaded.has_value());
    const EdgeSettings& shown = *loaded;
    const EdgeSettings plain = settings_of(kBase + kSite);

    BOOST_TEST(shown.memory_bytes == plain.memory_bytes);
    BOOST_TEST(shown.workers == plain.workers);
    BOOST_TEST(shown.access_log == plain.access_log);
    BOOST_TEST((shown.log_level == plain.log_level));
    BOOST_TEST((shown.drain_timeout == plain.drain_timeout));
    BOOST_TEST((shown.limits == plain.limits));
    BOOST_TEST((shown.timeouts == plain.timeouts));
    BOOST_TEST((shown.sites.at(0).health == plain.sites.at(0).health));
    BOOST_TEST(shown.sites.at(0).upgrade == plain.sites.at(0).upgrade);
    BOOST_TEST(shown.cache.collapse == plain.cache.collapse);
    BOOST_TEST((shown.cache.freshness.implicit_stale_on_error ==
                plain.cache.freshness.implicit_stale_on_error));
    BOOST_TEST((shown.cache.uncacheable_memory == plain.cache.uncacheable_memory));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_an_error_of_its_own)
{
    const auto missing = load_edge("/nonexistent/edge.toml", {});
    BOOST_REQUIRE(!missing.has_value());
    BOOST_TEST(text_of(missing.error().at(0)) ==
               "/nonexistent/edge.toml: cannot be read: No such file or directory");
    const auto folder = load_edge("/", {});
    BOOST_REQUIRE(!folder.has_value());
    BOOST_TEST(text_of(folder.error().at(0)) == "/: cannot be read: it is no regular file");
}

BOOST_AUTO_TEST_CASE(without_a_file_the_host_names_the_edge)
{
    BOOST_TEST(!load_edge(std::nullopt, minimal_flags()).value().name.empty());
}

BOOST_AUTO_TEST_CASE(an_origin_may_be_named_and_its_port_must_be)
{
    EdgeFlags flags = minimal_flags();
    flags.origin = "origin.example.org:7101";
    flags.certs = "/c";
    flags.data = "/d";
    flags.name = std::string(63, 'a');
    BOOST_TEST((settings_of("", flags).origin == Address{TcpAddress{"origin.example.org", 7101}}));
    for (const char* wrong : {"origin.example.org", "origin.example.org:", "origin.example.org:0",
                              "a.example/b:1", "a@b:1", "[::1]", ":7101", "unix:/a", "a:7101/"}) {
        flags.origin = wrong;
        BOOST_TEST(errors_of("", flags).find("is no place to connect to") != std::string::npos,
                   wrong);
    }
    flags.origin = "[::1]:7101";
    BOOST_TEST((settings_of("", flags).origin == Address{TcpAddress{"::1", 7101}}));
    flags.name = std::string(64, 'a');
    BOOST_TEST(errors_of("", flags).find("--name: ") != std::string::npos);
    flags.name = "origin";
    BOOST_TEST(errors_of("", flags).find("cannot be the name") != std::string::npos);
    flags.origin.reset();
    BOOST_TEST(settings_of("", flags).name == "origin");
}

BOOST_AUTO_TEST_CASE(what_pushes_and_refreshing_may_take_is_set)
{
    const EdgeSettings plain = settings_of(kBase + kSite);
    BOOST_TEST(plain.refresh_rate == 50U);
    BOOST_TEST(plain.limits.staged_bytes == 1ULL << 30);
    BOOST_TEST(plain.limits.staged_contents == 64U);
    const EdgeSettings other =
        settings_of("refresh_rate = 0\n" + kBase +
                    "[limits]\nstaged = \"1MiB\"\nstaged_contents = 2\n" + kSite);
    BOOST_TEST(other.refresh_rate == 0U);
    BOOST_TEST(other.limits.staged_bytes == 1ULL << 20);
    BOOST_TEST(other.limits.staged_contents == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
