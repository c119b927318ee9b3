#include "app/command_line.hpp"

#include "config/nearest.hpp"
#include "config/quoted.hpp"
#include "config/units.hpp"
#include "core/base/text.hpp"

// The one file that pays for CLI11.
#include <CLI/CLI.hpp>
#include <algorithm>

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
    std::vector<std::string> patterns;
    bool all = false;
    bool soft = false;
    bool refresh = false;
    bool erase = false;
    bool dry_run = false;
    std::optional<std::string> max_stale;
    std::optional<std::string> key;
    std::optional<std::string> note;
};

struct PushTexts {
    std::string url;
    std::string file;
    std::vector<std::string> headers;
    std::optional<std::string> as_of;
};

// What the commands that speak to an admin address share.
struct AdminTexts {
    std::optional<std::string> admin;
    std::optional<std::string> token;
    std::optional<std::string> wait;
    std::optional<std::string> timeout;
};

// Texts of subcommands' subcommands.
struct FolderTexts {
    std::string folder;
    std::string file;
    std::vector<std::string> names;
    std::vector<std::string> edges;
    bool all = false;
};

struct Parser {
    CLI::App app{"An edge cache for HTTP.", "tidemark"};
    CLI::App* edge = nullptr;
    CLI::App* check = nullptr;
    CLI::App* purge = nullptr;
    CLI::App* status = nullptr;
    CLI::App* origin = nullptr;
    CLI::App* push = nullptr;
    CLI::App* undo = nullptr;
    CLI::App* journal = nullptr;
    CLI::App* certs = nullptr;
    CLI::App* token = nullptr;

    EdgeCommand edge_command;
    OriginCommand origin_command;
    StatusCommand status_command;
    std::string check_config;
    PurgeTexts purge_texts;
    PushTexts push_texts;
    std::string undo_version;
    AdminTexts admin;
    FolderTexts folder;
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
    one("--origin", flags.origin, "ADDR:PORT", "The origin daemon's --link address");
    one("--certs", flags.certs, "DIR", "From `tidemark certs init`; with --origin");
    one("--data", flags.data, "DIR", "For what must outlive a restart; with --origin");
    one("--lease", flags.lease, "DURATION", "How long it serves without hearing from there (3s)");
    one("--adrift", flags.adrift, "POLICY", "Beyond that: revalidate, serve or fail (revalidate)");
    one("--config", p.edge_command.config, "FILE", "Settings in TOML; flags win over it");
}

void add_origin(Parser& p)
{
    p.origin = p.app.add_subcommand("origin", "Tell edges what to forget and what to keep");
    config::OriginFlags& flags = p.origin_command.flags;
    const auto one = [&](const char* flag, auto& into, const char* type, const char* help) {
        p.origin->add_option(flag, into, help)->type_name(type);
    };
    one("--admin", flags.admin, "ADDR:PORT", "Where purges are asked for, on a loopback address");
    one("--link", flags.link, "ADDR:PORT", "Where edges connect, TCP and UDP");
    one("--data", flags.data, "DIR", "For the journal");
    one("--certs", flags.certs, "DIR", "From `tidemark certs init`");
    one("--log-level", flags.log_level, "LEVEL", "trace, debug, info, warn or error (info)");
    one("--config", p.origin_command.config, "FILE", "Settings in TOML; flags win over it");
}

void add_check(Parser& p)
{
    p.check =
        p.app.add_subcommand("check", "Read a settings file and name all that is wrong with it");
    p.check->add_option("--config,file", p.check_config, "The file")->type_name("FILE");
}

void add_admin(CLI::App& command, Parser& p)
{
    command
        .add_option("--admin", p.admin.admin,
                    "The origin's, or a lone edge's, admin address (or $TIDEMARK_ADMIN)")
        ->type_name("ADDR:PORT");
    command.add_option("--token", p.admin.token, "A bearer token (or $TIDEMARK_TOKEN)")
        ->type_name("T");
}

