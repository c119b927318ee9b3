#pragma once
#include "core/http/message.hpp"
#include "edge/cache/freshness.hpp"
#include "edge/store/body.hpp"
#include "purge/state.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

// One stored response: immutable once stored, but for a few atomics. One allocation holds the struct, the key, the
// variant key, the head as it goes to the wire, the tags, and the body if it is small; a larger body is a list of slices.
namespace tidemark::store
{
inline constexpr std::size_t kInlineBodyBytesMax = 32 * 1024;

class StoredResponse
{
  public:
    // Everything a record is made from; borrowed for the call.
    struct Parts {
        std::uint64_t key_hash = 0; // hash_bytes(key)
        std::string_view key;       // cache::append_cache_key
        std::string_view vary;      // cache::vary_text; empty: no Vary
        std::string_view variant;   // cache::append_variant_key for the request that fetched it
        std::uint16_t status = 200;
        std::string_view reason;
        const http::FieldList* fields = nullptr; // those to keep (cache::stored_field), Content-Length included
        std::span<const std::uint64_t> tags;     // purge::tag_hash
        cache::Freshness freshness;
        WallTime stored_at; // when the response's head was received, or freshened
        purge::Fence fence;
        std::uint64_t generation = 0; // in which it was last found valid
        std::span<const Slice> body;
        std::uint64_t body_bytes = 0;
    };
    struct Release {
        void operator()(StoredResponse* record) const noexcept { record->release(); }
    };
    using Ptr = std::unique_ptr<StoredResponse, Release>; // one reference
    [[nodiscard]] static Ptr make(const Parts& parts);

    [[nodiscard]] std::uint64_t key_hash() const noexcept;
    [[nodiscard]] std::string_view key() const noexcept;
    [[nodiscard]] std::string_view vary() const noexcept;
    [[nodiscard]] std::string_view variant() const noexcept;
    [[nodiscard]] std::uint16_t status() const noexcept;
    [[nodiscard]] std::string_view reason() const noexcept;
    // "HTTP/1.1 200 OK\r\n" and every stored field line with its CRLF; no Age, no final CRLF. Ready to be sent.
    [[nodiscard]] std::string_view head() const noexcept;
    // The field lines of head(), parsed again (they are ours, so this cannot fail). Borrows from the record.
    void fields(http::FieldList& out) const;
    [[nodiscard]] std::string_view first_field(http::FieldId id) const noexcept; // null view: none
    [[nodiscard]] std::span<const std::uint64_t> tags() const noexcept;
    [[nodiscard]] const cache::Freshness& freshness() const noexcept;
    [[nodiscard]] WallTime stored_at() const noexcept;
    [[nodiscard]] const purge::Fence& fence() const noexcept;

    [[nodiscard]] std::uint64_t body_bytes() const noexcept;
    // The body as consecutive views: one for a small body. Empty for no body.
    [[nodiscard]] std::size_t body_pieces() const noexcept;
    [[nodiscard]] std::string_view body_piece(std::size_t i) const noexcept;
    [[nodiscard]] std::span<const Slice> body_slices() const noexcept; // of a large body; empty for an inline one
    // What this record costs of the budget: every allocation behind it, allocator overhead included.
    [[nodiscard]] std::size_t cost_bytes() const noexcept;

    // Hot path, any worker: relaxed.
    [[nodiscard]] std::uint64_t verified_generation() const noexcept;
    void set_verified_generation(std::uint64_t generation) const noexcept;
    void touch() const noexcept; // at most one relaxed store, none when nothing changes

    // References: the index holds one; whoever needs the record beyond its turn takes another.
    void retain() const noexcept;
    void release() const noexcept;

  private:
    friend class MemoryStore;
    // (layout is the implementation's: keep the fixed part within 128 bytes)
    // …
};

// A reference that outlives the turn.
using StoredRef = StoredResponse::Ptr;
[[nodiscard]] StoredRef ref(const StoredResponse& record) noexcept;
} // namespace tidemark::store
