#include "edge/worker/stored_reply.hpp"

#include <algorithm>

namespace tidemark::worker
{
namespace
{
void append_range(Output& out, const store::StoredResponse& record, http::ByteRange range)
{
    std::uint64_t at = 0; // of the piece within the body
    for (std::size_t i = 0; i < record.body_pieces() && at <= range.last; ++i) {
        const std::string_view piece = record.body_piece(i);
        const std::uint64_t end = at + piece.size();
        if (end > range.first) {
            const std::uint64_t from = std::max(range.first, at) - at;
            const std::uint64_t to = std::min(range.last + 1, end) - at;
            out.stored(record, piece.substr(from, to - from));
        }
        at = end;
    }
}
} // namespace

void append_stored_body(Output& out, const store::StoredResponse& record,
                        const serve::Answer& answer)
{
    switch (answer.kind) {
    case serve::AnswerKind::full:
        for (std::size_t i = 0; i < record.body_pieces(); ++i)
            out.stored(record, record.body_piece(i));
        return;
    case serve::AnswerKind::partial:
        return append_range(out, record, answer.ranges.front());
    case serve::AnswerKind::multipart:
        break;
    default:
        return;
    }
    const std::string_view content_type = record.first_field(http::FieldId::content_type);
    for (const http::ByteRange& range : answer.ranges) {
        serve::append_part_head(out.begin_text(), range, content_type, record.body_bytes(),
                                &range == answer.ranges.data());
        out.end_text();
        append_range(out, record, range);
    }
    serve::append_parts_end(out.begin_text());
    out.end_text();
}
} // namespace tidemark::worker
