#include "sim/plants.hpp"

#include "sim/disk.hpp"
#include "sim/edge_node.hpp"

#include <variant>

namespace tidemark::sim
{
bool Mutator::changes_heartbeats() const
{
    return plant_ == Plant::lease_from_receipt || plant_ == Plant::heartbeat_over_a_gap ||
           plant_ == Plant::digest_ignores_a_block;
}

void Mutator::change(const EdgeNode& edge, purge::Heartbeat& heartbeat) const
{
    const follow::Follower& follower = edge.follower();
    if (plant_ == Plant::lease_from_receipt && heartbeat.echo > 0)
        heartbeat.echo = purge::stamp_of(edge.now().boot);
    const bool gap = heartbeat.mark > follower.contiguous();
    // Of the first block, all of it.
    const bool in_block =
        heartbeat.mark == follower.contiguous() && heartbeat.mark <= purge::kBlockVersions;
    if ((plant_ == Plant::heartbeat_over_a_gap && gap) ||
        (plant_ == Plant::digest_ignores_a_block && in_block)) {
        heartbeat.mark = follower.contiguous();
        heartbeat.root = follower.root();
    }
}

void Mutator::change(purge::Hello& hello) const
{
    if (hello.journal != journal_.id() || hello.contiguous > purge::kBlockVersions) return;
    hello.root = journal_.root_at(hello.contiguous);
}

Bytes Mutator::changed(const EdgeNode& edge, ByteView frames) const
{
    Bytes out;
    ByteWriter to{out};
    while (!frames.empty()) {
        auto frame = purge::decode_frame(frames);
        if (!frame) break;
        if (auto* heartbeat = std::get_if<purge::Heartbeat>(&*frame)) change(edge, *heartbeat);
        if (auto* hello = std::get_if<purge::Hello>(&*frame)) change(*hello);
        purge::encode_frame(*frame, to);
    }
    out.append(frames);
    return out;
}

void Mutator::on_datagram_to_edge(const EdgeNode& edge, std::uint64_t secret, Bytes& datagram) const
{
    if (!changes_heartbeats() || !edge.up() || datagram.size() < purge::kDatagramFrontBytes) return;
    ByteReader front{ByteView(datagram).substr(0, purge::kDatagramFrontBytes)};
    static_cast<void>(front.u8());
    const std::uint16_t epoch = front.u16();
    static_cast<void>(front.u32());
    const std::uint64_t number = front.u64();
    const purge::DatagramKey key = exporter_of(secret)(purge::Direction::to_edge, epoch);
    const Bytes associated = datagram.substr(0, purge::kDatagramFrontBytes);
    Bytes frames;
    if (!purge::Aes256Gcm{key, purge::Aes256Gcm::Use::open}.open(
            number, associated, ByteView(datagram).substr(purge::kDatagramFrontBytes), frames))
        return;
    Bytes sealed = associated;
    purge::Aes256Gcm{key, purge::Aes256Gcm::Use::seal}.seal(number, associated,
                                                            changed(edge, frames), sealed);
    if (sealed.size() <= purge::kDatagramBytesMax) datagram = std::move(sealed);
}

void Mutator::on_stream_to_edge(const EdgeNode& edge, Bytes& bytes) const
{
    if (changes_heartbeats() && edge.up()) bytes = changed(edge, bytes);
}

void Mutator::on_stream_to_hub(const EdgeNode& edge, Bytes& bytes) const
{
    if (plant_ == Plant::digest_ignores_a_block) bytes = changed(edge, bytes);
}
} // namespace tidemark::sim
