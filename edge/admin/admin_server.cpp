#include "edge/admin/admin_server.hpp"

#include "core/base/text.hpp"
#include "core/http/body.hpp"
#include "core/http/parser.hpp"
#include "core/net/stream.hpp"
#include "edge/serve/outcome.hpp"

#include <string>
#include <vector>

namespace tidemark::admin
{
namespace
{
constexpr Millis kIdle{30'000};
constexpr Millis kTick{1'000};
constexpr std::size_t kInputBytesMax = kBodyBytesMax + 64 * 1024;
} // namespace

// One request after another; each is answered when it is there as a whole.
class AdminConnection final : public net::StreamListener
{
  public:
    explicit AdminConnection(AdminServer& server)
        : server_(server), stream_(server.loop_, *this), parser_(http::HeadLimits{})
    {
    }
    [[nodiscard]] bool accept(uv_stream_t* from, bool is_unix)
    {
        if (!stream_.accept(from, is_unix)) return false;
        deadline_ = server_.loop_.mono() + kIdle;
        stream_.read_start();
        return true;
    }
    void close() noexcept { stream_.close(); }
    void check_deadline(MonoTime now) noexcept
    {
        if (now >= deadline_) close();
    }

    void on_bytes(std::string_view bytes) noexcept override
    {
        if (ending_) return;
        deadline_ = server_.loop_.mono() + kIdle;
        input_.append(bytes);
        if (input_.size() > kInputBytesMax) return refuse(413);
        process();
    }
    void on_end(net::StreamEnd) noexcept override { close(); }
    void on_written(bool ok) noexcept override
    {
        if (!ok) return close();
        if (!queued_.empty()) return write(std::exchange(queued_, {}));
        if (ending_) return close();
        process();
    }
    void on_closed() noexcept override { server_.connections_.erase(this); }

  private:
    void process()
    {
        while (!stream_.writing() && !stream_.closing() && !ending_) {
            if (!in_body_ && !take_head()) return;
            if (!take_body()) return;
            reply();
        }
    }

    bool take_head()
    {
        if (input_.empty()) return false;
        std::size_t consumed = 0;
        const auto progress = parser_.feed(input_, consumed);
        if (!progress) {
            refuse(http::status_of(progress.error()));
            return false;
        }
        if (*progress == http::HeadProgress::need_more) {
            input_.clear();
            return false;
        }
        const http::RequestHead& head = parser_.head();
        method_ = head.method;
        path_ = head.path;
        keep_ = head.keep_alive;
        body_ = http::BodyDecoder(head.framing);
        if (head.expect_continue) write("HTTP/1.1 100 Continue\r\n\r\n");
        in_body_ = true;
        content_.clear();
        parser_.reset();
        input_.erase(0, consumed);
        return true;
    }

    bool take_body()
    {
        while (!body_.complete()) {
            if (input_.empty()) return false;
            const auto step = body_.next(input_);
            if (!step || content_.size() + step->data.size() > kBodyBytesMax) {
                refuse(step ? 413 : 400);
                return false;
            }
            content_.append(step->data);
            input_.erase(0, step->consumed);
        }
        in_body_ = false;
        return true;
    }

    void reply()
    {
        const Response response = answer(server_.view_, method_, path_, content_,
                                         server_.loop_.wall(), server_.loop_.mono());
        if (!keep_) ending_ = true;
        write(head_of(response) + (method_ == http::Method::head ? "" : response.body));
    }

    [[nodiscard]] std::string head_of(const Response& response) const
    {
        std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " +
                           std::string(serve::reason_of(response.status)) +
                           "\r\nContent-Type: " + response.content_type +
                           "\r\nCache-Control: no-store\r\nContent-Length: ";
        append_decimal(head, static_cast<std::int64_t>(response.body.size()));
        head.append(ending_ ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
        return head;
    }

    void refuse(std::uint16_t status)
    {
        ending_ = true;
        const Response response{status, "text/plain", std::string(serve::reason_of(status)) + "\n"};
        write(head_of(response) + response.body);
    }

    void write(std::string text)
    {
        if (stream_.closing()) return;
        if (stream_.writing()) {
            queued_.append(text);
            return;
        }
        output_ = std::move(text);
        const uv_buf_t piece = uv_buf_init(output_.data(), static_cast<unsigned>(output_.size()));
        stream_.write({&piece, 1});
    }

    AdminServer& server_;
    net::Stream stream_;
    http::RequestParser parser_;
    http::BodyDecoder body_;
    http::Method method_ = http::Method::get;
    std::string path_;
    std::string input_;
    std::string content_;
    std::string output_; // the stream's until on_written
    std::string queued_;
    MonoTime deadline_{};
    bool in_body_ = false;
    bool keep_ = true;
    bool ending_ = false;
};

AdminServer::AdminServer(net::Loop& loop, net::ListenSocket socket, const View& view)
    : loop_(loop), view_(view)
{
    listener_ = std::make_unique<net::Listener>(
        loop, std::move(socket),
        [this](uv_stream_t* server, bool is_unix) { open(server, is_unix); });
    ticker_ = std::make_unique<net::Timer>(loop, [this] { tick(); });
    ticker_->start(kTick, kTick);
}

AdminServer::~AdminServer() = default;

void AdminServer::open(uv_stream_t* server, bool is_unix)
{
    auto owned = std::make_unique<AdminConnection>(*this);
    AdminConnection& connection = *owned;
    connections_.emplace(&connection, std::move(owned));
    if (!connection.accept(server, is_unix) || connections_.size() > kConnectionsMax)
        connection.close();
}

void AdminServer::tick()
{
    std::vector<AdminConnection*> all;
    for (const auto& [connection, owned] : connections_)
        all.push_back(connection);
    for (AdminConnection* connection : all)
        connection->check_deadline(loop_.mono());
}

void AdminServer::close()
{
    listener_.reset();
    ticker_.reset();
    std::vector<AdminConnection*> all;
    for (const auto& [connection, owned] : connections_)
        all.push_back(connection);
    for (AdminConnection* connection : all)
        connection->close();
}
} // namespace tidemark::admin
