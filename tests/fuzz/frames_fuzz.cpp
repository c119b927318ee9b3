#include "core/base/check.hpp"
#include "purge/frames.hpp"

#include <cstddef>

// A run of frames is read to its end or to the first that is none; each is written as what reads
// the same, and the records in it are walked.
namespace
{
using namespace tidemark;
using namespace tidemark::purge;

void check_written(const Frame& frame)
{
    Bytes out;
    ByteWriter to{out};
    TIDEMARK_CHECK(encode_frame(frame, to));
    ByteView left = out;
    const auto again = decode_frame(left);
    TIDEMARK_CHECK(again && left.empty() && again->index() == frame.index());
    Bytes twice;
    ByteWriter to_twice{twice};
    TIDEMARK_CHECK(encode_frame(*again, to_twice) && twice == out);
}

void check_records(ByteView records)
{
    while (next_record(records))
        continue;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    ByteView left{reinterpret_cast<const char*>(data), size};
    while (!left.empty()) {
        const std::size_t before = left.size();
        const auto frame = decode_frame(left);
        TIDEMARK_CHECK(frame ? left.size() < before : left.size() == before);
        if (!frame) break;
        check_written(*frame);
        if (const auto* records = std::get_if<Records>(&*frame)) check_records(records->records);
    }
    return 0;
}
