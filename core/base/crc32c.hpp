#pragma once
#include "core/base/bytes.hpp"

#include <cstdint>

namespace tidemark
{
// CRC-32C (Castagnoli; RFC 3720 appendix B.4). `before`: the result for the bytes in front of
// these, 0 if there are none. Takes the processor's instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t before = 0) noexcept;
// The same by table, on any processor.
[[nodiscard]] std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t before = 0) noexcept;
} // namespace tidemark
