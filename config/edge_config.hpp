#pragma once
#include "config/edge_settings.hpp"
#include "core/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// TOML and flags → EdgeSettings, with every error at once.
namespace tidemark::config
{
struct ConfigError {
    std::string source;       // the file as named, or the flag: "--listen"
    std::uint32_t line = 0;   // from 1; 0: none in particular
    std::uint32_t column = 0; // from 1, in characters
    std::string message;
    std::string expected; // "" where the message says it
    std::string nearest;  // a valid name close to a wrong one, or ""
    friend bool operator==(const ConfigError&, const ConfigError&) = default;
};
using ConfigErrors = std::vector<ConfigError>;
// `file:line:column: message; expected …; did you mean "…"?`
[[nodiscard]] std::string text_of(const ConfigError& error);

// What the command line says, unread: flags win over the file. --upstream makes or replaces the
// upstreams of the site for every other host.
struct EdgeFlags {
    std::vector<std::string> listen;
    std::vector<std::string> upstream;
    std::optional<std::string> admin;
    std::optional<std::string> workers;
    std::optional<std::string> memory;
    std::optional<std::string> name;
    std::optional<std::string> access_log;
    std::optional<std::string> log_level;
    std::optional<std::string> origin;
    std::optional<std::string> certs;
    std::optional<std::string> data;
    std::optional<std::string> lease;
    std::optional<std::string> adrift;
};

// Pure. `file` names the text in errors; `default_name` is the edge's name where nothing else gives
// one (the host's). No file is an empty `toml` and an empty `file`. Errors stand in the file's
// order, flags' last.
[[nodiscard]] Result<EdgeSettings, ConfigErrors> parse_edge(std::string_view toml,
                                                            std::string_view file,
                                                            const EdgeFlags& flags,
                                                            std::string_view default_name);

// Reads the file (at most kConfigBytesMax) and the host's name, then as parse_edge.
inline constexpr std::uint64_t kConfigBytesMax = 4 << 20;
[[nodiscard]] Result<EdgeSettings, ConfigErrors> load_edge(const std::optional<std::string>& path,
                                                           const EdgeFlags& flags);
} // namespace tidemark::config
