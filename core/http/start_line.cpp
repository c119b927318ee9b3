#include "core/http/start_line.hpp"

#include "core/http/grammar.hpp"

#include <algorithm>

namespace tidemark::http
{
namespace
{
constexpr std::size_t kMethodBytesMax = 24; // the longest that llhttp knows has 13
constexpr std::string_view kVersionStart = "HTTP/";
constexpr std::size_t kVersionBytes = 8; // "HTTP/1.1"

// HTTP-version (RFC 9112 §2.3), of which we speak 1.0 and 1.1.
Result<std::uint8_t, HeadError> parse_version(std::string_view text) noexcept
{
    if (text.size() != kVersionBytes || text.substr(0, 5) != kVersionStart || !is_digit(text[5]) ||
        text[6] != '.' || !is_digit(text[7]))
        return fail(HeadError::malformed);
    if (text[5] != '1' || text[7] > '1') return fail(HeadError::version);
    return static_cast<std::uint8_t>(text[7] - '0');
}

// Visible ASCII without '#': no URI reference in a request has a fragment (RFC 9112 §3.2).
bool is_target_byte(char c) noexcept
{
    return c > 0x20 && c < 0x7f && c != '#';
}

bool are_target_bytes(std::string_view text) noexcept
{
    for (const char c : text)
        if (!is_target_byte(c)) return false;
    return true;
}

bool are_target_bytes(std::uint64_t word) noexcept
{
    return (word & detail::kHighBits) == 0 && !detail::any_below(word, 0x21) &&
           !detail::any_equal(word, 0x7f) && !detail::any_equal(word, '#');
}

bool is_target(std::string_view text) noexcept
{
    if (text.size() < 8) return !text.empty() && are_target_bytes(text);
    const std::size_t last = text.size() - 8; // overlaps the word before it
    for (std::size_t at = 0; at < last; at += 8)
        if (!are_target_bytes(detail::load_word(text.data() + at))) return false;
    return are_target_bytes(detail::load_word(text.data() + last));
}

bool ends_with_crlf(std::string_view line) noexcept
{
    return line.size() >= 2 && line.substr(line.size() - 2) == "\r\n";
}
} // namespace

std::optional<HeadError> RequestLine::refuse_early(std::string_view begun) noexcept
{
    const std::size_t method = token_bytes(begun.substr(0, kMethodBytesMax + 1));
    if (method > kMethodBytesMax) return HeadError::unknown_method;
    if (method < begun.size() && (method == 0 || begun[method] != ' ')) return HeadError::malformed;
    return std::nullopt;
}

Result<RequestLine, HeadError> RequestLine::parse(std::string_view line) noexcept
{
    if (const auto error = refuse_early(line)) return fail(*error);
    if (line == "PRI * HTTP/2.0\r\n") return fail(HeadError::h2_preface);
    if (!ends_with_crlf(line)) return fail(HeadError::malformed);
    line.remove_suffix(2);

    RequestLine parsed;
    parsed.method_bytes = static_cast<std::uint32_t>(line.find(' '));
    const std::size_t space = line.rfind(' ');
    if (space <= parsed.method_bytes) return fail(HeadError::malformed);
    const std::size_t target_at = parsed.method_bytes + 1;
    if (!is_target(line.substr(target_at, space - target_at))) return fail(HeadError::malformed);
    parsed.target_bytes = static_cast<std::uint32_t>(space - target_at);

    const auto version = parse_version(line.substr(space + 1));
    if (!version) return fail(version.error());
    parsed.minor_version = *version;
    return parsed;
}

std::optional<HeadError> StatusLine::refuse_early(std::string_view begun) noexcept
{
    const std::size_t common = std::min(begun.size(), kVersionStart.size());
    if (begun.substr(0, common) != kVersionStart.substr(0, common)) return HeadError::malformed;
    return std::nullopt;
}

// "HTTP/1.1 200 OK". Servers leave out the reason, and the space before it too; both are taken.
Result<StatusLine, HeadError> StatusLine::parse(std::string_view line) noexcept
{
    constexpr std::size_t kStatusAt = kVersionBytes + 1;
    constexpr std::size_t kStatusEnd = kStatusAt + 3;
    if (!ends_with_crlf(line)) return fail(HeadError::malformed);
    line.remove_suffix(2);
    const auto version = parse_version(line.substr(0, kVersionBytes));
    if (!version) return fail(version.error());
    if (line.size() < kStatusEnd || line[kVersionBytes] != ' ') return fail(HeadError::malformed);

    StatusLine parsed;
    parsed.minor_version = *version;
    for (const char c : line.substr(kStatusAt, 3)) {
        if (!is_digit(c)) return fail(HeadError::malformed);
        parsed.status = static_cast<std::uint16_t>(parsed.status * 10 + (c - '0'));
    }
    if (parsed.status < 100) return fail(HeadError::malformed);
    parsed.reason_at = kStatusEnd;
    if (line.size() == kStatusEnd) return parsed;
    if (line[kStatusEnd] != ' ' || !is_field_value(line)) return fail(HeadError::malformed);
    parsed.reason_at = kStatusEnd + 1;
    parsed.reason_bytes = static_cast<std::uint32_t>(line.size() - parsed.reason_at);
    return parsed;
}
} // namespace tidemark::http
