#include "core/base/check.hpp"
#include "purge/datagram.hpp"

#include <cstddef>

// No bytes open but what was sealed. The input is given as a datagram, as changes to a true one
// (pairs: where, xor what), and as frames to seal.
namespace
{
using namespace tidemark;
using namespace tidemark::purge;

struct Link {
    Sealer sealer{DatagramKey{7}, {9, 1}};
    Opener opener{DatagramKey{7}, {9, 1}};
    Bytes frames;

    Bytes seal(ByteView text)
    {
        Bytes out;
        TIDEMARK_CHECK(sealer.seal(text, out));
        return out;
    }
    bool open(ByteView datagram) { return opener.open(datagram, frames).has_value(); }
};

void check_changed(Link& link, ByteView changes)
{
    const Bytes datagram = link.seal("frames");
    Bytes changed = datagram;
    for (std::size_t i = 0; i + 1 < changes.size(); i += 2) {
        char& at = changed[static_cast<std::uint8_t>(changes[i]) % changed.size()];
        at = static_cast<char>(at ^ changes[i + 1]);
    }
    const bool same = changed == datagram;
    TIDEMARK_CHECK(link.open(changed) == same);
    TIDEMARK_CHECK(link.open(datagram) == !same);
    TIDEMARK_CHECK(link.opener.highest() == 1);
}

void check_sealed(Link& link, ByteView frames)
{
    if (frames.empty() || frames.size() > kPayloadBytesMax) return;
    const Bytes datagram = link.seal(frames);
    TIDEMARK_CHECK(datagram.size() <= kDatagramBytesMax);
    TIDEMARK_CHECK(link.open(datagram) && link.frames == frames);
    TIDEMARK_CHECK(!link.open(datagram) && link.frames.empty());
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    // Under a key that seals nothing here: the fuzzer reads what the others seal out of
    // comparisons.
    Opener stranger{DatagramKey{8}, {9, 1}};
    Bytes frames;
    TIDEMARK_CHECK(!stranger.open(bytes, frames) && frames.empty() && stranger.highest() == 0);
    Link link;
    check_changed(link, bytes);
    check_sealed(link, bytes);
    return 0;
}
