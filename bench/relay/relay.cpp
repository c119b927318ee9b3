#include "bench/relay/relay.hpp"

#include "bench/sockets.hpp"
#include "core/base/check.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <deque>
#include <list>
#include <mutex>
#include <netinet/in.h>
#include <queue>
#include <string>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace tidemark::bench
{
namespace
{
constexpr std::size_t kDatagramBytesMax = 64 * 1024;
constexpr std::size_t kReadBytesMax = 256 * 1024;
constexpr std::size_t kFlowsMax = 64;     // client addresses of a door
constexpr std::size_t kStreamsMax = 1024; // of a door
constexpr int kPerEvent = 64;             // datagrams or connections before others have their turn

MonoTime clock_now()
{
    return MonoTime{std::chrono::steady_clock::now().time_since_epoch()};
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* generic(const sockaddr_in& address)
{
    return reinterpret_cast<const sockaddr*>(&address);
}
sockaddr* generic(sockaddr_in& address)
{
    return reinterpret_cast<sockaddr*>(&address);
}

[[noreturn]] void throw_errno(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd opened(int type)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd.is_open()) throw_errno("socket");
    return fd;
}

// The relay loses what it is told to, and nothing by itself.
void enlarge_buffers(int fd)
{
    const int bytes = 4 * 1024 * 1024;
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE, SO_RCVBUF, SO_SNDBUF})
        if (::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) != 0) continue;
}

void reset_on_close(int fd)
{
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

// Both protocols on one port.
struct Bound {
    UniqueFd tcp;
    UniqueFd udp;
    std::uint16_t port = 0;
};
Bound bind_both()
{
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        Bound bound{opened(SOCK_STREAM), opened(SOCK_DGRAM), 0};
        sockaddr_in at = loopback(0);
        socklen_t bytes = sizeof at;
        if (::bind(bound.tcp.get(), generic(at), sizeof at) != 0) throw_errno("bind");
        ::getsockname(bound.tcp.get(), generic(at), &bytes);
        if (::bind(bound.udp.get(), generic(at), sizeof at) != 0) continue;
        if (::listen(bound.tcp.get(), SOMAXCONN) != 0) throw_errno("listen");
        enlarge_buffers(bound.udp.get());
        bound.port = ntohs(at.sin_port);
        return bound;
    }
    throw_errno("bind TCP and UDP to one port");
}

// What epoll points at.
class Source
{
  public:
    virtual void on_ready() = 0;

  protected:
    ~Source() = default;
};

// A descriptor and what epoll is asked about it. Asked nothing, it is taken out: errors and
// hang-ups would be reported all the same.
class Watched
{
  public:
    Watched(int epoll, UniqueFd fd, Source& source)
        : epoll_(epoll), fd_(std::move(fd)), source_(source)
    {
    }
    ~Watched() { want(0); }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    void want(std::uint32_t events)
    {
        if (events == wanted_) return;
        epoll_event event{};
        event.events = events;
        event.data.ptr = &source_;
        const int change = events == 0    ? EPOLL_CTL_DEL
                           : wanted_ == 0 ? EPOLL_CTL_ADD
                                          : EPOLL_CTL_MOD;
        ::epoll_ctl(epoll_, change, fd_.get(), &event);
        wanted_ = events;
    }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    int epoll_;
    UniqueFd fd_;
    Source& source_;
    std::uint32_t wanted_ = 0;
};

class Door;

// One address from which a client sends datagrams to a door, and the socket that the target sees
// in its place.
class Flow final : public Source
{
  public:
    Flow(int epoll, Door& door, const sockaddr_in& client, std::uint16_t target);
    void on_ready() override;
    void close() { socket_.want(0); }
    [[nodiscard]] bool is_of(const sockaddr_in& client) const
    {
        return client.sin_port == client_.sin_port &&
               client.sin_addr.s_addr == client_.sin_addr.s_addr;
    }
    [[nodiscard]] const sockaddr_in& client() const { return client_; }
    [[nodiscard]] int fd() const { return socket_.fd(); }

