#pragma once
#include "app/command_line.hpp"

// `tidemark purge`, `push`, `undo` and `status`: speak to an admin endpoint, print, return the exit
// code (0 done, 1 refused or unreachable, 3 not every edge was clean in time).
namespace tidemark::app
{
[[nodiscard]] int run_purge(const PurgeCommand& command);
[[nodiscard]] int run_push(const PushCommand& command);
[[nodiscard]] int run_undo(const UndoCommand& command);
[[nodiscard]] int run_status(const StatusCommand& command);
} // namespace tidemark::app
