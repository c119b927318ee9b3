#include "core/base/check.hpp"
#include "core/http/date.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// A text that is a date says the same second when it is written again. The first eight bytes are
// the time of reading.
namespace
{
using namespace tidemark;

// What four digits of a year can say. A two-digit year read at either end of that may lead beyond
// it.
constexpr Seconds kFirstWritable{-62167219200};
constexpr Seconds kLastWritable{253402300799};

std::string written(WallTime t)
{
    std::string text;
    http::append_date(text, t);
    TIDEMARK_CHECK(text.size() == 29);
    return text;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::int64_t now_ms = 0;
    if (size < sizeof now_ms) return 0;
    std::memcpy(&now_ms, data, sizeof now_ms);
    const WallTime now{Millis{now_ms}};
    const WallTime again = http::parse_date(written(now), now).value();
    TIDEMARK_CHECK(written(again) == written(now));

    const std::string_view text{reinterpret_cast<const char*>(data) + sizeof now_ms,
                                size - sizeof now_ms};
    const auto t = http::parse_date(text, now);
    if (!t) return 0;
    TIDEMARK_CHECK(t->time_since_epoch() % Seconds{1} == Millis{0});
    if (since_epoch(*t) >= kFirstWritable && since_epoch(*t) <= kLastWritable)
        TIDEMARK_CHECK(http::parse_date(written(*t), now) == t);
    return 0;
}
