#include "bench/load/generator.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <sys/epoll.h>
#include <sys/prctl.h>

namespace tidemark::bench
{
namespace
{
constexpr Nanos kSweepEvery = Millis{50};
constexpr Nanos kPublishEvery = Millis{250};
constexpr Nanos kReconnectAfter = Millis{100};
constexpr Nanos kGraceAfterStop = Seconds{1};
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kSkipBytes = std::size_t{1} << 30;
constexpr int kEventsAtOnce = 256;

// The default slack of 50 us would be added to the latency of every request that a timer starts.
void sharpen_timers() noexcept
{
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
}

timespec to_timespec(Nanos wait) noexcept
{
    const auto seconds = std::chrono::floor<Seconds>(wait);
    timespec out{};
    out.tv_sec = seconds.count();
    out.tv_nsec = (wait - seconds).count();
    return out;
}
} // namespace

MonoTime read_clock() noexcept
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return MonoTime{Seconds{now.tv_sec} + Nanos{now.tv_nsec}};
}

Generator::Generator(const GeneratorPlan& plan, ReportBox& box, const std::atomic<bool>& stop)
    : plan_(plan), box_(box), stop_(stop), epoll_(epoll_create1(EPOLL_CLOEXEC)),
      random_(plan.seed + plan.lane.lane), connections_(plan.connections), buffer_(kReadBytes),
      next_sweep_(plan.begin), next_publication_(plan.begin + kPublishEvery),
      give_up_at_(plan.end + plan.timeout)
{
    if (plan.rate > 0) arrivals_.emplace(plan.begin, plan.rate, plan.lane);
    arrivals_end_ = open_loop() ? arrivals_->count_before(plan.end) : 0;
}

void Generator::run()
{
    sharpen_timers();
    for (Connection& connection : connections_)
        open(connection, read_clock());
    for (MonoTime now = read_clock(); !done(now); now = read_clock()) {
        wait_and_handle_events();
        now = read_clock();
        if (open_loop()) send_due(now);
        obey_stop(now);
        if (now >= next_sweep_) sweep(now);
        if (now >= next_publication_) publish(now);
    }
    const MonoTime now = read_clock();
    give_up_rest(now);
    publish(now);
}

bool Generator::done(MonoTime now) const noexcept
{
    if (now >= give_up_at_) return true;
    if (in_flight_ != 0) return false;
    return open_loop() ? next_ == arrivals_end_ : now >= plan_.end;
}

// Requests that are due and not sent.
std::uint64_t Generator::waiting(MonoTime now) const noexcept
{
    if (!open_loop()) return 0;
    const std::uint64_t due = std::min(arrivals_->count_before(now), arrivals_end_);
    return due > next_ ? due - next_ : 0;
}

Nanos Generator::time_to_wait(MonoTime now) const noexcept
{
    MonoTime until = std::min(next_sweep_, give_up_at_);
    if (open_loop() && next_ < arrivals_end_ && !idle_.empty())
        until = std::min(until, arrivals_->time_of(next_));
    return std::max(until - now, Nanos{0});
}

void Generator::wait_and_handle_events()
{
    std::array<epoll_event, kEventsAtOnce> events;
    const timespec wait = to_timespec(time_to_wait(read_clock()));
    const int count = epoll_pwait2(epoll_.get(), events.data(), kEventsAtOnce, &wait, nullptr);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        Connection& connection = connections_[event.data.u64 >> 32];
        const auto generation = static_cast<std::uint32_t>(event.data.u64);
        if (connection.state != State::closed && connection.generation == generation)
            on_event(event.events, connection);
    }
}

// After an interrupt nothing more is sent. What is due by now and not sent still counts.
void Generator::obey_stop(MonoTime now)
{
    if (stopped_ || !stop_.load(std::memory_order_relaxed)) return;
    stopped_ = true;
    plan_.end = std::min(plan_.end, now);
    give_up_at_ = std::min(give_up_at_, now + kGraceAfterStop);
    if (!open_loop()) return;
    const std::uint64_t due = next_ + waiting(now);
    for (; next_ < due; ++next_) {
        const MonoTime intended = arrivals_->time_of(next_);
        if (measured(intended)) report_.add_given_up(Failure::unsent, now - intended);
    }
    arrivals_end_ = next_;
}

