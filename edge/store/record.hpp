#pragma once
#include "core/http/message.hpp"
#include "edge/cache/freshness.hpp"
#include "edge/store/body.hpp"
#include "purge/state.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

// One stored response: immutable once stored, but for a few atomics. One allocation holds the
// struct, the key, the variant key, the head as it goes to the wire, the tags, and the body if it
// is small; a larger body is a list of slices.
//
//   struct (64 bytes) | Extras, if any | tags | slices | key | vary | variant | peer lines | head |
//   body
//
// Times and versions are kept in 48 bits, so some accessors return by value what they put together.
namespace tidemark::store
{
inline constexpr std::size_t kInlineBodyBytesMax = 32 * 1024;

// 48 bits of a number: milliseconds for 4 400 years around the epoch, or 2.8e14 versions. Beyond
// that it saturates.
class Packed48
{
  public:
    Packed48() = default;
    [[nodiscard]] static Packed48 of(std::int64_t value) noexcept;
    [[nodiscard]] std::int64_t get() const noexcept;

  private:
    std::uint16_t parts_[3] = {0, 0, 0}; // least significant first
};

// A fence that one thread may lift while others read it: each half is then the old one, the new one
// or one between, and a stored response that is valid with both is valid with any between.
class LiftedFence
{
  public:
    void set(const purge::Fence& fence) noexcept; // one thread
    [[nodiscard]] purge::Fence get() const noexcept;

  private:
    std::atomic<std::uint32_t> version_low_{0};
    std::atomic<std::uint32_t> local_low_{0};
    std::atomic<std::uint32_t> high_{0}; // 16 bits of either
};

class StoredResponse
{
  public:
    // Everything a record is made from; borrowed for the call.
    struct Parts {
        std::uint64_t key_hash = 0; // hash_bytes(key), checked
        std::string_view key;       // cache::append_cache_key
        std::string_view vary;      // cache::vary_text; empty: no Vary
        std::string_view variant;   // cache::append_variant_key for the request that fetched it
        std::uint16_t status = 200;
        std::string_view reason;
        // Those to keep (cache::stored_field), Content-Length included. A line with CR, LF or NUL
        // in it, which no parser of ours lets through, is left out: no stored head can be split.
        const http::FieldList* fields = nullptr;
        std::span<const std::uint64_t> tags; // purge::tag_hash
        // Fields that other nodes of ours get and clients do not, each with CRLF (tags, targeted
        // Cache-Control). Nothing: not kept, whatever there was.
        std::optional<std::string_view> peer_lines;
        cache::Freshness freshness;
        WallTime stored_at; // when the response's head was received, or freshened
        purge::Fence fence;
        std::uint64_t generation = 0; // in which it was last found valid
        std::span<const Slice>
            body; // of any size: copied up to kInlineBodyBytesMax, referenced beyond
        std::uint64_t body_bytes = 0; // the sum of them
    };
    struct Release {
        void operator()(StoredResponse* record) const noexcept { record->release(); }
    };
    using Ptr = std::unique_ptr<StoredResponse, Release>; // one reference
    [[nodiscard]] static Ptr make(const Parts& parts);

    [[nodiscard]] std::uint64_t key_hash() const noexcept; // computed from the key
    [[nodiscard]] std::string_view key() const noexcept;
    [[nodiscard]] std::string_view vary() const noexcept;
    [[nodiscard]] std::string_view variant() const noexcept;
    [[nodiscard]] std::uint16_t status() const noexcept;
    [[nodiscard]] std::string_view reason() const noexcept;
    // "HTTP/1.1 200 OK\r\n" and every stored field line with its CRLF; no Age, no final CRLF. Ready
    // to be sent.
    [[nodiscard]] std::string_view head() const noexcept;
    // The field lines of head(), parsed again (they are ours, so this cannot fail). Borrows from
    // the record.
    void fields(http::FieldList& out) const;
    [[nodiscard]] std::string_view first_field(http::FieldId id) const noexcept; // null view: none
    [[nodiscard]] std::span<const std::uint64_t> tags() const noexcept;
    [[nodiscard]] cache::Freshness freshness() const noexcept;
    [[nodiscard]] WallTime stored_at() const noexcept;
    [[nodiscard]] purge::Fence fence() const noexcept;
    // For the sweeper, alone, when this was found valid with everything up to `fence` applied:
    // raises either half, lowers none.
    void lift_fence(const purge::Fence& fence) const noexcept;
    [[nodiscard]] std::optional<std::string_view> peer_lines() const noexcept;

    [[nodiscard]] std::uint64_t body_bytes() const noexcept;
    // The body as consecutive views: one for a small body. Empty for no body.
    [[nodiscard]] std::size_t body_pieces() const noexcept;
    [[nodiscard]] std::string_view body_piece(std::size_t i) const noexcept;
    [[nodiscard]] std::span<const Slice>
    body_slices() const noexcept; // of a large body; empty for an inline one
    // What this record costs of the budget: every allocation behind it, allocator overhead
    // included. A chunk counts once here however many consecutive slices lie in it, and in full in
    // every record that shares it (freshened copies).
    [[nodiscard]] std::size_t cost_bytes() const noexcept;

    // Hot path, any worker: relaxed.
    [[nodiscard]] std::uint64_t verified_generation() const noexcept;
    void set_verified_generation(std::uint64_t generation) const noexcept;
    void touch() const noexcept; // at most one relaxed store, none when nothing changes

    // References: the index holds one; whoever needs the record beyond its turn takes another.
    void retain() const noexcept;
    void release() const noexcept;

    // For eviction, under the shard's lock: how often it was used since (0 … kUsesMax), and where
    // it stands in its queue.
    static constexpr std::uint8_t kUsesMax = 3;
    [[nodiscard]] std::uint8_t uses() const noexcept
    {
        return uses_.load(std::memory_order_relaxed);
    }
    void set_uses(std::uint8_t uses) const noexcept
    {
        uses_.store(uses, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t place() const noexcept { return place_; }
    void set_place(std::uint32_t place) noexcept { place_ = place; }

  private:
    struct Extras;
    struct Sizes;
    StoredResponse() = default;
    ~StoredResponse();
    void fill(const Parts& parts, const Sizes& sizes) noexcept;
    static void destroy(StoredResponse* record) noexcept;

    [[nodiscard]] const Extras& extras() const noexcept;
    [[nodiscard]] const char* tags_begin() const noexcept;
    [[nodiscard]] const char* slices_begin() const noexcept;
    [[nodiscard]] const char* text_begin() const noexcept;

    mutable std::atomic<std::uint32_t> refs_{1};
    mutable std::atomic<std::uint8_t> uses_{0};
    std::uint8_t flags_ = 0;
    std::uint16_t status_ = 0;
    mutable std::atomic<std::uint64_t> verified_generation_{0};
    mutable LiftedFence fence_;
    Packed48 age_zero_;
    Packed48 lifetime_;
    Packed48 stored_at_;
    Packed48 body_bytes_;
    std::uint32_t key_bytes_ = 0;
    std::uint32_t head_bytes_ = 0;
    std::uint32_t place_ = 0;
};

// A reference that outlives the turn.
using StoredRef = StoredResponse::Ptr;
[[nodiscard]] StoredRef ref(const StoredResponse& record) noexcept;
} // namespace tidemark::store
