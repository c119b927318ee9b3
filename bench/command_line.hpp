#pragma once
#include "bench/floor/floor.hpp"
#include "bench/load/load.hpp"
#include "bench/purge/purge.hpp"

#include <string>
#include <variant>

namespace tidemark::bench
{
// Nothing to run: help or version was asked for (code 0, text for stdout) or the line is wrong
// (code 2, for stderr).
struct CommandLineEnd {
    int code = 0;
    std::string text;
};
using Command = std::variant<LoadOptions, FloorOptions, PurgeOptions, CommandLineEnd>;

// Reads a --urls file if one is named.
[[nodiscard]] Command parse_command_line(int argc, const char* const* argv);

// "250ms", "10s", "2m", or seconds as a plain number; from 0 to a day.
[[nodiscard]] Result<Nanos, std::string> parse_duration(std::string_view text);
} // namespace tidemark::bench
