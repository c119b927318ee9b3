#pragma once
#include "core/observe/log_level.hpp"

#include <fmt/core.h>
#include <string_view>
#include <utility>

// What the program says about itself, to standard error: "2026-11-23T21:40:49.123Z warn  upstream
// …". From any thread. The level and the stream are the process's own, so they are the one thing
// here that is global.
namespace tidemark::log
{
void set_level(Level level) noexcept; // info before that
[[nodiscard]] bool enabled(Level level) noexcept;

// One line. Control bytes in it, a peer's perhaps, become \xNN. Never throws; a line that cannot be
// written is lost.
void write(Level level, std::string_view line) noexcept;
void vwrite(Level level, fmt::string_view format, fmt::format_args arguments) noexcept;

template <class... Args> void trace(fmt::format_string<Args...> format, Args&&... args) noexcept
{
    if (enabled(Level::trace)) vwrite(Level::trace, format, fmt::make_format_args(args...));
}
template <class... Args> void debug(fmt::format_string<Args...> format, Args&&... args) noexcept
{
    if (enabled(Level::debug)) vwrite(Level::debug, format, fmt::make_format_args(args...));
}
template <class... Args> void info(fmt::format_string<Args...> format, Args&&... args) noexcept
{
    if (enabled(Level::info)) vwrite(Level::info, format, fmt::make_format_args(args...));
}
template <class... Args> void warn(fmt::format_string<Args...> format, Args&&... args) noexcept
{
    if (enabled(Level::warn)) vwrite(Level::warn, format, fmt::make_format_args(args...));
}
template <class... Args> void error(fmt::format_string<Args...> format, Args&&... args) noexcept
{
    if (enabled(Level::error)) vwrite(Level::error, format, fmt::make_format_args(args...));
}
} // namespace tidemark::log
