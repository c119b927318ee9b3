#pragma once
#include "core/http/body.hpp"
#include "core/http/parser.hpp"
#include "core/net/stream.hpp"
#include "edge/worker/exchange.hpp"
#include "edge/worker/transport.hpp"

#include <deque>
#include <memory>
#include <string>

// One HTTP/1.1 connection from a client: requests in order, answers in order, one exchange at a
// time.
namespace tidemark::worker
{
class Worker;

//   idle → reading head → (hit answered at once) → idle
//                       → exchange: request body in, answer out → idle
//   any → lingering (our side ended, theirs is read and dropped) → closing;   exchange → tunnel →
//   closing
// Owned by its worker; ends in two steps: close() stops traffic at once, on_closed() in a later
// turn destroys it.
class ClientConnection final : public net::StreamListener, public Transport
{
  public:
    explicit ClientConnection(Worker& worker);
    ~ClientConnection();

    [[nodiscard]] bool accept(uv_stream_t* server, bool is_unix);
    void check_deadline(MonoTime now) noexcept;
    void drain() noexcept; // ends after the next answer, or soon if there is none
    void close() noexcept;
    [[nodiscard]] const net::Stream& stream() const noexcept { return stream_; }
    [[nodiscard]] bool idle() const noexcept { return !exchange_ && input_.empty() && !partial_; }
    // Waits for a request or the rest of its head, or for the peer to go.
    [[nodiscard]] bool may_be_sent_away() const noexcept
    {
        return counted_ && state_ != State::tunnel && !exchange_ && input_.empty() &&
               held_.empty() && !stream_.writing();
    }
    [[nodiscard]] MonoTime deadline() const noexcept { return deadline_; }

    void on_bytes(std::string_view bytes) noexcept override;
    void on_end(net::StreamEnd end) noexcept override;
    void on_written(bool ok) noexcept override;
    void on_closed() noexcept override;

    void send_interim(std::uint16_t status, std::string_view lines) override;
    void send_reply(const Reply& reply) override;
    void body_ready() override;
    void want_request_body() override;
    void become_tunnel(const Reply& reply) override;
    void send_tunnel_bytes(std::string_view bytes) override;
    [[nodiscard]] bool tunnel_backed_up() const override;
    void end_tunnel() override;
    void abort() override;

  private:
    enum class State : std::uint8_t { open, lingering, tunnel, closing };

    [[nodiscard]] bool over_limits();
    void shed();                                            // 503 at once
    void process();                                         // input_ as far as it can be
    [[nodiscard]] std::size_t take(std::string_view bytes); // bytes used
    [[nodiscard]] std::size_t take_head(std::string_view bytes);
    [[nodiscard]] std::size_t take_body(std::string_view bytes);
    void begin(const http::RequestHead& head);
    void reject(std::uint16_t status);
    void body_failed(http::BodyError error);
    void no_more_input();
    void pump();
    void finish_exchange();
    void send(Output& out);
    void send_held();
    void linger();
    void end_exchange() noexcept;
    void uncount() noexcept;
    void set_deadline(Millis after) noexcept;
    void update_reading();
    [[nodiscard]] bool may_keep(const http::RequestHead& head) const;

    Worker& worker_;
    net::Stream stream_;
    State state_ = State::open;
    std::string input_;                            // read, but not yet its turn
    std::unique_ptr<http::RequestParser> partial_; // a head that came in pieces
    http::BodyDecoder body_;
    std::unique_ptr<Exchange> exchange_;
    std::deque<HeldOutput> held_; // the front is being written
    MonoTime deadline_{};
    std::uint64_t body_bytes_ = 0; // of the request's body so far
    std::uint64_t rate_bytes_ = 0; // of it since reading began again
    MonoTime rate_began_{};
    std::uint64_t body_limit_ = 0;
    std::uint64_t reply_bytes_ = 0;
    std::uint32_t requests_ = 0;
    std::size_t queued_before_ = 0; // what the stream had queued at the last look
    MonoTime write_moved_{};
    bool request_ended_ = true;
    bool reply_begun_ = false;
    bool reply_ended_ = false;
    bool chunked_ = false;
    bool with_trailers_ = false;
    bool keep_ = true; // after this exchange
    bool http10_ = false;
    bool peer_ended_ = false; // no more will come
    bool pumping_ = false;
    bool processing_ = false;
    bool counted_ = false;
    std::string counted_address_; // in Shared::addresses; empty: not counted
};
} // namespace tidemark::worker
