#pragma once
#include "app/command_line.hpp"

#include <string_view>

namespace tidemark::app
{
// Runs an edge until SIGTERM or SIGINT; the process's exit code. Signals and libuv's threads make
// this a once-a-process call.
[[nodiscard]] int run_edge(const EdgeCommand& command, std::string_view version);
} // namespace tidemark::app
