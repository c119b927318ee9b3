#pragma once
#include "core/base/text.hpp"
#include "core/http/parser.hpp"

#include <optional>
#include <string_view>

namespace tidemark::http
{
// One field line (RFC 9112 §5): a name of `name_bytes` (a token, as the caller knows), a colon
// without space before it, the value, CRLF, and nothing else.
[[nodiscard]] inline std::optional<Field> split_field_line(std::string_view line,
                                                           std::size_t name_bytes) noexcept
{
    if (name_bytes == 0 || line.size() < name_bytes + 3 || line[name_bytes] != ':' ||
        line[line.size() - 2] != '\r' || line.back() != '\n')
        return std::nullopt;
    const std::string_view value = trim(line.substr(name_bytes + 1, line.size() - name_bytes - 3));
    if (!is_field_value(value)) return std::nullopt;
    const std::string_view name = line.substr(0, name_bytes);
    return Field{field_id(name), name, value};
}
} // namespace tidemark::http
