#pragma once
#include "core/base/result.hpp"
#include "core/http/message.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// HTTP/1 bodies: Content-Length, chunked (RFC 9112 §7.1), until close. Written by us rather than
// taken from llhttp because every limit is counted here: chunk sizes are hex digits only,
// extensions are bounded per line and in ratio to the data, trailers in bytes and fields, line ends
// are CRLF exactly.
namespace tidemark::http
{
struct BodyLimits {
    std::uint32_t extension_bytes_per_line = 256;
    std::uint32_t framing_bytes_free =
        16 * 1024; // framing (sizes, extensions, CRLFs) may always take this much,
    std::uint32_t framing_per_data = 16; // beyond it at most this many bytes a byte of data
    std::uint32_t trailer_bytes = 4 * 1024;
    std::uint32_t trailer_fields = 32;
};

enum class BodyError : std::uint8_t {
    malformed, // chunk size, line end, trailer grammar
    too_large, // a limit of BodyLimits
    truncated, // end of bytes before the end of the body
};

class BodyDecoder
{
  public:
    BodyDecoder() = default;
    explicit BodyDecoder(BodyFraming framing, const BodyLimits& limits = {});
    BodyDecoder(BodyDecoder&&) noexcept = default; // trailers() stay valid
    BodyDecoder& operator=(BodyDecoder&&) noexcept = default;

    struct Step {
        std::string_view data;    // body bytes, borrowed from `bytes`; may be empty
        std::size_t consumed = 0; // of `bytes`, data included
        bool complete =
            false; // the body ended with this step; bytes behind `consumed` are not its own
    };
    // Takes the next piece from the front of `bytes`. A step with no data, not complete and nothing
    // consumed occurs only for empty `bytes`. Call again with the rest until it is used up or
    // complete.
    [[nodiscard]] Result<Step, BodyError> next(std::string_view bytes);
    // The connection ended: fine for until_close (the body is complete), else truncated.
    [[nodiscard]] Result<void, BodyError> end();

    [[nodiscard]] bool complete() const noexcept { return phase_ == Phase::done; }
    // Valid once complete; borrows from the decoder.
    [[nodiscard]] const FieldList& trailers() const noexcept { return trailers_; }

  private:
    enum class Phase : std::uint8_t {
        done,
        length,
        until_close,
        size_first,
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer
    };
    using Outcome = Result<void, BodyError>;
    [[nodiscard]] Step take_data(std::string_view bytes, std::size_t offset) noexcept;
    [[nodiscard]] Result<Step, BodyError> next_chunked(std::string_view bytes);
    [[nodiscard]] Outcome take_framing_byte(char byte) noexcept;
    [[nodiscard]] Outcome take_size_byte(char byte) noexcept;
    [[nodiscard]] Outcome take_extension_byte(char byte) noexcept;
    [[nodiscard]] Outcome end_size_line() noexcept;
    [[nodiscard]] Result<std::size_t, BodyError> take_trailer_bytes(std::string_view bytes);
    [[nodiscard]] Outcome take_trailer_line();
    void collect_trailers();

    struct TrailerLine {
        std::uint32_t at;
        std::uint32_t bytes;
        std::uint32_t name_bytes;
    };

    Phase phase_ = Phase::done;
    BodyLimits limits_;
    std::uint64_t remaining_ = 0; // of the length, or of this chunk
    std::uint64_t framing_bytes_ = 0;
    std::uint64_t data_bytes_ = 0;
    std::uint32_t extension_bytes_ = 0;
    std::uint8_t size_digits_ = 0;
    bool quoted_ = false;
    bool escaped_ = false;
    std::size_t trailer_line_at_ = 0;
    std::vector<char> trailer_text_; // stays where it is when the decoder moves
    std::vector<TrailerLine> trailer_lines_;
    FieldList trailers_;
};

// Appends "HEX\r\n" (RFC 9112 §7.1). A chunk is this, the data, then "\r\n"; the last is "0\r\n"
// trailers "\r\n".
void append_chunk_size(std::string& out, std::uint64_t bytes);
} // namespace tidemark::http