  private:
    Door& door_;
    const sockaddr_in client_;
    Watched socket_;
};

struct Datagram {
    MonoTime due;
    std::uint64_t order; // of equals, the first sent is the first to arrive
    Door* door;
    std::shared_ptr<Flow> flow;
    Way way;
    std::string bytes;
};
struct Later {
    bool operator()(const Datagram& a, const Datagram& b) const
    {
        return std::tie(a.due, a.order) > std::tie(b.due, b.order);
    }
};

// What all doors share. Everything under `mutex`, which the thread leaves only to wait.
struct Shared {
    UniqueFd epoll;
    std::uint16_t target = 0;
    std::size_t stream_window = 0;
    std::mutex mutex;
    MonoTime now{}; // of this turn
    std::uint64_t sent = 0;
    std::priority_queue<Datagram, std::vector<Datagram>, Later> on_their_way;
    std::vector<std::shared_ptr<Flow>> closed_flows; // events of this turn may point at them
};

struct Chunk {
    MonoTime due;
    std::string bytes; // empty: the stream's end
};
// One direction of a stream.
struct Pipe {
    std::deque<Chunk> chunks;
    std::size_t queued_bytes = 0;
    std::size_t written = 0; // of the first chunk
    bool read_to_end = false;
    bool end_passed_on = false;
    bool blocked = false; // the receiver takes no more for now
};

class Stream
{
  public:
    Stream(Shared& shared, Door& door, UniqueFd client);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Passes on what is due; asks epoll for what can go on.
    void pump();
    void reset() { over_ = true; }
    [[nodiscard]] bool over() const { return over_; }
    [[nodiscard]] std::optional<MonoTime> next_due() const;

  private:
    struct End final : public Source {
        End(Stream& of, Way reads, int epoll, UniqueFd fd)
            : stream(of), way(reads), socket(epoll, std::move(fd), *this)
        {
        }
        void on_ready() override { stream.on_ready(*this); }
        Stream& stream;
        Way way; // of what is read here
        Watched socket;
    };
    void on_ready(End& end);
    void read(End& from);
    void write(Pipe& pipe, End& to);
    [[nodiscard]] std::uint32_t wanted(const End& end) const;
    [[nodiscard]] const Pipe& pipe(Way way) const { return pipes_[static_cast<std::size_t>(way)]; }
    [[nodiscard]] Pipe& pipe(Way way) { return pipes_[static_cast<std::size_t>(way)]; }

    Shared& shared_;
    Door& door_;
    Pipe pipes_[2];
    End client_;
    End target_;
    bool over_ = false;
};

class Door
{
  public:
    Door(Shared& shared, Bound bound, std::uint64_t seed);

    void set(const PathConditions& conditions, Way way) { path(way).set(conditions); }
    [[nodiscard]] Path& path(Way way) { return paths_[static_cast<std::size_t>(way)]; }
    [[nodiscard]] WayCounters& counted(Way way)
    {
        return way == Way::to_target ? counters.to_target : counters.to_client;
    }
    void take_datagram(std::string_view bytes, const std::shared_ptr<Flow>& flow, Way way);
    void take_answers(Flow& flow);
    void deliver(const Datagram& datagram);
    void pump_streams();
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    void break_streams();

    std::uint16_t port;
    bool partitioned = false;
    bool udp_blocked = false;
    DoorCounters counters;

  private:
    struct Listener final : public Source {
        Listener(Door& of, int epoll, UniqueFd fd) : door(of), socket(epoll, std::move(fd), *this)
        {
            socket.want(EPOLLIN);
        }
        void on_ready() override { door.accept(); }
        Door& door;
        Watched socket;
    };
    struct Receiver final : public Source {
        Receiver(Door& of, int epoll, UniqueFd fd) : door(of), socket(epoll, std::move(fd), *this)
        {
            socket.want(EPOLLIN);
        }
        void on_ready() override { door.receive(); }
        Door& door;
        Watched socket;
    };
    void accept();
    void receive();
    std::shared_ptr<Flow> flow_of(const sockaddr_in& client);

