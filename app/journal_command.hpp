#pragma once
#include "app/command_line.hpp"

// `tidemark journal export|import|verify`. The exit code: 0 done, 1 refused or damaged.
namespace tidemark::app
{
[[nodiscard]] int run_journal(const JournalCommand& command);
} // namespace tidemark::app
