#pragma once
#include "core/base/result.hpp"
#include "edge/store/body.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Pushed content as it is taken out of its packing. Content is the head of a response ("HTTP/1.1
// 200 OK" CRLF, field lines, CRLF) and its body behind it; it is packed with zstd, its digest is
// the SHA-256 of it unpacked. Pure.
namespace tidemark::store
{
inline constexpr std::size_t kContentHeadBytesMax =
    64 * 1024; // status line and blank line included

struct Content {
    std::string head;        // up to and with the blank line
    std::vector<Slice> body; // in chunks, as the store keeps it
    std::uint64_t body_bytes = 0;
};

enum class ContentFault : std::uint8_t {
    corrupt, // not zstd, or its checksum is wrong
    length,  // unpacked it is longer or shorter than announced
    digest,  // something else than announced
    head,    // no blank line within kContentHeadBytesMax
};
[[nodiscard]] std::string_view text_of(ContentFault fault) noexcept;

// Unpacks in pieces of any size. Never holds or gives more than was announced, and keeps it only if
// told to.
class ContentDecoder
{
  public:
    enum class Keep : std::uint8_t { nothing, content };
    ContentDecoder(std::uint64_t content_bytes, Keep keep);
    ~ContentDecoder();
    ContentDecoder(ContentDecoder&&) noexcept;
    ContentDecoder& operator=(ContentDecoder&&) noexcept;

    [[nodiscard]] Result<void, ContentFault> feed(std::string_view packed);
    // All was fed, and no feed() failed. Once.
    [[nodiscard]] Result<Content, ContentFault> finish(const purge::ContentDigest& digest);

  private:
    struct State;
    std::unique_ptr<State> state_;
};
} // namespace tidemark::store
