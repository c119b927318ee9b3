#include "core/http/range.hpp"

#include "core/base/text.hpp"
#include "core/http/field.hpp"
#include "core/http/grammar.hpp"

#include <algorithm>
#include <limits>

namespace tidemark::http
{
namespace
{
constexpr std::string_view kUnit = "bytes";
// What two overlapping ranges may be for is a client's guess; three are an attack (RFC 9110 §14.2).
constexpr std::size_t kOverlappingMax = 2;

// Takes the digits at the front of `text`. A number too large for 64 bits lies behind every end:
// the largest stands for it. Nothing if there is no digit.
std::optional<std::uint64_t> take_number(std::string_view& text) noexcept
{
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    std::uint64_t value = 0;
    while (!text.empty() && is_digit(text.front())) {
        const auto digit = static_cast<std::uint64_t>(text.front() - '0');
        value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
        text.remove_prefix(1);
    }
    return value;
}

// int-range or suffix-range (RFC 9110 §14.1.1).
std::optional<RangeSpec> parse_range_spec(std::string_view text) noexcept
{
    RangeSpec spec;
    spec.first = take_number(text);
    if (text.empty() || text.front() != '-') return std::nullopt;
    text.remove_prefix(1);
    spec.last = take_number(text);
    if (!text.empty() || (!spec.first && !spec.last)) return std::nullopt;
    if (spec.first && spec.last && *spec.first > *spec.last) return std::nullopt;
    if (!spec.first) {
        spec.suffix_bytes = *spec.last;
        spec.last.reset();
    }
    return spec;
}

// The bytes that `spec` names of a representation of `complete_bytes`; nothing if there are none.
std::optional<ByteRange> resolve(const RangeSpec& spec, std::uint64_t complete_bytes) noexcept
{
    if (complete_bytes == 0) return std::nullopt;
    const std::uint64_t end = complete_bytes - 1;
    if (!spec.first) {
        if (spec.suffix_bytes == 0) return std::nullopt;
        return ByteRange{complete_bytes - std::min(spec.suffix_bytes, complete_bytes), end};
    }
    if (*spec.first > end) return std::nullopt;
    return ByteRange{*spec.first, std::min(spec.last.value_or(end), end)};
}

bool overlap(ByteRange a, ByteRange b) noexcept
{
    return a.first <= b.last && b.first <= a.last;
}

// How many of the ranges overlap another one.
std::size_t count_overlapping(const std::vector<ByteRange>& ranges) noexcept
{
    std::size_t count = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i)
        for (std::size_t j = 0; j < ranges.size(); ++j)
            if (i != j && overlap(ranges[i], ranges[j])) {
                ++count;
                break;
            }
    return count;
}

// Where the range set begins behind "bytes="; range units are case-insensitive (RFC 9110 §14.1).
std::optional<std::string_view> range_set_of(std::string_view value) noexcept
{
    if (value.size() <= kUnit.size() || !iequals(value.substr(0, kUnit.size()), kUnit) ||
        value[kUnit.size()] != '=')
        return std::nullopt;
    return value.substr(kUnit.size() + 1);
}
} // namespace

std::optional<std::vector<RangeSpec>> parse_ranges(std::string_view range_value)
{
    const auto set = range_set_of(range_value);
    if (!set) return std::nullopt;
    std::vector<RangeSpec> specs;
    bool good = true;
    each_list_member(*set, [&](std::string_view member) {
        const auto spec = parse_range_spec(member);
        good = spec && specs.size() < kRangesMax;
        if (good) specs.push_back(*spec);
        return good;
    });
    if (!good || specs.empty()) return std::nullopt;
    return specs;
}

RangeDecision decide_ranges(std::string_view range_value, std::uint64_t complete_bytes)
{
    RangeDecision decision;
    const auto specs = parse_ranges(range_value);
    if (!specs) return decision;
    for (const RangeSpec& spec : *specs)
        if (const auto range = resolve(spec, complete_bytes)) decision.ranges.push_back(*range);
    if (decision.ranges.empty()) {
        decision.outcome = RangeOutcome::unsatisfiable;
    } else if (count_overlapping(decision.ranges) > kOverlappingMax) {
        decision.ranges.clear();
    } else
        decision.outcome = RangeOutcome::satisfiable;
    return decision;
}

// RFC 9110 §14.4. Numbers that no Content-Length could say are refused.
std::optional<ContentRange> parse_content_range(std::string_view value) noexcept
{
    constexpr auto kNumberMax =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value.size() <= kUnit.size() || !iequals(value.substr(0, kUnit.size()), kUnit) ||
        value[kUnit.size()] != ' ')
        return std::nullopt;
    value.remove_prefix(kUnit.size() + 1);
    const auto first = take_number(value);
    if (!first || value.empty() || value.front() != '-') return std::nullopt;
    value.remove_prefix(1);
    const auto last = take_number(value);
    if (!last || value.empty() || value.front() != '/') return std::nullopt;
    value.remove_prefix(1);
    if (*first > *last || *last >= kNumberMax) return std::nullopt;

    ContentRange parsed{{*first, *last}, std::nullopt};
    if (value == "*") return parsed;
    parsed.complete_bytes = take_number(value);
    if (!parsed.complete_bytes || !value.empty() || *parsed.complete_bytes <= *last ||
        *parsed.complete_bytes > kNumberMax)
        return std::nullopt;
    return parsed;
}

void append_content_range(std::string& out, ByteRange range, std::uint64_t complete_bytes)
{
    out += "bytes ";
    out += std::to_string(range.first);
    out += '-';
    out += std::to_string(range.last);
    out += '/';
    out += std::to_string(complete_bytes);
}
} // namespace tidemark::http
