#pragma once
#include "purge/message.hpp"

#include <openssl/sha.h>
#include <string>
#include <string_view>
#include <zstd.h>

// Content for pushes, as it travels.
namespace tidemark::test
{
inline purge::ContentDigest sha256(std::string_view bytes)
{
    purge::ContentDigest digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    return digest;
}

inline std::string packed(std::string_view bytes)
{
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
    return out;
}

inline std::string unpacked(std::string_view bytes, std::size_t bytes_max)
{
    std::string out(bytes_max, '\0');
    const std::size_t got = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
    return ZSTD_isError(got) != 0 ? "not zstd" : out.substr(0, got);
}

// Bytes that zstd makes little of.
inline std::string noise(std::size_t bytes, std::uint64_t seed = 1)
{
    std::string out(bytes, '\0');
    for (char& c : out) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        c = static_cast<char>(seed >> 56);
    }
    return out;
}
} // namespace tidemark::test
