#include "purge/reconcile.hpp"

#include "core/base/check.hpp"

#include <algorithm>

namespace tidemark::purge
{
// ---- the origin's side

namespace
{
NodeChildren children_of(const DigestTree& tree, unsigned level, std::uint64_t index,
                         const BlockSpan& span)
{
    NodeChildren found{index, {}};
    for (std::uint64_t i = 0; i < kFanOut; ++i)
        found.children.push_back(tree.node(level - 1, (index << kFanOutBits) + i, span));
    return found;
}

bool sensible(const DigestQuery& query)
{
    if (query.level < 1 || query.level > kLevelsMax || query.nodes.size() > kQueryNodesMax)
        return false;
    // Above it, positions would not fit into 64 bits.
    const std::uint64_t nodes_max = kVersionMax >> (kFanOutBits * query.level);
    return std::all_of(query.nodes.begin(), query.nodes.end(),
                       [&](std::uint64_t node) { return node <= nodes_max; });
}

BlockSpan cut(const BlockSpan& span, const DigestTree& tree)
{
    const std::uint64_t end = std::min(span.end, full_blocks(tree.last()));
    return {std::min(std::max(span.first, tree.first_block()), end), end};
}
} // namespace

DigestReply answer(const DigestTree& tree, const DigestQuery& query)
{
    const BlockSpan span = cut(query.span, tree);
    DigestReply reply{query.walk, span, {}, query.level, {}};
    // Nothing that both sides could compare: an empty span says so.
    if (span.first < tree.first_block() || !sensible(query)) return reply;
    reply.below = tree.prefix(span.first);
    for (const std::uint64_t node : query.nodes)
        reply.nodes.push_back(children_of(tree, query.level, node, span));
    return reply;
}

// ---- the edge's side

Reconcile::Reconcile(const DigestTree& tree, std::uint32_t walk, const Digest& theirs)
    : tree_(tree), walk_(walk), version_(tree.last()),
      unexplained_(theirs - tree.root()), span_{std::min(tree.first_block(),
                                                         full_blocks(tree.last())),
                                                full_blocks(tree.last())}
{
}

Reconcile::Step Reconcile::start()
{
    // All but the last versions are known by their sum only.
    if (span_.first < tree_.first_block()) return ReconcileFailure::forgotten;
    return begin();
}

Reconcile::Step Reconcile::begin()
{
    differ_.push_back({height_of(span_.end), 0});
    return next();
}

Reconcile::Step Reconcile::next()
{
    if (blocks_.size() + differ_.size() > kDifferingBlocksMax) return ReconcileFailure::too_many;
    if (differ_.empty()) return finish();
    DigestQuery query{walk_, span_, static_cast<std::uint8_t>(differ_.front().level), {}};
    while (!differ_.empty() && differ_.front().level == query.level &&
           query.nodes.size() < kQueryNodesMax) {
        query.nodes.push_back(differ_.front().index);
        differ_.pop_front();
    }
    open_ = query;
    return query;
}

bool Reconcile::answers(const DigestReply& reply) const
{
    return reply.level == open_->level &&
           std::equal(reply.nodes.begin(), reply.nodes.end(), open_->nodes.begin(),
                      open_->nodes.end(), [](const NodeChildren& children, std::uint64_t node) {
                          return children.node == node && children.children.size() == kFanOut;
                      });
}

std::optional<Reconcile::Step> Reconcile::on_reply(const DigestReply& reply)
{
    if (reply.walk != walk_ || !open_) return std::nullopt;
    if (!cut_) {
        // The first reply names what the origin can compare: it may know less of the old blocks.
        cut_ = true;
        const bool within = reply.span.first >= span_.first && reply.span.first <= reply.span.end &&
                            reply.span.end == span_.end;
        if (!within) return ReconcileFailure::nonsense;
        span_ = reply.span;
        if (!(reply.below == tree_.prefix(span_.first))) return ReconcileFailure::forgotten;
    }
    if (!(reply.span == span_) || !answers(reply)) return ReconcileFailure::nonsense;
    open_.reset();
    for (const NodeChildren& node : reply.nodes)
        for (std::uint64_t i = 0; i < kFanOut; ++i)
            compare(reply.level - 1U, (node.node << kFanOutBits) + i, node.children[i]);
    return next();
}

void Reconcile::compare(unsigned level, std::uint64_t index, const Digest& theirs)
{
    const Digest ours = tree_.node(level, index, span_);
    if (ours == theirs) return;
    if (level > 0) {
        differ_.push_back({level, index});
        return;
    }
    blocks_.push_back(index);
    unexplained_ -= theirs - ours;
}

// What the full blocks do not explain is in the block behind them.
Reconcile::Step Reconcile::finish()
{
    Difference difference{blocks_, std::nullopt, version_};
    const Version full = span_.end * kBlockVersions;
    if (!(unexplained_ == Digest{})) {
        difference.tail = VersionRange{full + 1, version_};
        difference.agreed = full;
        // Full blocks and no difference in them, yet one in sum: the origin contradicts itself.
        if (version_ == full) return ReconcileFailure::nonsense;
    }
    if (!blocks_.empty()) difference.agreed = blocks_.front() * kBlockVersions;
    return difference;
}

// ---- roots told early

RootWatch::Verdict RootWatch::on_told(Version version, const Digest& theirs, const DigestTree& ours)
{
    if (version < ours.last()) return Verdict::unknown;
    told_.insert_or_assign(version, theirs);
    if (told_.size() > kToldMax) told_.erase(std::prev(told_.end()));
    return on_appended(ours);
}

RootWatch::Verdict RootWatch::on_appended(const DigestTree& ours)
{
    told_.erase(told_.begin(), told_.lower_bound(ours.last()));
    const auto theirs = told_at(ours.last());
    if (!theirs) return Verdict::unknown;
    return *theirs == ours.root() ? Verdict::agree : Verdict::differ;
}

std::optional<Digest> RootWatch::told_at(Version version) const
{
    const auto found = told_.find(version);
    return found == told_.end() ? std::nullopt : std::optional<Digest>(found->second);
}
} // namespace tidemark::purge
