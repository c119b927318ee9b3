#pragma once
#include "core/base/result.hpp"
#include "core/http/parser.hpp"

#include <optional>

// What the fields of a head say about its body and its connection (RFC 9112 §6, §9.3).
namespace tidemark::http
{
// The framing that the fields declare: none, length or chunked. Whether a body may follow at all is
// the caller's to know.
[[nodiscard]] Result<BodyFraming, HeadError> declared_framing(const FieldList& fields,
                                                              std::uint8_t minor_version) noexcept;
[[nodiscard]] bool wants_keep_alive(const FieldList& fields, std::uint8_t minor_version) noexcept;
} // namespace tidemark::http
