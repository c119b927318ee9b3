#include "bench/relay/relay.hpp"

#include "bench/relay/door.hpp"
#include "core/base/check.hpp"

#include <algorithm>
#include <chrono>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <thread>
#include <unistd.h>

namespace tidemark::bench
{
namespace
{
using relay::Door;
using relay::Source;
using relay::throw_errno;
using relay::Watched;

MonoTime clock_now()
{
    return MonoTime{std::chrono::steady_clock::now().time_since_epoch()};
}
} // namespace

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
    relay::Shared shared;
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
        doors.push_back(
            std::make_unique<Door>(shared, relay::bind_both(), options.seed * kDoorsMax + i));
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
