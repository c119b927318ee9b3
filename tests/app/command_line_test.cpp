#include "app/command_line.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace tidemark;
using namespace tidemark::app;

namespace
{
// `line` cut at spaces.
Command run(const std::string& line, const char* env_admin = nullptr)
{
    std::istringstream in{line};
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    std::vector<const char*> argv;
    for (const std::string& word : words)
        argv.push_back(word.c_str());
    return parse_command_line(static_cast<int>(argv.size()), argv.data(), "1.2.3", env_admin);
}

template <class T> T expect(const std::string& line, const char* env_admin = nullptr)
{
    Command command = run(line, env_admin);
    if (const Say* say = std::get_if<Say>(&command)) BOOST_TEST_MESSAGE(say->text);
    BOOST_REQUIRE(std::holds_alternative<T>(command));
    return std::get<T>(std::move(command));
}
} // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(edge_takes_every_flag)
{
    const auto edge = expect<EdgeCommand>(
        "tidemark edge --listen :80 --listen [::1]:81 --upstream http://a --upstream=http://b "
        "--admin 127.0.0.1:1 "
        "--workers 2 --memory 1GiB --name n --access-log - --log-level debug --config f.toml");
    BOOST_TEST((edge.flags.listen == std::vector<std::string>{":80", "[::1]:81"}));
    BOOST_TEST((edge.flags.upstream == std::vector<std::string>{"http://a", "http://b"}));
    BOOST_TEST(edge.flags.admin.value() == "127.0.0.1:1");
    BOOST_TEST(edge.flags.workers.value() == "2");
    BOOST_TEST(edge.flags.memory.value() == "1GiB");
    BOOST_TEST(edge.flags.name.value() == "n");
    BOOST_TEST(edge.flags.access_log.value() == "-");
    BOOST_TEST(edge.flags.log_level.value() == "debug");
    BOOST_TEST(edge.config.value() == "f.toml");
}

BOOST_AUTO_TEST_CASE(edge_without_flags_leaves_all_to_the_settings)
{
    const auto edge = expect<EdgeCommand>("tidemark edge");
    BOOST_TEST(edge.flags.listen.empty());
    BOOST_TEST(!edge.flags.memory.has_value());
    BOOST_TEST(!edge.config.has_value());
}

BOOST_AUTO_TEST_CASE(check_takes_its_file_with_or_without_a_flag)
{
    BOOST_TEST(expect<CheckCommand>("tidemark check --config a.toml").config == "a.toml");
    BOOST_TEST(expect<CheckCommand>("tidemark check a.toml").config == "a.toml");
}

BOOST_AUTO_TEST_CASE(purge_takes_one_scope_and_its_selectors)
{
    const struct {
        const char* line;
        PurgeScope scope;
        std::vector<std::string> selectors;
    } rows[] = {
        {"tidemark purge --admin :1 http://a/ http://a/b",
         PurgeScope::url,
         {"http://a/", "http://a/b"}},
        {"tidemark purge --tag shoes --tag hats --admin :1", PurgeScope::tag, {"shoes", "hats"}},
        {"tidemark purge --prefix http://a/b --admin :1", PurgeScope::prefix, {"http://a/b"}},
        {"tidemark purge --host a --admin :1", PurgeScope::host, {"a"}},
        {"tidemark purge --all --admin :1", PurgeScope::all, {}},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const auto purge = expect<PurgeCommand>(row.line);
            BOOST_TEST((purge.scope == row.scope));
            BOOST_TEST((purge.selectors == row.selectors));
            BOOST_TEST(!purge.soft);
            BOOST_TEST((purge.admin == config::Address{config::TcpAddress{"127.0.0.1", 1}}));
        }
}

BOOST_AUTO_TEST_CASE(a_soft_purge_may_bound_staleness)
{
    const auto purge =
        expect<PurgeCommand>("tidemark purge --all --soft --max-stale 5m --admin :1");
    BOOST_TEST(purge.soft);
    BOOST_TEST((purge.max_stale == Seconds{300}));
}

BOOST_AUTO_TEST_CASE(the_environment_names_the_admin_address_where_no_flag_does)
{
    BOOST_TEST((expect<StatusCommand>("tidemark status", "unix:/a").admin ==
                config::Address{config::UnixAddress{"/a"}}));
    BOOST_TEST((expect<StatusCommand>("tidemark status --admin :2", "unix:/a").admin ==
                config::Address{config::TcpAddress{"127.0.0.1", 2}}));
}

BOOST_AUTO_TEST_CASE(mistakes_are_named_with_the_nearest_name_and_exit_2)
{
    const struct {
        const char* line;
        const char* first_line;
    } rows[] = {
        {"tidemark", "tidemark: no command given"},
        {"tidemark egde", "tidemark: unknown command \"egde\"; did you mean \"edge\"?"},
        {"tidemark --versoin", "tidemark: unknown flag \"--versoin\"; did you mean \"--version\"?"},
        {"tidemark edge --lsten :80",
         "tidemark edge: unknown flag \"--lsten\"; did you mean \"--listen\"?"},
        {"tidemark edge --memmory=1g",
         "tidemark edge: unknown flag \"--memmory\"; did you mean \"--memory\"?"},
        {"tidemark edge --zzz", "tidemark edge: unknown flag \"--zzz\""},
        {"tidemark edge --listen :80 :81", "tidemark edge: unexpected argument \":81\""},
        {"tidemark check", "tidemark check: no file given; expected --config FILE"},
        {"tidemark status", "tidemark status: the edge's --admin address is missing"},
        {"tidemark status --admin :0", "tidemark status: --admin: port 0 is no port to ask at"},
        {"tidemark purge --admin :1", "tidemark purge: nothing to purge; expected one of URL, "
                                      "--tag, --prefix, --host and --all"},
        {"tidemark purge --admin :1 --all --tag a",
         "tidemark purge: more than one kind of thing to purge; expected one of URL, --tag, "
         "--prefix, --host and "
         "--all"},
        {"tidemark purge --admin :1 --all --max-stale 5m",
         "tidemark purge: --max-stale has no meaning without --soft"},
        {"tidemark purge --admin :1 --all --soft --max-stale soon",
         "tidemark purge: --max-stale: \"soon\" is no duration in whole seconds; expected \"10s\", "
         "\"5m\", \"1h\" or "
         "\"1d\""},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const auto say = expect<Say>(row.line);
            BOOST_TEST(say.text.substr(0, say.text.find('\n')) == row.first_line);
            BOOST_TEST(say.exit_code == 2);
        }
}

BOOST_AUTO_TEST_CASE(a_flag_without_its_value_or_given_twice_is_a_usage_error)
{
    BOOST_TEST(expect<Say>("tidemark edge --memory").exit_code == 2);
    BOOST_TEST(expect<Say>("tidemark edge --memory 1g --memory 2g").exit_code == 2);
}

BOOST_AUTO_TEST_CASE(help_and_version_exit_0)
{
    const auto version = expect<Say>("tidemark --version");
    BOOST_TEST(version.text == "tidemark 1.2.3\n");
    BOOST_TEST(version.exit_code == 0);
    const auto help = expect<Say>("tidemark --help");
    BOOST_TEST(help.exit_code == 0);
    for (const char* command : {"edge", "check", "purge", "status"})
        BOOST_TEST(help.text.find(command) != std::string::npos);
    const auto edge_help = expect<Say>("tidemark edge --help");
    BOOST_TEST(edge_help.text.find("--log-level") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
