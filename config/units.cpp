#include "config/units.hpp"

#include "core/base/text.hpp"

#include <limits>

namespace tidemark::config
{
namespace
{
struct Unit {
    std::string_view name; // lower case
    std::uint64_t factor;
};

constexpr Unit kSizeUnits[] = {
    {"tib", 1ULL << 40},
    {"gib", 1ULL << 30},
    {"mib", 1ULL << 20},
    {"kib", 1ULL << 10},
    {"", 1},
    {"b", 1},
    {"k", 1ULL << 10},
    {"m", 1ULL << 20},
    {"g", 1ULL << 30},
    {"t", 1ULL << 40},
    {"kb", 1'000},
    {"mb", 1'000'000},
    {"gb", 1'000'000'000},
    {"tb", 1'000'000'000'000},
};
constexpr Unit kDurationUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}, {"", 1'000},
};

template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const Unit (&units)[N]) noexcept
{
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_decimal(text.substr(0, digits));
    if (!count) return std::nullopt;
    for (const Unit& unit : units)
        if (iequals(unit.name, text.substr(digits)))
            return *count <= kMax / unit.factor ? std::optional{*count * unit.factor}
                                                : std::nullopt;
    return std::nullopt;
}

// Written with the largest unit that leaves no rest, of those that stand before the first short
// form.
template <std::size_t N>
std::string quantity_text(std::uint64_t value, const Unit (&units)[N], const char* proper[])
{
    for (std::size_t i = 0; i < N && proper[i] != nullptr; ++i)
        if (value >= units[i].factor && value % units[i].factor == 0)
            return std::to_string(value / units[i].factor) + proper[i];
    return std::to_string(value);
}
} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept
{
    return parse_quantity(text, kSizeUnits);
}

std::optional<Millis> parse_duration(std::string_view text) noexcept
{
    const auto millis = parse_quantity(text, kDurationUnits);
    if (!millis) return std::nullopt;
    return Millis{static_cast<std::int64_t>(*millis)};
}

std::string size_text(std::uint64_t bytes)
{
    const char* proper[] = {"TiB", "GiB", "MiB", "KiB", nullptr};
    return quantity_text(bytes, kSizeUnits, proper);
}

std::string duration_text(Millis duration)
{
    const char* proper[] = {"d", "h", "m", "s", "ms", nullptr};
    return quantity_text(static_cast<std::uint64_t>(duration.count()), kDurationUnits, proper);
}
} // namespace tidemark::config
