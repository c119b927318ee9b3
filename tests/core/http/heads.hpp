#pragma once
#include "core/http/body.hpp"
#include "core/http/parser.hpp"

#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// Heads and bodies read in pieces of any sizes, the outcome as plain values that can be compared
// and printed.
namespace tidemark::http
{
inline std::ostream& operator<<(std::ostream& out, HeadError error)
{
    return out << text_of(error);
}
inline std::ostream& operator<<(std::ostream& out, BodyError error)
{
    static constexpr std::string_view kNames[] = {"malformed", "too large", "truncated"};
    return out << kNames[static_cast<std::size_t>(error)];
}
inline std::ostream& operator<<(std::ostream& out, BodyFraming framing)
{
    static constexpr std::string_view kNames[] = {"none", "length", "chunked", "until close"};
    return out << kNames[static_cast<std::size_t>(framing.kind)] << ' ' << framing.length_bytes;
}
} // namespace tidemark::http

namespace tidemark::http::test
{
// What reading came to: what was read, or the error; never both.
struct Reading {
    std::optional<HeadError> error;
    bool complete = false;
    std::size_t head_bytes = 0;
    std::string text; // everything the head says
    friend bool operator==(const Reading&, const Reading&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Reading& reading)
    {
        if (reading.error) return out << "error: " << *reading.error;
        if (!reading.complete) return out << "incomplete";
        return out << reading.head_bytes << " bytes: " << reading.text;
    }
};

inline std::string text_of(const FieldList& fields)
{
    std::ostringstream out;
    for (const Field& field : fields)
        out << '<' << static_cast<int>(field.id) << ' ' << field.name << '=' << field.value << '>';
    return out.str();
}

inline std::string text_of(const RequestHead& head)
{
    std::ostringstream out;
    out << static_cast<int>(head.method) << ' ' << head.method_text << ' ' << head.target << ' '
        << head.scheme << ' ' << head.authority << ' ' << head.path << " 1."
        << static_cast<int>(head.minor_version) << ' ' << head.framing << ' ' << head.keep_alive
        << head.expect_continue << text_of(head.fields);
    return out.str();
}

inline std::string text_of(const ResponseHead& head)
{
    std::ostringstream out;
    out << head.status << ' ' << head.reason << " 1." << static_cast<int>(head.minor_version) << ' '
        << head.framing << ' ' << head.keep_alive << text_of(head.fields);
    return out.str();
}

// Feeds `bytes` in pieces of the given sizes, the last size repeating; each piece in memory of its
// own that is gone when the next one comes. Stops at an error and at the end of the head.
template <class Parser>
Reading read_head(Parser& parser, std::string_view bytes, const std::vector<std::size_t>& pieces)
{
    Reading reading;
    std::size_t at = 0, piece = 0;
    while (at < bytes.size() || at == 0) {
        const std::size_t size = pieces.empty() ? bytes.size() : pieces[piece];
        if (piece + 1 < pieces.size()) ++piece;
        const std::string_view part = bytes.substr(at, size);
        const std::vector<char> own(part.begin(), part.end());
        std::size_t consumed = 0;
        const auto progress = parser.feed({own.data(), own.size()}, consumed);
        if (!progress) {
            reading.error = progress.error();
            return reading;
        }
        at += consumed;
        if (*progress == HeadProgress::complete) {
            reading.complete = true;
            reading.head_bytes = at;
            reading.text = text_of(parser.head());
            return reading;
        }
        if (consumed != part.size() || bytes.empty()) return reading;
    }
    return reading;
}

inline Reading read_request(std::string_view bytes, const std::vector<std::size_t>& pieces = {},
                            const HeadLimits& limits = {})
{
    RequestParser parser(limits);
    return read_head(parser, bytes, pieces);
}

inline Reading read_response(std::string_view bytes, const std::vector<std::size_t>& pieces = {},
                             const HeadLimits& limits = {}, Method method = Method::get)
{
    ResponseParser parser(limits);
    parser.set_request_method(method);
    return read_head(parser, bytes, pieces);
}
} // namespace tidemark::http::test
