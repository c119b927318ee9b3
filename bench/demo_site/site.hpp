#pragma once
#include "core/base/time.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::demo
{
using Fields = std::vector<std::pair<std::string, std::string>>;
// The value of the first field of that name, in any case; "" if there is none.
[[nodiscard]] std::string_view value_of(const Fields& fields, std::string_view name) noexcept;

struct Request {
    std::string method;
    std::string path;
    std::string query; // without the question mark
    Fields fields;
    // Of the body, which was read before.
    std::uint64_t body_bytes = 0;
    std::string body_sha256;
};

struct Response {
    std::uint16_t status = 200;
    Fields fields; // without Date, Content-Length and Connection
    std::string body;
    std::uint64_t body_bytes = 0; // if more than body's: body over and over, up to that length
    Millis delay{0};              // to wait before answering
};

// The pages of the demo site and how long each may be kept. Two counters are all it remembers;
// several threads may ask at once.
class Site
{
  public:
    [[nodiscard]] Response answer(const Request& request, WallTime now);

  private:
    std::atomic<std::uint64_t> private_visits_{0};
    std::atomic<std::uint64_t> counter_visits_{0};
};
} // namespace tidemark::demo
