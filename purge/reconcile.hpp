#pragma once
#include "purge/ack_ranges.hpp"
#include "purge/digest.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <variant>
#include <vector>

// Two sides whose digests differ at a version find the blocks in which they do. The edge asks, the
// origin answers out of its tree and remembers nothing of the walk.
namespace tidemark::purge
{
inline constexpr std::size_t kQueryNodesMax = 64;
inline constexpr std::size_t kDifferingBlocksMax = 16384;

// "What are the children of these nodes?"
struct DigestQuery {
    std::uint32_t walk = 0;
    BlockSpan span;                   // what the edge can compare
    std::uint8_t level = 1;           // of the nodes; 1…kLevelsMax
    std::vector<std::uint64_t> nodes; // rising, at most kQueryNodesMax
    friend bool operator==(const DigestQuery&, const DigestQuery&) = default;
};

// The 64 children of one node, as far as they lie in the span.
struct NodeChildren {
    std::uint64_t node = 0;
    std::vector<Digest> children; // kFanOut of them
    friend bool operator==(const NodeChildren&, const NodeChildren&) = default;
};
struct DigestReply {
    std::uint32_t walk = 0;
    BlockSpan span; // the query's, cut to what the origin can compare
    Digest below;   // of all blocks before span.first
    std::uint8_t level = 1;
    std::vector<NodeChildren> nodes; // as asked
    friend bool operator==(const DigestReply&, const DigestReply&) = default;
};

// The origin's side. Any query gets an answer; of a strange one, an empty one.
[[nodiscard]] DigestReply answer(const DigestTree& tree, const DigestQuery& query);

// Where the two sides agree and where not.
struct Difference {
    std::vector<std::uint64_t> blocks; // differing, full blocks, rising
    std::optional<VersionRange> tail;  // the block behind them differs, up to the compared version
    Version agreed = 0;                // nothing differs up to here
    friend bool operator==(const Difference&, const Difference&) = default;
};
enum class ReconcileFailure : std::uint8_t {
    forgotten, // they differ where one side no longer knows the blocks: a snapshot must come
    too_many,  // more than kDifferingBlocksMax blocks: a snapshot is cheaper
    nonsense,  // the origin answered what was not asked
};

// The edge's side of one walk: ask what the last call returned, hand in the reply, until there is
// no further query. Every reply goes one level down or empties a bounded queue, so it ends. `tree`
// may grow meanwhile, but forgets and replaces nothing until the walk is over.
class Reconcile
{
  public:
    // The trees differed at `version`, which was tree.last(): `theirs` was not tree.root().
    Reconcile(const DigestTree& tree, std::uint32_t walk, const Digest& theirs);

    using Step = std::variant<DigestQuery, Difference, ReconcileFailure>;
    [[nodiscard]] Step start();
    // A reply to another walk or query than the open one changes nothing: nullopt.
    [[nodiscard]] std::optional<Step> on_reply(const DigestReply& reply);

  private:
    struct Nodes {
        unsigned level;
        std::uint64_t index;
    };
    [[nodiscard]] Step begin();
    [[nodiscard]] Step next();
    [[nodiscard]] Step finish();
    [[nodiscard]] bool answers(const DigestReply& reply) const;
    void compare(unsigned level, std::uint64_t index, const Digest& theirs);

    const DigestTree& tree_;
    std::uint32_t walk_;
    Version version_;
    Digest unexplained_; // theirs − ours, less what was found
    BlockSpan span_;
    bool cut_ = false;         // the origin has named its span
    std::deque<Nodes> differ_; // nodes whose children are still to be asked for
    std::vector<std::uint64_t> blocks_;
    std::optional<DigestQuery> open_;
};

// Roots that heartbeats told before the edge had applied so much: kept until it has. Of too many
// the latest go: the oldest is the next that can be compared.
class RootWatch
{
  public:
    enum class Verdict : std::uint8_t { unknown, agree, differ };
    // `theirs` is the origin's root at `version`.
    Verdict on_told(Version version, const Digest& theirs, const DigestTree& ours);
    // After each append to `ours`.
    Verdict on_appended(const DigestTree& ours);
    // The origin's root at ours.last(), if it was told: for the walk.
    [[nodiscard]] std::optional<Digest> told_at(Version version) const;

  private:
    static constexpr std::size_t kToldMax = 64;
    std::map<Version, Digest> told_; // at versions ≥ ours.last()
};
} // namespace tidemark::purge
