#include "core/base/check.hpp"
#include "core/http/body.hpp"
#include "core/http/parser.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

// A chunked body decodes alike however its bytes are cut, within its limits, and what it held can
// be encoded again. The first byte chooses the cut and the limits.
namespace
{
using namespace tidemark::http;

struct Reading {
    std::optional<BodyError> error;
    bool complete = false;
    std::size_t consumed = 0;
    std::string data;
    std::string trailers;
    friend bool operator==(const Reading&, const Reading&) = default;
};

std::string text_of(const FieldList& fields)
{
    std::string text;
    for (const Field& field : fields) {
        TIDEMARK_CHECK(is_token(field.name) && is_field_value(field.value));
        TIDEMARK_CHECK(field.id != FieldId::content_length && field.id != FieldId::host);
        text.append(field.name).append("=").append(field.value).append(";");
    }
    return text;
}

Reading read_body(std::string_view bytes, std::size_t piece, const BodyLimits& limits)
{
    BodyDecoder decoder({BodyFraming::Kind::chunked, 0}, limits);
    Reading reading;
    std::size_t at = 0;
    while (at < bytes.size() && !reading.complete) {
        const std::string_view part = bytes.substr(at, piece);
        const auto step = decoder.next(part);
        if (!step) {
            reading.error = step.error();
            return reading;
        }
        TIDEMARK_CHECK(step->consumed <= part.size());
        TIDEMARK_CHECK(step->consumed > 0);
        TIDEMARK_CHECK(step->complete == decoder.complete());
        reading.data += step->data;
        reading.complete = step->complete;
        at += step->consumed;
    }
    TIDEMARK_CHECK(decoder.end().has_value() == reading.complete);
    if (!reading.complete) return reading;
    reading.consumed = at;
    reading.trailers = text_of(decoder.trailers());
    TIDEMARK_CHECK(reading.trailers.size() <= limits.trailer_bytes);
    return reading;
}

void check_encoded(const std::string& data)
{
    std::string encoded;
    if (!data.empty()) {
        append_chunk_size(encoded, data.size());
        encoded += data + "\r\n";
    }
    encoded += "0\r\n\r\n";
    const Reading again = read_body(encoded, encoded.size(), {});
    TIDEMARK_CHECK(again.complete && again.data == data && again.consumed == encoded.size());
}

BodyLimits limits_of(std::uint8_t choice)
{
    BodyLimits limits;
    if (choice < 128) return limits;
    limits.extension_bytes_per_line = 8;
    limits.framing_bytes_free = 40;
    limits.framing_per_data = 3;
    limits.trailer_bytes = 32;
    limits.trailer_fields = 2;
    return limits;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0) return 0;
    const BodyLimits limits = limits_of(data[0]);
    const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
    const Reading whole = read_body(bytes, bytes.size(), limits);
    TIDEMARK_CHECK(read_body(bytes, data[0] % 16U + 1, limits) == whole);
    TIDEMARK_CHECK(read_body(bytes, 1, limits) == whole);
    if (whole.complete) check_encoded(whole.data);
    return 0;
}
