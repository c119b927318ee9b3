#pragma once
#include "app/command_line.hpp"

#include <string_view>

namespace tidemark::app
{
// Runs until SIGTERM or SIGINT. The exit code.
[[nodiscard]] int run_origin(const OriginCommand& command, std::string_view version);
} // namespace tidemark::app
