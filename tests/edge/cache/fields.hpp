#pragma once
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "core/http/date.hpp"
#include "core/http/message.hpp"

#include <string>
#include <string_view>

// What the cache's tests say fields and times with.
namespace tidemark::cache
{
// Lines "name: value" separated by '\n'; the list borrows from `text`.
inline http::FieldList fields_of(std::string_view text)
{
    http::FieldList fields;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const std::size_t colon = line.find(':');
        fields.add(line.substr(0, colon), trim(line.substr(colon + 1)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return fields;
}

// The lines again, in order, as fields_of() reads them.
inline std::string text_of_fields(const http::FieldList& fields)
{
    std::string text;
    for (const http::Field& field : fields) {
        if (!text.empty()) text += '\n';
        text.append(field.name).append(": ").append(field.value);
    }
    return text;
}

// Sun, 06 Nov 1994 08:49:37 GMT
inline constexpr WallTime kNow{Millis{784111777000}};

inline std::string http_date(WallTime t)
{
    std::string text;
    http::append_date(text, t);
    return text;
}

// `text` with each "{n}" replaced by the HTTP-date n seconds after kNow: "date: {0}\nexpires:
// {+60}".
inline std::string with_dates(std::string_view text)
{
    std::string out;
    while (!text.empty()) {
        const std::size_t open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) break;
        const std::size_t close = text.find('}', open);
        const std::string offset(text.substr(open + 1, close - open - 1));
        out += http_date(kNow + Seconds{std::stoll(offset)});
        text.remove_prefix(close + 1);
    }
    return out;
}
} // namespace tidemark::cache
