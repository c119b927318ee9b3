#include "core/base/check.hpp"
#include "origin/broadcast/hub.hpp"

#include <algorithm>

// Arbitrary bytes on a control stream, before its hello and after its welcome, and as datagrams:
// the hub never crashes, nothing that is not authentic enters its journal or its registry, and what
// it holds stays bounded.
using namespace tidemark;

namespace
{
purge::DatagramKey key_of(purge::Direction direction, std::uint16_t epoch)
{
    purge::DatagramKey key{};
    key[0] = static_cast<std::uint8_t>(direction);
    key[1] = static_cast<std::uint8_t>(epoch);
    return key;
}
purge::Now at(std::int64_t millis)
{
    return {MonoTime{Millis{millis}}, BootTime{Millis{millis}}, WallTime{Millis{millis}}};
}
void answer_reads(origin::Hub& hub, std::int64_t now)
{
    for (int turns = 0; turns < 4; ++turns)
        for (const origin::Action& action : hub.take_actions()) {
            if (const auto* send = std::get_if<origin::SendStream>(&action))
                hub.on_sent(send->peer, send->bytes.size(), at(now));
            if (const auto* read = std::get_if<origin::ReadRecords>(&action)) {
                TIDEMARK_CHECK(read->first <= read->last && read->last <= hub.mark());
                hub.on_records(read->request, {}, at(now));
            }
            if (const auto* keep = std::get_if<origin::KeepEdge>(&action))
                hub.on_edge_kept(keep->edge.name, at(now));
        }
}
journal::JournalStart start()
{
    journal::JournalStart begin;
    begin.id = 7;
    begin.base = 100;
    begin.tree = purge::DigestTree{100, {1, 1}};
    begin.snapshot = std::make_shared<const Bytes>(Bytes(100, 's'));
    for (purge::Version v = 101; v <= 1000; ++v)
        begin.tree.append(v, {v, v});
    return begin;
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1) return 0;
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    origin::Hub hub{{}, start(), 1, at(1000)};
    const origin::PeerId peer = hub.on_stream("a", "", key_of, at(1000));
    if ((bytes[0] & 1) != 0) {
        purge::Hello hello;
        hello.lease = Millis{3000};
        hello.name = "a";
        Bytes frame;
        ByteWriter to{frame};
        purge::encode_frame(hello, to);
        hub.on_bytes(peer, frame, at(1001));
        answer_reads(hub, 1001);
    }
    const purge::Digest root = hub.root();
    const std::size_t step = 1 + static_cast<std::uint8_t>(bytes[0]);
    std::int64_t now = 1002;
    for (std::size_t i = 1; i < bytes.size(); i += step, ++now) {
        const ByteView piece = bytes.substr(i, step);
        TIDEMARK_CHECK(!hub.on_datagram(piece, at(now)));
        hub.on_bytes(peer, piece, at(now));
        answer_reads(hub, now);
        hub.on_time(at(now));
    }
    hub.on_time(at(now + 5000));
    answer_reads(hub, now + 5000);
    TIDEMARK_CHECK(hub.mark() == 1000 && hub.root() == root && hub.journal() == 7);
    TIDEMARK_CHECK(hub.edges(at(now)).size() <= 1);
    hub.on_closed(peer, at(now + 5001));
    return 0;
}
