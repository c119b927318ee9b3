#pragma once
#include "core/base/result.hpp"
#include "core/http/message.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

// HTTP/1 heads: llhttp in strict mode, and the checks that it leaves to us (RFC 9112 §2–§6). One
// strict parser that refuses early: nothing about framing, Host or field syntax is ever repaired.
namespace tidemark::http
{
struct HeadLimits {
    std::uint32_t line_bytes = 8 * 1024;  // request line; beyond: 414
    std::uint32_t head_bytes = 32 * 1024; // whole head; beyond: 431
    std::uint32_t fields = 100;           // field lines; beyond: 431
    std::uint32_t blank_lines = 4;        // empty lines before a request line (RFC 9112 §2.2)
};

// Why a head was refused. status_of() gives the answer it deserves (as a request).
enum class HeadError : std::uint8_t {
    malformed, // 400: grammar of a line, a name, a value; obs-fold; CTL, NUL, bare CR or LF; space
               // before the colon
    bad_host,  // 400: none (HTTP/1.1), several, or not host[:port] (RFC 9112 §3.2)
    bad_framing,     // 400: Content-Length and Transfer-Encoding in doubt (RFC 9112 §6)
    uri_too_long,    // 414
    head_too_large,  // 431
    too_many_fields, // 431
    version,         // 505
    unknown_method,  // 501
    h2_preface,      // 505 on a plain listener: "PRI * HTTP/2.0"
    unknown_coding, // 501: other transfer codings before a final, single "chunked" (RFC 9112 §6.1);
                    // any other Transfer-Encoding than "chunked" leaves the length in doubt:
                    // bad_framing (§6.3 rule 4)
};
[[nodiscard]] std::uint16_t status_of(HeadError error) noexcept;
[[nodiscard]] std::string_view text_of(HeadError error) noexcept; // for logs, "malformed head"

enum class HeadProgress : std::uint8_t { need_more, complete };

// Reads one head. Feed bytes until `complete`; then head() is valid until the next feed() or
// reset(), and its views borrow from the bytes of that last feed if the whole head lay in them,
// else from the parser.
//   fresh ──feed──→ need_more ──feed──→ complete ──reset──→ fresh;  any feed may fail, then only
//   reset() is legal.
class RequestParser
{
  public:
    explicit RequestParser(const HeadLimits& limits);
    ~RequestParser();
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;

    // `scheme` is the transport's, "http" or "https" (static storage). On `complete`, `consumed`
    // bytes of `bytes` belong to the head; what follows is body or the next request. On need_more
    // all bytes were consumed (and kept).
    [[nodiscard]] Result<HeadProgress, HeadError> feed(std::string_view bytes,
                                                       std::size_t& consumed);
    [[nodiscard]] const RequestHead& head() const noexcept;
    [[nodiscard]] bool
    started() const noexcept; // a byte of the request line was seen: 408 is due on a timeout
    void set_scheme(std::string_view scheme) noexcept;
    void reset() noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// The same for responses. The request's method decides the framing (RFC 9112 §6.3): HEAD, 1xx, 204
// and 304 have no body whatever their fields say. As seen from an upstream every error means 502.
// An unknown transfer coding, Content-Length with Transfer-Encoding, differing Content-Lengths:
// bad_framing.
class ResponseParser
{
  public:
    explicit ResponseParser(const HeadLimits& limits);
    ~ResponseParser();
    ResponseParser(ResponseParser&&) noexcept;
    ResponseParser& operator=(ResponseParser&&) noexcept;

    void set_request_method(Method method) noexcept;
    [[nodiscard]] Result<HeadProgress, HeadError> feed(std::string_view bytes,
                                                       std::size_t& consumed);
    [[nodiscard]] const ResponseHead& head() const noexcept;
    [[nodiscard]] bool started() const noexcept;
    void reset() noexcept;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// host[:port] as RFC 9110 §7.2 and RFC 3986 §3.2.2 have it: reg-name, IPv4 or [IPv6]; no userinfo,
// no CTL, no space; port digits only, ≤ 65535. An empty text is not an authority.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;
// field-value (RFC 9110 §5.5): VCHAR, obs-text, SP, HTAB.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;
// token (RFC 9110 §5.6.2).
[[nodiscard]] bool is_token(std::string_view text) noexcept;
} // namespace tidemark::http