void add_wait(CLI::App& command, Parser& p)
{
    command.add_option("--wait", p.admin.wait, "Until so many of the edges are clean")
        ->type_name("all|N%");
    command.add_option("--timeout", p.admin.timeout, "With --wait: for this long at most")
        ->type_name("DURATION");
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
    repeatable(*p.purge, "--regex", texts.patterns, "R", "All whose URL matches; repeatable");
    p.purge->add_flag("--all", texts.all, "Everything");
    p.purge->add_flag("--soft", texts.soft, "Only make them stale");
    p.purge->add_flag("--refresh", texts.refresh, "Fetch anew what was asked for lately");
    p.purge->add_flag("--erase", texts.erase, "Erase the bytes too; cannot be undone");
    p.purge->add_flag("--dry-run", texts.dry_run, "Only say what it would hit");
    p.purge->add_option("--key", texts.key, "The same key purges once, however often it is sent")
        ->type_name("K");
    p.purge->add_option("--note", texts.note, "Why; kept in the journal")->type_name("N");
    p.purge
        ->add_option("--max-stale", texts.max_stale,
                     "With --soft: how long they may still be served while they are validated")
        ->type_name("DURATION");
    add_wait(*p.purge, p);
    add_admin(*p.purge, p);
}

void add_push(Parser& p)
{
    p.push = p.app.add_subcommand("push", "Put content on the edges before anyone asks");
    PushTexts& texts = p.push_texts;
    p.push->add_option("url", texts.url, "http://HOST/PATH?QUERY")->type_name("URL");
    p.push->add_option("file", texts.file, "Its body; - is standard input")->type_name("FILE");
    repeatable(*p.push, "--header", texts.headers, "NAME:VALUE", "A response field; repeatable");
    p.push->add_option("--as-of", texts.as_of, "The version that it reflects (the present one)")
        ->type_name("VERSION");
    add_wait(*p.push, p);
    add_admin(*p.push, p);
}

void add_undo(Parser& p)
{
    p.undo = p.app.add_subcommand("undo", "Take a purge back, for what is still stored");
    p.undo->add_option("version", p.undo_version, "As the purge was answered")->type_name("N");
    add_admin(*p.undo, p);
}

void add_status(Parser& p)
{
    p.status = p.app.add_subcommand("status", "Show the edges, or what an edge is doing");
    p.status->add_flag("--watch", p.status_command.watch, "Go on showing it");
    p.status->add_flag("--json", p.status_command.json, "As JSON");
    add_admin(*p.status, p);
}

void add_journal(Parser& p)
{
    p.journal = p.app.add_subcommand("journal", "Back up, restore and check an origin's journal");
    p.journal->require_subcommand(0, 1);
    const auto add = [&](const char* name, const char* help, bool has_file) {
        CLI::App* command = p.journal->add_subcommand(name, help);
        command->add_option("--data", p.folder.folder, "The origin's folder")->type_name("DIR");
        if (has_file) command->add_option("file", p.folder.file, "The backup")->type_name("FILE");
    };
    add("export", "Write a backup", true);
    add("import", "Restore a backup into an empty folder", true);
    add("verify", "Read it all and say what is wrong", false);
}

void add_certs(Parser& p)
{
    p.certs = p.app.add_subcommand("certs", "Keep the certificates of an origin and its edges");
    p.certs->require_subcommand(0, 1);
    FolderTexts& texts = p.folder;
    const auto add = [&](const char* name, const char* help) {
        CLI::App* command = p.certs->add_subcommand(name, help);
        command->add_option("dir", texts.folder, "The folder")->type_name("DIR");
        return command;
    };
    add("init", "Make a CA, the origin's certificate and those of the edges")
        ->add_option("--edges", texts.edges, "Their names")
        ->type_name("A,B,C")
        ->delimiter(',')
        ->allow_extra_args(false);
    add("add", "Make certificates for more edges")
        ->add_option("names", texts.names, "Of the edges")
        ->type_name("NAME");
    CLI::App* renew = add("renew", "Make new keys and certificates before the old ones expire");
    renew->add_option("names", texts.names, "Of edges, or origin")->type_name("NAME");
    renew->add_flag("--all", texts.all, "All that are not revoked");
    add("revoke", "Make every certificate of an edge worthless")
        ->add_option("names", texts.names, "Of the edge")
        ->type_name("NAME");
    add("show", "List them all");
}

void add_token(Parser& p)
{
    p.token = p.app.add_subcommand("token", "Make bearer tokens for the admin address");
    p.token->require_subcommand(0, 1);
    p.token->add_subcommand("hash", "Print a new token, and its hash for the settings");
}

