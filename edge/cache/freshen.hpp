#pragma once
#include "core/http/message.hpp"

#include <string_view>

// A 304, or the answer to a HEAD, merged into a stored response (RFC 9111 §3.2, §4.3.4, §4.3.5).
namespace tidemark::cache
{
// Does this 304 select the stored response it was asked about? By strong validator, else weak, else
// Last-Modified; a 304 with no validator selects the one that was validated. A strong tag in the
// 304 selects the same weak one (a departure from §4.3.4): servers that compress weaken the tag of
// the 200 and forget to in the 304.
[[nodiscard]] bool selects(const http::FieldList& not_modified, const http::FieldList& stored);

// Appends to `out` the stored fields with each field that `update` carries replaced by its lines
// there, except those that RFC 9111 §3.2 excludes (Content-Encoding, Content-Type, Content-Range,
// Content-Length, hop-by-hop). A weak tag is never strengthened: its content may be another coding.
// The stored Age goes in any case, so that the age counts from this exchange. Borrows from both.
void merge_fields(const http::FieldList& stored, const http::FieldList& update,
                  http::FieldList& out);

// May the 200 that answered a HEAD update the stored GET response (§4.3.5)? If a validator or the
// length is in both and differs, the stored response must be invalidated instead.
enum class HeadUpdate : std::uint8_t { freshen, invalidate };
[[nodiscard]] HeadUpdate decide_head_update(const http::FieldList& head,
                                            const http::FieldList& stored);
} // namespace tidemark::cache
