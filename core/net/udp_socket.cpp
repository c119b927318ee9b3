#include "core/net/udp_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

namespace tidemark::net
{
namespace
{
constexpr std::size_t kBatch = 64;
constexpr int kBatchesPerTurn = 8; // then the loop's other work has its turn
constexpr int kBufferBytes = 4 << 20;

bool is_mapped(const Address& address) noexcept
{
    return address.family() == AF_INET6 &&
           IN6_IS_ADDR_V4MAPPED(&reinterpret_cast<const sockaddr_in6*>(address.raw())->sin6_addr);
}

// How a socket of `family` names `to`: an IPv6 socket reaches IPv4 by mapped addresses (RFC 4291
// §2.5.5.2), an IPv4 socket knows nothing else.
socklen_t name_for(int family, const Address& to, sockaddr_storage& name) noexcept
{
    if (family == AF_INET6 && to.family() == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(to.raw());
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = v4->sin_port;
        v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
        std::memcpy(&v6.sin6_addr.s6_addr[12], &v4->sin_addr, sizeof v4->sin_addr);
        std::memcpy(&name, &v6, sizeof v6);
        return sizeof v6;
    }
    const socklen_t bytes = to.family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    std::memcpy(&name, to.raw(), bytes);
    return bytes;
}

// The other way: who sent it, as IPv4 if it is.
Address sender_of(const sockaddr_storage& name)
{
    Address from = Address::from(reinterpret_cast<const sockaddr*>(&name));
    if (!is_mapped(from)) return from;
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&name);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = v6->sin6_port;
    std::memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof v4.sin_addr);
    return Address::from(reinterpret_cast<const sockaddr*>(&v4));
}

// The descriptor, or errno as a negative number.
int bound_socket(const Address& at) noexcept
{
    const int fd = ::socket(at.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    const int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
    if (at.family() == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_storage name{};
    const socklen_t bytes = name_for(at.family(), at, name);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), bytes) == 0) return fd;
    const int error = errno;
    ::close(fd);
    return -error;
}

Address name_of(int fd)
{
    sockaddr_storage name{};
    socklen_t bytes = sizeof name;
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &bytes);
    return Address::from(reinterpret_cast<const sockaddr*>(&name));
}

// One batch of messages and where their bytes lie.
struct ReceiveBatch {
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> pieces{};
    std::array<sockaddr_storage, kBatch> names{};
    std::array<std::array<char, UdpSocket::kDatagramBytesMax>, kBatch> bytes{};

    int receive(int fd) noexcept
    {
        for (std::size_t i = 0; i < kBatch; ++i) {
            pieces[i] = {bytes[i].data(), bytes[i].size()};
            headers[i] = {};
            headers[i].msg_hdr.msg_iov = &pieces[i];
            headers[i].msg_hdr.msg_iovlen = 1;
            headers[i].msg_hdr.msg_name = &names[i];
            headers[i].msg_hdr.msg_namelen = sizeof names[i];
        }
        return recvmmsg(fd, headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    }
};
} // namespace

struct UdpSocket::Handle {
    uv_poll_t poll{};
    Loop* loop = nullptr;
    int fd = -1;
    Received received;
    Address local;
    Counters counters;
    ReceiveBatch batch;
    bool closed = false;

    static void on_readable(uv_poll_t* poll, int status, int events) noexcept;
    [[nodiscard]] bool read_batch();
    [[nodiscard]] std::size_t send_batch(std::span<const Datagram> datagrams) noexcept;
};

void UdpSocket::Handle::on_readable(uv_poll_t* poll, int, int) noexcept
{
    auto* self = static_cast<Handle*>(poll->data);
    self->loop->enter();
    for (int i = 0; i < kBatchesPerTurn && !self->closed; ++i)
        if (!self->read_batch()) return;
}

// False: there is no more for now. An error of the socket (an ICMP message that came back) is
// cleared by the read that reports it, and is nobody's business here.
bool UdpSocket::Handle::read_batch()
{
    const int count = batch.receive(fd);
    for (int i = 0; i < count && !closed; ++i) {
        const auto index = static_cast<std::size_t>(i);
        const mmsghdr& header = batch.headers[index];
        ++counters.received;
        received(sender_of(batch.names[index]), {batch.bytes[index].data(), header.msg_len});
    }
    return count == static_cast<int>(kBatch);
}

// How many of at most kBatch went out. The kernel stops at the first that it refuses.
std::size_t UdpSocket::Handle::send_batch(std::span<const Datagram> datagrams) noexcept
{
    std::array<mmsghdr, kBatch> headers{};
    std::array<iovec, kBatch> pieces{};
    std::array<sockaddr_storage, kBatch> names; // filled as far as it is used
    for (std::size_t i = 0; i < datagrams.size(); ++i) {
        pieces[i] = {const_cast<char*>(datagrams[i].bytes.data()), datagrams[i].bytes.size()};
        headers[i].msg_hdr.msg_iov = &pieces[i];
        headers[i].msg_hdr.msg_iovlen = 1;
        headers[i].msg_hdr.msg_name = &names[i];
        headers[i].msg_hdr.msg_namelen = name_for(local.family(), *datagrams[i].to, names[i]);
    }
    const int count = sendmmsg(fd, headers.data(), static_cast<unsigned>(datagrams.size()),
                               MSG_DONTWAIT | MSG_NOSIGNAL);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

Result<std::unique_ptr<UdpSocket>, std::string> UdpSocket::open(Loop& loop, const Address& bind_to,
                                                                Received received)
{
    const auto refuse = [&](int error) {
        return fail("cannot receive datagrams on " + bind_to.text() + ": " + std::strerror(error));
    };
    if (bind_to.is_unix()) return refuse(EAFNOSUPPORT);
    const int fd = bound_socket(bind_to);
    if (fd < 0) return refuse(-fd);
    auto handle = std::make_unique<Handle>();
    handle->loop = &loop;
    handle->fd = fd;
    handle->received = std::move(received);
    handle->local = name_of(fd);
    handle->poll.data = handle.get();
    if (const int status = uv_poll_init(loop.raw(), &handle->poll, fd); status != 0) {
        ::close(fd);
        return refuse(-status);
    }
    uv_poll_start(&handle->poll, UV_READABLE, &Handle::on_readable);
    return std::unique_ptr<UdpSocket>(new UdpSocket(handle.release()));
}

UdpSocket::~UdpSocket()
{
    handle_->closed = true;
    uv_poll_stop(&handle_->poll);
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
             [](uv_handle_t* poll) { delete static_cast<Handle*>(poll->data); });
    ::close(handle_->fd); // now, so that the port is free
}

std::size_t UdpSocket::send(std::span<const Datagram> datagrams) noexcept
{
    std::size_t taken = 0;
    while (!datagrams.empty()) {
        const std::size_t batch = std::min(datagrams.size(), kBatch);
        errno = 0;
        const std::size_t sent = handle_->send_batch(datagrams.first(batch));
        taken += sent;
        datagrams = datagrams.subspan(sent);
        if (sent > 0) continue; // a datagram that stopped the batch is now the first, and is judged
        ++handle_->counters.dropped;
        datagrams = datagrams.subspan(1);
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) break;
    }
    handle_->counters.sent += taken;
    handle_->counters.dropped += datagrams.size();
    return taken;
}

const Address& UdpSocket::local() const noexcept
{
    return handle_->local;
}

const UdpSocket::Counters& UdpSocket::counters() const noexcept
{
    return handle_->counters;
}
} // namespace tidemark::net
