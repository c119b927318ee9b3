#include "core/http/date.hpp"

#include "core/base/text.hpp"

#include "core/http/grammar.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace tidemark::http
{
namespace
{
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// What four digits of a year can say.
constexpr Seconds kFirst{-62167219200}; // 0000-01-01T00:00:00Z
constexpr Seconds kLast{253402300799};  // 9999-12-31T23:59:59Z

Seconds clamped(WallTime t) noexcept
{
    return std::clamp(since_epoch(t), kFirst, kLast);
}

std::chrono::year_month_day day_of(WallTime t) noexcept
{
    return std::chrono::sys_days{std::chrono::floor<std::chrono::days>(clamped(t))};
}

// Takes a date apart from the left. The first piece that is not there makes all that follows fail.
class Reader
{
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    void literal(std::string_view expected) noexcept
    {
        good_ = good_ && iequals(rest_.substr(0, expected.size()), expected);
        if (good_) rest_.remove_prefix(expected.size());
    }
    [[nodiscard]] int digits(std::size_t count) noexcept
    {
        good_ = good_ && rest_.size() >= count &&
                std::all_of(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count),
                            is_digit);
        if (!good_) return 0;
        int value = 0;
        for (const char c : rest_.substr(0, count))
            value = value * 10 + (c - '0');
        rest_.remove_prefix(count);
        return value;
    }
    // date3 of asctime: two digits, or a space and one.
    [[nodiscard]] int padded_day() noexcept
    {
        if (rest_.substr(0, 1) != " ") return digits(2);
        literal(" ");
        return digits(1);
    }
    [[nodiscard]] unsigned month() noexcept
    {
        const auto found = std::find_if(kMonths.begin(), kMonths.end(), [&](std::string_view name) {
            return iequals(name, rest_.substr(0, 3));
        });
        good_ = good_ && found != kMonths.end();
        if (good_) rest_.remove_prefix(3);
        return static_cast<unsigned>(found - kMonths.begin()) + 1;
    }
    // A weekday's full name, or its first three letters. Which one it is says nothing that the date
    // does not.
    void weekday(bool full) noexcept
    {
        for (unsigned day = 0; day < kDays.size(); ++day) {
            const std::string_view name = full ? kDays[day] : kDays[day].substr(0, 3);
            if (!iequals(rest_.substr(0, name.size()), name)) continue;
            rest_.remove_prefix(name.size());
            return;
        }
        good_ = false;
    }
    [[nodiscard]] bool done() const noexcept { return good_ && rest_.empty(); }

  private:
    std::string_view rest_;
    bool good_ = true;
};

struct Parts {
    int year = 0, day = 0, hour = 0, minute = 0, second = 0;
    unsigned month = 0;
};

void read_time_of_day(Reader& in, Parts& parts) noexcept
{
    parts.hour = in.digits(2);
    in.literal(":");
    parts.minute = in.digits(2);
    in.literal(":");
    parts.second = in.digits(2);
}

std::chrono::year_month_day calendar_day(const Parts& parts) noexcept
{
    return std::chrono::year{parts.year} / std::chrono::month{parts.month} /
           std::chrono::day{static_cast<unsigned>(parts.day)};
}

// A leap second (60) is one second after 59.
std::optional<WallTime> time_of(const Parts& parts) noexcept
{
    const std::chrono::year_month_day date = calendar_day(parts);
    if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60)
        return std::nullopt;
    const std::chrono::sys_days days{date};
    return wall_time_of(Seconds{std::int64_t{days.time_since_epoch().count()} * 86400 +
                                parts.hour * 3600 + parts.minute * 60 + parts.second});
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<WallTime> parse_imf_fixdate(std::string_view text) noexcept
{
    Reader in(text);
    Parts parts;
    in.weekday(false);
    in.literal(", ");
    parts.day = in.digits(2);
    in.literal(" ");
    parts.month = in.month();
    in.literal(" ");
    parts.year = in.digits(4);
    in.literal(" ");
    read_time_of_day(in, parts);
    in.literal(" GMT");
    return in.done() ? time_of(parts) : std::nullopt;
}

// A date that would lie more than 50 years ahead lies in the most recent past year with the same
// two digits (RFC 9110 §5.6.7).
int settle_century(int two_digits, const Parts& parts, WallTime now) noexcept
{
    const std::chrono::year_month_day today = day_of(now);
    const int this_year = static_cast<int>(today.year());
    int year = this_year - this_year % 100 + two_digits;
    if (year <= this_year - 50) year += 100;
    const bool later_in_year =
        calendar_day(parts).month() / calendar_day(parts).day() > today.month() / today.day();
    if (year > this_year + 50 || (year == this_year + 50 && later_in_year)) year -= 100;
    return year;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<WallTime> parse_rfc850(std::string_view text, WallTime now) noexcept
{
    Reader in(text);
    Parts parts;
    in.weekday(true);
    in.literal(", ");
    parts.day = in.digits(2);
    in.literal("-");
    parts.month = in.month();
    in.literal("-");
    const int two_digits = in.digits(2);
    in.literal(" ");
    read_time_of_day(in, parts);
    in.literal(" GMT");
    if (!in.done()) return std::nullopt;

    parts.year = settle_century(two_digits, parts, now);
    return time_of(parts);
}

// "Sun Nov  6 08:49:37 1994"
std::optional<WallTime> parse_asctime(std::string_view text) noexcept
{
    Reader in(text);
    Parts parts;
    in.weekday(false);
    in.literal(" ");
    parts.month = in.month();
    in.literal(" ");
    parts.day = in.padded_day();
    in.literal(" ");
    read_time_of_day(in, parts);
    in.literal(" ");
    parts.year = in.digits(4);
    return in.done() ? time_of(parts) : std::nullopt;
}

void put_digits(char* to, int value, int count) noexcept
{
    for (int i = count - 1; i >= 0; --i, value /= 10)
        to[i] = static_cast<char>('0' + value % 10);
}

} // namespace

std::optional<WallTime> parse_date(std::string_view text, WallTime now) noexcept
{
    if (text.size() < 24 || text.size() > 33) return std::nullopt;
    if (text[3] == ',') return parse_imf_fixdate(text);
    if (text[3] == ' ') return parse_asctime(text);
    return parse_rfc850(text, now);
}

void append_date(std::string& out, WallTime t)
{
    const Seconds since = clamped(t);
    const auto days = std::chrono::floor<std::chrono::days>(since);
    const std::chrono::sys_days day{days};
    const std::chrono::year_month_day date = day_of(t);
    const int second_of_day = static_cast<int>((since - days).count());

    char text[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    kDays[std::chrono::weekday{day}.c_encoding()].copy(text, 3);
    put_digits(text + 5, static_cast<int>(static_cast<unsigned>(date.day())), 2);
    kMonths[static_cast<unsigned>(date.month()) - 1].copy(text + 8, 3);
    put_digits(text + 12, static_cast<int>(date.year()), 4);
    put_digits(text + 17, second_of_day / 3600, 2);
    put_digits(text + 20, second_of_day / 60 % 60, 2);
    put_digits(text + 23, second_of_day % 60, 2);
    out.append(text, 29);
}
} // namespace tidemark::http
