#pragma once
#include "core/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::bench
{
// What the nearest cache said of an answer: the last member of Cache-Status (RFC 9211), or X-Cache
// if there is none.
enum class CacheWord : std::uint8_t { none, hit, miss };
[[nodiscard]] CacheWord word_of_cache_status(std::string_view value) noexcept;

struct Response {
    std::uint16_t status = 0;
    std::uint64_t body_bytes = 0; // without chunk framing
    bool keep_alive = true;
    CacheWord cache = CacheWord::none;
};

enum class ReadProgress : std::uint8_t { need_more, complete };
enum class ReadError : std::uint8_t {
    malformed, // not an HTTP/1 response, or framing in doubt: differing lengths, a bad chunk, an
               // unknown coding
    too_large, // head or trailers beyond kHeadBytesMax
    truncated, // the connection ended inside the response
};

// Reads the responses to GET requests from one connection. It looks at what a load tester needs and
// no more, but a body's length is always held against what its head announced (RFC 9112 §6.3).
// Interim responses (1xx) are passed over.
//   fresh ──feed──→ need_more ──feed──→ complete (the next feed begins the next response); after an
//   error only reset()
class ResponseReader
{
  public:
    static constexpr std::size_t kHeadBytesMax = 64 * 1024;

    // Stops behind the end of a response, or takes all of `bytes`.
    [[nodiscard]] Result<ReadProgress, ReadError> feed(std::string_view bytes,
                                                       std::size_t& consumed);
    // The peer has closed: the end of a body without a length, else truncated.
    [[nodiscard]] Result<ReadProgress, ReadError> finish() noexcept;
    // Bytes of a body of known length still to come. They may be counted by skip() instead of being
    // fed, all but the last one: a response completes in feed().
    [[nodiscard]] std::uint64_t skippable_bytes() const noexcept;
    void skip(std::uint64_t bytes) noexcept;

    // A byte of the current response has been seen.
    [[nodiscard]] bool started() const noexcept { return phase_ != Phase::head || !held_.empty(); }
    // The response that was completed last; valid until the next feed().
    [[nodiscard]] const Response& response() const noexcept { return response_; }
    void reset() noexcept;

  private:
    enum class Phase : std::uint8_t {
        head,
        sized_body,
        body_until_close,
        chunk_size,
        chunk_extension,
        chunk_size_lf,
        chunk_data,
        chunk_data_cr,
        chunk_data_lf,
        trailer_start,
        trailer,
        trailer_lf,
        last_lf,
    };
    using Step = Result<ReadProgress, ReadError>;

    Step feed_head(std::string_view bytes, std::size_t& consumed);
    Step begin_body(std::string_view head);
    std::size_t feed_data(std::string_view bytes) noexcept;
    Step feed_chunk_framing(char c) noexcept;
    Step add_size_digit(char c) noexcept;
    Step complete() noexcept;

    Phase phase_ = Phase::head;
    bool size_seen_ = false;        // a digit of the chunk size was read
    std::uint64_t left_ = 0;        // of the body or the chunk
    std::size_t framing_bytes_ = 0; // chunk extensions and trailers: bounded like a head
    std::string held_;              // a head in parts
    Response response_;
};
} // namespace tidemark::bench
