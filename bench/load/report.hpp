#pragma once
#include "bench/load/histogram.hpp"
#include "bench/load/response_reader.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench
{
// How a request, or for `connect` a connection, came to nothing.
enum class Failure : std::uint8_t {
    connect,   // no connection; it is tried again, the requests wait
    closed,    // the connection ended before a byte of the answer came
    truncated, // it ended inside the answer
    malformed, // the answer was not HTTP/1, or its body not as long as announced
    timeout,   // no whole answer within the limit after sending
    unsent,    // due, but no connection was free for it before the run was over
};
inline constexpr std::size_t kFailures = 6;
[[nodiscard]] std::string_view name_of(Failure failure) noexcept;

// What happened in a stretch of time. Reports of several threads and stretches add up.
class Report
{
  public:
    void add_response(const Response& response, MonoTime intended, MonoTime now) noexcept;
    // A request that was given up counts in the percentiles with the time until then, so that a
    // server that does not answer cannot look fast. One whose connection broke has no latency.
    void add_failure(Failure failure) noexcept;
    void add_given_up(Failure failure, Nanos latency) noexcept;
    // How long after its intended time a request was sent.
    void add_send_delay(Nanos delay) noexcept { send_delay_.record(delay); }
    void add_received(std::uint64_t bytes) noexcept { received_bytes_ += bytes; }
    void merge(const Report& other) noexcept;
    void clear() noexcept;

    [[nodiscard]] std::uint64_t responses() const noexcept { return responses_; }
    [[nodiscard]] std::uint64_t failures(Failure failure) const noexcept
    {
        return failures_[static_cast<std::size_t>(failure)];
    }
    [[nodiscard]] std::uint64_t failures() const noexcept; // failed connects among them
    [[nodiscard]] std::uint64_t requests() const noexcept; // answered and failed
    [[nodiscard]] std::uint64_t with_status(unsigned status) const noexcept
    {
        return statuses_[status];
    }
    // When the last answer came; the clock's beginning if none did.
    [[nodiscard]] MonoTime last_response() const noexcept { return last_response_; }
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }
    [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_bytes_; }
    [[nodiscard]] std::uint64_t with_cache_word(CacheWord word) const noexcept
    {
        return cache_words_[static_cast<std::size_t>(word)];
    }
    [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
    [[nodiscard]] const Histogram& send_delay() const noexcept { return send_delay_; }

  private:
    std::uint64_t responses_ = 0;
    MonoTime last_response_{};
    std::array<std::uint64_t, kFailures> failures_{};
    std::array<std::uint64_t, 600> statuses_{};
    std::array<std::uint64_t, 3> cache_words_{};
    std::uint64_t body_bytes_ = 0;
    std::uint64_t received_bytes_ = 0; // heads and framing too
    Histogram latency_;
    Histogram send_delay_;
};

// The conditions a report was made under.
struct RunFacts {
    double rate = 0; // asked for, per second; 0: closed loop
    std::uint32_t connections = 0;
    std::uint32_t threads = 0;
    std::uint32_t pipeline = 1;
    Nanos measured{0}; // the interval in which requests were due
    Nanos elapsed{0};  // from its beginning to its end or to the last answer, whichever came later:
                       // rates are per this
};
// One object; times in microseconds, the names carry the units.
[[nodiscard]] std::string json_of(const Report& report, const RunFacts& facts);
// For a person, several lines.
[[nodiscard]] std::string summary_of(const Report& report, const RunFacts& facts);
// One line without its end about the last `took`. `waiting` requests are due and not sent.
[[nodiscard]] std::string progress_of(const Report& report, Nanos took, Nanos since_start,
                                      std::uint64_t waiting);
} // namespace tidemark::bench
