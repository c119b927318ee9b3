#pragma once
#include "core/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::http
{
// HTTP-date (RFC 9110 §5.6.7): IMF-fixdate, rfc850-date, asctime-date. `now` settles the century of
// a two-digit year. Letter case does not matter, nor whether the weekday fits the date: recipients
// are to be robust here. Nothing for anything else: no zone but GMT, no other number of digits.
[[nodiscard]] std::optional<WallTime> parse_date(std::string_view text, WallTime now) noexcept;
// IMF-fixdate, 29 bytes.
void append_date(std::string& out, WallTime t);
} // namespace tidemark::http
