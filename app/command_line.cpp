#include "app/command_line.hpp"

#include "config/nearest.hpp"
#include "config/quoted.hpp"
#include "config/units.hpp"

// The one file that pays for CLI11.
#include <CLI/CLI.hpp>

namespace tidemark::app
{
namespace
{
constexpr int kUsageError = 2;

// Texts as given; understood after CLI11 is done, so that all messages are ours.
struct PurgeTexts {
    std::vector<std::string> urls;
    std::vector<std::string> tags;
    std::vector<std::string> prefixes;
    std::vector<std::string> hosts;
    bool all = false;
    bool soft = false;
    std::optional<std::string> max_stale;
};

struct Parser {
    CLI::App app{"An edge cache for HTTP.", "tidemark"};
    CLI::App* edge = nullptr;
    CLI::App* check = nullptr;
    CLI::App* purge = nullptr;
    CLI::App* status = nullptr;

    EdgeCommand edge_command;
    std::string check_config;
    PurgeTexts purge_texts;
    std::optional<std::string> admin; // of purge and status
};

// One value for each time that the flag is given.
CLI::Option* repeatable(CLI::App& app, const char* flag, std::vector<std::string>& into,
                        const char* type, const char* help)
{
    return app.add_option(flag, into, help)->type_name(type)->allow_extra_args(false);
}

void add_edge(Parser& p)
{
    p.edge = p.app.add_subcommand("edge", "Serve a site from cache");
    config::EdgeFlags& flags = p.edge_command.flags;
    repeatable(*p.edge, "--listen", flags.listen, "ADDR:PORT",
               "Where clients are served; repeatable");
    repeatable(*p.edge, "--upstream", flags.upstream, "URL",
               "Where responses come from, http://HOST:PORT or unix:/PATH; repeatable");
    const auto one = [&](const char* flag, auto& into, const char* type, const char* help) {
        p.edge->add_option(flag, into, help)->type_name(type);
    };
    one("--admin", flags.admin, "ADDR:PORT", "Metrics, status and purges, on a loopback address");
    one("--workers", flags.workers, "N", "Threads that serve (one per core)");
    one("--memory", flags.memory, "SIZE", "For stored responses (256MiB)");
    one("--name", flags.name, "NAME", "In Cache-Status, Via and CDN-Loop (the host's name)");
    one("--access-log", flags.access_log, "FILE|-|off", "A line for each request (off)");
    one("--log-level", flags.log_level, "LEVEL", "trace, debug, info, warn or error (info)");
    one("--config", p.edge_command.config, "FILE", "Settings in TOML; flags win over it");
}

void add_check(Parser& p)
{
    p.check =
        p.app.add_subcommand("check", "Read a settings file and name all that is wrong with it");
    p.check->add_option("--config,file", p.check_config, "The file")->type_name("FILE");
}

void add_admin(CLI::App& command, Parser& p)
{
    command.add_option("--admin", p.admin, "The edge's admin address (or $TIDEMARK_ADMIN)")
        ->type_name("ADDR:PORT");
}

void add_purge(Parser& p)
{
    p.purge = p.app.add_subcommand("purge", "Make an edge forget stored responses");
    PurgeTexts& texts = p.purge_texts;
    p.purge->add_option("url", texts.urls, "Exactly these, http://HOST/PATH?QUERY")
        ->type_name("URL");
    repeatable(*p.purge, "--tag", texts.tags, "TAG", "All that carry this tag; repeatable");
    repeatable(*p.purge, "--prefix", texts.prefixes, "URL", "All whose URL starts so; repeatable");
    repeatable(*p.purge, "--host", texts.hosts, "HOST", "All of this host; repeatable");
    p.purge->add_flag("--all", texts.all, "Everything");
    p.purge->add_flag("--soft", texts.soft, "Only make them stale");
    p.purge
        ->add_option("--max-stale", texts.max_stale,
                     "With --soft: how long they may still be served while they are validated")
        ->type_name("DURATION");
    add_admin(*p.purge, p);
}

void add_status(Parser& p)
{
    p.status = p.app.add_subcommand("status", "Show what an edge is doing");
    add_admin(*p.status, p);
}

Say usage_error(const CLI::App* command, std::string message)
{
    const std::string name = command == nullptr ? "tidemark" : "tidemark " + command->get_name();
    return Say{name + ": " + std::move(message) + "\nRun `" + name +
                   " --help` for what there is.\n",
               kUsageError};
}

std::string suggestion(std::string_view text, const std::vector<std::string>& names)
{
    const std::vector<std::string_view> views{names.begin(), names.end()};
    const std::string nearest = config::nearest_name(text, views);
    return nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?";
}

std::vector<std::string> flags_of(const CLI::App& command)
{
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames())
            names.push_back("--" + name);
    return names;
}

Say unexpected(const CLI::App& command, std::string_view text)
{
    const std::string_view flag = text.substr(0, text.find('='));
    const std::string what = text.starts_with('-') ? "unknown flag " : "unexpected argument ";
    return usage_error(&command, what + config::quoted(flag) + suggestion(flag, flags_of(command)));
}

Say unknown_command(const CLI::App& app, std::string_view text)
{
    if (text.starts_with('-'))
        return usage_error(nullptr, "unknown flag " + config::quoted(text) +
                                        suggestion(text, flags_of(app)));
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({}))
        names.push_back(command->get_name());
    return usage_error(nullptr,
                       "unknown command " + config::quoted(text) + suggestion(text, names));
}

