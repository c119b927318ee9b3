#include "edge/store/content.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <openssl/evp.h>
#include <optional>
#include <zstd.h>

namespace tidemark::store
{
namespace
{
constexpr int kWindowLogMax = 23; // 8 MiB: more than any level asks that we pack with
constexpr std::uint32_t kChunkBytes = 64 * 1024;

struct FreeContext {
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// Bytes in chunks of their own.
class ChunkWriter
{
  public:
    // At most `left_bytes` follow, these included.
    void append(std::string_view bytes, std::uint64_t left_bytes)
    {
        while (!bytes.empty()) {
            if (slices_.empty() || slices_.back().bytes == slices_.back().chunk->capacity_bytes)
                add_chunk(left_bytes);
            Slice& last = slices_.back();
            const std::size_t room = last.chunk->capacity_bytes - last.bytes;
            const std::size_t taken = std::min(room, bytes.size());
            std::copy_n(bytes.begin(), taken, last.chunk->data() + last.bytes);
            last.bytes += static_cast<std::uint32_t>(taken);
            left_bytes -= taken;
            bytes.remove_prefix(taken);
        }
    }
    [[nodiscard]] std::vector<Slice> take() noexcept { return std::move(slices_); }

  private:
    void add_chunk(std::uint64_t left_bytes)
    {
        const auto bytes = std::min<std::uint64_t>(left_bytes, kChunkBytes);
        slices_.push_back({ChunkRef::make(static_cast<std::uint32_t>(bytes)), 0, 0});
    }

    std::vector<Slice> slices_;
};
} // namespace

std::string_view text_of(ContentFault fault) noexcept
{
    switch (fault) {
    case ContentFault::corrupt:
        return "it cannot be unpacked";
    case ContentFault::length:
        return "its length is not what was announced";
    case ContentFault::digest:
        return "its digest is not what was announced";
    case ContentFault::head:
        break;
    }
    return "it does not begin with the head of a response";
}

struct ContentDecoder::State {
    std::uint64_t content_bytes;
    Keep keep;
    std::unique_ptr<ZSTD_DCtx, FreeContext> zstd{ZSTD_createDCtx()};
    std::unique_ptr<EVP_MD_CTX, FreeContext> sha{EVP_MD_CTX_new()};
    std::string scratch = std::string(kChunkBytes, '\0');
    std::string head{};
    bool head_ended = false;
    bool frame_ended = true; // between two frames, or before the first
    ChunkWriter body{};
    std::uint64_t unpacked = 0;

    [[nodiscard]] std::optional<ContentFault> take(std::string_view bytes);
    [[nodiscard]] std::optional<ContentFault> take_head(std::string_view& bytes);
};

ContentDecoder::ContentDecoder(std::uint64_t content_bytes, Keep keep)
    : state_(new State{content_bytes, keep})
{
    TIDEMARK_CHECK(state_->zstd != nullptr && state_->sha != nullptr);
    ZSTD_DCtx_setParameter(state_->zstd.get(), ZSTD_d_windowLogMax, kWindowLogMax);
    TIDEMARK_CHECK(EVP_DigestInit_ex(state_->sha.get(), EVP_sha256(), nullptr) == 1);
}

ContentDecoder::~ContentDecoder() = default;
ContentDecoder::ContentDecoder(ContentDecoder&&) noexcept = default;
ContentDecoder& ContentDecoder::operator=(ContentDecoder&&) noexcept = default;

Result<void, ContentFault> ContentDecoder::feed(std::string_view packed)
{
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    std::string& scratch = state_->scratch;
    for (;;) {
        ZSTD_outBuffer out{scratch.data(), scratch.size(), 0};
        const std::size_t left = ZSTD_decompressStream(state_->zstd.get(), &out, &in);
        if (ZSTD_isError(left) != 0) return fail(ContentFault::corrupt);
        state_->frame_ended = left == 0;
        if (const auto fault = state_->take({scratch.data(), out.pos})) return fail(*fault);
        // A full buffer may mean that more waits inside.
        if (in.pos == in.size && out.pos < out.size) return {};
    }
}

std::optional<ContentFault> ContentDecoder::State::take(std::string_view bytes)
{
    if (bytes.size() > content_bytes - unpacked) return ContentFault::length;
    unpacked += bytes.size();
    TIDEMARK_CHECK(EVP_DigestUpdate(sha.get(), bytes.data(), bytes.size()) == 1);
    if (!head_ended)
        if (const auto fault = take_head(bytes)) return fault;
    if (keep == Keep::content) body.append(bytes, content_bytes - unpacked + bytes.size());
    return std::nullopt;
}

// What is left of `bytes` is body.
std::optional<ContentFault> ContentDecoder::State::take_head(std::string_view& bytes)
{
    const std::size_t from = head.size() - std::min<std::size_t>(head.size(), 3);
    const std::size_t before = head.size();
    head.append(bytes.substr(0, kContentHeadBytesMax - before));
    const std::size_t blank = head.find("\r\n\r\n", from);
    if (blank == std::string::npos) {
        bytes = {};
        if (head.size() == kContentHeadBytesMax) return ContentFault::head;
        return std::nullopt;
    }
    head_ended = true;
    head.resize(blank + 4);
    bytes.remove_prefix(head.size() - before);
    return std::nullopt;
}

Result<Content, ContentFault> ContentDecoder::finish(const purge::ContentDigest& digest)
{
    if (!state_->frame_ended) return fail(ContentFault::corrupt);
    if (state_->unpacked != state_->content_bytes) return fail(ContentFault::length);
    purge::ContentDigest found{};
    TIDEMARK_CHECK(EVP_DigestFinal_ex(state_->sha.get(), found.data(), nullptr) == 1);
    if (found != digest) return fail(ContentFault::digest);
    if (!state_->head_ended) return fail(ContentFault::head);
    Content content;
    content.body_bytes = state_->unpacked - state_->head.size();
    content.head = std::move(state_->head);
    content.body = state_->body.take();
    return content;
}
} // namespace tidemark::store
