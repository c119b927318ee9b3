#pragma once
#include "core/net/address.hpp"
#include "core/net/loop.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <uv.h>

// A connected byte stream over TCP or a unix socket.
namespace tidemark::net
{
enum class StreamEnd : std::uint8_t {
    eof,   // the peer finished sending
    reset, // the connection broke
};

// Who owns the stream listens to it. No call comes from inside a call of the owner's, but
// on_closed() comes last, a later turn: until then libuv may use the handle.
class StreamListener
{
  public:
    virtual void on_connected(int status) noexcept
    {
        static_cast<void>(status);
    }                                                           // 0, or a negative libuv error
    virtual void on_bytes(std::string_view bytes) noexcept = 0; // borrowed for the call
    virtual void on_end(StreamEnd end) noexcept = 0;
    virtual void
    on_written(bool ok) noexcept = 0; // the write() that was under way is through, or failed
    virtual void on_closed() noexcept = 0;

  protected:
    ~StreamListener() = default;
};

//   made ──connect──→ connecting ──on_connected(0)──→ open        made ──adopt (Listener)──→ open
//   any ──close──→ closing ──on_closed──→ destroyed by its owner
class Stream
{
  public:
    Stream(Loop& loop, StreamListener& listener) noexcept : loop_(loop), listener_(listener) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // False: no socket could be had (descriptors); then on_connected does not come.
    [[nodiscard]] bool connect(const Address& to);
    [[nodiscard]] bool accept(uv_stream_t* server, bool is_unix);

    void read_start() noexcept;
    void read_stop() noexcept;
    [[nodiscard]] bool reading() const noexcept { return reading_; }

    // Writes what the socket takes now; the number of bytes, 0 if it takes none or a write() is
    // under way, negative: broken.
    [[nodiscard]] std::int64_t try_write(std::span<const uv_buf_t> pieces) noexcept;
    // Writes the rest when the socket can. The bytes stay alive until on_written(). One at a time.
    void write(std::span<const uv_buf_t> pieces) noexcept;
    [[nodiscard]] bool writing() const noexcept { return writing_; }
    [[nodiscard]] std::size_t queued_bytes() const noexcept;
    // Ends our side once what was written is sent.
    void shutdown() noexcept;

    void close() noexcept;
    // Closes with RST: the peer must not take what it got for the whole (RFC 9112 §8).
    void reset() noexcept;
    [[nodiscard]] bool closing() const noexcept { return closing_; }

    [[nodiscard]] Address peer() const;
    void no_delay() noexcept;
    // Bytes, or the end, arrived that were not read yet. Asks the socket.
    [[nodiscard]] bool has_input() const noexcept;

  private:
    [[nodiscard]] uv_stream_t* raw() noexcept { return &handle_.stream; }
    [[nodiscard]] bool make(bool is_unix) noexcept;
    [[nodiscard]] bool broken() noexcept;
    static void on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) noexcept;

    Loop& loop_;
    StreamListener& listener_;
    union Handle {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle_{};
    std::unique_ptr<uv_write_t> write_;
    bool made_ = false;
    bool is_unix_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool closing_ = false;
};
} // namespace tidemark::net
