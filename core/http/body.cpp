#include "core/http/body.hpp"

#include "core/http/field_line.hpp"
#include "core/http/grammar.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::http
{
namespace
{
constexpr std::uint8_t kSizeDigitsMax = 15; // no overflow of 64 bits

// Fields that decide framing, routing, caching, authentication or how to read the content mean
// nothing behind it (RFC 9110 §6.5.1). Of those that we know these are the harmless ones.
bool may_be_trailer(FieldId id) noexcept
{
    return id == FieldId::other || id == FieldId::cache_status || id == FieldId::etag ||
           id == FieldId::server || id == FieldId::warning;
}
} // namespace

BodyDecoder::BodyDecoder(BodyFraming framing, const BodyLimits& limits) : limits_(limits)
{
    switch (framing.kind) {
    case BodyFraming::Kind::none:
        break;
    case BodyFraming::Kind::length:
        remaining_ = framing.length_bytes;
        phase_ = remaining_ == 0 ? Phase::done : Phase::length;
        break;
    case BodyFraming::Kind::chunked:
        phase_ = Phase::size_first;
        break;
    case BodyFraming::Kind::until_close:
        phase_ = Phase::until_close;
        break;
    }
}

Result<BodyDecoder::Step, BodyError> BodyDecoder::next(std::string_view bytes)
{
    switch (phase_) {
    case Phase::done:
        return Step{{}, 0, true};
    case Phase::length: {
        Step step = take_data(bytes, 0);
        if (remaining_ == 0) phase_ = Phase::done;
        step.complete = remaining_ == 0;
        return step;
    }
    case Phase::until_close:
        return Step{bytes, bytes.size(), false};
    default:
        return next_chunked(bytes);
    }
}

Result<void, BodyError> BodyDecoder::end()
{
    if (phase_ == Phase::until_close) phase_ = Phase::done;
    if (phase_ != Phase::done) return fail(BodyError::truncated);
    return {};
}

// The data at `offset`, as much of it as belongs to the length or the chunk.
BodyDecoder::Step BodyDecoder::take_data(std::string_view bytes, std::size_t offset) noexcept
{
    const std::string_view rest = bytes.substr(offset);
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), remaining_));
    remaining_ -= taken;
    data_bytes_ += taken;
    return Step{rest.substr(0, taken), offset + taken, false};
}

Result<BodyDecoder::Step, BodyError> BodyDecoder::next_chunked(std::string_view bytes)
{
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (phase_ == Phase::data) {
            const Step step = take_data(bytes, at);
            if (remaining_ == 0) phase_ = Phase::data_cr;
            return step;
        }
        if (phase_ == Phase::trailer) {
            const auto taken = take_trailer_bytes(bytes.substr(at));
            if (!taken) return fail(taken.error());
            at += *taken;
            if (phase_ == Phase::done) return Step{{}, at, true};
            continue;
        }
        if (const auto taken = take_framing_byte(bytes[at]); !taken) return fail(taken.error());
        ++at;
    }
    return Step{{}, at, false};
}

BodyDecoder::Outcome BodyDecoder::take_framing_byte(char byte) noexcept
{
    ++framing_bytes_;
    if (framing_bytes_ > limits_.framing_bytes_free &&
        (framing_bytes_ - limits_.framing_bytes_free) / std::max(1U, limits_.framing_per_data) >
            data_bytes_)
        return fail(BodyError::too_large);
    switch (phase_) {
    case Phase::size_first:
    case Phase::size:
        return take_size_byte(byte);
    case Phase::extension:
        return take_extension_byte(byte);
    case Phase::size_lf:
        if (byte != '\n') return fail(BodyError::malformed);
        phase_ = remaining_ == 0 ? Phase::trailer : Phase::data;
        return {};
    case Phase::data_cr:
        if (byte != '\r') return fail(BodyError::malformed);
        phase_ = Phase::data_lf;
        return {};
    default: // data_lf
        if (byte != '\n') return fail(BodyError::malformed);
        phase_ = Phase::size_first;
        return {};
    }
}

