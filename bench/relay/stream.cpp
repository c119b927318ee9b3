#include "bench/relay/stream.hpp"

#include "bench/relay/door.hpp"

#include <algorithm>

namespace tidemark::bench::relay
{
namespace
{
constexpr std::size_t kReadBytesMax = 256 * 1024;

void reset_on_close(int fd)
{
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

} // namespace

Stream::Stream(Shared& shared, Door& door, UniqueFd client)
    : shared_(shared), door_(door),
      client_(*this, Way::to_target, shared.epoll.get(), std::move(client)),
      target_(*this, Way::to_client, shared.epoll.get(), opened(SOCK_STREAM))
{
    disable_delay(client_.socket.fd());
    disable_delay(target_.socket.fd());
    const sockaddr_in to = loopback(shared.target);
    if (::connect(target_.socket.fd(), generic(to), sizeof to) != 0 && errno != EINPROGRESS)
        over_ = true;
}

Stream::~Stream()
{
    const bool ended = pipe(Way::to_target).end_passed_on && pipe(Way::to_client).end_passed_on;
    if (ended) return;
    reset_on_close(client_.socket.fd());
    reset_on_close(target_.socket.fd());
}

void Stream::on_ready(End& end)
{
    if (over_) return;
    pipe(end.way == Way::to_target ? Way::to_client : Way::to_target).blocked = false;
    read(end);
}

void Stream::read(End& from)
{
    Pipe& into = pipe(from.way);
    if (into.read_to_end || door_.partitioned || into.queued_bytes >= shared_.stream_window) return;
    const std::size_t room = std::min(kReadBytesMax, shared_.stream_window - into.queued_bytes);
    std::string bytes(room, '\0');
    const ssize_t got = ::recv(from.socket.fd(), bytes.data(), bytes.size(), 0);
    if (got < 0) {
        over_ = errno != EAGAIN && errno != EINTR;
        return;
    }
    bytes.resize(static_cast<std::size_t>(got));
    into.read_to_end = got == 0;
    into.queued_bytes += bytes.size();
    door_.counted(from.way).stream_bytes += bytes.size();
    // A delay that became shorter must not let bytes overtake others.
    MonoTime due = shared_.now + door_.path(from.way).conditions().delay;
    if (!into.chunks.empty()) due = std::max(due, into.chunks.back().due);
    into.chunks.push_back({due, std::move(bytes)});
}

void Stream::pump()
{
    if (over_) return;
    if (!door_.partitioned) {
        write(pipe(Way::to_target), target_);
        write(pipe(Way::to_client), client_);
    }
    if (pipe(Way::to_target).end_passed_on && pipe(Way::to_client).end_passed_on) over_ = true;
    client_.socket.want(over_ ? 0 : wanted(client_));
    target_.socket.want(over_ ? 0 : wanted(target_));
}

void Stream::write(Pipe& from, End& to)
{
    while (!from.blocked && !from.chunks.empty() && from.chunks.front().due <= shared_.now) {
        const Chunk& chunk = from.chunks.front();
        const std::string_view left = std::string_view(chunk.bytes).substr(from.written);
        if (chunk.bytes.empty()) {
            ::shutdown(to.socket.fd(), SHUT_WR);
            from.end_passed_on = true;
        } else {
            const ssize_t sent =
                ::send(to.socket.fd(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            from.blocked = sent < 0 && errno == EAGAIN;
            if (from.blocked) return;
            if (sent < 0) {
                over_ = true;
                return;
            }
            from.written += static_cast<std::size_t>(sent);
            from.queued_bytes -= static_cast<std::size_t>(sent);
            if (from.written < chunk.bytes.size()) continue;
        }
        from.written = 0;
        from.chunks.pop_front();
    }
}

std::uint32_t Stream::wanted(const End& end) const
{
    if (door_.partitioned) return 0;
    const Pipe& in = pipe(end.way);
    const Pipe& out = pipe(end.way == Way::to_target ? Way::to_client : Way::to_target);
    std::uint32_t events = 0;
    if (!in.read_to_end && in.queued_bytes < shared_.stream_window) events |= EPOLLIN;
    if (out.blocked) events |= EPOLLOUT;
    return events;
}

std::optional<MonoTime> Stream::next_due() const
{
    std::optional<MonoTime> first;
    if (door_.partitioned) return first;
    for (const Pipe& one : pipes_) {
        if (one.chunks.empty() || one.blocked) continue;
        const MonoTime due = one.chunks.front().due;
        if (!first || due < *first) first = due;
    }
    return first;
}
} // namespace tidemark::bench::relay
