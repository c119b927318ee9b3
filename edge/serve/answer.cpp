#include "edge/serve/answer.hpp"

#include "core/base/text.hpp"
#include "core/http/precondition.hpp"

namespace tidemark::serve
{
namespace
{
using http::FieldId;
using http::FieldSet;

constexpr FieldSet kConditional = {FieldId::range, FieldId::if_none_match,
                                   FieldId::if_modified_since};

// What a 304 carries (RFC 9110 §15.4.5); Last-Modified only where there is no ETag.
constexpr FieldSet kNotModified = {FieldId::cache_control,
                                   FieldId::content_location,
                                   FieldId::date,
                                   FieldId::etag,
                                   FieldId::expires,
                                   FieldId::vary,
                                   FieldId::cdn_cache_control,
                                   FieldId::set_cookie};

constexpr std::string_view kBoundary = "tidemark-5f2b7c1e9d60a384";

http::Validators validators_of(const http::FieldList& stored)
{
    return {stored.first(FieldId::etag), stored.first(FieldId::last_modified),
            stored.first(FieldId::date)};
}

std::uint64_t multipart_bytes(const std::vector<http::ByteRange>& ranges,
                              std::string_view content_type, std::uint64_t complete_bytes)
{
    std::uint64_t bytes = 0;
    std::string text;
    for (const http::ByteRange& range : ranges) {
        append_part_head(text, range, content_type, complete_bytes, &range == ranges.data());
        bytes += range.size();
    }
    append_parts_end(text);
    return bytes + text.size();
}
} // namespace

bool asks_conditionally(const http::RequestHead& request) noexcept
{
    return request.fields.has_any(kConditional);
}

Answer decide_answer(const http::RequestHead& request, std::uint16_t status,
                     const http::FieldList& stored, std::uint64_t complete_bytes,
                     WallTime stored_at, WallTime now)
{
    Answer answer;
    answer.body_bytes = complete_bytes;
    if (status != 200 || !asks_conditionally(request)) return answer;
    const http::Validators validators = validators_of(stored);
    if (http::evaluate_for_cache(request, validators, stored_at, now) ==
        http::PreconditionOutcome::not_modified) {
        answer.kind = AnswerKind::not_modified;
        answer.body_bytes = 0;
        return answer;
    }
    if (request.method != http::Method::get || !request.fields.has(FieldId::range)) return answer;
    if (request.fields.lines_of(FieldId::range) > 1 ||
        !http::if_range_holds(request, validators, now))
        return answer;
    http::RangeDecision decision =
        http::decide_ranges(request.fields.first(FieldId::range), complete_bytes);
    if (decision.outcome == http::RangeOutcome::ignore) return answer;
    if (decision.outcome == http::RangeOutcome::unsatisfiable) {
        answer.kind = AnswerKind::unsatisfiable;
        answer.body_bytes = 0;
        return answer;
    }
    answer.kind = decision.ranges.size() == 1 ? AnswerKind::partial : AnswerKind::multipart;
    answer.ranges = std::move(decision.ranges);
    answer.body_bytes =
        answer.kind == AnswerKind::partial
            ? answer.ranges.front().size()
            : multipart_bytes(answer.ranges, stored.first(FieldId::content_type), complete_bytes);
    return answer;
}

std::uint16_t status_of(const Answer& answer, std::uint16_t stored) noexcept
{
    switch (answer.kind) {
    case AnswerKind::full:
        return stored;
    case AnswerKind::not_modified:
        return 304;
    case AnswerKind::unsatisfiable:
        return 416;
    default:
        return 206;
    }
}

void append_answer_head(std::string& out, const Answer& answer, const http::FieldList& stored,
                        std::uint64_t complete_bytes)
{
    const auto keep = [&](auto&& wanted) {
        for (const http::Field& field : stored)
            if (wanted(field))
                out.append(field.name).append(": ").append(field.value).append("\r\n");
    };
    switch (answer.kind) {
    case AnswerKind::full:
        return;
    case AnswerKind::not_modified:
        out.append("HTTP/1.1 304 Not Modified\r\n");
        keep([&](const http::Field& field) {
            return kNotModified.has(field.id) ||
                   (field.id == FieldId::last_modified && !stored.has(FieldId::etag));
        });
        return;
    case AnswerKind::unsatisfiable:
        out.append("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */");
        append_decimal(out, static_cast<std::int64_t>(complete_bytes));
        out.append("\r\nContent-Length: 0\r\n");
        return;
    case AnswerKind::partial:
    case AnswerKind::multipart:
        break;
    }
    const bool multipart = answer.kind == AnswerKind::multipart;
    out.append("HTTP/1.1 206 Partial Content\r\n");
    keep([&](const http::Field& field) {
        return field.id != FieldId::content_length && field.id != FieldId::content_range &&
               !(multipart && field.id == FieldId::content_type);
    });
    if (multipart)
        out.append("Content-Type: multipart/byteranges; boundary=")
            .append(kBoundary)
            .append("\r\n");
    else {
        out.append("Content-Range: ");
        http::append_content_range(out, answer.ranges.front(), complete_bytes);
        out.append("\r\n");
    }
    out.append("Content-Length: ");
    append_decimal(out, static_cast<std::int64_t>(answer.body_bytes));
    out.append("\r\n");
}

void append_part_head(std::string& out, http::ByteRange range, std::string_view content_type,
                      std::uint64_t complete_bytes, bool first)
{
    out.append(first ? "--" : "\r\n--").append(kBoundary).append("\r\n");
    if (!content_type.empty()) out.append("Content-Type: ").append(content_type).append("\r\n");
    out.append("Content-Range: ");
    http::append_content_range(out, range, complete_bytes);
    out.append("\r\n\r\n");
}

void append_parts_end(std::string& out)
{
    out.append("\r\n--").append(kBoundary).append("--\r\n");
}
} // namespace tidemark::serve
