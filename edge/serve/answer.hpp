#pragma once
#include "core/http/range.hpp"
#include "edge/serve/cache_status.hpp"
#include "edge/store/record.hpp"

#include <cstdint>
#include <string>
#include <vector>

// How a representation that the edge has (stored, or arriving) answers one request: whole, in part,
// or "not modified".
namespace tidemark::serve
{
enum class AnswerKind : std::uint8_t { full, not_modified, partial, multipart, unsatisfiable };

struct Answer {
    AnswerKind kind = AnswerKind::full;
    std::vector<http::ByteRange> ranges; // partial: one; multipart: several
    std::uint64_t body_bytes = 0;        // of this answer, as Content-Length has it
};

// `complete_bytes`: the representation's length. Conditions and ranges count for GET and HEAD on a
// 200 only, ranges for GET.
[[nodiscard]] Answer decide_answer(const http::RequestHead& request, std::uint16_t status,
                                   const http::FieldList& stored, std::uint64_t complete_bytes,
                                   WallTime stored_at, WallTime now);
// Has the request anything that decide_answer would look at? False: the answer is full.
[[nodiscard]] bool asks_conditionally(const http::RequestHead& request) noexcept;

// The answer's status code: `stored`'s own where it is full.
[[nodiscard]] std::uint16_t status_of(const Answer& answer, std::uint16_t stored) noexcept;

// Status line and fields of an answer that is not full (a full one has them ready), each line with
// its CRLF, without Age and Cache-Status and without the empty line.
void append_answer_head(std::string& out, const Answer& answer, const http::FieldList& stored,
                        std::uint64_t complete_bytes);

// multipart/byteranges (RFC 9110 §14.6): the text before part `i`, and the closing delimiter.
void append_part_head(std::string& out, http::ByteRange range, std::string_view content_type,
                      std::uint64_t complete_bytes, bool first);
void append_parts_end(std::string& out);
} // namespace tidemark::serve
