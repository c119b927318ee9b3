#pragma once
#include "core/http/field.hpp"

#include <cstdint>
#include <string_view>

// Heads of messages as every part of the edge sees them, whichever HTTP version carried them.
// Everything borrows from the bytes (or the parser) that the head was read from.
namespace tidemark::http
{
enum class Method : std::uint8_t {
    get,
    head,
    post,
    put,
    delete_,
    connect,
    options,
    trace,
    patch,
    other
};

// RFC 9110 §9.2.1. Unknown methods are unsafe.
[[nodiscard]] constexpr bool is_safe(Method m) noexcept
{
    return m == Method::get || m == Method::head || m == Method::options || m == Method::trace;
}
// RFC 9110 §9.2.2.
[[nodiscard]] constexpr bool is_idempotent(Method m) noexcept
{
    return is_safe(m) || m == Method::put || m == Method::delete_;
}

// How a body is delimited (RFC 9112 §6.3). `until_close` occurs in responses only.
struct BodyFraming {
    enum class Kind : std::uint8_t { none, length, chunked, until_close };
    Kind kind = Kind::none;
    std::uint64_t length_bytes = 0; // for Kind::length
    friend bool operator==(const BodyFraming&, const BodyFraming&) = default;
};

struct RequestHead {
    Method method = Method::get;
    std::string_view method_text;
    std::string_view target; // as received: origin-form, absolute-form, authority-form or "*"
    std::string_view scheme; // "http" or "https": the transport's; an absolute-form's if it has one
    std::string_view authority;     // host[:port] as received: :authority, an absolute-form's, else
                                    // Host (RFC 9112 §3.2)
    std::string_view path;          // path and query, starting with '/'; "*" for OPTIONS *
    std::uint8_t minor_version = 1; // of HTTP/1; HTTP/2 counts as 1
    BodyFraming framing;
    bool keep_alive = true;       // RFC 9112 §9.3
    bool expect_continue = false; // RFC 9110 §10.1.1
    FieldList fields;
};

struct ResponseHead {
    std::uint16_t status = 0; // 100..999
    std::string_view reason;
    std::uint8_t minor_version = 1;
    BodyFraming framing;
    bool keep_alive = true;
    FieldList fields;
};
} // namespace tidemark::http