void Generator::open(Connection& connection, MonoTime now)
{
    connection.fd = start_connect(plan_.server);
    ++connection.generation;
    connection.since = now;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    const auto index = static_cast<std::uint64_t>(&connection - connections_.data());
    event.data.u64 = index << 32 | connection.generation;
    connection.state = State::connecting;
    if (!connection.fd.is_open() ||
        epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event) != 0)
        drop(connection, Failure::connect, now);
}

void Generator::on_event(std::uint32_t events, Connection& connection)
{
    if (connection.state == State::connecting) {
        if (events & (EPOLLERR | EPOLLHUP)) return drop(connection, Failure::connect, read_clock());
        if (!(events & EPOLLOUT)) return;
        on_connected(connection);
    } else if ((events & EPOLLOUT) && connection.out_sent < connection.out.size()) {
        flush(connection);
    }
    if (connection.state == State::ready && (events & ~std::uint32_t{EPOLLOUT}))
        on_readable(connection);
}

void Generator::on_connected(Connection& connection)
{
    connection.state = State::ready;
    connection.reader.reset();
    if (open_loop())
        list_idle(connection);
    else
        fill_pipeline(connection, read_clock());
}

// Reads until the socket is empty, as edge-triggered events ask for.
void Generator::on_readable(Connection& connection)
{
    while (connection.state == State::ready) {
        // Most of a large body needs to be counted, not copied.
        const std::uint64_t skippable = connection.reader.skippable_bytes();
        const bool skip = skippable > kReadBytes;
        const std::size_t wanted =
            skip ? static_cast<std::size_t>(std::min<std::uint64_t>(skippable, kSkipBytes))
                 : buffer_.size();
        const ssize_t got = recv(connection.fd.get(), skip ? nullptr : buffer_.data(), wanted,
                                 skip ? MSG_TRUNC : 0);
        if (got == 0) return on_end(connection);
        const MonoTime now = read_clock();
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return;
            const bool began = connection.reader.started();
            return drop(connection, began ? Failure::truncated : Failure::closed, now);
        }
        const auto bytes = static_cast<std::size_t>(got);
        report_.add_received(bytes);
        if (skip)
            connection.reader.skip(bytes);
        else if (!take_bytes(connection, {buffer_.data(), bytes}, now))
            return;
        if (!open_loop())
            fill_pipeline(connection, now);
        else if (connection.in_flight.empty())
            list_idle(connection);
        // A short read emptied the socket; a close that came with it has its own event, or is met
        // by the next one.
        if (!skip && bytes < wanted) return;
    }
}

// False when the connection is gone.
bool Generator::take_bytes(Connection& connection, std::string_view bytes, MonoTime now)
{
    while (!bytes.empty()) {
        std::size_t consumed = 0;
        if (connection.in_flight.empty()) { // an answer that nobody asked for
            drop(connection, Failure::malformed, now);
            return false;
        }
        const auto progress = connection.reader.feed(bytes, consumed);
        if (!progress) {
            drop(connection, Failure::malformed, now);
            return false;
        }
        bytes.remove_prefix(consumed);
        if (*progress == ReadProgress::complete && !finish_response(connection, now)) return false;
    }
    return true;
}

// False when the connection is gone.
bool Generator::finish_response(Connection& connection, MonoTime now)
{
    const InFlight request = connection.in_flight.front();
    connection.in_flight.pop_front();
    --in_flight_;
    const Response& response = connection.reader.response();
    if (measured(request.intended)) report_.add_response(response, request.intended, now);
    if (response.keep_alive) return true;
    drop(connection, Failure::closed, now);
    open(connection, now);
    return false;
}

void Generator::on_end(Connection& connection)
{
    const MonoTime now = read_clock();
    const bool began = connection.reader.started();
    const bool complete = !connection.in_flight.empty() && connection.reader.finish().has_value();
    if (complete) {
        static_cast<void>(finish_response(connection, now)); // not kept alive: opens a new one
        return;
    }
    drop(connection, began ? Failure::truncated : Failure::closed, now);
}

