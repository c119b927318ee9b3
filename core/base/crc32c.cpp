#include "core/base/crc32c.hpp"

#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tidemark
{
namespace
{
constexpr std::uint32_t kPolynomial = 0x82F63B78; // 0x1EDC6F41 with its bits reversed

constexpr std::array<std::uint32_t, 256> make_table()
{
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
        table[i] = crc;
    }
    return table;
}
constexpr std::array<std::uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteView bytes,
                                                             std::uint32_t before) noexcept
{
    std::uint64_t crc = ~before;
    std::uint64_t word = 0;
    for (; bytes.size() >= sizeof word; bytes.remove_prefix(sizeof word)) {
        std::memcpy(&word, bytes.data(), sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    auto narrow = static_cast<std::uint32_t>(crc);
    for (const char c : bytes)
        narrow = _mm_crc32_u8(narrow, static_cast<std::uint8_t>(c));
    return ~narrow;
}
#endif
} // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t before) noexcept
{
    std::uint32_t crc = ~before;
    for (const char c : bytes)
        crc = crc >> 8 ^ kTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF];
    return ~crc;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t before) noexcept
{
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return crc32c_sse42(bytes, before);
#endif
    return crc32c_portable(bytes, before);
}
} // namespace tidemark
