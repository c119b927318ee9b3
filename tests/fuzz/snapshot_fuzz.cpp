#include "core/base/check.hpp"
#include "core/base/crc32c.hpp"
#include "purge/compact.hpp"

#include <cstddef>

// Any bytes with their checksum are a snapshot, which is written as it was read, or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace tidemark;
    using namespace tidemark::purge;
    const ByteView body{reinterpret_cast<const char*>(data), size};
    Bytes bytes;
    ByteWriter to{bytes};
    to.u32(crc32c(body));
    to.bytes(body);
    const auto state = decode_snapshot(bytes);
    if (!state) return 0;
    Bytes again;
    encode_snapshot(*state, again);
    TIDEMARK_CHECK(again == bytes);
    TIDEMARK_CHECK(decode_snapshot(again)->digest() == state->digest());
    return 0;
}