// Closes the connection; if the caller does not open it again, sweep() does so a little later. Only
// the first request in flight can have an answer begun, so the others count as closed.
void Generator::drop(Connection& connection, Failure of_requests, MonoTime now)
{
    if (connection.state == State::connecting) report_.add_failure(Failure::connect);
    for (const InFlight& request : connection.in_flight) {
        if (measured(request.intended)) {
            if (of_requests == Failure::timeout)
                report_.add_given_up(Failure::timeout, now - request.intended);
            else
                report_.add_failure(of_requests);
        }
        if (of_requests == Failure::truncated) of_requests = Failure::closed;
    }
    in_flight_ -= connection.in_flight.size();
    connection.in_flight.clear();
    connection.out.clear();
    connection.out_sent = 0;
    connection.fd.close();
    connection.state = State::closed;
    connection.since = now;
}

void Generator::list_idle(Connection& connection)
{
    if (connection.listed_idle) return;
    connection.listed_idle = true;
    idle_.push_back(&connection);
}

Generator::Connection* Generator::take_idle() noexcept
{
    while (!idle_.empty()) {
        Connection* const connection = idle_.front();
        idle_.pop_front();
        connection->listed_idle = false;
        if (connection->state == State::ready && connection->in_flight.empty()) return connection;
    }
    return nullptr;
}

void Generator::send_due(MonoTime now)
{
    for (; next_ < arrivals_end_; ++next_) {
        const MonoTime intended = arrivals_->time_of(next_);
        if (intended > now) return;
        Connection* const connection = take_idle();
        if (connection == nullptr) return;
        if (measured(intended)) report_.add_send_delay(now - intended);
        queue_request(*connection, arrivals_->number_of(next_), {intended, now});
        flush(*connection);
    }
}

void Generator::fill_pipeline(Connection& connection, MonoTime now)
{
    if (now >= plan_.end || now < plan_.begin) return;
    const std::size_t before = connection.in_flight.size();
    while (connection.in_flight.size() < plan_.pipeline) {
        const std::uint64_t number = next_++ * plan_.lane.lanes + plan_.lane.lane;
        queue_request(connection, number, {now, now});
    }
    if (connection.in_flight.size() != before) flush(connection);
}

void Generator::queue_request(Connection& connection, std::uint64_t number, InFlight request)
{
    plan_.targets.append_request(connection.out, number, random_);
    connection.in_flight.push_back(request);
    ++in_flight_;
}

// Sends what the socket takes; the rest follows when it is writable. A broken connection shows when
// it is read.
void Generator::flush(Connection& connection)
{
    while (connection.out_sent < connection.out.size()) {
        const ssize_t sent =
            send(connection.fd.get(), connection.out.data() + connection.out_sent,
                 connection.out.size() - connection.out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return;
        connection.out_sent += static_cast<std::size_t>(sent);
    }
    connection.out.clear();
    connection.out_sent = 0;
}

// What no event announces: time that has passed.
void Generator::sweep(MonoTime now)
{
    next_sweep_ = now + kSweepEvery;
    for (Connection& connection : connections_) {
        const bool late = !connection.in_flight.empty() &&
                          now - connection.in_flight.front().sent >= plan_.timeout;
        if (late) {
            drop(connection, Failure::timeout, now);
            open(connection, now);
        } else if (connection.state == State::closed && now - connection.since >= kReconnectAfter) {
            open(connection, now);
        } else if (connection.state == State::connecting &&
                   now - connection.since >= plan_.timeout) {
            drop(connection, Failure::connect, now);
        } else if (!open_loop() && connection.state == State::ready &&
                   connection.in_flight.empty()) {
            fill_pipeline(connection, now); // connected before the run began
        }
    }
}

void Generator::publish(MonoTime now)
{
    next_publication_ = now + kPublishEvery;
    box_.set_waiting(waiting(now));
    box_.put(report_);
    report_.clear();
}

void Generator::give_up_rest(MonoTime now)
{
    for (Connection& connection : connections_)
        if (!connection.in_flight.empty()) drop(connection, Failure::timeout, now);
    for (; open_loop() && next_ < arrivals_end_; ++next_) {
        const MonoTime intended = arrivals_->time_of(next_);
        if (measured(intended)) report_.add_given_up(Failure::unsent, now - intended);
    }
}
} // namespace tidemark::bench