// For purge and status: an address to connect to.
tl::expected<config::Address, std::string> admin_of(const std::optional<std::string>& given,
                                                    const char* env_admin)
{
    const std::string text = given ? *given : env_admin == nullptr ? "" : env_admin;
    if (text.empty())
        return tl::make_unexpected(std::string{"the edge's --admin address is missing"});
    auto address = config::parse_listen_address(text);
    if (!address)
        return tl::make_unexpected("--admin: " + address.error().message + "; expected " +
                                   address.error().expected);
    if (auto* tcp = std::get_if<config::TcpAddress>(&*address)) {
        if (tcp->port == 0)
            return tl::make_unexpected(std::string{"--admin: port 0 is no port to ask at"});
        if (tcp->host.empty()) tcp->host = "127.0.0.1";
    }
    return *std::move(address);
}

// The one scope that was asked for.
tl::expected<PurgeCommand, std::string> scope_of(PurgeTexts& texts)
{
    const struct {
        PurgeScope scope;
        std::vector<std::string>& selectors;
    } scopes[] = {{PurgeScope::url, texts.urls},
                  {PurgeScope::tag, texts.tags},
                  {PurgeScope::prefix, texts.prefixes},
                  {PurgeScope::host, texts.hosts}};
    int asked = texts.all ? 1 : 0;
    PurgeCommand command;
    command.scope = PurgeScope::all;
    for (const auto& candidate : scopes) {
        if (candidate.selectors.empty()) continue;
        ++asked;
        command.scope = candidate.scope;
        command.selectors = std::move(candidate.selectors);
    }
    if (asked == 1) return command;
    const std::string message =
        asked == 0 ? "nothing to purge" : "more than one kind of thing to purge";
    return tl::make_unexpected(message +
                               "; expected one of URL, --tag, --prefix, --host and --all");
}

Command purge_command(Parser& p, const char* env_admin)
{
    PurgeTexts& texts = p.purge_texts;
    auto command = scope_of(texts);
    if (!command) return usage_error(p.purge, command.error());
    command->soft = texts.soft;
    if (texts.max_stale) {
        const auto duration = config::parse_duration(*texts.max_stale);
        if (!duration || *duration % Seconds{1} != Millis{0})
            return usage_error(
                p.purge,
                "--max-stale: " + config::quoted(*texts.max_stale) +
                    " is no duration in whole seconds; expected \"10s\", \"5m\", \"1h\" or \"1d\"");
        if (!texts.soft) return usage_error(p.purge, "--max-stale has no meaning without --soft");
        command->max_stale = std::chrono::duration_cast<Seconds>(*duration);
    }
    auto admin = admin_of(p.admin, env_admin);
    if (!admin) return usage_error(p.purge, admin.error());
    command->admin = *std::move(admin);
    return *std::move(command);
}

Command status_command(Parser& p, const char* env_admin)
{
    auto admin = admin_of(p.admin, env_admin);
    if (!admin) return usage_error(p.status, admin.error());
    return StatusCommand{*std::move(admin)};
}

const CLI::App* chosen(const Parser& p)
{
    const auto commands = p.app.get_subcommands();
    return commands.empty() ? nullptr : commands.front();
}

Command understand(Parser& p, const char* env_admin)
{
    const CLI::App* command = chosen(p);
    if (const auto rest = p.app.remaining(); !rest.empty())
        return unknown_command(p.app, rest.front());
    if (command == nullptr) return usage_error(nullptr, "no command given");
    if (const auto rest = command->remaining(); !rest.empty())
        return unexpected(*command, rest.front());

    if (command == p.edge) return std::move(p.edge_command);
    if (command == p.purge) return purge_command(p, env_admin);
    if (command == p.status) return status_command(p, env_admin);
    if (p.check_config.empty())
        return usage_error(command, "no file given; expected --config FILE");
    return CheckCommand{std::move(p.check_config)};
}
} // namespace

std::string_view text_of(PurgeScope scope) noexcept
{
    switch (scope) {
    case PurgeScope::url:
        return "url";
    case PurgeScope::tag:
        return "tag";
    case PurgeScope::prefix:
        return "prefix";
    case PurgeScope::host:
        return "host";
    case PurgeScope::all:
        break;
    }
    return "all";
}

Command parse_command_line(int argc, const char* const* argv, std::string_view version,
                           const char* env_admin)
{
    Parser p;
    p.app.set_version_flag("--version", "tidemark " + std::string{version});
    p.app.allow_extras(); // reported by understand(), with the nearest name
    p.app.require_subcommand(0, 1);
    add_edge(p);
    add_check(p);
    add_purge(p);
    add_status(p);
    for (CLI::App* command : p.app.get_subcommands({}))
        command->allow_extras();
    try {
        p.app.parse(argc, argv);
        return understand(p, env_admin);
    } catch (const CLI::CallForHelp&) {
        return Say{p.app.help(), 0};
    } catch (const CLI::CallForVersion& call) {
        return Say{std::string{call.what()} + "\n", 0};
    } catch (const CLI::ParseError& error) {
        return usage_error(chosen(p), error.what());
    }
}
} // namespace tidemark::app