    Shared& shared_;
    Path paths_[2];
    Listener listener_;
    Receiver receiver_;
    std::list<std::shared_ptr<Flow>> flows_; // used last, first
    std::list<Stream> streams_;
};

// ---- datagrams

Flow::Flow(int epoll, Door& door, const sockaddr_in& client, std::uint16_t target)
    : door_(door), client_(client), socket_(epoll, opened(SOCK_DGRAM), *this)
{
    enlarge_buffers(fd());
    const sockaddr_in to = loopback(target);
    if (::connect(fd(), generic(to), sizeof to) != 0) throw_errno("connect");
    socket_.want(EPOLLIN);
}

void Flow::on_ready()
{
    door_.take_answers(*this);
}

void Door::take_answers(Flow& flow)
{
    const auto same = [&](const std::shared_ptr<Flow>& other) { return other.get() == &flow; };
    const auto found = std::find_if(flows_.begin(), flows_.end(), same);
    if (found == flows_.end()) return; // it was closed in this turn
    const std::shared_ptr<Flow> kept = *found;
    char buffer[kDatagramBytesMax];
    for (int i = 0; i < kPerEvent; ++i) {
        const ssize_t got = ::recv(flow.fd(), buffer, sizeof buffer, 0);
        // Nobody listening there yet is told as an error, once.
        if (got < 0 && errno == ECONNREFUSED) continue;
        if (got < 0) return;
        take_datagram({buffer, static_cast<std::size_t>(got)}, kept, Way::to_client);
    }
}

void Door::receive()
{
    char buffer[kDatagramBytesMax];
    for (int i = 0; i < kPerEvent; ++i) {
        sockaddr_in from{};
        socklen_t bytes = sizeof from;
        const ssize_t got =
            ::recvfrom(receiver_.socket.fd(), buffer, sizeof buffer, 0, generic(from), &bytes);
        if (got < 0) return;
        take_datagram({buffer, static_cast<std::size_t>(got)}, flow_of(from), Way::to_target);
    }
}

std::shared_ptr<Flow> Door::flow_of(const sockaddr_in& client)
{
    const auto found =
        std::find_if(flows_.begin(), flows_.end(),
                     [&](const std::shared_ptr<Flow>& flow) { return flow->is_of(client); });
    if (found != flows_.end()) {
        flows_.splice(flows_.begin(), flows_, found);
        return flows_.front();
    }
    if (flows_.size() == kFlowsMax) {
        flows_.back()->close();
        shared_.closed_flows.push_back(std::move(flows_.back()));
        flows_.pop_back();
    }
    flows_.push_front(std::make_shared<Flow>(shared_.epoll.get(), *this, client, shared_.target));
    return flows_.front();
}

void Door::take_datagram(std::string_view bytes, const std::shared_ptr<Flow>& flow, Way way)
{
    WayCounters& counter = counted(way);
    ++counter.datagrams;
    counter.datagram_bytes += bytes.size();
    const Fate fate = path(way).next(shared_.now);
    if (fate.lost || partitioned || udp_blocked) {
        ++counter.lost;
        return;
    }
    const auto send = [&](Nanos delay) {
        shared_.on_their_way.push(
            {shared_.now + delay, shared_.sent++, this, flow, way, std::string(bytes)});
    };
    send(fate.delay);
    if (!fate.copy_delay) return;
    ++counter.duplicated;
    send(*fate.copy_delay);
}

