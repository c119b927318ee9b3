#pragma once
#include "admin/problem.hpp"
#include "core/base/bytes.hpp"
#include "core/http/message.hpp"
#include "core/net/address.hpp"
#include "core/net/listener.hpp"
#include "core/net/loop.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

// A small HTTP/1.1 server for control endpoints, on one loop. Answers may come in a later turn.
namespace tidemark::admin
{
struct Request {
    http::Method method = http::Method::get;
    std::string path;  // without the query
    std::string query; // without '?', as received
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    net::Address peer;
    // "" if there is none; the first, by any letter case.
    [[nodiscard]] std::string_view field(std::string_view name) const;
};

class AdminConnection;

// Answers one request, once, in any turn. Copies stand for the same request.
class Responder
{
  public:
    void answer(Response response) const; // nothing happens if the client is gone
    // True from when the client closed the connection or the request was answered.
    [[nodiscard]] bool over() const noexcept;
    // Called once if the client goes before it was answered.
    void on_gone(std::function<void()> call) const;
    // A body sink that paused takes more.
    void resume() const;

  private:
    friend class AdminConnection;
    struct State {
        AdminConnection* connection = nullptr; // null: over
        std::function<void()> gone;
    };
    std::shared_ptr<State> state_;
};

// Takes a body in pieces.
class BodySink
{
  public:
    virtual ~BodySink() = default; // without on_end(): the body broke off, or was refused
    enum class Flow : std::uint8_t {
        more,
        pause, // this piece is taken, nothing more is read until Responder::resume()
        stop,  // it has answered
    };
    virtual Flow on_piece(ByteView piece) = 0;
    virtual void on_end() = 0;
};

class Handler
{
  public:
    // The head is there, the body not (request.body is empty). A sink takes the body then; without
    // one it is collected, up to the limit, for handle(). If this has answered already, the body
    // is not read.
    virtual std::unique_ptr<BodySink> on_head(const Request& request, const Responder& responder)
    {
        static_cast<void>(request);
        static_cast<void>(responder);
        return nullptr;
    }
    virtual void handle(Request request, Responder responder) = 0;

  protected:
    ~Handler() = default;
};

struct ServerLimits {
    std::size_t body_bytes_max = 4 << 20; // collected bodies; more is 413
    std::size_t connections_max = 256;
    Millis idle{30'000}; // without a byte of the client, unless an answer is being waited for
};

class HttpServer
{
  public:
    HttpServer(net::Loop& loop, net::ListenSocket socket, Handler& handler,
               const ServerLimits& limits = {});
    ~HttpServer(); // on the loop's thread, after close() and a turn, or with the loop
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    void close(); // stops listening, closes every connection

  private:
    friend class AdminConnection;
    void open(uv_stream_t* server, bool is_unix);
    void tick();
    [[nodiscard]] std::vector<AdminConnection*> all() const;

    net::Loop& loop_;
    Handler& handler_;
    ServerLimits limits_;
    std::unique_ptr<net::Listener> listener_;
    std::unique_ptr<net::Timer> ticker_;
    std::unordered_map<AdminConnection*, std::unique_ptr<AdminConnection>> connections_;
};
} // namespace tidemark::admin
