#include "core/base/check.hpp"
#include "core/http/range.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// Ranges that are decided lie within the content, whose length the first eight bytes are; a
// Content-Range that was read is written as it was meant.
namespace
{
using namespace tidemark::http;

void check_decision(std::string_view text, std::uint64_t complete_bytes)
{
    const RangeDecision decision = decide_ranges(text, complete_bytes);
    TIDEMARK_CHECK((decision.outcome == RangeOutcome::satisfiable) == !decision.ranges.empty());
    TIDEMARK_CHECK((decision.outcome != RangeOutcome::unsatisfiable) || parse_ranges(text));
    TIDEMARK_CHECK(decision.ranges.size() <= kRangesMax);
    for (const ByteRange range : decision.ranges) {
        TIDEMARK_CHECK(range.first <= range.last);
        TIDEMARK_CHECK(range.last < complete_bytes);
        TIDEMARK_CHECK(range.size() <= complete_bytes);
    }
}

void check_content_range(std::string_view text)
{
    const auto parsed = parse_content_range(text);
    if (!parsed) return;
    TIDEMARK_CHECK(parsed->range.first <= parsed->range.last);
    if (!parsed->complete_bytes) return;
    std::string written;
    append_content_range(written, parsed->range, *parsed->complete_bytes);
    const auto again = parse_content_range(written);
    TIDEMARK_CHECK(again && again->range == parsed->range &&
                   again->complete_bytes == parsed->complete_bytes);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::uint64_t complete_bytes = 0;
    if (size < sizeof complete_bytes) return 0;
    std::memcpy(&complete_bytes, data, sizeof complete_bytes);
    const std::string_view text{reinterpret_cast<const char*>(data) + sizeof complete_bytes,
                                size - sizeof complete_bytes};
    check_decision(text, complete_bytes);
    check_decision(text, complete_bytes % 16);
    check_content_range(text);
    return 0;
}
