#pragma once
#include "core/base/check.hpp"
#include "core/http/parser.hpp"

#include <memory>
#include <string>
#include <string_view>

// Heads as the parsers give them, from text with bare '\n' line ends.
namespace tidemark::test
{
inline std::string with_crlf(std::string_view lines)
{
    std::string out;
    for (const char c : lines) {
        if (c == '\n') out += '\r';
        out += c;
    }
    return out;
}

// A head with the bytes it borrows from. "GET / HTTP/1.1\nHost: h": the last line's end and the
// empty line are added. What a parser refuses is a mistake of the test.
template <class Parser> class ParsedHead
{
  public:
    explicit ParsedHead(std::string_view lines, http::Method asked = http::Method::get)
        : text_(std::make_unique<std::string>(with_crlf(lines) + "\r\n\r\n"))
    {
        if constexpr (requires { parser_.set_scheme("http"); })
            parser_.set_scheme("http");
        else
            parser_.set_request_method(asked);
        std::size_t consumed = 0;
        const auto progress = parser_.feed(*text_, consumed);
        TIDEMARK_CHECK(progress && *progress == http::HeadProgress::complete);
    }
    [[nodiscard]] const auto& operator*() const noexcept { return parser_.head(); }
    [[nodiscard]] const auto* operator->() const noexcept { return &parser_.head(); }

  private:
    std::unique_ptr<std::string> text_;
    Parser parser_{http::HeadLimits{}};
};
using Request = ParsedHead<http::RequestParser>;
using Response = ParsedHead<http::ResponseParser>;
} // namespace tidemark::test
