#pragma once
#include "core/base/result.hpp"
#include "core/http/parser.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

// First lines of messages (RFC 9112 §3, §4), taken apart by us: llhttp forgives repeated spaces,
// HTTP/0.9 and other protocols' names there. Positions instead of views, because a head may move
// while it is gathered.
namespace tidemark::http
{
struct RequestLine {
    static constexpr HeadError kTooLong = HeadError::uri_too_long;
    std::uint32_t method_bytes = 0; // from the start of the line
    std::uint32_t target_bytes = 0; // behind it and one space
    std::uint8_t minor_version = 1;

    // What is wrong already with a line that has not ended; nothing if it may still become good.
    [[nodiscard]] static std::optional<HeadError> refuse_early(std::string_view begun) noexcept;
    // `line` includes its line end.
    [[nodiscard]] static Result<RequestLine, HeadError> parse(std::string_view line) noexcept;

    [[nodiscard]] std::string_view method(std::string_view head) const noexcept
    {
        return head.substr(0, method_bytes);
    }
    [[nodiscard]] std::string_view target(std::string_view head) const noexcept
    {
        return head.substr(method_bytes + 1, target_bytes);
    }
};

struct StatusLine {
    static constexpr HeadError kTooLong = HeadError::head_too_large;
    std::uint16_t status = 0;
    std::uint8_t minor_version = 1;
    std::uint32_t reason_at = 0;
    std::uint32_t reason_bytes = 0;

    [[nodiscard]] static std::optional<HeadError> refuse_early(std::string_view begun) noexcept;
    [[nodiscard]] static Result<StatusLine, HeadError> parse(std::string_view line) noexcept;

    [[nodiscard]] std::string_view reason(std::string_view head) const noexcept
    {
        return head.substr(reason_at, reason_bytes);
    }
};
} // namespace tidemark::http
