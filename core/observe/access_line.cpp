#include "core/observe/access_line.hpp"

#include <fmt/format.h>
#include <iterator>

namespace tidemark::observe
{
namespace
{
bool is_plain(char c, bool in_quotes) noexcept
{
    return (c > 0x20 && c < 0x7f && c != '"' && c != '\\') || (in_quotes && c == ' ');
}

void append_escaped(std::string& out, std::string_view value, bool in_quotes)
{
    constexpr char kHex[] = "0123456789abcdef";
    const bool cut = value.size() > kLoggedValueBytesMax;
    value = value.substr(0, kLoggedValueBytesMax);
    while (!value.empty()) {
        std::size_t plain = 0;
        while (plain < value.size() && is_plain(value[plain], in_quotes))
            ++plain;
        out.append(value.substr(0, plain));
        value.remove_prefix(plain);
        if (value.empty()) break;
        const auto byte = static_cast<unsigned char>(value.front());
        const char escaped[] = {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
        out.append(escaped, sizeof escaped);
        value.remove_prefix(1);
    }
    if (cut) out += "...";
}

void append_bare(std::string& out, std::string_view value)
{
    append_escaped(out, value.empty() ? "-" : value, false);
}

void append_quoted(std::string& out, std::string_view value)
{
    out += '"';
    append_escaped(out, value.empty() ? "-" : value, true);
    out += '"';
}

void append_time(std::string& out, WallTime time)
{
    constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    using Days = std::chrono::duration<std::int32_t, std::ratio<86400>>;
    const Seconds seconds = since_epoch(time);
    const auto days = std::chrono::floor<Days>(seconds);
    const std::chrono::year_month_day date{std::chrono::sys_days{days}};
    const std::chrono::hh_mm_ss clock{seconds - days};
    fmt::format_to(std::back_inserter(out), "[{:02}/{}/{:04}:{:02}:{:02}:{:02} +0000]",
                   static_cast<unsigned>(date.day()),
                   kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                   clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

void append_request_line(std::string& out, const AccessEntry& entry)
{
    out += '"';
    append_escaped(out, entry.method.empty() ? "-" : entry.method, false);
    out += ' ';
    append_escaped(out, entry.target.empty() ? "-" : entry.target, true);
    out += ' ';
    append_escaped(out, entry.protocol.empty() ? "-" : entry.protocol, false);
    out += '"';
}

void append_seconds(std::string& out, Nanos duration)
{
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
    fmt::format_to(std::back_inserter(out), "{}.{:06}", micros / 1'000'000, micros % 1'000'000);
}
} // namespace

void append_access_line(std::string& out, const AccessEntry& entry)
{
    append_bare(out, entry.client);
    out += " - - ";
    append_time(out, entry.received);
    out += ' ';
    append_request_line(out, entry);
    fmt::format_to(std::back_inserter(out), " {} {} ", entry.status, entry.body_bytes);
    append_quoted(out, entry.referer);
    out += ' ';
    append_quoted(out, entry.user_agent);
    out += " host=";
    append_quoted(out, entry.host);
    out += " cache=";
    append_bare(out, entry.cache);
    out += " total=";
    append_seconds(out, entry.total);
    out += " upstream=";
    if (entry.upstream)
        append_seconds(out, *entry.upstream);
    else
        out += '-';
    out += entry.complete ? " complete\n" : " cut\n";
}
} // namespace tidemark::observe
