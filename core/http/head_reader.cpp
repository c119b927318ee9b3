#include "core/http/head_reader.hpp"

#include "core/http/field_line.hpp"

namespace tidemark::http
{
FieldScanner::FieldScanner(llhttp_type_t type, std::uint32_t fields_max)
    : type_(type), fields_max_(fields_max)
{
    reset();
}

llhttp_settings_t FieldScanner::settings() noexcept
{
    llhttp_settings_t chosen;
    llhttp_settings_init(&chosen);
    chosen.on_header_field = [](llhttp_t* parser, const char* at, std::size_t bytes) {
        static_cast<FieldScanner*>(parser->data)->on_name(at, bytes);
        return 0;
    };
    chosen.on_header_field_complete = [](llhttp_t* parser) {
        return static_cast<FieldScanner*>(parser->data)->has_too_many() ? -1 : 0;
    };
    chosen.on_headers_complete = [](llhttp_t*) -> int { return HPE_PAUSED; };
    return chosen;
}

void FieldScanner::reset() noexcept
{
    static const llhttp_settings_t kSettings = settings();
    llhttp_init(&parser_, type_, &kSettings);
    parser_.data = this;
    scanned_ = 0;
    names_.clear();
}

// A name that the end of a read cut arrives in pieces, each where the one before it ended.
void FieldScanner::on_name(const char* at, std::size_t bytes)
{
    const auto offset = static_cast<std::uint32_t>(at - head_);
    if (!names_.empty() && names_.back().at + names_.back().bytes == offset)
        names_.back().bytes += static_cast<std::uint32_t>(bytes);
    else
        names_.push_back({offset, static_cast<std::uint32_t>(bytes)});
}

Result<std::size_t, HeadError> FieldScanner::scan(std::string_view head) noexcept
{
    head_ = head.data();
    const llhttp_errno_t error =
        llhttp_execute(&parser_, head.data() + scanned_, head.size() - scanned_);
    scanned_ = head.size();
    if (error == HPE_OK) return 0;
    if (error != HPE_PAUSED) return fail(error_of(error));
    return static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - head.data());
}

HeadError FieldScanner::error_of(llhttp_errno_t error) const noexcept
{
    if (error == HPE_CB_HEADER_FIELD_COMPLETE) return HeadError::too_many_fields;
    switch (error) {
    case HPE_INVALID_METHOD:
    case HPE_INVALID_CONSTANT: // a method of RTSP: RequestLine has seen to the rest of the line
    case HPE_INVALID_VERSION:  // PRI without the rest of the preface
        return type_ == HTTP_REQUEST ? HeadError::unknown_method : HeadError::malformed;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
        return HeadError::bad_framing;
    default:
        return HeadError::malformed;
    }
}

Result<void, HeadError> FieldScanner::collect(std::string_view head, std::size_t line_bytes,
                                              FieldList& fields) const
{
    fields.clear();
    const std::size_t end = head.size() - 2; // where the empty line must be
    if (end < line_bytes || head.substr(end) != "\r\n") return fail(HeadError::malformed);
    std::size_t at = line_bytes;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (names_[i].at != at) return fail(HeadError::malformed);
        const std::size_t next = i + 1 < names_.size() ? names_[i + 1].at : end;
        const std::string_view line = head.substr(at, next - at);
        std::string_view value;
        if (!read_field_line(line, names_[i].bytes, value)) return fail(HeadError::malformed);
        fields.add(line.substr(0, names_[i].bytes), value);
        at = next;
    }
    if (at != end) return fail(HeadError::malformed);
    return {};
}
} // namespace tidemark::http
