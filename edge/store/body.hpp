#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

// The bytes of a response, as they arrive and as they are kept.
namespace tidemark::store
{
// A counted block of bytes. Written once by its one owner, up to published lengths, then immutable.
struct Chunk {
    std::atomic<std::uint32_t> refs{1};
    std::uint32_t capacity_bytes = 0;
    [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* data() const noexcept
    {
        return reinterpret_cast<const char*>(this + 1);
    }
};
void release_chunk(Chunk* chunk) noexcept;

// One reference to a chunk.
class ChunkRef
{
  public:
    ChunkRef() = default;
    [[nodiscard]] static ChunkRef make(std::uint32_t capacity_bytes);
    ChunkRef(const ChunkRef& other) noexcept : chunk_(other.chunk_)
    {
        if (chunk_ != nullptr) chunk_->refs.fetch_add(1, std::memory_order_relaxed);
    }
    ChunkRef(ChunkRef&& other) noexcept : chunk_(std::exchange(other.chunk_, nullptr)) {}
    ChunkRef& operator=(ChunkRef other) noexcept
    {
        std::swap(chunk_, other.chunk_);
        return *this;
    }
    ~ChunkRef()
    {
        if (chunk_ != nullptr) release_chunk(chunk_);
    }
    [[nodiscard]] Chunk* operator->() const noexcept { return chunk_; }
    [[nodiscard]] Chunk* get() const noexcept { return chunk_; }
    [[nodiscard]] explicit operator bool() const noexcept { return chunk_ != nullptr; }

  private:
    Chunk* chunk_ = nullptr;
};

// A piece of a chunk.
struct Slice {
    ChunkRef chunk;
    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
    [[nodiscard]] std::string_view view() const noexcept { return {chunk->data() + offset, bytes}; }
};
} // namespace tidemark::store
