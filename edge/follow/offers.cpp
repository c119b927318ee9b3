#include "edge/follow/link_state.hpp"

// Content that is staged before its message makes it a response.
namespace tidemark::follow
{
namespace
{
constexpr std::size_t kIncomingMax = 4096;
} // namespace

void Follower::Impl::on_offer(const purge::PushOffer& offer)
{
    if (incoming.size() >= kIncomingMax && incoming.count(offer.digest) == 0) return;
    incoming.insert_or_assign(offer.digest, Incoming{offer, std::nullopt});
    actions.emplace_back(StageWanted{offer});
}

void Follower::Impl::on_staged(const purge::ContentDigest& digest, std::uint64_t packed_bytes)
{
    const auto found = incoming.find(digest);
    if (phase != Phase::linked || found == incoming.end()) return;
    found->second.next = packed_bytes;
    stream(purge::PushHave{digest, packed_bytes});
    if (packed_bytes >= found->second.offer.packed_bytes) incoming.erase(found);
}

void Follower::Impl::on_push_piece(const purge::PushPiece& piece)
{
    const auto found = incoming.find(piece.digest);
    if (found == incoming.end()) return; // whole already
    Incoming& content = found->second;
    const purge::PushOffer& offer = content.offer;
    if (!content.next || piece.offset != *content.next ||
        piece.bytes.size() > offer.packed_bytes - piece.offset)
        return bad_frame("a piece that was not asked for");
    *content.next += piece.bytes.size();
    actions.emplace_back(StagePiece{piece.digest, piece.offset, offer.packed_bytes,
                                    offer.content_bytes, offer.uri, Bytes{piece.bytes}});
}
} // namespace tidemark::follow
