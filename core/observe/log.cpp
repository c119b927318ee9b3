#include "core/observe/log.hpp"

#include <fmt/format.h>
#include <iterator>
// The one file that pays for spdlog.
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace tidemark::log
{
namespace
{
using Buffer = fmt::memory_buffer;

spdlog::level::level_enum spdlog_level(Level level) noexcept
{
    switch (level) {
    case Level::trace:
        return spdlog::level::trace;
    case Level::debug:
        return spdlog::level::debug;
    case Level::info:
        return spdlog::level::info;
    case Level::warn:
        return spdlog::level::warn;
    case Level::error:
        break;
    }
    return spdlog::level::err;
}

// Never destroyed: other threads may still have something to say while the process ends.
spdlog::logger& logger()
{
    static spdlog::logger* const instance = [] {
        auto* made =
            new spdlog::logger("tidemark", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            "%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc));
        made->set_level(spdlog::level::info);
        return made;
    }();
    return *instance;
}

void append_escaped(Buffer& out, std::string_view line)
{
    for (const char c : line) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        else
            out.push_back(c);
    }
}
} // namespace

void set_level(Level level) noexcept
{
    logger().set_level(spdlog_level(level));
}

bool enabled(Level level) noexcept
{
    return logger().should_log(spdlog_level(level));
}

void write(Level level, std::string_view line) noexcept
{
    try {
        Buffer whole; // spdlog's own names of levels differ from ours
        fmt::format_to(std::back_inserter(whole), "{:<5} ", text_of(level));
        append_escaped(whole, line);
        logger().log(spdlog_level(level), spdlog::string_view_t{whole.data(), whole.size()});
    } catch (...) { // out of memory: the line is lost, the program is not
    }
}

void vwrite(Level level, fmt::string_view format, fmt::format_args arguments) noexcept
{
    try {
        Buffer text;
        fmt::vformat_to(std::back_inserter(text), format, arguments);
        write(level, std::string_view{text.data(), text.size()});
    } catch (...) {
        write(level, std::string_view{format.data(), format.size()});
    }
}
} // namespace tidemark::log
