#include "edge/upstream/client.hpp"

#include "core/observe/log.hpp"

#include <algorithm>

namespace tidemark::upstream
{
namespace
{
uv_buf_t buffer_of(std::string_view bytes) noexcept
{
    return uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
}

void note_failure(Upstream& upstream, MonoTime now, Failure failure)
{
    ++upstream.failures;
    if (upstream.health.failed(now))
        log::warn("upstream {} is down: {}", upstream.name, text_of(failure));
}
} // namespace

std::string_view text_of(Failure failure) noexcept
{
    switch (failure) {
    case Failure::unreachable:
        return "unreachable";
    case Failure::connect_timeout:
        return "connect-timeout";
    case Failure::closed_early:
        return "closed-early";
    case Failure::first_byte_timeout:
        return "first-byte-timeout";
    case Failure::idle_timeout:
        return "idle-timeout";
    case Failure::bad_response:
        return "bad-response";
    case Failure::truncated:
        return "truncated-response";
    case Failure::busy:
        return "no-connection-free";
    }
    return "failure";
}

std::uint16_t status_of(Failure failure) noexcept
{
    switch (failure) {
    case Failure::connect_timeout:
    case Failure::first_byte_timeout:
    case Failure::idle_timeout:
        return 504;
    case Failure::busy:
        return 503;
    default:
        return 502;
    }
}

Connection::Connection(Pool& pool, std::shared_ptr<Upstream> upstream, ConnectionUser& user)
    : pool_(pool), upstream_(std::move(upstream)), stream_(pool.loop(), *this), user_(&user),
      parser_(pool.limits().head)
{
}

void Connection::set_deadline(Millis after) noexcept
{
    deadline_ = after.count() == 0 ? MonoTime::max() : pool_.loop().mono() + after;
}

void Connection::note_success() noexcept
{
    if (upstream_->health.succeeded()) log::info("upstream {} is up again", upstream_->name);
}

void Connection::on_connected(int status) noexcept
{
    if (status != 0) return pool_.connect_failed(*this, Failure::unreachable);
    stream_.no_delay();
    phase_ = Phase::head;
    stream_.read_start();
    set_deadline(Millis{0});
    user_->on_connection(*this);
}

void Connection::begin_exchange(ConnectionUser& user) noexcept
{
    user_ = &user;
    phase_ = Phase::head;
    answered_ = request_sent_ = keep_alive_ = paused_ = false;
    interim_ = 0;
    ++exchanges_;
    parser_.reset();
    set_deadline(Millis{0});
}

void Connection::send(std::string_view bytes)
{
    if (phase_ == Phase::closing || bytes.empty()) return;
    if (!stream_.writing()) {
        const uv_buf_t piece = buffer_of(bytes);
        const std::int64_t sent = stream_.try_write({&piece, 1});
        // A broken connection shows when it is read: an early answer may still be there.
        if (sent < 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    queued_.append(bytes);
    flush();
}

void Connection::flush() noexcept
{
    if (queued_.empty() || stream_.writing() || stream_.closing()) return;
    writing_.clear();
    writing_.swap(queued_);
    const uv_buf_t piece = buffer_of(writing_);
    stream_.write({&piece, 1});
    // An upstream that does not take the request's body is waited for like one that does not
    // answer.
    if (phase_ == Phase::head && !request_sent_) set_deadline(pool_.limits().idle);
}

void Connection::on_written(bool ok) noexcept
{
    if (!ok || phase_ == Phase::closing) return; // the reading side tells
    if (!queued_.empty()) return flush();
    if (phase_ == Phase::head && !request_sent_) set_deadline(Millis{0});
    if (phase_ == Phase::tunnel) set_deadline(pool_.limits().tunnel_idle);
    if (user_ != nullptr && (!request_sent_ || phase_ == Phase::tunnel)) user_->on_sent_all();
}

void Connection::request_sent() noexcept
{
    request_sent_ = true;
    if (phase_ == Phase::head) set_deadline(pool_.limits().first_byte);
}

void Connection::pause() noexcept
{
    paused_ = true;
    stream_.read_stop();
    set_deadline(Millis{0});
}

void Connection::resume() noexcept
{
    if (!paused_ || phase_ == Phase::closing) return;
    paused_ = false;
    stream_.read_start();
    set_deadline(phase_ == Phase::tunnel ? pool_.limits().tunnel_idle : pool_.limits().idle);
}

void Connection::become_tunnel() noexcept
{
    phase_ = Phase::tunnel;
    set_deadline(pool_.limits().tunnel_idle);
}

void Connection::abandon() noexcept
{
    user_ = nullptr;
    close();
}

void Connection::close() noexcept
{
    if (phase_ == Phase::closing) return;
    if (phase_ == Phase::idle) pool_.forget_idle(*this);
    phase_ = Phase::closing;
    // An exchange that is cut off must not look complete to the upstream: no FIN after half a body.
    if (request_sent_)
        stream_.close();
    else
        stream_.reset();
}

void Connection::fail_exchange(Failure failure)
{
    ConnectionUser* user = std::exchange(user_, nullptr);
    if (failure != Failure::closed_early || !reused()) {
        note_failure(*upstream_, pool_.loop().mono(), failure);
    }
    close();
    if (user != nullptr) user->on_failure(failure);
}

void Connection::on_bytes(std::string_view bytes) noexcept
{
    if (phase_ == Phase::idle)
        return close(); // nobody asked: whatever it is, it answers no request
    while (!bytes.empty()) {
        if (phase_ == Phase::tunnel) {
            set_deadline(pool_.limits().tunnel_idle);
            return user_->on_tunnel_bytes(bytes);
        }
        if (phase_ == Phase::head)
            bytes = take_head(bytes);
        else if (phase_ == Phase::body)
            bytes = take_body(bytes);
        else
            return;
    }
}

std::string_view Connection::take_head(std::string_view bytes)
{
    answered_ = true;
    std::size_t consumed = 0;
    const auto progress = parser_.feed(bytes, consumed);
    if (!progress) {
        fail_exchange(Failure::bad_response);
        return {};
    }
    if (*progress == http::HeadProgress::need_more) return {};
    bytes.remove_prefix(consumed);
    const http::ResponseHead& head = parser_.head();
    if (head.status < 200 && head.status != 101) {
        if (++interim_ > pool_.limits().interim_responses) {
            fail_exchange(Failure::bad_response);
            return {};
        }
        user_->on_interim(head);
        if (phase_ == Phase::head) parser_.reset();
        return bytes;
    }
    note_success();
    keep_alive_ = head.keep_alive;
    body_ = http::BodyDecoder(head.framing);
    phase_ = Phase::body;
    set_deadline(pool_.limits().idle);
    user_->on_response_head(head);
    if (phase_ == Phase::body && body_.complete()) {
        finish(bytes);
        return {};
    }
    return bytes;
}

std::string_view Connection::take_body(std::string_view bytes)
{
    set_deadline(pool_.limits().idle);
    const auto step = body_.next(bytes);
    if (!step) {
        fail_exchange(Failure::bad_response);
        return {};
    }
    bytes.remove_prefix(step->consumed);
    if (!step->data.empty()) user_->on_response_body(step->data);
    if (phase_ == Phase::body && step->complete) {
        finish(bytes);
        return {};
    }
    return bytes;
}

// Back to the pool only after a clean exchange with no byte left over (hardening rule 3).
void Connection::finish(std::string_view left_over)
{
    ConnectionUser* user = std::exchange(user_, nullptr);
    const bool clean =
        keep_alive_ && request_sent_ && left_over.empty() && !stream_.writing() && !paused_;
    const http::FieldList trailers = body_.trailers();
    if (clean)
        pool_.keep(*this);
    else
        close();
    if (user != nullptr) user->on_response_end(trailers);
}

void Connection::on_end(net::StreamEnd end) noexcept
{
    switch (phase_) {
    case Phase::idle:
        return close();
    case Phase::head:
        return fail_exchange(answered_ ? Failure::bad_response : Failure::closed_early);
    case Phase::body:
        if (end == net::StreamEnd::eof && body_.end()) {
            keep_alive_ = false;
            return finish({});
        }
        return fail_exchange(Failure::truncated);
    case Phase::tunnel: {
        ConnectionUser* user = user_;
        if (end == net::StreamEnd::reset) {
            user_ = nullptr;
            close();
        }
        if (user != nullptr) user->on_tunnel_end();
        return;
    }
    default:
        return;
    }
}

void Connection::on_deadline() noexcept
{
    switch (phase_) {
    case Phase::connecting:
        return pool_.connect_failed(*this, Failure::connect_timeout);
    case Phase::head:
        return fail_exchange(Failure::first_byte_timeout);
    case Phase::body:
        return fail_exchange(Failure::idle_timeout);
    case Phase::tunnel: {
        ConnectionUser* user = std::exchange(user_, nullptr);
        close();
        if (user != nullptr) user->on_tunnel_end();
        return;
    }
    default:
        return close();
    }
}

void Connection::on_closed() noexcept
{
    pool_.closed(*this);
}

Pool::~Pool() = default;

Connection* Pool::acquire(ConnectionUser& user, const std::shared_ptr<Upstream>& upstream,
                          bool fresh)
{
    PerUpstream& mine = of(*upstream);
    while (!fresh && !mine.idle.empty()) {
        Connection* connection = mine.idle.back();
        mine.idle.pop_back();
        // Closed meanwhile, or bytes that nobody asked for: they must not answer this request.
        if (connection->stream_.has_input()) {
            connection->close();
            continue;
        }
        connection->begin_exchange(user);
        return connection;
    }
    if (mine.open >= limits_.connections && !mine.idle.empty()) {
        Connection* oldest = mine.idle.front();
        oldest->close();
    }
    if (mine.open >= limits_.connections)
        mine.waiting.push_back(
            {&user, upstream, loop_.mono() + limits_.connect + limits_.first_byte});
    else
        connect(user, upstream, upstream->addresses());
    return nullptr;
}

void Pool::connect(ConnectionUser& user, const std::shared_ptr<Upstream>& upstream,
                   std::vector<net::Address> addresses)
{
    auto owned = std::make_unique<Connection>(*this, upstream, user);
    Connection& connection = *owned;
    connections_.emplace(&connection, std::move(owned));
    ++of(*upstream).open;
    ++upstream->connections;
    connection.set_deadline(limits_.connect);
    if (addresses.empty()) {
        // No address yet: fails like an unreachable one, but not from inside acquire().
        connection.deadline_ = loop_.mono();
        return;
    }
    const net::Address to = std::move(addresses.front());
    addresses.erase(addresses.begin());
    connection.untried_ = std::move(addresses);
    if (!connection.stream_.connect(to)) connection.deadline_ = loop_.mono();
}

void Pool::connect_failed(Connection& connection, Failure failure) noexcept
{
    ConnectionUser* user = std::exchange(connection.user_, nullptr);
    std::vector<net::Address> untried = std::move(connection.untried_);
    const std::shared_ptr<Upstream> upstream = connection.upstream_;
    connection.close();
    if (user == nullptr) return;
    if (!untried.empty()) return connect(*user, upstream, std::move(untried));
    note_failure(*upstream, loop_.mono(), failure);
    user->on_failure(failure);
}

void Pool::cancel(ConnectionUser& user) noexcept
{
    for (auto& [upstream, mine] : per_upstream_)
        std::erase_if(mine.waiting, [&](const Waiter& waiter) { return waiter.user == &user; });
    for (auto& [connection, owned] : connections_)
        if (connection->user_ == &user && connection->phase_ == Connection::Phase::connecting)
            return connection->abandon();
}

void Pool::keep(Connection& connection)
{
    if (closing_) return connection.close();
    connection.phase_ = Connection::Phase::idle;
    connection.set_deadline(limits_.keepalive);
    PerUpstream& mine = of(*connection.upstream_);
    if (mine.waiting.empty()) {
        mine.idle.push_back(&connection);
        return;
    }
    const Waiter next = std::move(mine.waiting.front());
    mine.waiting.erase(mine.waiting.begin());
    connection.begin_exchange(*next.user);
    next.user->on_connection(connection);
}

void Pool::forget_idle(Connection& connection) noexcept
{
    std::erase(of(*connection.upstream_).idle, &connection);
}

void Pool::closed(Connection& connection) noexcept
{
    const std::shared_ptr<Upstream> upstream = connection.upstream_;
    --of(*upstream).open;
    --upstream->connections;
    connections_.erase(&connection);
    serve_waiter(upstream);
}

void Pool::serve_waiter(const std::shared_ptr<Upstream>& upstream)
{
    PerUpstream& mine = of(*upstream);
    if (closing_ || mine.waiting.empty() || mine.open >= limits_.connections) return;
    const Waiter next = std::move(mine.waiting.front());
    mine.waiting.erase(mine.waiting.begin());
    connect(*next.user, upstream, upstream->addresses());
}

void Pool::tick(MonoTime now) noexcept
{
    due_.clear();
    for (const auto& [connection, owned] : connections_)
        if (connection->deadline_ <= now && connection->phase_ != Connection::Phase::closing)
            due_.push_back(connection);
    // One deadline's consequences may close another due connection, but none is destroyed before a
    // later turn.
    for (Connection* connection : due_)
        if (connection->deadline_ <= now && connection->phase_ != Connection::Phase::closing)
            connection->on_deadline();
    for (auto& [upstream, mine] : per_upstream_) {
        while (!mine.waiting.empty() && mine.waiting.front().deadline <= now) {
            const Waiter late = std::move(mine.waiting.front());
            mine.waiting.erase(mine.waiting.begin());
            late.user->on_failure(Failure::busy);
        }
    }
}

void Pool::close_all() noexcept
{
    closing_ = true;
    for (auto& [upstream, mine] : per_upstream_)
        mine.waiting.clear();
    due_.clear();
    for (const auto& [connection, owned] : connections_)
        due_.push_back(connection);
    for (Connection* connection : due_)
        connection->abandon();
}
} // namespace tidemark::upstream