void Door::deliver(const Datagram& datagram)
{
    if (partitioned || udp_blocked) {
        ++counted(datagram.way).lost;
        return;
    }
    const std::string& bytes = datagram.bytes;
    if (datagram.way == Way::to_target) {
        ::send(datagram.flow->fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return;
    }
    const sockaddr_in& to = datagram.flow->client();
    ::sendto(receiver_.socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL, generic(to),
             sizeof to);
}

// ---- streams

Door::Door(Shared& shared, Bound bound, std::uint64_t seed)
    : port(bound.port), shared_(shared), paths_{Path(2 * seed), Path(2 * seed + 1)},
      listener_(*this, shared.epoll.get(), std::move(bound.tcp)),
      receiver_(*this, shared.epoll.get(), std::move(bound.udp))
{
}

void Door::accept()
{
    for (int i = 0; i < kPerEvent; ++i) {
        UniqueFd client(
            ::accept4(listener_.socket.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client.is_open()) return;
        if (streams_.size() == kStreamsMax) continue; // closed at once
        ++counters.streams;
        streams_.emplace_back(shared_, *this, std::move(client));
    }
}

void Door::pump_streams()
{
    for (Stream& stream : streams_)
        stream.pump();
    streams_.remove_if([](const Stream& stream) { return stream.over(); });
}

std::optional<MonoTime> Door::next_due() const
{
    std::optional<MonoTime> first;
    for (const Stream& stream : streams_) {
        const auto due = stream.next_due();
        if (due && (!first || *due < *first)) first = due;
    }
    return first;
}

void Door::break_streams()
{
    for (Stream& stream : streams_)
        stream.reset();
}

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
} // namespace

// ---- the relay

WayCounters operator-(WayCounters a, const WayCounters& b) noexcept
{
    a.datagrams -= b.datagrams;
    a.datagram_bytes -= b.datagram_bytes;
    a.lost -= b.lost;
    a.duplicated -= b.duplicated;
    a.stream_bytes -= b.stream_bytes;
    return a;
}

struct Relay::Impl {
    struct Waker final : public Source {
        Waker(int epoll, UniqueFd fd) : socket(epoll, std::move(fd), *this)
        {
            socket.want(EPOLLIN);
        }
        void on_ready() override
        {
            std::uint64_t count = 0;
            static_cast<void>(!::read(socket.fd(), &count, sizeof count));
        }
        void wake() const
        {
            const std::uint64_t one = 1;
            static_cast<void>(!::write(socket.fd(), &one, sizeof one));
        }
        Watched socket;
    };

    Impl(std::uint16_t target, const Options& options);
    ~Impl();
    void run();
    void turn(const epoll_event* events, int count);
    [[nodiscard]] Nanos until_next() const;
    // Changes something from outside the thread.
    template <class Change> void change(Change&& what)
    {
        {
            const std::lock_guard lock(shared.mutex);
            what();
        }
        waker->wake();
    }
    void change_conditions(void (*what)(PathConditions&, double), double value);

    // Before the doors: they point at it, and so do datagrams at doors.
    Shared shared;
    std::unique_ptr<Waker> waker;
    std::vector<std::unique_ptr<Door>> doors;
    bool stopping = false;
    std::thread thread;
};

Relay::Impl::Impl(std::uint16_t target, const Options& options)
{
    TIDEMARK_CHECK(options.doors >= 1 && options.doors <= kDoorsMax);
    shared.epoll = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    if (!shared.epoll.is_open()) throw_errno("epoll_create1");
    shared.target = target;
    shared.stream_window = options.stream_window;
    shared.now = clock_now();
    UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event.is_open()) throw_errno("eventfd");
    waker = std::make_unique<Waker>(shared.epoll.get(), std::move(event));
    for (std::size_t i = 0; i < options.doors; ++i)
        doors.push_back(std::make_unique<Door>(shared, bind_both(), options.seed * kDoorsMax + i));
    thread = std::thread([this] { run(); });
}

Relay::Impl::~Impl()
{
    change([this] { stopping = true; });
    thread.join();
    shared.on_their_way = {};
}

