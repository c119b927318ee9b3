#pragma once
#include "config/edge_config.hpp"
#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>
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

// tidemark check: reads the file, says "FILE: ok" or every error; the latter exits 1.
struct CheckCommand {
    std::string config;
};

enum class PurgeScope : std::uint8_t { url, tag, prefix, host, all };
// "url", "tag", … as the admin API names them.
[[nodiscard]] std::string_view text_of(PurgeScope scope) noexcept;

// tidemark purge: one scope, and at least one selector unless it is `all`.
struct PurgeCommand {
    PurgeScope scope = PurgeScope::url;
    std::vector<std::string> selectors;
    bool soft = false;
    std::optional<Seconds> max_stale; // soft only
    config::Address admin;
};

// tidemark status
struct StatusCommand {
    config::Address admin;
};

// --help and --version, and what is wrong with the command line (exit_code 2, to standard error).
struct Say {
    std::string text; // whole lines
    int exit_code = 0;
};

using Command = std::variant<EdgeCommand, CheckCommand, PurgeCommand, StatusCommand, Say>;

// `argv[0]` is skipped. `env_admin`: the environment's TIDEMARK_ADMIN, used where --admin is not
// given.
[[nodiscard]] Command parse_command_line(int argc, const char* const* argv,
                                         std::string_view version, const char* env_admin);
} // namespace tidemark::app
