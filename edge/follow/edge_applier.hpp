#pragma once
#include "edge/follow/applied_times.hpp"
#include "edge/follow/follower.hpp"
#include "edge/follow/standing.hpp"
#include "edge/serve/site.hpp"
#include "purge/state.hpp"

#include <functional>
#include <memory>
#include <span>
#include <vector>

// Applies an origin's messages to this edge's invalidation state. On the control thread.
namespace tidemark::follow
{
// What some messages ask of the edge besides.
class MessageOwner
{
  public:
    // All on the control thread. Before these messages are applied, and after each one is.
    virtual void before_apply(std::span<const purge::Message> messages)
    {
        static_cast<void>(messages);
    }
    // A snapshot, a cap or another journal: single messages were not seen.
    virtual void on_lost_track() {}
    virtual void on_erase(Version version) = 0; // what is invalid; then Follower::on_erased()
    virtual void on_refresh(const purge::Message& message) = 0;
    virtual void on_push(const purge::Message& message) = 0;

  protected:
    ~MessageOwner() = default;
};

class EdgeApplier final : public Applier
{
  public:
    // `sites` is the control thread's: it changes on reload.
    EdgeApplier(purge::InvalidationState& state, Standing& standing,
                const std::shared_ptr<const serve::Sites>& sites, MessageOwner& owner)
        : state_(state), standing_(standing), sites_(sites), owner_(owner)
    {
    }

    void apply(std::span<const purge::Message> messages, Now now) override;
    void load(const purge::CompactState& state, Now now) override;
    [[nodiscard]] bool erase_loaded(Version through) override;
    void reset(purge::JournalId journal, Now now) override;
    void cap(Version agreed, Now now) override;
    void hear(Version version) override;
    void fence_key(const purge::FenceKey& key) override;

    [[nodiscard]] const AppliedTimes& times() const noexcept { return times_; }

  private:
    void take(const purge::Message& message, Now now);

    purge::InvalidationState& state_;
    Standing& standing_;
    const std::shared_ptr<const serve::Sites>& sites_;
    MessageOwner& owner_;
    std::vector<purge::Invalidation> invalidations_; // scratch
    AppliedTimes times_;
};
} // namespace tidemark::follow
