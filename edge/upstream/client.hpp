#pragma once
#include "core/http/body.hpp"
#include "core/http/parser.hpp"
#include "core/net/stream.hpp"
#include "edge/upstream/health.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// Connections to upstreams, and the pool that keeps them (one per worker; everything here belongs
// to that worker's loop).
namespace tidemark::upstream
{
// How an exchange with an upstream ended badly.
enum class Failure : std::uint8_t {
    unreachable, // no connection: refused, no route, no address, no descriptor
    connect_timeout,
    closed_early, // the connection ended before a byte of the answer
    first_byte_timeout,
    idle_timeout, // in the middle of an answer
    bad_response, // outside the grammar, or more than a limit
    truncated,    // ended in the middle of an answer
    busy,         // no connection became free in time
};
[[nodiscard]] std::string_view text_of(Failure failure) noexcept; // an sf-token
// 502 or 504 (RFC 9110 §15.6).
[[nodiscard]] std::uint16_t status_of(Failure failure) noexcept;

struct ClientLimits {
    http::HeadLimits head;
    Millis connect{5'000};
    Millis first_byte{60'000};
    Millis idle{30'000};
    Millis keepalive{30'000};
    Millis tunnel_idle{300'000};
    std::uint32_t connections = 1'000; // to one upstream, from this worker
    std::uint32_t interim_responses = 16;
};

class Connection;

// Who uses a connection for one exchange. Calls come from the loop, never from inside a call to the
// connection. After on_failure, or after on_response_end, the connection is gone for the user.
class ConnectionUser
{
  public:
    virtual void on_connection(Connection& connection) noexcept = 0; // yours now: send the head
    virtual void on_interim(const http::ResponseHead& head) noexcept = 0;
    virtual void on_response_head(const http::ResponseHead& head) noexcept = 0;
    virtual void on_response_body(std::string_view bytes) noexcept = 0;
    virtual void on_response_end(const http::FieldList& trailers) noexcept = 0;
    virtual void on_sent_all() noexcept = 0; // what was queued for sending is out: room for more
    virtual void on_tunnel_bytes(std::string_view bytes) noexcept = 0;
    virtual void on_tunnel_end() noexcept = 0;
    virtual void on_failure(Failure failure) noexcept = 0;

  protected:
    ~ConnectionUser() = default;
};

class Pool;

//   connecting → head → body → idle → head → … → closing;   head → tunnel → closing
// Owned by its pool. A user holds it from on_connection() (or acquire()) until on_response_end,
// on_tunnel_end, on_failure or abandon().
class Connection final : public net::StreamListener
{
  public:
    Connection(Pool& pool, std::shared_ptr<Upstream> upstream, ConnectionUser& user);

    // The bytes are copied if the socket does not take them at once.
    void send(std::string_view bytes);
    // The whole request has been handed over: from now on the answer is due.
    void request_sent() noexcept;
    [[nodiscard]] bool backed_up() const noexcept { return stream_.writing(); }
    void expect_answer_to(http::Method method) noexcept { parser_.set_request_method(method); }
    void pause() noexcept;
    void resume() noexcept;
    // After a 101: bytes both ways until one side ends.
    void become_tunnel() noexcept;
    void shutdown() noexcept { stream_.shutdown(); }
    // The user turns away in mid-exchange: the connection is of no use to anyone else.
    void abandon() noexcept;

    [[nodiscard]] bool reused() const noexcept { return exchanges_ > 1; }
    [[nodiscard]] bool answered() const noexcept { return answered_; } // a byte of the answer came
    [[nodiscard]] const std::shared_ptr<Upstream>& upstream() const noexcept { return upstream_; }

    void on_connected(int status) noexcept override;
    void on_bytes(std::string_view bytes) noexcept override;
    void on_end(net::StreamEnd end) noexcept override;
    void on_written(bool ok) noexcept override;
    void on_closed() noexcept override;

  private:
    friend class Pool;
    enum class Phase : std::uint8_t { connecting, idle, head, body, tunnel, closing };

    void begin_exchange(ConnectionUser& user) noexcept;
    void note_success() noexcept;
    [[nodiscard]] std::string_view take_head(std::string_view bytes);
    [[nodiscard]] std::string_view take_body(std::string_view bytes);
    void finish(std::string_view left_over);
    void fail_exchange(Failure failure);
    void close() noexcept;
    void flush() noexcept;
    void set_deadline(Millis after) noexcept;
    void on_deadline() noexcept;

    Pool& pool_;
    std::shared_ptr<Upstream> upstream_;
    net::Stream stream_;
    ConnectionUser* user_;
    http::ResponseParser parser_;
    http::BodyDecoder body_;
    std::string writing_;               // the stream's until on_written
    std::string queued_;                // behind it
    std::vector<net::Address> untried_; // further addresses, while connecting
    MonoTime deadline_{};
    std::uint32_t interim_ = 0;
    std::uint32_t exchanges_ = 1;
    Phase phase_ = Phase::connecting;
    bool answered_ = false;
    bool request_sent_ = false;
    bool keep_alive_ = false;
    bool paused_ = false;
};

class Pool
{
  public:
    Pool(net::Loop& loop, const ClientLimits& limits) : loop_(loop), limits_(limits) {}
    ~Pool(); // after close_all() and the loop's last turn

    // A kept connection at once (unless `fresh`), or null: then on_connection or on_failure comes
    // later.
    [[nodiscard]] Connection* acquire(ConnectionUser& user,
                                      const std::shared_ptr<Upstream>& upstream, bool fresh);
    // Instead of waiting for on_connection.
    void cancel(ConnectionUser& user) noexcept;

    void tick(MonoTime now) noexcept; // deadlines
    void close_all() noexcept;
    void set_limits(const ClientLimits& limits) { limits_ = limits; }
    [[nodiscard]] const ClientLimits& limits() const noexcept { return limits_; }
    [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
    [[nodiscard]] bool empty() const noexcept { return connections_.empty(); }

  private:
    friend class Connection;
    struct Waiter {
        ConnectionUser* user;
        std::shared_ptr<Upstream> upstream;
        MonoTime deadline;
    };
    struct PerUpstream {
        std::vector<Connection*> idle; // the last one used is used next
        std::uint32_t open = 0;
        std::vector<Waiter> waiting; // first come, first served; for a free place
    };
    void connect(ConnectionUser& user, const std::shared_ptr<Upstream>& upstream,
                 std::vector<net::Address> addresses);
    void connect_failed(Connection& connection, Failure failure) noexcept;
    void keep(Connection& connection);
    void forget_idle(Connection& connection) noexcept;
    void closed(Connection& connection) noexcept;
    void serve_waiter(const std::shared_ptr<Upstream>& upstream);
    PerUpstream& of(const Upstream& upstream) { return per_upstream_[&upstream]; }

    net::Loop& loop_;
    ClientLimits limits_;
    std::unordered_map<const Upstream*, PerUpstream> per_upstream_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> due_; // scratch of tick()
    bool closing_ = false;
};
} // namespace tidemark::upstream