BodyDecoder::Outcome BodyDecoder::take_size_byte(char byte) noexcept
{
    if (const int digit = hex_value(byte); digit >= 0) {
        if (phase_ == Phase::size_first) size_digits_ = 0;
        if (++size_digits_ > kSizeDigitsMax) return fail(BodyError::malformed);
        remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
        phase_ = Phase::size;
        return {};
    }
    if (phase_ == Phase::size_first) return fail(BodyError::malformed);
    if (byte == '\r') {
        phase_ = Phase::size_lf;
        return {};
    }
    if (byte != ';') return fail(BodyError::malformed);
    extension_bytes_ = 1;
    quoted_ = escaped_ = false;
    phase_ = Phase::extension;
    return {};
}

// chunk-ext (RFC 9112 §7.1.1) is skipped, but a CR always ends the line: a quoted string cannot
// hide one.
BodyDecoder::Outcome BodyDecoder::take_extension_byte(char byte) noexcept
{
    if (byte == '\r') {
        if (quoted_ || extension_bytes_ == 1) return fail(BodyError::malformed);
        phase_ = Phase::size_lf;
        return {};
    }
    if (!is_field_byte(byte)) return fail(BodyError::malformed);
    if (++extension_bytes_ > limits_.extension_bytes_per_line) return fail(BodyError::too_large);
    if (escaped_)
        escaped_ = false;
    else if (quoted_ && byte == '\\')
        escaped_ = true;
    else if (byte == '"')
        quoted_ = !quoted_;
    return {};
}

// How many of `bytes` the trailer section took; the body is done once it ended.
Result<std::size_t, BodyError> BodyDecoder::take_trailer_bytes(std::string_view bytes)
{
    const std::size_t room = limits_.trailer_bytes - trailer_text_.size();
    const std::string_view window = bytes.substr(0, room);
    const std::size_t lf = window.find('\n');
    const std::size_t taken = lf == std::string_view::npos ? window.size() : lf + 1;
    trailer_text_.insert(trailer_text_.end(), window.begin(),
                         window.begin() + static_cast<std::ptrdiff_t>(taken));
    if (lf != std::string_view::npos) {
        if (const auto line = take_trailer_line(); !line) return fail(line.error());
    }
    if (phase_ != Phase::done && trailer_text_.size() == limits_.trailer_bytes)
        return fail(BodyError::too_large);
    return taken;
}

// Tests the line that just ended; the empty one ends the body.
BodyDecoder::Outcome BodyDecoder::take_trailer_line()
{
    const std::string_view text(trailer_text_.data(), trailer_text_.size());
    const std::string_view line = text.substr(trailer_line_at_);
    if (line == "\r\n") {
        collect_trailers();
        phase_ = Phase::done;
        return {};
    }
    const std::size_t name_bytes = token_bytes(line);
    std::string_view value;
    if (!read_field_line(line, name_bytes, value)) return fail(BodyError::malformed);
    if (trailer_lines_.size() == limits_.trailer_fields) return fail(BodyError::too_large);
    trailer_lines_.push_back({static_cast<std::uint32_t>(trailer_line_at_),
                              static_cast<std::uint32_t>(line.size()),
                              static_cast<std::uint32_t>(name_bytes)});
    trailer_line_at_ = text.size();
    return {};
}

void BodyDecoder::collect_trailers()
{
    const std::string_view text(trailer_text_.data(), trailer_text_.size());
    for (const TrailerLine& line : trailer_lines_) {
        const std::string_view line_text = text.substr(line.at, line.bytes);
        const std::string_view name = line_text.substr(0, line.name_bytes);
        std::string_view value;
        if (read_field_line(line_text, line.name_bytes, value) && may_be_trailer(field_id(name)))
            trailers_.add(name, value);
    }
}

void append_chunk_size(std::string& out, std::uint64_t bytes)
{
    char digits[16];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, bytes, 16);
    static_cast<void>(error); // 16 digits hold every 64-bit number
    out.append(digits, end);
    out += "\r\n";
}
} // namespace tidemark::http
