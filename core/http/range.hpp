#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Ranges (RFC 9110 §14).
namespace tidemark::http
{
// Bytes first..last of a representation, both included.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
    friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

enum class RangeOutcome : std::uint8_t {
    ignore, // no bytes unit, bad syntax, too many or silly (overlapping many times) ranges: answer
            // 200 (§14.2)
    satisfiable,   // 206 with `ranges`
    unsatisfiable, // 416
};
struct RangeDecision {
    RangeOutcome outcome = RangeOutcome::ignore;
    std::vector<ByteRange>
        ranges; // as asked for, clipped; unsatisfiable ones dropped; at most kRangesMax
};
inline constexpr std::size_t kRangesMax = 16;

[[nodiscard]] RangeDecision decide_ranges(std::string_view range_value,
                                          std::uint64_t complete_bytes);

// What one Range field asks for before the complete length is known. Nothing if it is not one valid
// bytes range set.
struct RangeSpec {
    std::optional<std::uint64_t> first; // absent: a suffix
    std::optional<std::uint64_t> last;  // absent: to the end
    std::uint64_t suffix_bytes = 0;
};
[[nodiscard]] std::optional<std::vector<RangeSpec>> parse_ranges(std::string_view range_value);

// Content-Range of a 206: "bytes first-last/complete" or "/*".
struct ContentRange {
    ByteRange range;
    std::optional<std::uint64_t> complete_bytes;
};
[[nodiscard]] std::optional<ContentRange> parse_content_range(std::string_view value) noexcept;
// "bytes first-last/complete"
void append_content_range(std::string& out, ByteRange range, std::uint64_t complete_bytes);
} // namespace tidemark::http
