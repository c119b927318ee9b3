#pragma once
#include "core/http/message.hpp"

#include <string_view>

// A 304, or the answer to a HEAD, merged into a stored response (RFC 9111 §3.2, §4.3.4, §4.3.5).
namespace tidemark::cache
{
// Does this 304 select the stored response it was asked about? By strong validator, else weak, else
// Last-Modified; a 304 with no validator selects the one that was validated.
[[nodiscard]] bool selects(const http::FieldList& not_modified, const http::FieldList& stored);

// Appends to `out` the stored fields with each field that `update` carries replaced by its lines
// there, except those that RFC 9111 §3.2 excludes (Content-Encoding, Content-Type, Content-Range,
// Content-Length, hop-by-hop). Borrows from both.
void merge_fields(const http::FieldList& stored, const http::FieldList& update,
                  http::FieldList& out);

// May the answer to a HEAD update the stored GET response (§4.3.5)? If the validators or the length
// differ it must be invalidated instead.
enum class HeadUpdate : std::uint8_t { freshen, invalidate };
[[nodiscard]] HeadUpdate decide_head_update(const http::FieldList& head,
                                            const http::FieldList& stored);
} // namespace tidemark::cache