// "tidemark certs init"
std::string full_name(const CLI::App& command)
{
    const CLI::App* parent = command.get_parent();
    return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

Say usage_error(const CLI::App* command, std::string message)
{
    const std::string name = command == nullptr ? "tidemark" : full_name(*command);
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
        return usage_error(&app, "unknown flag " + config::quoted(text) +
                                     suggestion(text, flags_of(app)));
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({}))
        names.push_back(command->get_name());
    return usage_error(&app, "unknown command " + config::quoted(text) + suggestion(text, names));
}

// The flag's text, or else the environment's; "" if there is neither.
std::string given_or(const std::optional<std::string>& flag, const char* environment)
{
    return flag ? *flag : environment == nullptr ? "" : environment;
}

// For a command that speaks to it: an address to connect to.
tl::expected<config::Address, std::string> address_of(const std::string& text)
{
    if (text.empty()) return tl::make_unexpected(std::string{"the --admin address is missing"});
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

tl::expected<AdminEndpoint, std::string> admin_of(const AdminTexts& texts,
                                                  const Environment& environment)
{
    AdminEndpoint admin;
    auto address = address_of(given_or(texts.admin, environment.admin));
    if (!address) return tl::make_unexpected(address.error());
    admin.address = *std::move(address);
    const std::string token = given_or(texts.token, environment.token);
    const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
    if (!std::all_of(token.begin(), token.end(), visible))
        return tl::make_unexpected(std::string{"--token: it has blanks or control characters"});
    if (!token.empty()) admin.token = token;
    return admin;
}

// Whole seconds, as they are sent.
tl::expected<Seconds, std::string> seconds_of(const char* flag, const std::string& text)
{
    const auto duration = config::parse_duration(text);
    if (duration && *duration % Seconds{1} == Millis{0})
        return std::chrono::duration_cast<Seconds>(*duration);
    return tl::make_unexpected(
        std::string{flag} + ": " + config::quoted(text) +
        " is no duration in whole seconds; expected \"10s\", \"5m\", \"1h\" or \"1d\"");
}

tl::expected<std::optional<Wait>, std::string> wait_of(const AdminTexts& texts)
{
    if (!texts.wait) {
        if (!texts.timeout) return std::nullopt;
        return tl::make_unexpected(std::string{"--timeout has no meaning without --wait"});
    }
    Wait wait;
    const std::string& text = *texts.wait;
    if (text != "all") {
        const auto percent = text.ends_with('%')
                                 ? parse_decimal(std::string_view{text}.substr(0, text.size() - 1))
                                 : std::nullopt;
        if (!percent || *percent < 1 || *percent > 100)
            return tl::make_unexpected("--wait: " + config::quoted(text) +
                                       " is no share of the edges; expected \"all\" or \"90%\"");
        wait.percent = static_cast<std::uint32_t>(*percent);
    }
    if (!texts.timeout) return wait;
    const auto timeout = seconds_of("--timeout", *texts.timeout);
    if (!timeout) return tl::make_unexpected(timeout.error());
    wait.timeout = *timeout;
    return wait;
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
                  {PurgeScope::host, texts.hosts},
                  {PurgeScope::pattern, texts.patterns}};
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
                               "; expected one of URL, --tag, --prefix, --host, --regex and --all");
}

tl::expected<PurgeMode, std::string> mode_of(const PurgeTexts& texts)
{
    const struct {
        bool asked;
        PurgeMode mode;
    } modes[] = {{texts.soft, PurgeMode::soft},
                 {texts.refresh, PurgeMode::refresh},
                 {texts.erase, PurgeMode::erase}};
    PurgeMode mode = PurgeMode::hard;
    for (const auto& candidate : modes) {
        if (!candidate.asked) continue;
        if (mode != PurgeMode::hard)
            return tl::make_unexpected(
                std::string{"more than one of --soft, --refresh and --erase"});
        mode = candidate.mode;
    }
    return mode;
}

