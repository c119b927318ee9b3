#pragma once
#include "tests/support/socket.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// HTTP/1.1 messages read from a socket, strictly and by no code of the program under test: what is
// not exactly the grammar of RFC 9112 is an exception, so that a test notices whatever leaves the
// edge in a doubtful form.
namespace tidemark::support
{
struct Field {
    std::string name;
    std::string value;
    friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

struct Message {
    std::string start_line;
    Fields fields;
    std::string body;
    Fields trailers;
    std::string raw_head; // as it came, with the empty line
    bool complete = true; // false: the stream ended before the framing said so

    [[nodiscard]] int status() const;         // of a response
    [[nodiscard]] std::string method() const; // of a request
    [[nodiscard]] std::string target() const; // of a request
    // All lines of that name (any letter case), joined by ", "; "" if there are none.
    [[nodiscard]] std::string value(std::string_view name) const;
    [[nodiscard]] std::size_t count(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return count(name) != 0; }
};

struct Malformed : std::runtime_error {
    explicit Malformed(const std::string& what) : std::runtime_error("malformed message: " + what)
    {
    }
};

class HttpReader
{
  public:
    explicit HttpReader(Socket& socket) : socket_(&socket) {}

    // One head; nothing if the stream ended before its first byte. Throws Malformed, Timeout,
    // ConnectionReset.
    [[nodiscard]] std::optional<Message> read_head(Deadline deadline = soon());

    // How the body of the message just read is delimited (RFC 9112 §6.3). Throws Malformed if that
    // is in doubt.
    void begin_request_body(const Message& head);
    void begin_response_body(const Message& head, std::string_view request_method);
    // The next piece, at most `most` bytes; "" when it is over.
    [[nodiscard]] std::string read_body_some(std::size_t most = 64 * 1024,
                                             Deadline deadline = soon());
    // Over, and as its framing promised: not cut short.
    [[nodiscard]] bool body_complete() const noexcept { return phase_ == Phase::done; }
    [[nodiscard]] const Fields& trailers() const noexcept { return trailers_; }
    // The rest of the body, its trailers and whether it was complete, into `message`.
    void read_body(Message& message, Deadline deadline = soon());

    // Whatever comes until the stream ends.
    [[nodiscard]] std::string read_until_close(Deadline deadline = soon());

  private:
    enum class Phase : std::uint8_t { length, chunk_size, chunk, trailers, until_close, done, cut };

    bool fill(Deadline deadline); // false at the end of the stream
    [[nodiscard]] std::optional<std::string> read_line(Deadline deadline);
    [[nodiscard]] std::string take(std::size_t most, Deadline deadline);
    [[nodiscard]] std::string take_of_counted(std::size_t most, Phase next, Deadline deadline);
    bool read_chunk_size(Deadline deadline);
    void read_trailers(Deadline deadline);

    Socket* socket_;
    std::string buffer_;
    Phase phase_ = Phase::done;
    std::uint64_t left_ = 0; // of a counted body or of the current chunk
    Fields trailers_;
};

[[nodiscard]] bool same_name(std::string_view a, std::string_view b);
} // namespace tidemark::support
