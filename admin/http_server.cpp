#include "admin/http_server.hpp"

#include "core/base/text.hpp"
#include "core/http/body.hpp"
#include "core/http/parser.hpp"
#include "core/net/stream.hpp"

#include <utility>

namespace tidemark::admin
{
namespace
{
constexpr Millis kTick{1'000};
constexpr Millis kLinger{2'000};              // for a client that still sends a body nobody wants
constexpr std::size_t kUnreadMax = 64 * 1024; // of what comes behind the request being answered

std::string_view reason_of(std::uint16_t status)
{
    switch (status) {
    case 200:
        return "OK";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "";
    }
}
} // namespace

std::string_view Request::field(std::string_view name) const
{
    for (const auto& [field, value] : fields)
        if (iequals(field, name)) return value;
    return {};
}

//   idle ──head──→ body ──whole──→ answering ──answer──→ idle, or lingering until closed
// An answer may come in any phase but idle. One request at a time: what is behind it waits.
class AdminConnection final : public net::StreamListener
{
  public:
    explicit AdminConnection(HttpServer& server)
        : server_(server), stream_(server.loop_, *this), parser_(http::HeadLimits{})
    {
    }
    ~AdminConnection() { forget(); }

    [[nodiscard]] bool accept(uv_stream_t* from, bool is_unix)
    {
        if (!stream_.accept(from, is_unix)) return false;
        stream_.no_delay();
        peer_ = stream_.peer();
        touch();
        stream_.read_start();
        return true;
    }
    void close() noexcept
    {
        stream_.close();
        lose();
    }
    void check_deadline(MonoTime now) noexcept
    {
        const bool waits = phase_ == Phase::answering || paused_;
        if (now >= deadline_ && (!waits || stream_.writing())) close();
    }

    // From the responder.
    void answer(Response response);
    void resume()
    {
        if (!paused_) return;
        paused_ = false;
        stream_.read_start();
        process();
    }

    void on_bytes(std::string_view bytes) noexcept override
    {
        if (phase_ == Phase::lingering) return;
        touch();
        input_.append(bytes);
        process();
        // Behind a request that is being answered others may wait, not without end.
        if (input_.size() > kUnreadMax && stream_.reading()) stream_.read_stop();
    }
    void on_end(net::StreamEnd) noexcept override { close(); }
    void on_written(bool ok) noexcept override
    {
        if (!ok) return close();
        if (!queued_.empty()) return write(std::exchange(queued_, {}));
        written();
    }
    void on_closed() noexcept override
    {
        lose();
        server_.connections_.erase(this);
    }

  private:
    enum class Phase : std::uint8_t { idle, body, answering, lingering };

    void touch() { deadline_ = server_.loop_.mono() + server_.limits_.idle; }
    void process();
    [[nodiscard]] bool take_head();
    void begin_body(const http::RequestHead& head);
    [[nodiscard]] bool take_body();
    [[nodiscard]] bool take_piece(std::string_view piece);
    void end_body();
    void refuse(std::uint16_t status, std::string detail);
    [[nodiscard]] std::string head_of(const Response& response) const;
    void write(std::string text);
    void written();
    // The request is answered, or nobody is there to answer.
    void forget()
    {
        if (responder_.state_) responder_.state_->connection = nullptr;
        responder_.state_.reset();
        sink_.reset();
    }
    void lose()
    {
        const auto state = responder_.state_;
        forget();
        if (state && state->gone) std::exchange(state->gone, {})();
    }

    HttpServer& server_;
    net::Stream stream_;
    http::RequestParser parser_;
    http::BodyDecoder body_;
    net::Address peer_;
    Request request_;
    Responder responder_;
    std::unique_ptr<BodySink> sink_;
    std::string input_;
    std::string output_; // the stream's until on_written
    std::string queued_;
    MonoTime deadline_{};
    Phase phase_ = Phase::idle;
    bool keep_ = true;
    bool head_only_ = false;
    bool paused_ = false;
    bool processing_ = false;
};

void AdminConnection::process()
{
    if (processing_) return;
    processing_ = true;
    while (!stream_.closing() && !stream_.writing() && !paused_) {
        if (phase_ == Phase::idle && !take_head()) break;
        if (phase_ == Phase::body && !take_body()) break;
        if (phase_ == Phase::answering || phase_ == Phase::lingering) break;
    }
    processing_ = false;
    const bool wants = !paused_ && input_.size() <= kUnreadMax && !stream_.closing();
    if (wants && !stream_.reading()) stream_.read_start();
}

bool AdminConnection::take_head()
{
    if (input_.empty()) return false;
    std::size_t consumed = 0;
    const auto progress = parser_.feed(input_, consumed);
    if (!progress) {
        refuse(http::status_of(progress.error()), std::string(http::text_of(progress.error())));
        return false;
    }
    if (*progress == http::HeadProgress::need_more) {
        input_.clear();
        return false;
    }
    begin_body(parser_.head());
    parser_.reset();
    input_.erase(0, consumed);
    return true;
}

void AdminConnection::begin_body(const http::RequestHead& head)
{
    request_ = {};
    request_.method = head.method;
    head_only_ = head.method == http::Method::head;
    const std::size_t mark = head.path.find('?');
    request_.path = head.path.substr(0, mark);
    if (mark != std::string_view::npos) request_.query = head.path.substr(mark + 1);
    for (const auto& field : head.fields)
        request_.fields.emplace_back(field.name, field.value);
    request_.peer = peer_;
    keep_ = head.keep_alive;
    body_ = http::BodyDecoder(head.framing);
    responder_.state_ = std::make_shared<Responder::State>();
    responder_.state_->connection = this;
    phase_ = Phase::body;
    const bool expects = head.expect_continue;
    const std::uint64_t announced = head.framing.length_bytes;
    sink_ = server_.handler_.on_head(request_, responder_);
    if (phase_ != Phase::body) return sink_.reset(); // answered already
    if (!sink_ && announced > server_.limits_.body_bytes_max)
        return refuse(413, "the body is larger than this endpoint takes");
    if (expects && !body_.complete()) write("HTTP/1.1 100 Continue\r\n\r\n");
}

bool AdminConnection::take_body()
{
    while (!body_.complete()) {
        if (input_.empty() || paused_) return false;
        const auto step = body_.next(input_);
        if (!step) {
            refuse(400, "the body's framing is damaged");
            return false;
        }
        if (!step->data.empty() && !take_piece(step->data)) return false;
        input_.erase(0, step->consumed);
    }
    if (paused_) return false;
    end_body();
    return true;
}

bool AdminConnection::take_piece(std::string_view piece)
{
    if (sink_) {
        // It may answer, and so end, in here.
        auto sink = std::move(sink_);
        const BodySink::Flow flow = sink->on_piece(piece);
        if (flow == BodySink::Flow::stop || phase_ != Phase::body) return false;
        sink_ = std::move(sink);
        paused_ = flow == BodySink::Flow::pause;
        if (paused_) stream_.read_stop();
        return true;
    }
    if (request_.body.size() + piece.size() > server_.limits_.body_bytes_max) {
        refuse(413, "the body is larger than this endpoint takes");
        return false;
    }
    request_.body.append(piece);
    return true;
}

void AdminConnection::end_body()
{
    phase_ = Phase::answering;
    const Responder responder = responder_;
    if (sink_) {
        const auto sink = std::move(sink_);
        sink->on_end();
        return;
    }
    server_.handler_.handle(std::exchange(request_, {}), responder);
}

void AdminConnection::answer(Response response)
{
    const bool whole = phase_ == Phase::answering;
    if (!whole) keep_ = false;
    forget();
    paused_ = false;
    phase_ = keep_ ? Phase::idle : Phase::lingering;
    if (!whole) input_.clear();
    touch();
    std::string text = head_of(response);
    if (!head_only_) text += response.body;
    write(std::move(text));
    if (phase_ == Phase::idle && !stream_.writing()) process();
}

void AdminConnection::refuse(std::uint16_t status, std::string detail)
{
    phase_ = Phase::body;
    answer(response_of({status, std::string(reason_of(status)), std::move(detail), ""}));
}

std::string AdminConnection::head_of(const Response& response) const
{
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                       std::string(reason_of(response.status)) +
                       "\r\nContent-Type: " + response.content_type +
                       "\r\nCache-Control: no-store\r\nContent-Length: ";
    append_decimal(head, static_cast<std::int64_t>(response.body.size()));
    for (const auto& [name, value] : response.fields)
        head += "\r\n" + name + ": " + value;
    head.append(keep_ ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    return head;
}

void AdminConnection::write(std::string text)
{
    if (stream_.closing()) return;
    if (stream_.writing()) {
        queued_.append(text);
        return;
    }
    output_ = std::move(text);
    uv_buf_t piece = uv_buf_init(output_.data(), static_cast<unsigned>(output_.size()));
    const std::int64_t sent = stream_.try_write({&piece, 1});
    if (sent < 0) return close();
    const auto taken = static_cast<std::size_t>(sent);
    if (taken == output_.size()) return written();
    piece = uv_buf_init(output_.data() + taken, static_cast<unsigned>(output_.size() - taken));
    stream_.write({&piece, 1});
}

// Everything is on its way. A client that still sends must not lose the answer to a reset, so it
// is heard, and ignored, until it is through.
void AdminConnection::written()
{
    if (phase_ != Phase::lingering) return process();
    deadline_ = server_.loop_.mono() + kLinger;
    stream_.shutdown();
    if (!stream_.reading()) stream_.read_start();
}

void Responder::answer(Response response) const
{
    if (!over()) state_->connection->answer(std::move(response));
}
bool Responder::over() const noexcept
{
    return !state_ || state_->connection == nullptr;
}
void Responder::on_gone(std::function<void()> call) const
{
    if (!over()) state_->gone = std::move(call);
}
void Responder::resume() const
{
    if (!over()) state_->connection->resume();
}

HttpServer::HttpServer(net::Loop& loop, net::ListenSocket socket, Handler& handler,
                       const ServerLimits& limits)
    : loop_(loop), handler_(handler), limits_(limits)
{
    listener_ = std::make_unique<net::Listener>(
        loop, std::move(socket),
        [this](uv_stream_t* server, bool is_unix) { open(server, is_unix); });
    ticker_ = std::make_unique<net::Timer>(loop, [this] { tick(); });
    ticker_->start(kTick, kTick);
}

HttpServer::~HttpServer() = default;

void HttpServer::open(uv_stream_t* server, bool is_unix)
{
    auto owned = std::make_unique<AdminConnection>(*this);
    AdminConnection& connection = *owned;
    connections_.emplace(&connection, std::move(owned));
    if (!connection.accept(server, is_unix) || connections_.size() > limits_.connections_max)
        connection.close();
}

std::vector<AdminConnection*> HttpServer::all() const
{
    std::vector<AdminConnection*> found;
    for (const auto& [connection, owned] : connections_)
        found.push_back(connection);
    return found;
}

void HttpServer::tick()
{
    for (AdminConnection* connection : all())
        connection->check_deadline(loop_.mono());
}

void HttpServer::close()
{
    listener_.reset();
    ticker_.reset();
    for (AdminConnection* connection : all())
        connection->close();
}
} // namespace tidemark::admin
