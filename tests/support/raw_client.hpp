#pragma once
#include "tests/support/http_reader.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

namespace tidemark::support
{
// A client that sends whatever bytes it is given and reads answers strictly.
class RawClient
{
  public:
    explicit RawClient(const Endpoint& where);
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    // False if the peer has closed.
    bool send(std::string_view bytes, Deadline deadline = soon());
    // Writes "METHOD target HTTP/1.1", Host, the fields and the empty line.
    void send_request(std::string_view method, std::string_view target, const Fields& fields = {},
                      std::string_view body = {});

    // One answer with its body, interim ones (1xx) too. Throws Malformed, Timeout, ConnectionReset,
    // and std::runtime_error if the connection was closed instead.
    [[nodiscard]] Message read_response(std::string_view request_method = "GET",
                                        Deadline deadline = soon());
    // Its head only; the body follows by body().
    [[nodiscard]] Message read_response_head(std::string_view request_method = "GET",
                                             Deadline deadline = soon());
    [[nodiscard]] HttpReader& body() noexcept { return reader_; }
    // send_request and the final answer to it.
    Message ask(std::string_view method, std::string_view target, const Fields& fields = {},
                std::string_view body = {});
    Message get(std::string_view target, const Fields& fields = {});

    // Everything until the peer closes; a reset ends it too.
    [[nodiscard]] std::string read_until_close(Deadline deadline = soon());
    // The peer closes (or resets) before the deadline, and sends nothing more before that.
    [[nodiscard]] bool closed_by_peer(Deadline deadline = soon());

    void end_writing() noexcept { socket_.end_writing(); }
    void close() noexcept { socket_.close(); }
    void abort() noexcept { socket_.abort(); }
    [[nodiscard]] Socket& socket() noexcept { return socket_; }

  private:
    std::string authority_;
    Socket socket_;
    HttpReader reader_;
};

// One request on a connection of its own.
[[nodiscard]] Message get(const Endpoint& where, std::string_view target,
                          const Fields& fields = {});
[[nodiscard]] Message ask(const Endpoint& where, std::string_view method, std::string_view target,
                          const Fields& fields = {}, std::string_view body = {});
} // namespace tidemark::support
