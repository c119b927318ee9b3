#include "bench/load/response_reader.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace tidemark::bench
{
namespace
{
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLineEnd = "\r\n";

// What of a head matters here.
struct Fields {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool close = false;
    bool keep_alive = false;
    CacheWord cache_status = CacheWord::none;
    CacheWord x_cache = CacheWord::none;
    bool bad = false;
};

// Splits at `separator` where it stands outside a quoted-string (RFC 9110 §5.6.4).
std::string_view take_unquoted(std::string_view& rest, char separator) noexcept
{
    bool quoted = false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (quoted && rest[i] == '\\') {
            ++i;
        } else if (rest[i] == '"') {
            quoted = !quoted;
        } else if (rest[i] == separator && !quoted) {
            const std::string_view part = rest.substr(0, i);
            rest.remove_prefix(i + 1);
            return trim(part);
        }
    }
    return trim(std::exchange(rest, {}));
}

void note_connection(std::string_view value, Fields& fields) noexcept
{
    while (!value.empty()) {
        const std::string_view option = take_unquoted(value, ',');
        if (iequals(option, "close")) fields.close = true;
        if (iequals(option, "keep-alive")) fields.keep_alive = true;
    }
}

void note_field(std::string_view name, std::string_view value, Fields& fields) noexcept
{
    switch (name.size()) {
    case 7:
        if (iequals(name, "x-cache"))
            fields.x_cache = iequals(value.substr(0, 3), "hit") ? CacheWord::hit : CacheWord::miss;
        break;
    case 10:
        if (iequals(name, "connection")) note_connection(value, fields);
        break;
    case 12:
        if (iequals(name, "cache-status")) fields.cache_status = word_of_cache_status(value);
        break;
    case 14:
        if (iequals(name, "content-length")) {
            const auto length = parse_decimal(value);
            if (!length || (fields.content_length && fields.content_length != length))
                fields.bad = true;
            fields.content_length = length;
        }
        break;
    case 17:
        if (iequals(name, "transfer-encoding")) {
            if (fields.chunked || !iequals(value, "chunked")) fields.bad = true;
            fields.chunked = true;
        }
        break;
    default:
        break;
    }
}

Fields fields_of(std::string_view lines) noexcept
{
    Fields fields;
    while (!lines.empty()) {
        const std::size_t end = lines.find(kLineEnd);
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + kLineEnd.size());
        const std::size_t colon = line.find(':');
        if (colon == 0 || colon == std::string_view::npos) {
            fields.bad = true;
            return fields;
        }
        note_field(line.substr(0, colon), trim(line.substr(colon + 1)), fields);
    }
    if (fields.chunked && fields.content_length) fields.bad = true; // RFC 9112 §6.3
    return fields;
}

struct StatusLine {
    std::uint16_t status;
    bool keep_alive; // what the version alone says
};

std::optional<StatusLine> status_line_of(std::string_view line) noexcept
{
    if (line.size() < 12 || line.substr(0, 7) != "HTTP/1." || line[8] != ' ') return std::nullopt;
    if (line[7] != '0' && line[7] != '1') return std::nullopt;
    if (line.size() > 12 && line[12] != ' ') return std::nullopt;
    const auto status = parse_decimal(line.substr(9, 3));
    if (!status || *status < 100 || *status > 599) return std::nullopt;
    return StatusLine{static_cast<std::uint16_t>(*status), line[7] == '1'};
}

constexpr int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = to_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}
} // namespace

CacheWord word_of_cache_status(std::string_view value) noexcept
{
    std::string_view nearest;
    while (!value.empty())
        nearest = take_unquoted(value, ',');
    if (nearest.empty()) return CacheWord::none;
    take_unquoted(nearest, ';'); // the cache's name
    while (!nearest.empty()) {
        const std::string_view parameter = take_unquoted(nearest, ';');
        if (parameter == "hit" || parameter == "hit=?1") return CacheWord::hit;
    }
    return CacheWord::miss;
}

void ResponseReader::reset() noexcept
{
    phase_ = Phase::head;
    held_.clear();
    left_ = 0;
}

ResponseReader::Step ResponseReader::complete() noexcept
{
    reset();
    return ReadProgress::complete;
}

ResponseReader::Step ResponseReader::feed(std::string_view bytes, std::size_t& consumed)
{
    consumed = 0;
    while (consumed < bytes.size()) {
        Step step = ReadProgress::need_more;
        switch (phase_) {
        case Phase::head:
            step = feed_head(bytes, consumed);
            break;
        case Phase::sized_body:
            consumed += feed_data(bytes.substr(consumed));
            if (left_ == 0) step = complete();
            break;
        case Phase::body_until_close:
            response_.body_bytes += bytes.size() - consumed;
            consumed = bytes.size();
            break;
        case Phase::chunk_data:
            consumed += feed_data(bytes.substr(consumed));
            if (left_ == 0) phase_ = Phase::chunk_data_cr;
            break;
        default:
            step = feed_chunk_framing(bytes[consumed++]);
        }
        if (!step || *step == ReadProgress::complete) return step;
    }
    return ReadProgress::need_more;
}

ResponseReader::Step ResponseReader::finish() noexcept
{
    if (phase_ == Phase::body_until_close) return complete();
    return fail(ReadError::truncated);
}

