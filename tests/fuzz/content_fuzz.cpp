#include "edge/store/content.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tidemark;
using namespace tidemark::store;

// Two bytes say how much was announced, one how it is cut; the rest is packed content. Whatever it
// is, no more than was announced comes out, and never as right.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 3) return 0;
    const std::uint64_t announced = data[0] * 256U + data[1];
    const std::size_t piece = data[2] + 1U;
    std::string_view packed(reinterpret_cast<const char*>(data + 3), size - 3);
    ContentDecoder decoder(announced, ContentDecoder::Keep::content);
    for (; !packed.empty(); packed.remove_prefix(std::min(piece, packed.size())))
        if (!decoder.feed(packed.substr(0, piece))) return 0;
    if (decoder.finish(purge::ContentDigest{})) std::abort(); // a digest of zeros is nobody's
    return 0;
}
