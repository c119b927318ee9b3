#include "core/net/listener.hpp"

#include "core/base/check.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace tidemark::net
{
namespace
{
constexpr int kBacklog = 4096;

sockaddr_un unix_address(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

// A socket file whose owner is gone refuses connections; one in use must not be taken away.
void remove_stale_socket(const std::string& path)
{
    struct stat info {
    };
    if (stat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const sockaddr_un address = unix_address(path);
    const int status = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (status != 0 && errno == ECONNREFUSED) unlink(path.c_str());
    close(fd);
}

int bind_inet(int fd, const Address& at, bool shared)
{
    const int on = 1;
    const int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return -1;
    if (at.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const socklen_t bytes = at.family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    return bind(fd, at.raw(), bytes);
}

// A bind that does not offer to share fails if anyone listens there, errno says why.
bool is_free(const Address& at)
{
    const int fd = socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const int status = bind_inet(fd, at, false);
    const int error = errno;
    close(fd);
    errno = error;
    return status == 0;
}
} // namespace

Result<ListenSocket, std::string> ListenSocket::open(const Address& at, Sharing sharing)
{
    ListenSocket out;
    out.address_ = at;
    if (at.is_unix()) remove_stale_socket(at.path());
    if (sharing == Sharing::first && !at.is_unix() && at.port() != 0 && !is_free(at))
        return fail("cannot listen on " + at.text() + ": " + std::strerror(errno));
    out.fd_ = socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const auto error = [&](const char* what) {
        return fail(std::string(what) + " " + at.text() + ": " + std::strerror(errno));
    };
    if (out.fd_ < 0) return error("no socket for");
    if (at.is_unix()) {
        const sockaddr_un address = unix_address(at.path());
        if (bind(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            return error("cannot listen on");
    } else if (bind_inet(out.fd_, at, sharing != Sharing::alone) != 0)
        return error("cannot listen on");
    if (listen(out.fd_, kBacklog) != 0) return error("cannot listen on");
    if (!at.is_unix()) {
        sockaddr_storage real{};
        socklen_t bytes = sizeof real;
        getsockname(out.fd_, reinterpret_cast<sockaddr*>(&real), &bytes);
        out.address_ = Address::from(reinterpret_cast<const sockaddr*>(&real));
    }
    return out;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(other.release()), address_(std::move(other.address_))
{
}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept
{
    std::swap(fd_, other.fd_);
    std::swap(address_, other.address_);
    return *this;
}

ListenSocket::~ListenSocket()
{
    if (fd_ >= 0) close(fd_);
}

ListenSocket ListenSocket::duplicate() const
{
    ListenSocket out;
    out.fd_ = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    out.address_ = address_;
    TIDEMARK_CHECK(out.fd_ >= 0);
    return out;
}

int ListenSocket::release() noexcept
{
    const int fd = fd_;
    fd_ = -1;
    return fd;
}

struct Listener::Handle {
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    Loop* loop;
    bool is_unix;
    bool closed = false;
    std::function<void(uv_stream_t*, bool)> incoming;
};

Listener::Listener(Loop& loop, ListenSocket socket,
                   std::function<void(uv_stream_t*, bool)> incoming)
    : handle_(new Handle{{}, &loop, socket.address().is_unix(), false, std::move(incoming)})
{
    if (handle_->is_unix) {
        uv_pipe_init(loop.raw(), &handle_->uv.pipe, 0);
        TIDEMARK_CHECK(uv_pipe_open(&handle_->uv.pipe, socket.release()) == 0);
    } else {
        uv_tcp_init(loop.raw(), &handle_->uv.tcp);
        TIDEMARK_CHECK(uv_tcp_open(&handle_->uv.tcp, socket.release()) == 0);
        // One accept a wake-up would be libuv's way to share a socket between processes; ours are
        // not shared.
        uv_tcp_simultaneous_accepts(&handle_->uv.tcp, 1);
    }
    handle_->uv.any.data = handle_;
    const int status =
        uv_listen(&handle_->uv.stream, kBacklog, [](uv_stream_t* server, int result) {
            auto* self = static_cast<Handle*>(server->data);
            self->loop->enter();
            if (result == 0 && !self->closed) self->incoming(server, self->is_unix);
        });
    TIDEMARK_CHECK(status == 0);
}

Listener::~Listener()
{
    handle_->closed = true;
    uv_close(&handle_->uv.any,
             [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}
} // namespace tidemark::net
