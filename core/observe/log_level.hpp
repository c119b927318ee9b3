#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::log
{
enum class Level : std::uint8_t { trace, debug, info, warn, error };

inline constexpr std::string_view kLevelNames[] = {"trace", "debug", "info", "warn", "error"};

[[nodiscard]] constexpr std::string_view text_of(Level level) noexcept
{
    return kLevelNames[static_cast<std::size_t>(level)];
}

[[nodiscard]] constexpr std::optional<Level> level_named(std::string_view name) noexcept
{
    for (std::size_t i = 0; i < std::size(kLevelNames); ++i)
        if (kLevelNames[i] == name) return static_cast<Level>(i);
    return std::nullopt;
}
} // namespace tidemark::log
