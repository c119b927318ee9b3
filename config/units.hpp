#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Sizes and durations as operators write them. Letter case of a unit does not matter.
namespace tidemark::config
{
// "4096" and "4096B" are bytes; k, m, g, t and KiB, MiB, GiB, TiB are powers of 1024; kB, MB, GB,
// TB powers of 1000. Nothing for other text and for what does not fit 63 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
// "500ms", "10s", "5m", "1h", "1d"; without a unit seconds.
[[nodiscard]] std::optional<Millis> parse_duration(std::string_view text) noexcept;

// The shortest form that parse_size and parse_duration read back to the same value: "256MiB",
// "90s".
[[nodiscard]] std::string size_text(std::uint64_t bytes);
[[nodiscard]] std::string duration_text(Millis duration);
} // namespace tidemark::config
