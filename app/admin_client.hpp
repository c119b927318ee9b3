#pragma once
#include "app/command_line.hpp"

// `tidemark purge` and `tidemark status`: speak to an edge's admin endpoint, print, return the exit
// code (0 done, 1 refused or unreachable).
namespace tidemark::app
{
[[nodiscard]] int run_purge(const PurgeCommand& command);
[[nodiscard]] int run_status(const StatusCommand& command);
} // namespace tidemark::app
