#pragma once
#include "bench/sockets.hpp"
#include "core/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

// A kept-alive connection to an admin endpoint on loopback; blocking, with a deadline.
namespace tidemark::bench
{
struct ApiAnswer {
    int status = 0;
    std::string body;
};

class ApiConnection
{
  public:
    static constexpr std::chrono::seconds kPatience{20};

    explicit ApiConnection(std::uint16_t port) : port_(port) {}

    // Connects if need be, and anew if the kept connection has ended. `fields`: "Name: value\r\n"
    // lines. Errors: a sentence.
    [[nodiscard]] Result<ApiAnswer, std::string>
    call(std::string_view method, std::string_view target, std::string_view body = {},
         std::string_view fields = {}, std::chrono::milliseconds patience = kPatience);

  private:
    using Deadline = std::chrono::steady_clock::time_point;
    [[nodiscard]] bool connect(Deadline deadline);
    [[nodiscard]] bool send(std::string_view bytes, Deadline deadline);
    [[nodiscard]] bool receive_some(Deadline deadline);
    [[nodiscard]] Result<ApiAnswer, std::string> receive(Deadline deadline);

    const std::uint16_t port_;
    UniqueFd fd_;
    std::string received_;
};
} // namespace tidemark::bench
