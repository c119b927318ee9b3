#pragma once
#include <string>
#include <string_view>

// Somebody's text made fit for a line of a terminal.
namespace tidemark::config
{
// Control bytes become \xNN; cut after `bytes_max`, between UTF-8 characters, with "…" behind.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max = 400);
// The same in quotes, cut after 80 bytes.
[[nodiscard]] std::string quoted(std::string_view text);
} // namespace tidemark::config
