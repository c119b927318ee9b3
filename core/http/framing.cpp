#include "core/http/framing.hpp"

#include "core/base/text.hpp"

#include <limits>

namespace tidemark::http
{
namespace
{
// Exactly "chunked", or why not. Where chunked comes last, once, what stands before it is a coding
// we do not have (501); all else leaves the end of the body in doubt (RFC 9112 §6.3 rule 4).
Result<BodyFraming, HeadError> transfer_framing(const FieldList& fields) noexcept
{
    if (fields.lines_of(FieldId::transfer_encoding) != 1) return fail(HeadError::bad_framing);
    const std::string_view value = fields.first(FieldId::transfer_encoding);
    if (iequals(value, "chunked")) return BodyFraming{BodyFraming::Kind::chunked, 0};
    std::size_t codings = 0, chunked = 0;
    bool chunked_last = false;
    each_list_member(value, [&](std::string_view coding) {
        ++codings;
        chunked_last = iequals(coding, "chunked");
        chunked += chunked_last ? 1 : 0;
    });
    const bool unknown = codings > 1 && chunked == 1 && chunked_last;
    return fail(unknown ? HeadError::unknown_coding : HeadError::bad_framing);
}

Result<BodyFraming, HeadError> length_framing(const FieldList& fields) noexcept
{
    constexpr auto kLengthMax =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (fields.lines_of(FieldId::content_length) != 1) return fail(HeadError::bad_framing);
    const auto length = parse_decimal(fields.first(FieldId::content_length));
    if (!length || *length > kLengthMax) return fail(HeadError::bad_framing);
    return BodyFraming{BodyFraming::Kind::length, *length};
}
} // namespace

Result<BodyFraming, HeadError> declared_framing(const FieldList& fields,
                                                std::uint8_t minor_version) noexcept
{
    const bool has_length = fields.has(FieldId::content_length);
    if (fields.has(FieldId::transfer_encoding)) {
        if (has_length || minor_version == 0) return fail(HeadError::bad_framing);
        return transfer_framing(fields);
    }
    if (has_length) return length_framing(fields);
    return BodyFraming{};
}

bool wants_keep_alive(const FieldList& fields, std::uint8_t minor_version) noexcept
{
    bool close = false, keep_alive = false;
    fields.each(FieldId::connection, [&](std::string_view value) {
        each_list_member(value, [&](std::string_view option) {
            close = close || iequals(option, "close");
            keep_alive = keep_alive || iequals(option, "keep-alive");
        });
    });
    return !close && (minor_version == 1 || keep_alive);
}
} // namespace tidemark::http
