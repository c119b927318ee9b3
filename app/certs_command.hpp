#pragma once
#include "app/command_line.hpp"
#include "core/base/time.hpp"

namespace tidemark::app
{
// `tidemark certs`: changes or shows a folder; the exit code (0 done, 1 not).
[[nodiscard]] int run_certs(const CertsCommand& command, WallTime now);
} // namespace tidemark::app
