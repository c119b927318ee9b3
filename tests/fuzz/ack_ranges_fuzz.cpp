#include "core/base/check.hpp"
#include "purge/ack_ranges.hpp"

#include <cstddef>

// Whatever is read as gaps is in order and within its span, takes no more room than the input
// warrants, and reads the same when written anew, which is no longer.
namespace
{
using namespace tidemark;
using namespace tidemark::purge;

void check_ranges(const Received& received)
{
    Version before = received.contiguous;
    for (const VersionRange& gap : received.missing) {
        TIDEMARK_CHECK(gap.first > before);
        TIDEMARK_CHECK(before == received.contiguous || gap.first > before + 1);
        TIDEMARK_CHECK(gap.last >= gap.first);
        TIDEMARK_CHECK(!received.covers(gap.first) && !received.covers(gap.last));
        before = gap.last;
    }
    TIDEMARK_CHECK(before <= received.contiguous + received.span);
    TIDEMARK_CHECK(!received.covers(received.contiguous + received.span + 1));
}

void check_written(const Received& received, std::size_t bytes_max)
{
    Bytes out;
    ByteWriter to{out};
    const std::uint64_t span = encode_gaps(received, to, bytes_max);
    TIDEMARK_CHECK(out.size() <= bytes_max);
    ByteReader from{out};
    const Received again = decode_gaps(from, received.contiguous);
    TIDEMARK_CHECK(from.ok() && from.left() == 0 && again.span == span);
    check_ranges(again);
    TIDEMARK_CHECK(span < received.span || again == received);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    ByteReader from{bytes};
    const Version contiguous = from.varint();
    const std::size_t before = from.left();
    const Received received = decode_gaps(from, contiguous);
    if (!from.ok()) return 0;
    TIDEMARK_CHECK(received.missing.size() <= 4 * size);
    check_ranges(received);
    check_written(received, before - from.left());
    check_written(received, size % 16 + 1);
    return 0;
}
