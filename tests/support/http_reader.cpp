#include "tests/support/http_reader.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::support
{
namespace
{
char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_token(std::string_view text)
{
    constexpr std::string_view kTokenChars = "!#$%&'*+-.^_`|~0123456789"
                                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !text.empty() && text.find_first_not_of(kTokenChars) == std::string_view::npos;
}

bool has_control(std::string_view text)
{
    return std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Field field_of(std::string_view line)
{
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
        throw Malformed("field line \"" + std::string(line) + "\"");
    const std::string_view value = line.substr(colon + 1);
    if (has_control(value)) throw Malformed("control byte in \"" + std::string(line) + "\"");
    return {std::string(line.substr(0, colon)), std::string(trimmed(value))};
}

template <class Number> std::optional<Number> number_of(std::string_view text, int base)
{
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string word(const std::string& line, int index)
{
    std::size_t begin = 0;
    for (; index > 0; --index) {
        begin = line.find(' ', begin);
        if (begin == std::string::npos) return {};
        ++begin;
    }
    return line.substr(begin, line.find(' ', begin) - begin);
}
} // namespace

bool same_name(std::string_view a, std::string_view b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

int Message::status() const
{
    const std::string digits = word(start_line, 1);
    if (!start_line.starts_with("HTTP/1.1 ") || digits.size() != 3)
        throw Malformed("status line \"" + start_line + "\"");
    return number_of<int>(digits, 10).value_or(0);
}

std::string Message::method() const
{
    return word(start_line, 0);
}

std::string Message::target() const
{
    return word(start_line, 1);
}

std::size_t Message::count(std::string_view name) const
{
    return static_cast<std::size_t>(std::count_if(
        fields.begin(), fields.end(), [&](const Field& f) { return same_name(f.name, name); }));
}

std::string Message::value(std::string_view name) const
{
    std::string joined;
    bool first = true;
    for (const Field& field : fields) {
        if (!same_name(field.name, name)) continue;
        if (!std::exchange(first, false)) joined += ", ";
        joined += field.value;
    }
    return joined;
}

bool HttpReader::fill(Deadline deadline)
{
    const std::string more = socket_->read_some(64 * 1024, deadline);
    buffer_ += more;
    return !more.empty();
}

std::optional<std::string> HttpReader::read_line(Deadline deadline)
{
    constexpr std::size_t kLineBytesMax = 256 * 1024;
    std::size_t end = 0;
    while ((end = buffer_.find('\n')) == std::string::npos) {
        if (buffer_.size() > kLineBytesMax) throw Malformed("a line without an end");
        if (!fill(deadline)) return std::nullopt;
    }
    if (end == 0 || buffer_[end - 1] != '\r') throw Malformed("a line that ends in a bare LF");
    std::string line = buffer_.substr(0, end - 1);
    buffer_.erase(0, end + 1);
    if (line.find('\r') != std::string::npos) throw Malformed("a bare CR");
    return line;
}

std::optional<Message> HttpReader::read_head(Deadline deadline)
{
    if (buffer_.empty() && !fill(deadline)) return std::nullopt;
    Message message;
    for (bool first = true;; first = false) {
        const auto line = read_line(deadline);
        if (!line) throw Malformed("a head cut short: \"" + message.raw_head + buffer_ + "\"");
        message.raw_head += *line + "\r\n";
        if (first)
            message.start_line = *line;
        else if (line->empty())
            return message;
        else
            message.fields.push_back(field_of(*line));
    }
}

void HttpReader::begin_request_body(const Message& head)
{
    trailers_.clear();
    const bool chunked = head.has("Transfer-Encoding");
    const bool counted = head.has("Content-Length");
    if (chunked && counted) throw Malformed("both Transfer-Encoding and Content-Length");
    if (chunked && !same_name(head.value("Transfer-Encoding"), "chunked"))
        throw Malformed("Transfer-Encoding: " + head.value("Transfer-Encoding"));
    left_ = 0;
    phase_ = Phase::done;
    if (chunked) phase_ = Phase::chunk_size;
    if (!counted) return;
    const auto length = number_of<std::uint64_t>(head.value("Content-Length"), 10);
    if (!length) throw Malformed("Content-Length: " + head.value("Content-Length"));
    left_ = *length;
    if (left_ != 0) phase_ = Phase::length;
}

void HttpReader::begin_response_body(const Message& head, std::string_view request_method)
{
    begin_request_body(head);
    const int status = head.status();
    if (request_method == "HEAD" || status < 200 || status == 204 || status == 304)
        phase_ = Phase::done;
    else if (!head.has("Transfer-Encoding") && !head.has("Content-Length"))
        phase_ = Phase::until_close;
}

std::string HttpReader::take(std::size_t most, Deadline deadline)
{
    if (buffer_.empty()) {
        try {
            if (!fill(deadline)) return {};
        } catch (const ConnectionReset&) {
            phase_ = Phase::cut;
            return {};
        }
    }
    std::string piece = buffer_.substr(0, most);
    buffer_.erase(0, piece.size());
    return piece;
}

std::string HttpReader::take_of_counted(std::size_t most, Phase next, Deadline deadline)
{
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(most, left_));
    std::string piece = take(bytes, deadline);
    if (piece.empty()) phase_ = Phase::cut;
    left_ -= piece.size();
    if (left_ == 0) phase_ = next;
    return piece;
}

bool HttpReader::read_chunk_size(Deadline deadline)
{
    std::optional<std::string> line;
    try {
        line = read_line(deadline);
    } catch (const ConnectionReset&) {
    }
    if (!line) {
        phase_ = Phase::cut;
        return false;
    }
    const auto size = number_of<std::uint64_t>(line->substr(0, line->find(';')), 16);
    if (!size) throw Malformed("chunk size \"" + *line + "\"");
    left_ = *size;
    phase_ = left_ == 0 ? Phase::trailers : Phase::chunk;
    return true;
}

void HttpReader::read_trailers(Deadline deadline)
{
    for (;;) {
        std::optional<std::string> line;
        try {
            line = read_line(deadline);
        } catch (const ConnectionReset&) {
        }
        if (!line) {
            phase_ = Phase::cut;
            return;
        }
        if (line->empty()) break;
        trailers_.push_back(field_of(*line));
    }
    phase_ = Phase::done;
}

std::string HttpReader::read_body_some(std::size_t most, Deadline deadline)
{
    for (;;) {
        switch (phase_) {
        case Phase::done:
        case Phase::cut:
            return {};
        case Phase::length:
            return take_of_counted(most, Phase::done, deadline);
        case Phase::until_close: {
            std::string piece = take(most, deadline);
            if (piece.empty() && phase_ != Phase::cut) phase_ = Phase::done;
            return piece;
        }
        case Phase::chunk_size:
            if (!read_chunk_size(deadline)) return {};
            break;
        case Phase::chunk: {
            std::string piece = take_of_counted(most, Phase::chunk_size, deadline);
            if (phase_ == Phase::chunk_size && read_line(deadline) != "")
                throw Malformed("a chunk longer than its size");
            return piece;
        }
        case Phase::trailers:
            read_trailers(deadline);
            break;
        }
    }
}

void HttpReader::read_body(Message& message, Deadline deadline)
{
    for (;;) {
        const std::string piece = read_body_some(64 * 1024, deadline);
        if (piece.empty()) break;
        message.body += piece;
    }
    message.trailers = trailers_;
    message.complete = body_complete();
}

std::string HttpReader::read_until_close(Deadline deadline)
{
    std::string all;
    for (;;) {
        const std::string piece = take(64 * 1024, deadline);
        if (piece.empty()) return all;
        all += piece;
    }
}
} // namespace tidemark::support
