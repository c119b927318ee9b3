#pragma once
#include "config/edge_config.hpp"
#include "config/origin_settings.hpp"
#include "core/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

// TOML and flags → OriginSettings, with every error at once.
namespace tidemark::config
{
// What the command line says, unread: flags win over the file.
struct OriginFlags {
    std::optional<std::string> admin;
    std::optional<std::string> link;
    std::optional<std::string> data;
    std::optional<std::string> certs;
    std::optional<std::string> log_level;
};

// Pure. As parse_edge.
[[nodiscard]] Result<OriginSettings, ConfigErrors>
parse_origin(std::string_view toml, std::string_view file, const OriginFlags& flags);

// Reads the file (at most kConfigBytesMax), then as parse_origin.
[[nodiscard]] Result<OriginSettings, ConfigErrors>
load_origin(const std::optional<std::string>& path, const OriginFlags& flags);
} // namespace tidemark::config
