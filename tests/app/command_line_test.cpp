#include "app/command_line.hpp"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace tidemark;
using namespace tidemark::app;

namespace
{
// `line` cut at spaces.
Command run(const std::string& line, const Environment& environment = {})
{
    std::istringstream in{line};
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    std::vector<const char*> argv;
    for (const std::string& word : words)
        argv.push_back(word.c_str());
    return parse_command_line(static_cast<int>(argv.size()), argv.data(), "1.2.3", environment);
}

template <class T> T expect(const std::string& line, const Environment& environment = {})
{
    Command command = run(line, environment);
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
        "--workers 2 --memory 1GiB --name n --access-log - --log-level debug --config f.toml "
        "--origin 127.0.0.1:7101 --certs c --data d --lease 5s --adrift serve");
    BOOST_TEST((edge.flags.listen == std::vector<std::string>{":80", "[::1]:81"}));
    BOOST_TEST((edge.flags.upstream == std::vector<std::string>{"http://a", "http://b"}));
    BOOST_TEST(edge.flags.admin.value() == "127.0.0.1:1");
    BOOST_TEST(edge.flags.workers.value() == "2");
    BOOST_TEST(edge.flags.memory.value() == "1GiB");
    BOOST_TEST(edge.flags.name.value() == "n");
    BOOST_TEST(edge.flags.access_log.value() == "-");
    BOOST_TEST(edge.flags.log_level.value() == "debug");
    BOOST_TEST(edge.config.value() == "f.toml");
    BOOST_TEST(edge.flags.origin.value() == "127.0.0.1:7101");
    BOOST_TEST(edge.flags.certs.value() == "c");
    BOOST_TEST(edge.flags.data.value() == "d");
    BOOST_TEST(edge.flags.lease.value() == "5s");
    BOOST_TEST(edge.flags.adrift.value() == "serve");
}

BOOST_AUTO_TEST_CASE(origin_takes_every_flag)
{
    const auto origin = expect<OriginCommand>(
        "tidemark origin --admin 127.0.0.1:7100 --link 127.0.0.1:7101 --data d --certs c "
        "--log-level warn --config o.toml");
    BOOST_TEST(origin.flags.admin.value() == "127.0.0.1:7100");
    BOOST_TEST(origin.flags.link.value() == "127.0.0.1:7101");
    BOOST_TEST(origin.flags.data.value() == "d");
    BOOST_TEST(origin.flags.certs.value() == "c");
    BOOST_TEST(origin.flags.log_level.value() == "warn");
    BOOST_TEST(origin.config.value() == "o.toml");
}

BOOST_AUTO_TEST_CASE(a_purge_may_wait_and_say_why)
{
    const auto purge = expect<PurgeCommand>(
        "tidemark purge --all --erase --key k --note why --wait 90% --timeout 1m --admin :1");
    BOOST_TEST((purge.mode == PurgeMode::erase));
    BOOST_TEST(purge.key.value() == "k");
    BOOST_TEST(purge.note.value() == "why");
    BOOST_TEST((purge.wait == Wait{90, Seconds{60}}));
    BOOST_TEST(!purge.dry_run);
    const auto dry = expect<PurgeCommand>("tidemark purge --all --refresh --dry-run --admin :1");
    BOOST_TEST((dry.mode == PurgeMode::refresh));
    BOOST_TEST(dry.dry_run);
}

BOOST_AUTO_TEST_CASE(a_push_has_a_url_a_body_and_fields)
{
    const auto push = expect<PushCommand>(
        "tidemark push http://a/b f.css --header Content-Type:text/css --header X:a:b --as-of 7 "
        "--wait all --token t --admin :1");
    BOOST_TEST(push.url == "http://a/b");
    BOOST_TEST(push.file == "f.css");
    BOOST_REQUIRE(push.headers.size() == 2U);
    BOOST_TEST(push.headers[0].first == "Content-Type");
    BOOST_TEST(push.headers[0].second == "text/css");
    BOOST_TEST(push.headers[1].second == "a:b");
    BOOST_TEST(push.as_of.value() == 7U);
    BOOST_TEST((push.wait == Wait{100, std::nullopt}));
    BOOST_TEST(push.admin.token.value() == "t");
    BOOST_TEST(expect<PushCommand>("tidemark push http://a/b - --admin :1").file == "-");
}

