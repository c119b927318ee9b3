#pragma once
#include "core/base/hash.hpp"
#include "edge/store/memory.hpp"

#include <cstring>
#include <string>
#include <string_view>

// Records for the tests: the body is a function of key and variant, so that a reader knows what it
// must be.
namespace tidemark::store
{
struct Wanted {
    std::string key = "http://h/";
    std::string variant = {};
    std::size_t body_bytes = 100;
    purge::Fence fence = {};
};

inline std::uint8_t byte_for(std::string_view key, std::string_view variant)
{
    unsigned sum = 7;
    for (const char c : key)
        sum = sum * 31 + static_cast<unsigned char>(c);
    for (const char c : variant)
        sum = sum * 31 + static_cast<unsigned char>(c);
    return static_cast<std::uint8_t>(sum);
}

inline StoredRef make_record(const Wanted& wanted)
{
    Slice slice;
    slice.chunk = ChunkRef::make(static_cast<std::uint32_t>(wanted.body_bytes));
    std::memset(slice.chunk->data(), byte_for(wanted.key, wanted.variant), wanted.body_bytes);
    slice.bytes = static_cast<std::uint32_t>(wanted.body_bytes);
    StoredResponse::Parts parts;
    parts.key = wanted.key;
    parts.key_hash = hash_bytes(wanted.key);
    parts.vary = wanted.variant.empty() ? "" : "accept";
    parts.variant = wanted.variant;
    parts.fence = wanted.fence;
    parts.body = {&slice, 1};
    parts.body_bytes = wanted.body_bytes;
    return StoredResponse::make(parts);
}

// Is every byte what key and variant demand?
inline bool is_whole(const StoredResponse& record)
{
    const auto byte = static_cast<char>(byte_for(record.key(), record.variant()));
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < record.body_pieces(); ++i) {
        bytes += record.body_piece(i).size();
        if (record.body_piece(i).find_first_not_of(byte) != std::string_view::npos) return false;
    }
    return bytes == record.body_bytes() && record.head().starts_with("HTTP/1.1 200 ");
}

inline std::string numbered(std::size_t i)
{
    return "http://h/" + std::to_string(i);
}

// A small generator of its own, so that a test is the same on every machine.
class Dice
{
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}
    std::uint64_t below(std::uint64_t bound)
    {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state_ >> 33) % bound;
    }
    double unit() { return static_cast<double>(below(1U << 30)) / static_cast<double>(1U << 30); }

  private:
    std::uint64_t state_;
};
} // namespace tidemark::store
