#include "admin/query.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tidemark::admin
{
namespace
{
int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::optional<std::string> decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i] == '+' ? ' ' : text[i]);
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const int high = digit_of(text[i + 1]);
        const int low = digit_of(text[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out.push_back(static_cast<char>(high << 4 | low));
        i += 2;
    }
    return out;
}

// Takes `count` digits off the front.
std::optional<int> digits(std::string_view& text, std::size_t count)
{
    const auto value = parse_decimal(text.substr(0, count));
    if (text.size() < count || !value) return std::nullopt;
    text.remove_prefix(count);
    return static_cast<int>(*value);
}
bool skip(std::string_view& text, char c)
{
    if (text.empty() || to_lower(text.front()) != c) return false;
    text.remove_prefix(1);
    return true;
}

// hh:mm after a sign.
std::optional<std::chrono::minutes> offset_from(std::string_view& text)
{
    if (skip(text, 'z')) return std::chrono::minutes{0};
    const bool behind = skip(text, '-');
    if (!behind && !skip(text, '+')) return std::nullopt;
    const auto hours = digits(text, 2);
    if (!hours || !skip(text, ':')) return std::nullopt;
    const auto minutes = digits(text, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    const std::chrono::minutes offset{*hours * 60 + *minutes};
    return behind ? -offset : offset;
}

std::optional<Millis> fraction_from(std::string_view& text)
{
    if (!skip(text, '.')) return Millis{0};
    int millis = 0;
    int weight = 100;
    std::size_t count = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; ++count) {
        millis += (text.front() - '0') * weight;
        weight /= 10;
        text.remove_prefix(1);
    }
    if (count == 0) return std::nullopt;
    return Millis{millis};
}

std::optional<WallTime> rfc3339_from(std::string_view text)
{
    using namespace std::chrono;
    const auto year = digits(text, 4);
    if (!year || !skip(text, '-')) return std::nullopt;
    const auto month = digits(text, 2);
    if (!month || !skip(text, '-')) return std::nullopt;
    const auto day = digits(text, 2);
    if (!day || !(skip(text, 't') || skip(text, ' '))) return std::nullopt;
    const auto hour = digits(text, 2);
    if (!hour || !skip(text, ':')) return std::nullopt;
    const auto minute = digits(text, 2);
    if (!minute || !skip(text, ':')) return std::nullopt;
    const auto second = digits(text, 2);
    const auto fraction = fraction_from(text);
    const auto offset = offset_from(text);
    const year_month_day date{std::chrono::year{*year},
                              std::chrono::month{static_cast<unsigned>(*month)},
                              std::chrono::day{static_cast<unsigned>(*day)}};
    if (!second || !fraction || !offset || !text.empty() || !date.ok()) return std::nullopt;
    if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    const auto days_since = sys_days{date}.time_since_epoch();
    return WallTime{duration_cast<Millis>(days_since) + duration_cast<Millis>(hours{*hour}) +
                    duration_cast<Millis>(minutes{*minute} - *offset) +
                    duration_cast<Millis>(seconds{*second}) + *fraction};
}
} // namespace

std::optional<Parameters> Parameters::parse(std::string_view query)
{
    Parameters parameters;
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        const std::size_t equals = one.find('=');
        auto name = decoded(one.substr(0, equals));
        auto value =
            decoded(equals == std::string_view::npos ? std::string_view{} : one.substr(equals + 1));
        if (!name || !value) return std::nullopt;
        if (!one.empty()) parameters.all_.emplace_back(std::move(*name), std::move(*value));
    }
    return parameters;
}

const std::string* Parameters::find(std::string_view name) const
{
    for (const auto& [known, value] : all_)
        if (known == name) return &value;
    return nullptr;
}

std::string Parameters::text(std::string_view name) const
{
    const std::string* found = find(name);
    return found == nullptr ? std::string() : *found;
}

std::optional<Problem> Parameters::unknown(std::initializer_list<std::string_view> known) const
{
    for (const auto& [name, value] : all_)
        if (std::find(known.begin(), known.end(), name) == known.end())
            return Problem{400, "Unknown parameter", "there is no parameter \"" + name + "\"",
                           name};
    return std::nullopt;
}

std::string time_text(WallTime time)
{
    using namespace std::chrono;
    const Millis since = time.time_since_epoch();
    const auto day = floor<days>(since);
    const year_month_day date{sys_days{day}};
    const hh_mm_ss clock{since - day};
    char text[40];
    std::snprintf(
        text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return text;
}

std::optional<WallTime> time_from(std::string_view text)
{
    constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 40;
    if (const auto seconds = parse_decimal(text)) {
        if (*seconds > kSecondsMax) return std::nullopt;
        return wall_time_of(Seconds{static_cast<std::int64_t>(*seconds)});
    }
    return rfc3339_from(text);
}
} // namespace tidemark::admin