BOOST_AUTO_TEST_CASE(undo_status_and_token_take_what_is_theirs)
{
    BOOST_TEST(expect<UndoCommand>("tidemark undo 42 --admin :1").version == 42U);
    BOOST_TEST(expect<StatusCommand>("tidemark status --watch --admin :1").watch);
    BOOST_TEST(expect<StatusCommand>("tidemark status --json --admin :1").json);
    expect<TokenHashCommand>("tidemark token hash");
}

BOOST_AUTO_TEST_CASE(journal_works_on_a_folder_and_mostly_a_file)
{
    using Action = JournalCommand::Action;
    const auto made = expect<JournalCommand>("tidemark journal export --data d backup");
    BOOST_TEST((made.action == Action::export_to));
    BOOST_TEST(made.data == "d");
    BOOST_TEST(made.file == "backup");
    BOOST_TEST((expect<JournalCommand>("tidemark journal import backup --data d").action ==
                Action::import_from));
    BOOST_TEST(
        (expect<JournalCommand>("tidemark journal verify --data d").action == Action::verify));
}

BOOST_AUTO_TEST_CASE(certs_works_on_a_folder_and_names)
{
    using Action = CertsCommand::Action;
    using Names = std::vector<std::string>;
    const struct {
        const char* line;
        Action action;
        Names names;
    } rows[] = {
        {"tidemark certs init d --edges a,b,c", Action::init, {"a", "b", "c"}},
        {"tidemark certs init --edges a d", Action::init, {"a"}},
        {"tidemark certs init d", Action::init, {}},
        {"tidemark certs add d x y", Action::add, {"x", "y"}},
        {"tidemark certs add d init", Action::add, {"init"}},
        {"tidemark certs renew d origin", Action::renew, {"origin"}},
        {"tidemark certs renew d --all", Action::renew, {}},
        {"tidemark certs revoke d x", Action::revoke, {"x"}},
        {"tidemark certs show d", Action::show, {}},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const auto certs = expect<CertsCommand>(row.line);
            BOOST_TEST((certs.action == row.action));
            BOOST_TEST(certs.folder == "d");
            BOOST_TEST((certs.names == row.names));
        }
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
        {"tidemark purge --regex ^a --regex b$ --admin :1", PurgeScope::pattern, {"^a", "b$"}},
        {"tidemark purge --all --admin :1", PurgeScope::all, {}},
    };
    for (const auto& row : rows)
        BOOST_TEST_CONTEXT(row.line)
        {
            const auto purge = expect<PurgeCommand>(row.line);
            BOOST_TEST((purge.scope == row.scope));
            BOOST_TEST((purge.selectors == row.selectors));
            BOOST_TEST((purge.mode == PurgeMode::hard));
            BOOST_TEST(!purge.wait.has_value());
            BOOST_TEST(
                (purge.admin.address == config::Address{config::TcpAddress{"127.0.0.1", 1}}));
        }
}

BOOST_AUTO_TEST_CASE(a_soft_purge_may_bound_staleness)
{
    const auto purge =
        expect<PurgeCommand>("tidemark purge --all --soft --max-stale 5m --admin :1");
    BOOST_TEST((purge.mode == PurgeMode::soft));
    BOOST_TEST((purge.max_stale == Seconds{300}));
}

BOOST_AUTO_TEST_CASE(the_environment_names_the_admin_address_where_no_flag_does)
{
    BOOST_TEST((expect<StatusCommand>("tidemark status", {"unix:/a"}).admin.address ==
                config::Address{config::UnixAddress{"/a"}}));
    BOOST_TEST((expect<StatusCommand>("tidemark status --admin :2", {"unix:/a"}).admin.address ==
                config::Address{config::TcpAddress{"127.0.0.1", 2}}));
}

