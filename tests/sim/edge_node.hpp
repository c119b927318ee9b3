#pragma once
#include "core/sync/epoch.hpp"
#include "edge/follow/follower.hpp"
#include "purge/state.hpp"
#include "sim/checkers.hpp"
#include "sim/disk.hpp"
#include "sim/edge_cache.hpp"
#include "sim/network.hpp"
#include "sim/plants.hpp"
#include "sim/truth.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// One edge: the real Follower and InvalidationState on a drifting clock, a disk that forgets, and
// the model of a cache.
namespace tidemark::sim
{
enum class CrashKind : std::uint8_t { process, rolled_back, reboot };

// When an edge had applied a version, for the latency mode.
class AppliedWatch
{
  public:
    virtual void on_applied(std::uint32_t edge, Version version, Instant now) = 0;

  protected:
    ~AppliedWatch() = default;
};

struct EdgeSetup {
    std::uint32_t number = 0;
    Millis lease{3'000};
    purge::Adrift adrift = purge::Adrift::revalidate;
    std::optional<std::uint32_t> shield;
    Nanos read_every{0}; // 0: no clients
};

class EdgeNode final : public follow::Applier
{
  public:
    EdgeNode(const EdgeSetup& setup, const Plan& plan, Engine& engine, Network& network,
             const Truth& truth, Fetches& fetches, Checkers& checkers, Mutator& mutator);

    void start(); // also after a crash
    void crash(CrashKind kind);
    void pause() { paused_ = true; }
    void resume();
    [[nodiscard]] bool up() const noexcept { return follower_ != nullptr; }
    [[nodiscard]] bool paused() const noexcept { return paused_; }
    // What comes while it is stopped comes when it goes on.
    void defer(const Event& event) { deferred_.push_back(event); }

    // ---- Events
    void on_time(std::uint64_t life);
    void on_datagram(ByteView datagram, bool injected);
    void on_dial(std::uint64_t life);
    void on_open(std::uint64_t session);
    void on_stream(std::uint64_t session);
    void on_erased(std::uint64_t life, Version version);
    void on_tick(std::uint64_t life);
    void on_read();
    void on_downstream(std::uint64_t flight, bool waited);
    void on_fetched(std::uint64_t flight);
    void break_stream();

    // ---- What the checkers compare
    [[nodiscard]] const follow::Follower& follower() const { return *follower_; }
    [[nodiscard]] bool in_sync() const;
    [[nodiscard]] std::uint32_t number() const noexcept { return setup_.number; }
    [[nodiscard]] const EdgeSetup& setup() const noexcept { return setup_; }
    [[nodiscard]] purge::Now now() const { return clock_.at(engine_.now()); }
    [[nodiscard]] const FollowDisk& disk() const noexcept { return disk_; }
    [[nodiscard]] std::uint64_t life() const noexcept { return life_; }
    // What it had applied, whatever it has forgotten since.
    [[nodiscard]] const Oldest& applied() const noexcept { return applied_; }
    void set_applied(Oldest applied) { applied_ = std::move(applied); }
    // Of its session's keys.
    [[nodiscard]] std::optional<std::uint64_t> secret() const;
    void watch(AppliedWatch* watch) noexcept { watch_ = watch; }

  private:
    void apply(std::span<const purge::Message> messages, purge::Now now) override;
    void load(const purge::CompactState& state, purge::Now now) override;
    void reset(JournalId journal, purge::Now now) override;
    void cap(Version agreed, purge::Now now) override;
    void hear(Version version) override;
    void fence_key(const purge::FenceKey&) override {}

    void append_orders(const purge::Message& message, purge::Now now);
    void forget_hard_under_soft(purge::Now now);
    void settle();
    void perform(follow::Action& action);
    void close_stream();
    void dial_later();
    [[nodiscard]] Standpoint standpoint() const;
    [[nodiscard]] bool is_held_to_promises() const;
    [[nodiscard]] std::string fingerprint() const;

    const EdgeSetup setup_;
    const Plan& plan_;
    Engine& engine_;
    Random random_;
    Network& network_;
    const Truth& truth_;
    Fetches& fetches_;
    Checkers& checkers_;
    Mutator& mutator_;
    AppliedWatch* watch_ = nullptr;

    DriftClock clock_;
    std::int64_t drift_ppm_;
    std::uint64_t life_ = 0;
    std::uint64_t instance_;
    bool paused_ = false;
    std::optional<Instant> known_since_; // the origin has registered it
    bool was_in_sync_ = false;           // since its start
    bool dialling_ = false;
    std::vector<Event> deferred_;
    std::optional<std::uint64_t> session_;
    std::optional<Instant> timer_;

    sync::EpochDomain epochs_;
    std::unique_ptr<purge::InvalidationState> state_;
    std::unique_ptr<follow::Follower> follower_;
    FollowDisk disk_;
    EdgeCache cache_;
    Oldest applied_;
    const Oldest nothing_;
    std::vector<purge::Invalidation> scratch_;
    std::vector<purge::Invalidation> remembered_; // only for a planted bug
};
} // namespace tidemark::sim
