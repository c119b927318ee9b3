#include "core/base/hash.hpp"

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tidemark
{
namespace
{
std::uint64_t draw_seed()
{
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
}
const std::uint64_t kSeed = draw_seed();
} // namespace

std::uint64_t hash_bytes(std::string_view bytes) noexcept
{
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), kSeed);
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t salt) noexcept
{
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), kSeed ^ (salt * 0x9E3779B97F4A7C15ULL));
}
} // namespace tidemark
