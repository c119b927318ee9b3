#pragma once
#include "journal/journal.hpp"

#include <functional>
#include <set>

// When messages go out of the journal and into its snapshot. Pure.
namespace tidemark::journal
{
// What is older goes into the snapshot, but never before its undo window is over.
struct Retention {
    std::uint64_t records_max = 10'000'000;
    Millis age_max{Millis{Seconds{90 * 24 * 3600}}};
    Millis undo_window{Millis{Seconds{600}}};
};

// Called on the owner's thread when retention has moved the base: what stands for all up to it now.
using OnCompacted = std::function<void(Version base, purge::SharedRecord snapshot,
                                       purge::Digest state, purge::Digest root_at_base)>;

// A snapshot in the making.
class Compaction
{
  public:
    Compaction() = default;
    explicit Compaction(purge::CompactState state) : state_(std::move(state)) {}

    // Messages come by rising version; what was undone is left out.
    void add(const purge::Message& message, const std::set<Version>& undone);
    // Everything up to `version` is in here, even where nothing is known of it.
    void reach(Version version);

    [[nodiscard]] const purge::CompactState& state() const noexcept { return state_; }
    [[nodiscard]] purge::SharedRecord snapshot() const;

  private:
    purge::CompactState state_;
};

// The version that `body` undoes, if it does.
[[nodiscard]] std::optional<Version> undone_by(const purge::MessageBody& body);
} // namespace tidemark::journal