Command purge_command(Parser& p, const Environment& environment)
{
    PurgeTexts& texts = p.purge_texts;
    auto command = scope_of(texts);
    if (!command) return usage_error(p.purge, command.error());
    const auto mode = mode_of(texts);
    if (!mode) return usage_error(p.purge, mode.error());
    command->mode = *mode;
    if (texts.max_stale) {
        const auto duration = seconds_of("--max-stale", *texts.max_stale);
        if (!duration) return usage_error(p.purge, duration.error());
        if (!texts.soft) return usage_error(p.purge, "--max-stale has no meaning without --soft");
        command->max_stale = *duration;
    }
    auto wait = wait_of(p.admin);
    if (!wait) return usage_error(p.purge, wait.error());
    if (*wait && texts.dry_run) return usage_error(p.purge, "--wait has no meaning with --dry-run");
    command->wait = *wait;
    command->dry_run = texts.dry_run;
    command->key = std::move(texts.key);
    command->note = std::move(texts.note);
    auto admin = admin_of(p.admin, environment);
    if (!admin) return usage_error(p.purge, admin.error());
    command->admin = *std::move(admin);
    return *std::move(command);
}

// "Name: value", fit for a head (RFC 9110 §5.1, §5.5).
std::optional<std::pair<std::string, std::string>> field_of(std::string_view text)
{
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    const auto token = [&](char c) {
        const char l = to_lower(c);
        return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'z') || kMarks.find(c) != kMarks.npos;
    };
    const auto control = [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    };
    const std::size_t colon = text.find(':');
    if (colon == text.npos || colon == 0) return std::nullopt;
    const std::string_view name = text.substr(0, colon);
    const std::string_view value = trim(text.substr(colon + 1));
    if (!std::all_of(name.begin(), name.end(), token) ||
        std::any_of(value.begin(), value.end(), control))
        return std::nullopt;
    return std::pair{std::string{name}, std::string{value}};
}

Command push_command(Parser& p, const Environment& environment)
{
    PushTexts& texts = p.push_texts;
    PushCommand command;
    if (texts.url.empty() || texts.file.empty())
        return usage_error(p.push, "expected a URL and a FILE");
    for (const std::string& header : texts.headers) {
        auto field = field_of(header);
        if (!field)
            return usage_error(p.push, "--header: " + config::quoted(header) +
                                           " is no field; expected \"Name: value\"");
        command.headers.push_back(*std::move(field));
    }
    if (texts.as_of) {
        command.as_of = parse_decimal(*texts.as_of);
        if (!command.as_of)
            return usage_error(p.push, "--as-of: " + config::quoted(*texts.as_of) +
                                           " is no version; expected a whole number");
    }
    auto wait = wait_of(p.admin);
    if (!wait) return usage_error(p.push, wait.error());
    auto admin = admin_of(p.admin, environment);
    if (!admin) return usage_error(p.push, admin.error());
    command.url = std::move(texts.url);
    command.file = std::move(texts.file);
    command.wait = *wait;
    command.admin = *std::move(admin);
    return command;
}

Command undo_command(Parser& p, const Environment& environment)
{
    const auto version = parse_decimal(p.undo_version);
    if (!version || *version == 0)
        return usage_error(p.undo, p.undo_version.empty()
                                       ? "expected a version"
                                       : config::quoted(p.undo_version) +
                                             " is no version; expected a whole number from 1");
    auto admin = admin_of(p.admin, environment);
    if (!admin) return usage_error(p.undo, admin.error());
    return UndoCommand{*version, *std::move(admin)};
}

Command status_command(Parser& p, const Environment& environment)
{
    if (p.status_command.watch && p.status_command.json)
        return usage_error(p.status, "--watch shows a table, --json is for programs; "
                                     "expected one of them");
    auto admin = admin_of(p.admin, environment);
    if (!admin) return usage_error(p.status, admin.error());
    p.status_command.admin = *std::move(admin);
    return std::move(p.status_command);
}

Command journal_command(Parser& p, const CLI::App& command)
{
    using Action = JournalCommand::Action;
    const std::string& name = command.get_name();
    const Action action = name == "export"   ? Action::export_to
                          : name == "import" ? Action::import_from
                                             : Action::verify;
    if (p.folder.folder.empty()) return usage_error(&command, "expected --data DIR");
    if (action != Action::verify && p.folder.file.empty())
        return usage_error(&command, "expected a FILE");
    return JournalCommand{action, std::move(p.folder.folder), std::move(p.folder.file)};
}