std::uint64_t ResponseReader::skippable_bytes() const noexcept
{
    return phase_ == Phase::sized_body ? left_ - 1 : 0;
}

void ResponseReader::skip(std::uint64_t bytes) noexcept
{
    left_ -= bytes;
    response_.body_bytes += bytes;
}

ResponseReader::Step ResponseReader::feed_head(std::string_view bytes, std::size_t& consumed)
{
    const std::string_view rest = bytes.substr(consumed);
    if (held_.empty()) { // the usual case: a whole head in one read, looked at where it lies
        if (const std::size_t end = rest.find(kHeadEnd); end != std::string_view::npos) {
            if (end > kHeadBytesMax) return fail(ReadError::too_large);
            consumed += end + kHeadEnd.size();
            return begin_body(rest.substr(0, end));
        }
    }
    const std::size_t before = held_.size();
    const std::size_t room = kHeadBytesMax + kHeadEnd.size() - before;
    held_.append(rest.substr(0, room));
    const std::size_t end = held_.find(kHeadEnd, before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
        if (rest.size() >= room) return fail(ReadError::too_large);
        consumed = bytes.size();
        return ReadProgress::need_more;
    }
    consumed += end + kHeadEnd.size() - before;
    const std::string head = std::exchange(held_, {});
    return begin_body(std::string_view(head).substr(0, end));
}

// The framing of RFC 9112 §6.3 for the answer to a GET.
ResponseReader::Step ResponseReader::begin_body(std::string_view head)
{
    const std::size_t line_end = head.find(kLineEnd);
    const auto line = status_line_of(head.substr(0, line_end));
    if (!line) return fail(ReadError::malformed);
    const Fields fields =
        fields_of(line_end == std::string_view::npos ? std::string_view{}
                                                     : head.substr(line_end + kLineEnd.size()));
    if (fields.bad || line->status == 101) return fail(ReadError::malformed);
    if (line->status < 200) return ReadProgress::need_more;

    response_ = {.status = line->status,
                 .body_bytes = 0,
                 .keep_alive = line->keep_alive ? !fields.close : fields.keep_alive,
                 .cache =
                     fields.cache_status != CacheWord::none ? fields.cache_status : fields.x_cache};
    framing_bytes_ = 0;
    if (line->status == 204 || line->status == 304) return complete();
    if (fields.chunked) {
        phase_ = Phase::chunk_size;
        size_seen_ = false;
        left_ = 0;
        return ReadProgress::need_more;
    }
    if (!fields.content_length) {
        phase_ = Phase::body_until_close;
        response_.keep_alive = false;
        return ReadProgress::need_more;
    }
    if (*fields.content_length == 0) return complete();
    phase_ = Phase::sized_body;
    left_ = *fields.content_length;
    return ReadProgress::need_more;
}

std::size_t ResponseReader::feed_data(std::string_view bytes) noexcept
{
    const std::uint64_t taken = std::min<std::uint64_t>(left_, bytes.size());
    left_ -= taken;
    response_.body_bytes += taken;
    return static_cast<std::size_t>(taken);
}

ResponseReader::Step ResponseReader::add_size_digit(char c) noexcept
{
    const int digit = hex_value(c);
    if (digit < 0 || left_ > std::numeric_limits<std::uint64_t>::max() >> 4)
        return fail(ReadError::malformed);
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    size_seen_ = true;
    return ReadProgress::need_more;
}

// One byte of what stands between the data of chunks (RFC 9112 §7.1).
ResponseReader::Step ResponseReader::feed_chunk_framing(char c) noexcept
{
    const auto expect = [&](char wanted, Phase next) -> Step {
        if (c != wanted) return fail(ReadError::malformed);
        phase_ = next;
        return ReadProgress::need_more;
    };
    switch (phase_) {
    case Phase::chunk_size:
        if (size_seen_ && c == '\r') return expect('\r', Phase::chunk_size_lf);
        if (size_seen_ && c == ';') return expect(';', Phase::chunk_extension);
        return add_size_digit(c);
    case Phase::chunk_extension:
        if (++framing_bytes_ > kHeadBytesMax) return fail(ReadError::too_large);
        if (c == '\r') phase_ = Phase::chunk_size_lf;
        return ReadProgress::need_more;
    case Phase::chunk_size_lf:
        return expect('\n', left_ == 0 ? Phase::trailer_start : Phase::chunk_data);
    case Phase::chunk_data_cr:
        return expect('\r', Phase::chunk_data_lf);
    case Phase::chunk_data_lf:
        size_seen_ = false;
        return expect('\n', Phase::chunk_size);
    case Phase::trailer_start:
        if (c == '\r') return expect('\r', Phase::last_lf);
        phase_ = Phase::trailer;
        [[fallthrough]];
    case Phase::trailer:
        if (++framing_bytes_ > kHeadBytesMax) return fail(ReadError::too_large);
        if (c == '\r') phase_ = Phase::trailer_lf;
        return ReadProgress::need_more;
    case Phase::trailer_lf:
        return expect('\n', Phase::trailer_start);
    case Phase::last_lf:
        if (c != '\n') return fail(ReadError::malformed);
        return complete();
    default:
        return fail(ReadError::malformed); // the other phases are feed()'s
    }
}
} // namespace tidemark::bench
