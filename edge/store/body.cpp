#include "edge/store/body.hpp"

#include <new>

namespace tidemark::store
{
ChunkRef ChunkRef::make(std::uint32_t capacity_bytes)
{
    void* memory = ::operator new(sizeof(Chunk) + capacity_bytes);
    auto* chunk = new (memory) Chunk;
    chunk->capacity_bytes = capacity_bytes;
    ChunkRef made;
    made.chunk_ = chunk;
    return made;
}

void release_chunk(Chunk* chunk) noexcept
{
    // Release, so that our use of the bytes is over before the last holder frees them; acquire for
    // that last one.
    if (chunk->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    chunk->~Chunk();
    ::operator delete(chunk);
}
} // namespace tidemark::store