BOOST_AUTO_TEST_CASE(a_token_comes_from_its_flag_or_the_environment)
{
    const Environment environment{":1", "from-environment"};
    BOOST_TEST(expect<StatusCommand>("tidemark status", environment).admin.token.value() ==
               "from-environment");
    BOOST_TEST(
        expect<StatusCommand>("tidemark status --token t", environment).admin.token.value() == "t");
    BOOST_TEST(!expect<StatusCommand>("tidemark status", {":1", ""}).admin.token.has_value());
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
        {"tidemark status", "tidemark status: the --admin address is missing"},
        {"tidemark status --admin :0", "tidemark status: --admin: port 0 is no port to ask at"},
        {"tidemark purge --admin :1", "tidemark purge: nothing to purge; expected one of URL, "
                                      "--tag, --prefix, --host, --regex and --all"},
        {"tidemark purge --admin :1 --all --tag a",
         "tidemark purge: more than one kind of thing to purge; expected one of URL, --tag, "
         "--prefix, --host, --regex and "
         "--all"},
        {"tidemark purge --admin :1 --all --max-stale 5m",
         "tidemark purge: --max-stale has no meaning without --soft"},
        {"tidemark purge --admin :1 --all --soft --max-stale soon",
         "tidemark purge: --max-stale: \"soon\" is no duration in whole seconds; expected \"10s\", "
         "\"5m\", \"1h\" or "
         "\"1d\""},
        {"tidemark purge --admin :1 --all --soft --erase",
         "tidemark purge: more than one of --soft, --refresh and --erase"},
        {"tidemark purge --admin :1 --all --timeout 5s",
         "tidemark purge: --timeout has no meaning without --wait"},
        {"tidemark purge --admin :1 --all --wait 0%",
         "tidemark purge: --wait: \"0%\" is no share of the edges; expected \"all\" or \"90%\""},
        {"tidemark purge --admin :1 --all --wait 5",
         "tidemark purge: --wait: \"5\" is no share of the edges; expected \"all\" or \"90%\""},
        {"tidemark purge --admin :1 --all --wait all --timeout 500ms",
         "tidemark purge: --timeout: \"500ms\" is no duration in whole seconds; expected \"10s\", "
         "\"5m\", \"1h\" or \"1d\""},
        {"tidemark purge --admin :1 --all --wait all --dry-run",
         "tidemark purge: --wait has no meaning with --dry-run"},
        {"tidemark purge --admin :1 --all --token a\x7f",
         "tidemark purge: --token: it has blanks or control characters"},
        {"tidemark push http://a --admin :1", "tidemark push: expected a URL and a FILE"},
        {"tidemark push http://a f --header nonsense --admin :1",
         "tidemark push: --header: \"nonsense\" is no field; expected \"Name: value\""},
        {"tidemark push http://a f --as-of -1 --admin :1",
         "tidemark push: --as-of: \"-1\" is no version; expected a whole number"},
        {"tidemark undo --admin :1", "tidemark undo: expected a version"},
        {"tidemark undo 0 --admin :1",
         "tidemark undo: \"0\" is no version; expected a whole number from 1"},
        {"tidemark status --watch --json --admin :1",
         "tidemark status: --watch shows a table, --json is for programs; expected one of them"},
        {"tidemark certs", "tidemark certs: no command given; expected init, add, renew, revoke, "
                           "show"},
        {"tidemark certs inti d",
         "tidemark certs: unknown command \"inti\"; did you mean \"init\"?"},
        {"tidemark certs init", "tidemark certs init: expected a DIR"},
        {"tidemark certs init d --edgse a",
         "tidemark certs init: unknown flag \"--edgse\"; did you mean \"--edges\"?"},
        {"tidemark certs add d", "tidemark certs add: expected at least one NAME"},
        {"tidemark certs renew d", "tidemark certs renew: expected NAMEs or --all"},
        {"tidemark certs renew d a --all", "tidemark certs renew: expected NAMEs or --all"},
        {"tidemark certs revoke d a b", "tidemark certs revoke: expected one NAME"},
        {"tidemark certs show d a", "tidemark certs show: unexpected argument \"a\""},
        {"tidemark journal verify", "tidemark journal verify: expected --data DIR"},
        {"tidemark journal export --data d", "tidemark journal export: expected a FILE"},
        {"tidemark token", "tidemark token: no command given; expected hash"},
        {"tidemark origin --lnik :1",
         "tidemark origin: unknown flag \"--lnik\"; did you mean \"--link\"?"},
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
    for (const char* command : {"edge", "origin", "check", "purge", "push", "undo", "status",
                                "journal", "certs", "token"})
        BOOST_TEST(help.text.find(command) != std::string::npos);
    const auto edge_help = expect<Say>("tidemark edge --help");
    BOOST_TEST(expect<Say>("tidemark certs init --help").text.find("--edges") != std::string::npos);
    BOOST_TEST(edge_help.text.find("--log-level") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