Command certs_command(Parser& p, const CLI::App& command)
{
    using Action = CertsCommand::Action;
    FolderTexts& texts = p.folder;
    const std::string& name = command.get_name();
    const Action action = name == "init"     ? Action::init
                          : name == "add"    ? Action::add
                          : name == "renew"  ? Action::renew
                          : name == "revoke" ? Action::revoke
                                             : Action::show;
    if (texts.folder.empty()) return usage_error(&command, "expected a DIR");
    if (action == Action::add && texts.names.empty())
        return usage_error(&command, "expected at least one NAME");
    if (action == Action::renew && texts.names.empty() != texts.all)
        return usage_error(&command, "expected NAMEs or --all");
    if (action == Action::revoke && texts.names.size() != 1)
        return usage_error(&command, "expected one NAME");
    return CertsCommand{action, std::move(texts.folder),
                        std::move(action == Action::init ? texts.edges : texts.names)};
}

const CLI::App* chosen_of(const CLI::App& app)
{
    const auto commands = app.get_subcommands();
    return commands.empty() ? nullptr : commands.front();
}

// The command that was named last: "init" of `tidemark certs init`; null if there is none.
const CLI::App* chosen(const Parser& p)
{
    const CLI::App* command = chosen_of(p.app);
    const CLI::App* inner = command == nullptr ? nullptr : chosen_of(*command);
    return inner == nullptr ? command : inner;
}

// For a command that is a group of commands.
Say no_command(const CLI::App& group)
{
    std::string names;
    for (const CLI::App* command : group.get_subcommands({}))
        names += (names.empty() ? "" : ", ") + command->get_name();
    return usage_error(&group, "no command given; expected " + names);
}

Command understand(Parser& p, const Environment& environment)
{
    const CLI::App* outer = chosen_of(p.app);
    if (const auto rest = p.app.remaining(); !rest.empty())
        return unknown_command(p.app, rest.front());
    if (outer == nullptr) return usage_error(nullptr, "no command given");
    const CLI::App* command = chosen(p);
    const bool is_group = !outer->get_subcommands({}).empty();
    if (const auto rest = outer->remaining(); is_group && !rest.empty())
        return unknown_command(*outer, rest.front());
    if (is_group && command == outer) return no_command(*outer);
    if (const auto rest = command->remaining(); !rest.empty())
        return unexpected(*command, rest.front());

    if (outer == p.journal) return journal_command(p, *command);
    if (outer == p.certs) return certs_command(p, *command);
    if (outer == p.token) return TokenHashCommand{};
    if (command == p.edge) return std::move(p.edge_command);
    if (command == p.origin) return std::move(p.origin_command);
    if (command == p.purge) return purge_command(p, environment);
    if (command == p.push) return push_command(p, environment);
    if (command == p.undo) return undo_command(p, environment);
    if (command == p.status) return status_command(p, environment);
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
    case PurgeScope::pattern:
        return "pattern";
    case PurgeScope::all:
        break;
    }
    return "all";
}

Command parse_command_line(int argc, const char* const* argv, std::string_view version,
                           const Environment& environment)
{
    Parser p;
    p.app.set_version_flag("--version", "tidemark " + std::string{version});
    p.app.allow_extras(); // reported by understand(), with the nearest name
    p.app.require_subcommand(0, 1);
    add_edge(p);
    add_origin(p);
    add_purge(p);
    add_push(p);
    add_undo(p);
    add_status(p);
    add_check(p);
    add_journal(p);
    add_certs(p);
    add_token(p);
    for (CLI::App* command : p.app.get_subcommands({})) {
        command->allow_extras();
        for (CLI::App* inner : command->get_subcommands({}))
            inner->allow_extras();
    }
    try {
        p.app.parse(argc, argv);
        return understand(p, environment);
    } catch (const CLI::CallForHelp&) {
        return Say{p.app.help(), 0};
    } catch (const CLI::CallForVersion& call) {
        return Say{std::string{call.what()} + "\n", 0};
    } catch (const CLI::ParseError& error) {
        return usage_error(chosen(p), error.what());
    }
}
} // namespace tidemark::app
