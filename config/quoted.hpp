#pragma once
#include <string>
#include <string_view>

namespace tidemark::config
{
// What somebody wrote, fit for a line of a terminal: in quotes, control bytes as \xNN, cut after 80
// bytes.
[[nodiscard]] std::string quoted(std::string_view text);
} // namespace tidemark::config
