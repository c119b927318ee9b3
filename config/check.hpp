#pragma once
#include "config/edge_config.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::config
{
enum class FileKind : std::uint8_t { edge, origin };

// Whose settings these are: an origin's has link, retention, heartbeat or lease_max, and no site or
// listen. Pure. What cannot be parsed is an edge's, whose reader says why.
[[nodiscard]] FileKind kind_of(std::string_view toml);
// Reads the file as the daemon would that it is for.
[[nodiscard]] Result<FileKind, ConfigErrors> check_file(const std::string& path);
} // namespace tidemark::config
