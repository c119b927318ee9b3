#pragma once
#include "config/edge_config.hpp"
#include "config/origin_config.hpp"
#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// argv → what to do. Runs nothing and prints nothing.
namespace tidemark::app
{
// tidemark edge: main gives both to config::load_edge().
struct EdgeCommand {
    std::optional<std::string> config; // a path
    config::EdgeFlags flags;
};

// tidemark origin: main gives both to config::load_origin().
struct OriginCommand {
    std::optional<std::string> config; // a path
    config::OriginFlags flags;
};

// tidemark check: reads the file, says "FILE: ok" or every error; the latter exits 1.
struct CheckCommand {
    std::string config;
};

enum class PurgeScope : std::uint8_t { url, tag, prefix, host, pattern, all };
// "url", "tag", … as the admin API names them.
[[nodiscard]] std::string_view text_of(PurgeScope scope) noexcept;

// Whom a command speaks to, and by which right.
struct AdminEndpoint {
    config::Address address;
    std::optional<std::string> token; // one line of visible ASCII
};

// Until how many of the edges are clean, and for how long at most.
struct Wait {
    std::uint32_t percent = 100; // 1 to 100
    std::optional<Seconds> timeout;
    friend bool operator==(const Wait&, const Wait&) = default;
};

enum class PurgeMode : std::uint8_t {
    hard,
    soft,    // only stale
    refresh, // and fetched anew where it was asked for lately
    erase,   // the bytes too
};

// tidemark purge: one scope, and at least one selector unless it is `all`.
struct PurgeCommand {
    PurgeScope scope = PurgeScope::url;
    std::vector<std::string> selectors;
    PurgeMode mode = PurgeMode::hard;
    std::optional<Seconds> max_stale; // soft only
    std::optional<std::string> key;   // of idempotency
    std::optional<std::string> note;
    std::optional<Wait> wait;
    bool dry_run = false;
    AdminEndpoint admin;
};

// tidemark push: content for a URL, from a file ("-": standard input).
struct PushCommand {
    std::string url;
    std::string file;
    std::vector<std::pair<std::string, std::string>> headers; // name and value, both well-formed
    std::optional<std::uint64_t> as_of;                       // a version
    std::optional<Wait> wait;
    AdminEndpoint admin;
};

// tidemark undo: takes a purge back.
struct UndoCommand {
    std::uint64_t version = 0;
    AdminEndpoint admin;
};

// tidemark status
struct StatusCommand {
    bool watch = false;
    bool json = false;
    AdminEndpoint admin;
};

// tidemark journal: on the files of an origin that does not run.
struct JournalCommand {
    enum class Action : std::uint8_t { export_to, import_from, verify };
    Action action = Action::verify;
    std::string data; // the origin's folder
    std::string file; // not for verify
};

// tidemark certs: on the folder of a CA.
struct CertsCommand {
    enum class Action : std::uint8_t { init, add, renew, revoke, show };
    Action action = Action::show;
    std::string folder;
    std::vector<std::string> names; // init: may be none; renew: none is all; revoke: one
};

// tidemark token hash: prints a fresh token and what a configuration says of it.
struct TokenHashCommand {
};

// --help and --version, and what is wrong with the command line (exit_code 2, to standard error).
struct Say {
    std::string text; // whole lines
    int exit_code = 0;
};

using Command =
    std::variant<EdgeCommand, OriginCommand, CheckCommand, PurgeCommand, PushCommand, UndoCommand,
                 StatusCommand, JournalCommand, CertsCommand, TokenHashCommand, Say>;

// The environment's TIDEMARK_ADMIN and TIDEMARK_TOKEN, used where --admin and --token are not
// given; null or empty: not there.
struct Environment {
    const char* admin = nullptr;
    const char* token = nullptr;
};

// `argv[0]` is skipped.
[[nodiscard]] Command parse_command_line(int argc, const char* const* argv,
                                         std::string_view version, const Environment& environment);
} // namespace tidemark::app
