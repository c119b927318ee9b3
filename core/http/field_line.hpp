#pragma once
#include "core/base/text.hpp"
#include "core/http/parser.hpp"

#include <string_view>

namespace tidemark::http
{
// One field line (RFC 9112 §5): a name of `name_bytes` (a token, as the caller knows), a colon
// without space before it, the value, CRLF, and nothing else. Gives the value without the space
// around it; false if `line` is none.
[[nodiscard]] inline bool read_field_line(std::string_view line, std::size_t name_bytes,
                                          std::string_view& value) noexcept
{
    if (name_bytes == 0 || line.size() < name_bytes + 3 || line[name_bytes] != ':' ||
        line[line.size() - 2] != '\r' || line.back() != '\n')
        return false;
    value = trim(line.substr(name_bytes + 1, line.size() - name_bytes - 3));
    return is_field_value(value);
}
} // namespace tidemark::http
