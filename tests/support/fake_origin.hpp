#pragma once
#include "tests/support/http_reader.hpp"
#include "tests/support/wait.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tidemark::support
{
class FakeOrigin;

// One request at the origin, and the power to answer it in any way. Lives while its handler runs.
class Exchange
{
  public:
    [[nodiscard]] const Message& request() const noexcept { return request_; }
    [[nodiscard]] int nth() const noexcept { return nth_; } // of this target, from 1

    // Any bytes. False if the peer is gone.
    bool send(std::string_view bytes);
    // A whole answer; Content-Length is added unless the fields say how the body ends.
    bool answer(int status, const Fields& fields, std::string_view body = {});
    // A head without an end yet, then pieces: chunk() for "Transfer-Encoding: chunked", send()
    // otherwise.
    bool head(int status, const Fields& fields);
    bool chunk(std::string_view bytes);
    bool last_chunk(const Fields& trailers = {});

    // The connection ends when the handler returns, with a reset if asked for.
    void close() noexcept { closing_ = true; }
    void abort() noexcept { closing_ = aborting_ = true; }
    // The rest of the request's body, piece by piece (on_head handlers); "" when over.
    [[nodiscard]] std::string read_body_some(std::size_t most = 64 * 1024);
    [[nodiscard]] bool body_complete() const noexcept { return reader_.body_complete(); }
    // Raw bytes after an upgrade; "" when the peer has closed.
    [[nodiscard]] std::string read_raw() { return socket_.read_some(); }
    // The peer closes or resets the connection before the deadline.
    [[nodiscard]] bool peer_leaves(Deadline deadline = soon());

  private:
    friend class FakeOrigin;
    Exchange(Socket& socket, HttpReader& reader, Message request, int nth)
        : socket_(socket), reader_(reader), request_(std::move(request)), nth_(nth)
    {
    }

    Socket& socket_;
    HttpReader& reader_;
    Message request_;
    int nth_;
    bool closing_ = false;
    bool aborting_ = false;
};

// An HTTP origin on loopback that does what its handlers say and remembers what it was asked. A
// thread per connection; handlers of several connections run at the same time. Everything it saw
// may be asked from any thread.
class FakeOrigin
{
  public:
    using Handler = std::function<void(Exchange&)>;

    explicit FakeOrigin(Family family = Family::ipv4, const std::string& unix_path = {});
    ~FakeOrigin(); // opens its gates, ends its connections, joins its threads
    FakeOrigin(const FakeOrigin&) = delete;
    FakeOrigin& operator=(const FakeOrigin&) = delete;

    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
    [[nodiscard]] std::string url() const { return endpoint_.upstream_url(); }

    // Called with the whole request. The key is the target as it arrives (with its query); others
    // get 404 without freshness, or go to otherwise(). A handler may be replaced while it runs.
    void on(const std::string& target, Handler handler);
    // Called with the head; the body is read by the handler.
    void on_head(const std::string& target, Handler handler);
    void otherwise(Handler handler);
    // The usual answer, whole and at once.
    void page(const std::string& target, const Fields& fields, const std::string& body,
              int status = 200);
    // A gate that opens at the latest when the origin goes.
    [[nodiscard]] Gate& gate();
    void open_gates();
    // From now on connections are refused and all are closed, until listen_again().
    void go_down();
    void listen_again();

    [[nodiscard]] int count(const std::string& target) const; // requests whose head has come
    [[nodiscard]] int total() const;
    [[nodiscard]] int connections() const; // accepted so far
    // Until `count` heads for the target have come. Throws Timeout.
    void wait_for(const std::string& target, int count, Deadline deadline = soon());
    [[nodiscard]] std::vector<Message> requests(const std::string& target) const;
    // The last request for the target. Throws std::out_of_range if there was none.
    [[nodiscard]] Message last(const std::string& target) const;
    // What arrived here and was no HTTP message, and what handlers threw: always a failure of the
    // edge or of the test.
    [[nodiscard]] std::vector<std::string> complaints() const;

  private:
    struct Route {
        Handler handler;
        bool whole_request = true;
    };
    struct Connection {
        Socket socket;
        std::thread thread;
        std::atomic<bool> done = false;
    };

    void accept_loop();
    void serve(Connection& connection);
    bool serve_one(Socket& socket, HttpReader& reader);
    [[nodiscard]] Route route_of(const std::string& target) const;
    std::size_t note_request(const Message& head, int& nth);
    void note_body(std::size_t index, const Message& request);
    void complain(const std::string& what);
    void start();
    void stop();

    Endpoint endpoint_;
    FileDescriptor listener_;
    std::thread acceptor_;
    std::atomic<bool> stopping_ = false;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, Route> routes_;
    Route fallback_;
    std::deque<Gate> gates_;
    std::vector<Message> seen_;
    std::vector<std::string> complaints_;
    std::list<Connection> connections_;
    int accepted_ = 0;
};

[[nodiscard]] std::string chunked(std::string_view body); // as one chunk and the last
} // namespace tidemark::support
