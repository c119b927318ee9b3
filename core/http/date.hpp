#pragma once
#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::http
{
// HTTP-date (RFC 9110 §5.6.7): IMF-fixdate, rfc850-date, asctime-date. `now` settles the century of
// a two-digit year. Nothing for anything else: a wrong weekday name, lower case or a zone other
// than GMT is no date.
[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text, WallTime now) noexcept;
// IMF-fixdate, 29 bytes.
void append_date(std::string& out, WallTime t);
} // namespace tidemark::http
