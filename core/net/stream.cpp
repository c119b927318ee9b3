#include "core/net/stream.hpp"

#include "core/base/check.hpp"

#include <cerrno>
#include <new>
#include <sys/socket.h>

namespace tidemark::net
{
bool Stream::make(bool is_unix) noexcept
{
    const int status = is_unix ? uv_pipe_init(loop_.raw(), &handle_.pipe, 0)
                               : uv_tcp_init(loop_.raw(), &handle_.tcp);
    if (status != 0) return false;
    handle_.any.data = this;
    made_ = true;
    is_unix_ = is_unix;
    return true;
}

bool Stream::accept(uv_stream_t* server, bool is_unix)
{
    return make(is_unix) && uv_accept(server, raw()) == 0;
}

bool Stream::connect(const Address& to)
{
    if (!make(to.is_unix())) return false;
    auto* request = new uv_connect_t;
    request->data = this;
    const auto connected = [](uv_connect_t* done, int status) {
        auto* self = static_cast<Stream*>(done->data);
        delete done;
        self->loop_.enter();
        if (status != UV_ECANCELED && !self->closing_) self->listener_.on_connected(status);
    };
    if (to.is_unix()) {
        uv_pipe_connect(request, &handle_.pipe, to.path().c_str(), connected);
        return true;
    }
    const int status = uv_tcp_connect(request, &handle_.tcp, to.raw(), connected);
    if (status == 0) return true;
    delete request;
    return false;
}

void Stream::on_read(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) noexcept
{
    auto* self = static_cast<Stream*>(stream->data);
    self->loop_.enter();
    if (n > 0)
        self->listener_.on_bytes({buffer->base, static_cast<std::size_t>(n)});
    else if (n < 0) {
        self->read_stop();
        self->listener_.on_end(n == UV_EOF && !self->broken() ? StreamEnd::eof : StreamEnd::reset);
    }
}

// A reset that comes together with the last bytes is reported as an end of file by libuv 1.44 (it
// looks at POLLHUP before the next read could tell). The socket knows better, and a body that only
// the end delimits depends on it.
bool Stream::broken() noexcept
{
    int fd = -1;
    if (uv_fileno(&handle_.any, &fd) != 0) return true;
    int error = 0;
    socklen_t bytes = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0 || error != 0;
}

void Stream::read_start() noexcept
{
    if (reading_ || closing_) return;
    reading_ = true;
    uv_read_start(
        raw(),
        [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
            auto* self = static_cast<Stream*>(handle->data);
            buffer->base = self->loop_.read_buffer();
            buffer->len = Loop::kReadBytes;
        },
        &Stream::on_read);
}

void Stream::read_stop() noexcept
{
    if (!reading_) return;
    reading_ = false;
    if (!closing_) uv_read_stop(raw());
}

std::int64_t Stream::try_write(std::span<const uv_buf_t> pieces) noexcept
{
    if (writing_) return 0;
    const int n = uv_try_write(raw(), pieces.data(), static_cast<unsigned>(pieces.size()));
    return n == UV_EAGAIN ? 0 : n;
}

void Stream::write(std::span<const uv_buf_t> pieces) noexcept
{
    TIDEMARK_CHECK(!writing_ && !closing_);
    if (!write_) write_ = std::make_unique<uv_write_t>();
    write_->data = this;
    writing_ = true;
    const int status =
        uv_write(write_.get(), raw(), pieces.data(), static_cast<unsigned>(pieces.size()),
                 [](uv_write_t* done, int result) {
                     auto* self = static_cast<Stream*>(done->data);
                     self->loop_.enter();
                     self->writing_ = false;
                     if (!self->closing_) self->listener_.on_written(result == 0);
                 });
    TIDEMARK_CHECK(status == 0);
}

std::size_t Stream::queued_bytes() const noexcept
{
    return uv_stream_get_write_queue_size(&handle_.stream);
}

void Stream::shutdown() noexcept
{
    if (closing_) return;
    auto* request = new (std::nothrow) uv_shutdown_t;
    if (request == nullptr) return; // the close that follows ends our side as well
    const int status = uv_shutdown(request, raw(), [](uv_shutdown_t* done, int) { delete done; });
    if (status != 0) delete request;
}

void Stream::close() noexcept
{
    if (closing_) return;
    closing_ = true;
    reading_ = false;
    if (!made_) {
        listener_.on_closed();
        return;
    }
    uv_close(&handle_.any, [](uv_handle_t* handle) {
        auto* self = static_cast<Stream*>(handle->data);
        self->loop_.enter();
        self->listener_.on_closed();
    });
}

void Stream::reset() noexcept
{
    if (closing_) return;
    if (is_unix_ || !made_) return close();
    closing_ = true;
    reading_ = false;
    const auto closed = [](uv_handle_t* handle) {
        auto* self = static_cast<Stream*>(handle->data);
        self->loop_.enter();
        self->listener_.on_closed();
    };
    if (uv_tcp_close_reset(&handle_.tcp, closed) != 0) uv_close(&handle_.any, closed);
}

Address Stream::peer() const
{
    sockaddr_storage storage{};
    storage.ss_family = AF_UNIX;
    if (!is_unix_) {
        int bytes = sizeof storage;
        if (uv_tcp_getpeername(&handle_.tcp, reinterpret_cast<sockaddr*>(&storage), &bytes) != 0)
            storage.ss_family = AF_UNIX;
    }
    return Address::from(reinterpret_cast<const sockaddr*>(&storage));
}

bool Stream::has_input() const noexcept
{
    uv_os_fd_t fd = -1;
    char byte = 0;
    if (uv_fileno(&handle_.any, &fd) != 0) return true;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 ||
           (errno != EAGAIN && errno != EWOULDBLOCK);
}

void Stream::no_delay() noexcept
{
    if (!is_unix_) uv_tcp_nodelay(&handle_.tcp, 1);
}
} // namespace tidemark::net
