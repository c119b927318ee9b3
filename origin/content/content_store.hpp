#pragma once
#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/net/background.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

// Content for pushes, in a directory: DIR/<digest in hex>.zst once it is whole. On the control
// thread; what takes long (packing, fsync) runs elsewhere.
//
// The head of a response comes last, when the client has said all: a body is first written down as
// it comes (DIR/upload-<n>, in pieces of at most 64 KiB, on the control thread: the page cache
// takes them), then read, digested and packed with its head in front, away from the control thread.
namespace tidemark::origin
{
enum class ContentError : std::uint8_t { too_large, no_space, io };
[[nodiscard]] std::string_view text_of(ContentError error) noexcept;

struct StagedContent {
    purge::ContentDigest digest{};
    std::uint64_t content_bytes = 0; // head and body
    std::uint64_t packed_bytes = 0;
};

class ContentStore
{
  public:
    struct Options {
        std::string directory;
        std::uint64_t content_bytes_max = 1ULL << 30; // of one
    };
    // What a former process left there is removed: whoever pushed it got no answer, or has the
    // version. Errors: a text for the operator.
    [[nodiscard]] static Result<std::unique_ptr<ContentStore>, std::string> open(net::Loop& loop,
                                                                                 Options options);
    ~ContentStore();
    ContentStore(const ContentStore&) = delete;
    ContentStore& operator=(const ContentStore&) = delete;

    //   writing ──commit──→ packing (the upload is empty) ; destroyed before commit: nothing is
    //   kept
    class Upload
    {
      public:
        ~Upload();
        Upload(const Upload&) = delete;
        Upload& operator=(const Upload&) = delete;
        // After an error nothing but destruction is of use.
        [[nodiscard]] Result<void, ContentError> write(ByteView piece);
        [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }
        // `head`: as in content, "HTTP/1.1 200 OK" CRLF … CRLF CRLF. `done` comes later, when it is
        // durable; not after the store is gone. What is there already under the digest stays. Each
        // success holds it once: release() it.
        using Done = std::function<void(Result<StagedContent, ContentError>)>;
        void commit(std::string head, Done done);

      private:
        friend class ContentStore;
        Upload(ContentStore& store, std::string path, int descriptor);
        ContentStore& store_;
        std::string path_;
        int descriptor_;
        std::uint64_t body_bytes_ = 0;
    };
    // The store outlives it. Errors: no_space, io.
    [[nodiscard]] Result<std::unique_ptr<Upload>, ContentError> begin();

    // Packed bytes from `offset` on, at most `bytes_max`; empty: gone, or past its end.
    [[nodiscard]] Bytes read(const purge::ContentDigest& digest, std::uint64_t offset,
                             std::size_t bytes_max);
    // Removed once nobody holds it.
    void release(const purge::ContentDigest& digest);
    [[nodiscard]] std::uint64_t packed_bytes() const noexcept; // of all

  private:
    struct Impl;
    explicit ContentStore(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::origin
