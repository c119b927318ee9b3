#include "core/base/check.hpp"
#include "core/base/crc32c.hpp"
#include "purge/message.hpp"

#include <cstddef>

// Any bytes are a record without fault, which is written as it was read, or none. The input is
// given as it is, and with the checksum and length that it should have.
namespace
{
using namespace tidemark;
using namespace tidemark::purge;

void check_record(ByteView bytes)
{
    ByteView left = bytes;
    const auto message = decode_message(left);
    if (!message) {
        TIDEMARK_CHECK(left.size() == bytes.size());
        return;
    }
    TIDEMARK_CHECK(!fault_of(*message));
    Bytes again;
    encode_message(*message, again);
    TIDEMARK_CHECK(again == bytes.substr(0, bytes.size() - left.size()));
    ByteView same = bytes;
    TIDEMARK_CHECK(next_record(same)->version == message->version);
}

Bytes repaired(ByteView bytes)
{
    Bytes behind_checksum;
    ByteWriter to{behind_checksum};
    to.u32(static_cast<std::uint32_t>(bytes.size()));
    to.bytes(bytes.substr(8));
    Bytes record;
    ByteWriter whole{record};
    whole.u32(crc32c(behind_checksum));
    whole.bytes(behind_checksum);
    return record;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    check_record(bytes);
    if (size >= 8) check_record(repaired(bytes));
    return 0;
}