void Relay::Impl::run()
{
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    constexpr int kEvents = 128;
    epoll_event events[kEvents];
    std::unique_lock lock(shared.mutex);
    while (!stopping) {
        const Nanos wait = until_next();
        lock.unlock();
        const timespec timeout{static_cast<time_t>(wait.count() / 1'000'000'000),
                               static_cast<long>(wait.count() % 1'000'000'000)};
        const int count = ::epoll_pwait2(shared.epoll.get(), events, kEvents, &timeout, nullptr);
        lock.lock();
        shared.now = clock_now();
        turn(events, count);
    }
}

void Relay::Impl::turn(const epoll_event* events, int count)
{
    // Nothing that an event may point at is destroyed before the last of them.
    for (int i = 0; i < count; ++i)
        static_cast<Source*>(events[i].data.ptr)->on_ready();
    shared.closed_flows.clear();
    auto& queue = shared.on_their_way;
    for (; !queue.empty() && queue.top().due <= shared.now; queue.pop())
        queue.top().door->deliver(queue.top());
    for (const auto& door : doors)
        door->pump_streams();
}

Nanos Relay::Impl::until_next() const
{
    constexpr Nanos kLongest = std::chrono::seconds(1);
    MonoTime next = shared.now + kLongest;
    if (!shared.on_their_way.empty()) next = std::min(next, shared.on_their_way.top().due);
    for (const auto& door : doors)
        if (const auto due = door->next_due()) next = std::min(next, *due);
    return std::max(next - clock_now(), Nanos{0});
}

void Relay::Impl::change_conditions(void (*what)(PathConditions&, double), double value)
{
    change([&] {
        for (const auto& door : doors)
            for (const Way way : {Way::to_target, Way::to_client}) {
                PathConditions conditions = door->path(way).conditions();
                what(conditions, value);
                door->set(conditions, way);
            }
    });
}

Relay::Relay(std::uint16_t target, const Options& options)
    : impl_(std::make_unique<Impl>(target, options))
{
}
Relay::~Relay() = default;

std::uint16_t Relay::port(std::size_t door) const
{
    return impl_->doors.at(door)->port;
}

std::size_t Relay::doors() const noexcept
{
    return impl_->doors.size();
}

void Relay::set(const PathConditions& conditions)
{
    for (std::size_t door = 0; door < doors(); ++door)
        set(conditions, door);
}

void Relay::set(const PathConditions& conditions, std::size_t door)
{
    set(conditions, door, Way::to_target);
    set(conditions, door, Way::to_client);
}

void Relay::set(const PathConditions& conditions, std::size_t door, Way way)
{
    impl_->change([&] { impl_->doors.at(door)->set(conditions, way); });
}

void Relay::set_loss(double loss)
{
    impl_->change_conditions([](PathConditions& all, double value) { all.loss = value; }, loss);
}

void Relay::set_delay(Nanos delay)
{
    impl_->change_conditions(
        [](PathConditions& all, double ns) { all.delay = Nanos{static_cast<std::int64_t>(ns)}; },
        static_cast<double>(delay.count()));
}

void Relay::set_burst(Nanos burst)
{
    impl_->change_conditions(
        [](PathConditions& all, double ns) { all.burst = Nanos{static_cast<std::int64_t>(ns)}; },
        static_cast<double>(burst.count()));
}

void Relay::partition(bool on, std::size_t door)
{
    impl_->change([&] { impl_->doors.at(door)->partitioned = on; });
}

void Relay::block_udp(bool on, std::size_t door)
{
    impl_->change([&] { impl_->doors.at(door)->udp_blocked = on; });
}

void Relay::break_streams(std::size_t door)
{
    impl_->change([&] { impl_->doors.at(door)->break_streams(); });
}

DoorCounters Relay::counters(std::size_t door) const
{
    const std::lock_guard lock(impl_->shared.mutex);
    return impl_->doors.at(door)->counters;
}
} // namespace tidemark::bench
