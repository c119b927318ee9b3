#pragma once
#include "core/base/hash.hpp"
#include "edge/store/record.hpp"

#include <algorithm>
#include <string>
#include <vector>

// Stored responses for tests of what stands on the store.
namespace tidemark::test
{
inline store::Slice slice_of(std::string_view bytes)
{
    store::Slice slice{store::ChunkRef::make(static_cast<std::uint32_t>(bytes.size())), 0,
                       static_cast<std::uint32_t>(bytes.size())};
    std::copy(bytes.begin(), bytes.end(), slice.chunk->data());
    return slice;
}

// `pieces` stay apart in the record only if they exceed store::kInlineBodyBytesMax together.
inline store::StoredRef stored_response(const http::FieldList& fields,
                                        const std::vector<std::string>& pieces)
{
    static constexpr std::string_view kKey = "http://example.org/";
    std::vector<store::Slice> slices;
    store::StoredResponse::Parts parts;
    for (const std::string& piece : pieces) {
        slices.push_back(slice_of(piece));
        parts.body_bytes += piece.size();
    }
    parts.key = kKey;
    parts.key_hash = hash_bytes(kKey);
    parts.reason = "OK";
    parts.fields = &fields;
    parts.body = slices;
    return store::StoredResponse::make(parts);
}

// Bytes that differ from place to place, so that a piece taken from elsewhere shows.
inline std::string pattern_bytes(std::size_t bytes, std::size_t from = 0)
{
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) {
        const std::size_t at = from + i;
        out[i] = static_cast<char>((at * 131 + (at >> 8) * 7 + (at >> 16)) & 0xff);
    }
    return out;
}
} // namespace tidemark::test
