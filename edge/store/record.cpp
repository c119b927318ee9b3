#include "edge/store/record.hpp"

#include "core/base/check.hpp"
#include "core/base/hash.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <malloc.h>
#include <new>

namespace tidemark::store
{
namespace
{
constexpr std::int64_t kPackedMax = (std::int64_t{1} << 47) - 1;
constexpr std::string_view kVersionText = "HTTP/1.1 ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::size_t kMallocBytes = sizeof(std::size_t); // glibc's header before every allocation

enum Flag : std::uint8_t {
    kMustRevalidate = 1,
    kNoCache = 2,
    kHeuristic = 4,
    kExplicitLifetime = 8,
    kHasExtras = 16,
    kStaleImplicit = 32,
    kUnkeptFields = 64,
    kPeerLines = 128,
};

std::size_t allocated_bytes(const void* memory) noexcept
{
    return malloc_usable_size(const_cast<void*>(memory)) + kMallocBytes;
}

bool fits_a_line(std::string_view text) noexcept
{
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}
bool fits_a_line(const http::Field& field) noexcept
{
    return fits_a_line(field.name) && fits_a_line(field.value);
}

char* put(char* at, std::string_view text) noexcept
{
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

std::string_view reason_to_keep(std::string_view reason) noexcept
{
    return fits_a_line(reason) ? reason : std::string_view{};
}

// "HTTP/1.1 200 " and the reason: the status has three digits (http::ResponseHead).
std::size_t head_bytes_of(const StoredResponse::Parts& parts) noexcept
{
    std::size_t bytes =
        kVersionText.size() + 4 + reason_to_keep(parts.reason).size() + kLineEnd.size();
    if (parts.fields != nullptr)
        for (const http::Field& field : *parts.fields)
            if (fits_a_line(field))
                bytes += field.name.size() + 2 + field.value.size() + kLineEnd.size();
    return bytes;
}

char* put_head(char* at, const StoredResponse::Parts& parts) noexcept
{
    at = put(at, kVersionText);
    at = std::to_chars(at, at + 3, parts.status).ptr;
    *at++ = ' ';
    at = put(at, reason_to_keep(parts.reason));
    at = put(at, kLineEnd);
    if (parts.fields == nullptr) return at;
    for (const http::Field& field : *parts.fields) {
        if (!fits_a_line(field)) continue;
        at = put(at, field.name);
        at = put(at, ": ");
        at = put(at, field.value);
        at = put(at, kLineEnd);
    }
    return at;
}

// Calls `visit(name, value)` for each field line of a head of ours, until it returns false.
template <class Visit> void each_line(std::string_view head, Visit&& visit)
{
    std::size_t at = head.find(kLineEnd) + kLineEnd.size();
    while (at < head.size()) {
        const std::size_t end = head.find(kLineEnd, at);
        const std::string_view line = head.substr(at, end - at);
        const std::size_t colon = line.find(':');
        if (!visit(line.substr(0, colon), line.substr(colon + 2))) return;
        at = end + kLineEnd.size();
    }
}
} // namespace

Packed48 Packed48::of(std::int64_t value) noexcept
{
    const auto bits = static_cast<std::uint64_t>(std::clamp(value, -kPackedMax - 1, kPackedMax));
    Packed48 packed;
    for (unsigned i = 0; i < 3; ++i)
        packed.parts_[i] = static_cast<std::uint16_t>(bits >> (16 * i));
    return packed;
}

std::int64_t Packed48::get() const noexcept
{
    const std::uint64_t bits =
        std::uint64_t{parts_[0]} | std::uint64_t{parts_[1]} << 16 | std::uint64_t{parts_[2]} << 32;
    return static_cast<std::int64_t>(bits << 16) >> 16; // the sign
}

// The high parts are stored last and read first: who sees a new one sees the new low parts too, so
// nothing that is put together stands above the new fence.
void LiftedFence::set(const purge::Fence& fence) noexcept
{
    constexpr auto kMost = static_cast<std::uint64_t>(kPackedMax);
    const std::uint64_t version = std::min(fence.version, kMost);
    const std::uint64_t local = std::min(fence.local, kMost);
    version_low_.store(static_cast<std::uint32_t>(version), std::memory_order_release);
    local_low_.store(static_cast<std::uint32_t>(local), std::memory_order_release);
    high_.store(static_cast<std::uint32_t>(version >> 32 << 16 | local >> 32),
                std::memory_order_release);
}

purge::Fence LiftedFence::get() const noexcept
{
    const std::uint64_t high = high_.load(std::memory_order_acquire);
    return {high >> 16 << 32 | version_low_.load(std::memory_order_acquire),
            (high & 0xffff) << 32 | local_low_.load(std::memory_order_acquire)};
}

// What most stored responses do not have.
struct StoredResponse::Extras {
    Packed48 stale_while_revalidate;
    Packed48 stale_if_error;
    std::uint32_t vary_bytes = 0;
    std::uint32_t variant_bytes = 0;
    std::uint32_t tags = 0;
    std::uint32_t slices = 0;
    std::uint32_t peer_bytes = 0;
};

struct StoredResponse::Sizes {
    bool extras;
    std::size_t tags;
    std::size_t slices;
    std::size_t head;
    std::size_t inline_body;
    [[nodiscard]] static Sizes of(const Parts& parts) noexcept
    {
        const bool inline_body = parts.body_bytes <= kInlineBodyBytesMax;
        const std::size_t slices = inline_body ? 0 : parts.body.size();
        const bool extras = slices != 0 || !parts.tags.empty() || !parts.vary.empty() ||
                            !parts.variant.empty() ||
                            (parts.peer_lines && !parts.peer_lines->empty()) ||
                            parts.freshness.stale_while_revalidate != Millis{0} ||
                            parts.freshness.stale_if_error != Millis{0};
        return {extras, parts.tags.size(), slices, head_bytes_of(parts),
                inline_body ? static_cast<std::size_t>(parts.body_bytes) : 0};
    }
    [[nodiscard]] std::size_t total(const Parts& parts) const noexcept
    {
        return sizeof(StoredResponse) + (extras ? sizeof(Extras) : 0) +
               tags * sizeof(std::uint64_t) + slices * sizeof(Slice) + parts.key.size() +
               parts.vary.size() + parts.variant.size() +
               parts.peer_lines.value_or(std::string_view{}).size() + head + inline_body;
    }
};

StoredResponse::Ptr StoredResponse::make(const Parts& parts)
{
    static_assert(sizeof(StoredResponse) == 64 && sizeof(Extras) % alignof(Slice) == 0);
    TIDEMARK_CHECK(parts.key_hash == hash_bytes(parts.key));
    TIDEMARK_CHECK(parts.status >= 100 && parts.status <= 999);
    const Sizes sizes = Sizes::of(parts);
    const std::size_t total = sizes.total(parts);
    TIDEMARK_CHECK(
        total <=
        std::numeric_limits<std::uint32_t>::max()); // no head, key or slice list is that long
    auto* record = new (::operator new(total)) StoredResponse;
    record->fill(parts, sizes);
    return Ptr(record);
}

void StoredResponse::fill(const Parts& parts, const Sizes& sizes) noexcept
{
    const cache::Freshness& f = parts.freshness;
    flags_ = static_cast<std::uint8_t>(
        (f.must_revalidate ? kMustRevalidate : 0) | (f.no_cache ? kNoCache : 0) |
        (f.heuristic ? kHeuristic : 0) | (f.explicit_lifetime ? kExplicitLifetime : 0) |
        (f.stale_if_error_implicit ? kStaleImplicit : 0) |
        (f.ruled_by_unkept_fields ? kUnkeptFields : 0) | (sizes.extras ? kHasExtras : 0) |
        (parts.peer_lines ? kPeerLines : 0));
    status_ = parts.status;
    verified_generation_.store(parts.generation, std::memory_order_relaxed);
    fence_.set(parts.fence);
    age_zero_ = Packed48::of(f.age_zero.time_since_epoch().count());
    lifetime_ = Packed48::of(f.lifetime.count());
    stored_at_ = Packed48::of(parts.stored_at.time_since_epoch().count());
    body_bytes_ = Packed48::of(static_cast<std::int64_t>(parts.body_bytes));
    key_bytes_ = static_cast<std::uint32_t>(parts.key.size());
    head_bytes_ = static_cast<std::uint32_t>(sizes.head);

    char* at = reinterpret_cast<char*>(this + 1);
    if (sizes.extras) {
        auto* extras = new (at) Extras;
        extras->stale_while_revalidate = Packed48::of(f.stale_while_revalidate.count());
        extras->stale_if_error = Packed48::of(f.stale_if_error.count());
        extras->vary_bytes = static_cast<std::uint32_t>(parts.vary.size());
        extras->variant_bytes = static_cast<std::uint32_t>(parts.variant.size());
        extras->tags = static_cast<std::uint32_t>(sizes.tags);
        extras->slices = static_cast<std::uint32_t>(sizes.slices);
        extras->peer_bytes =
            static_cast<std::uint32_t>(parts.peer_lines.value_or(std::string_view{}).size());
        at += sizeof(Extras);
    }
    for (const std::uint64_t tag : parts.tags) {
        new (at) std::uint64_t(tag);
        at += sizeof tag;
    }
    for (std::size_t i = 0; i < sizes.slices; ++i) {
        new (at) Slice(parts.body[i]);
        at += sizeof(Slice);
    }
    at = put(at, parts.key);
    at = put(at, parts.vary);
    at = put(at, parts.variant);
    at = put(at, parts.peer_lines.value_or(std::string_view{}));
    at = put_head(at, parts);

    std::uint64_t bytes = 0;
    for (const Slice& slice : parts.body) {
        bytes += slice.bytes;
        TIDEMARK_CHECK(bytes <= parts.body_bytes);
        if (sizes.slices == 0) at = put(at, slice.view());
    }
    TIDEMARK_CHECK(bytes == parts.body_bytes); // nothing cut short is stored as if whole
}

StoredResponse::~StoredResponse()
{
    for (const Slice& slice : body_slices())
        slice.~Slice();
}

void StoredResponse::destroy(StoredResponse* record) noexcept
{
    record->~StoredResponse();
    ::operator delete(record);
}

const StoredResponse::Extras& StoredResponse::extras() const noexcept
{
    static const Extras none;
    return (flags_ & kHasExtras) != 0 ? *reinterpret_cast<const Extras*>(this + 1) : none;
}

const char* StoredResponse::tags_begin() const noexcept
{
    return reinterpret_cast<const char*>(this + 1) +
           ((flags_ & kHasExtras) != 0 ? sizeof(Extras) : 0);
}
const char* StoredResponse::slices_begin() const noexcept
{
    return tags_begin() + extras().tags * sizeof(std::uint64_t);
}
const char* StoredResponse::text_begin() const noexcept
{
    return slices_begin() + extras().slices * sizeof(Slice);
}

std::uint64_t StoredResponse::key_hash() const noexcept
{
    return hash_bytes(key());
}
std::string_view StoredResponse::key() const noexcept
{
    return {text_begin(), key_bytes_};
}
std::string_view StoredResponse::vary() const noexcept
{
    return {text_begin() + key_bytes_, extras().vary_bytes};
}
std::string_view StoredResponse::variant() const noexcept
{
    return {vary().data() + extras().vary_bytes, extras().variant_bytes};
}
std::optional<std::string_view> StoredResponse::peer_lines() const noexcept
{
    if ((flags_ & kPeerLines) == 0) return std::nullopt;
    const std::string_view before = variant();
    return std::string_view{before.data() + before.size(), extras().peer_bytes};
}
std::string_view StoredResponse::head() const noexcept
{
    const std::string_view before = variant();
    return {before.data() + before.size() + extras().peer_bytes, head_bytes_};
}
std::uint16_t StoredResponse::status() const noexcept
{
    return status_;
}
std::string_view StoredResponse::reason() const noexcept
{
    const std::string_view text = head();
    const std::size_t begin = kVersionText.size() + 4;
    return text.substr(begin, text.find(kLineEnd) - begin);
}

void StoredResponse::fields(http::FieldList& out) const
{
    each_line(head(), [&](std::string_view name, std::string_view value) {
        out.add(name, value);
        return true;
    });
}

std::string_view StoredResponse::first_field(http::FieldId id) const noexcept
{
    const std::string_view wanted = http::field_name(id);
    std::string_view found;
    each_line(head(), [&](std::string_view name, std::string_view value) {
        if (!iequals(name, wanted)) return true;
        found = value;
        return false;
    });
    return found;
}

std::span<const std::uint64_t> StoredResponse::tags() const noexcept
{
    return {reinterpret_cast<const std::uint64_t*>(tags_begin()), extras().tags};
}

cache::Freshness StoredResponse::freshness() const noexcept
{
    cache::Freshness f;
    f.age_zero = WallTime(Millis(age_zero_.get()));
    f.lifetime = Millis(lifetime_.get());
    f.stale_while_revalidate = Millis(extras().stale_while_revalidate.get());
    f.stale_if_error = Millis(extras().stale_if_error.get());
    f.must_revalidate = (flags_ & kMustRevalidate) != 0;
    f.no_cache = (flags_ & kNoCache) != 0;
    f.heuristic = (flags_ & kHeuristic) != 0;
    f.stale_if_error_implicit = (flags_ & kStaleImplicit) != 0;
    f.ruled_by_unkept_fields = (flags_ & kUnkeptFields) != 0;
    f.explicit_lifetime = (flags_ & kExplicitLifetime) != 0;
    return f;
}

WallTime StoredResponse::stored_at() const noexcept
{
    return WallTime(Millis(stored_at_.get()));
}

purge::Fence StoredResponse::fence() const noexcept
{
    return fence_.get();
}

void StoredResponse::lift_fence(const purge::Fence& fence) const noexcept
{
    const purge::Fence old = fence_.get();
    const purge::Fence lifted{std::max(old.version, fence.version),
                              std::max(old.local, fence.local)};
    if (!(lifted == old)) fence_.set(lifted);
}

std::uint64_t StoredResponse::body_bytes() const noexcept
{
    return static_cast<std::uint64_t>(body_bytes_.get());
}

std::size_t StoredResponse::body_pieces() const noexcept
{
    if (body_bytes() == 0) return 0;
    const std::size_t slices = extras().slices;
    return slices == 0 ? 1 : slices;
}

std::string_view StoredResponse::body_piece(std::size_t i) const noexcept
{
    const std::span<const Slice> slices = body_slices();
    if (!slices.empty()) return slices[i].view();
    const std::string_view before = head();
    return {before.data() + before.size(), static_cast<std::size_t>(body_bytes())};
}

std::span<const Slice> StoredResponse::body_slices() const noexcept
{
    return {reinterpret_cast<const Slice*>(slices_begin()), extras().slices};
}

std::size_t StoredResponse::cost_bytes() const noexcept
{
    std::size_t cost = allocated_bytes(this);
    const Chunk* last = nullptr;
    for (const Slice& slice : body_slices()) {
        if (slice.chunk.get() != last) cost += allocated_bytes(slice.chunk.get());
        last = slice.chunk.get();
    }
    return cost;
}

std::uint64_t StoredResponse::verified_generation() const noexcept
{
    return verified_generation_.load(std::memory_order_relaxed);
}

void StoredResponse::set_verified_generation(std::uint64_t generation) const noexcept
{
    verified_generation_.store(generation, std::memory_order_relaxed);
}

void StoredResponse::touch() const noexcept
{
    const std::uint8_t seen = uses();
    if (seen < kUsesMax) set_uses(static_cast<std::uint8_t>(seen + 1));
}

void StoredResponse::retain() const noexcept
{
    refs_.fetch_add(1, std::memory_order_relaxed);
}

void StoredResponse::release() const noexcept
{
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        destroy(const_cast<StoredResponse*>(this));
}

StoredRef ref(const StoredResponse& record) noexcept
{
    record.retain();
    return StoredRef(const_cast<StoredResponse*>(&record));
}
} // namespace tidemark::store
