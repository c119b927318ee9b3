#pragma once
#include "core/http/message.hpp"
#include "edge/worker/output.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// One exchange's way to its client: an HTTP/1 connection, or one stream of an HTTP/2 connection.
namespace tidemark::worker
{
// The head of an answer, whichever version carries it.
struct Reply {
    std::uint16_t status = 0;
    // "HTTP/1.1 200 OK\r\n" and field lines, each with CRLF, in two parts (the stored one as it is,
    // ours behind it).
    std::string_view lines;
    std::string_view more_lines;
    bool has_body = false; // a body follows (never for HEAD, 204, 304)
    std::optional<std::uint64_t>
        body_bytes;     // its length, if known; a Content-Length stands in the lines then
    bool close = false; // this connection must not be used again
};

// Between transport and exchange, all on one worker's loop.
class Transport
{
  public:
    virtual void send_interim(std::uint16_t status,
                              std::string_view lines) = 0; // 1xx: lines as in Reply
    virtual void send_reply(const Reply& reply) = 0;       // once; the body is pulled
    virtual void body_ready() = 0;                         // pull() would have something new to say
    virtual void want_request_body() = 0; // on_request_body() may be called (again)
    virtual void become_tunnel(const Reply& reply) = 0;
    virtual void send_tunnel_bytes(std::string_view bytes) = 0;
    [[nodiscard]] virtual bool tunnel_backed_up() const = 0;
    virtual void end_tunnel() = 0; // our side is done: what is queued goes out, then the end
    virtual void abort() = 0;      // cut off, visibly incomplete

  protected:
    ~Transport() = default;
};

enum class Pull : std::uint8_t {
    more, // took max_bytes: ask again
    wait, // nothing (more) now: body_ready() will come
    end,  // the body is whole; trailers stand in trailer_lines()
    cut,  // it will never be whole
};
} // namespace tidemark::worker
