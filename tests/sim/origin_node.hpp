#pragma once
#include "origin/broadcast/hub.hpp"
#include "sim/checkers.hpp"
#include "sim/disk.hpp"
#include "sim/network.hpp"
#include "sim/plants.hpp"
#include "sim/truth.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

// The origin: the real Hub on a drifting clock, the simulated journal, and clients that wait.
namespace tidemark::sim
{
// For the latency mode.
class PurgeWatch
{
  public:
    virtual void on_durable(Version version, Instant now) = 0;
    virtual void on_done(Version version, Instant now) = 0;

  protected:
    ~PurgeWatch() = default;
};

class OriginNode
{
  public:
    OriginNode(const Plan& plan, Engine& engine, Network& network, Truth& truth,
               Checkers& checkers);
    void set_edges(const std::vector<std::unique_ptr<EdgeNode>>& edges) { edges_ = &edges; }

    void start();
    void crash();
    [[nodiscard]] bool up() const noexcept { return hub_ != nullptr; }

    // A client orders a purge and waits for wait=all.
    void publish(purge::MessageBody body);
    void raise_floor();
    // Versions that no one waits for, all at once.
    void append_many(std::uint64_t count);

    // ---- Events
    void on_time(std::uint64_t life);
    void on_commit(std::uint64_t life);
    void on_read(std::uint64_t life, std::uint64_t slot);
    void on_edge_kept(std::uint64_t life, std::uint64_t slot);
    void on_minted(std::uint64_t life, Version above);
    void on_check(std::uint64_t life);
    void on_datagram(Bytes datagram, bool injected);
    void on_accept(std::uint64_t session);
    void on_stream(std::uint64_t session);
    void on_left(std::uint64_t session, std::size_t bytes);
    void back_up() { journal_.back_up(); }

    [[nodiscard]] const origin::Hub& hub() const { return *hub_; }
    [[nodiscard]] const SimJournal& journal() const { return journal_; }
    [[nodiscard]] const Mutator& mutator() const { return mutator_; }
    [[nodiscard]] Mutator& mutator() { return mutator_; }
    void watch(PurgeWatch* watch) noexcept { watch_ = watch; }

  private:
    struct Wait {
        Truth::FactId fact;
        Version version;
        bool needs_ack;
    };
    struct PendingRead {
        std::uint64_t request = 0;
        Version first = 0;
        Version last = 0;
        std::size_t bytes_max = 0;
    };
    [[nodiscard]] purge::Now now() const { return clock_.at(engine_.now()); }
    void restore_backup();
    void check_journal();
    void learn_of_survivors();
    void begin_batch();
    void settle();
    void perform(origin::Action& action);
    void close(std::uint32_t peer);
    void ask_soon();
    void check_waits();
    [[nodiscard]] std::string fingerprint() const;

    const Plan& plan_;
    Engine& engine_;
    Random random_;
    Network& network_;
    Truth& truth_;
    Checkers& checkers_;
    const std::vector<std::unique_ptr<EdgeNode>>* edges_ = nullptr;
    PurgeWatch* watch_ = nullptr;

    DriftClock clock_;
    SimJournal journal_;
    Mutator mutator_;
    std::unique_ptr<origin::Hub> hub_;
    std::uint64_t life_ = 0;
    std::optional<Instant> timer_;
    bool asked_ = false;
    bool minting_ = false;
    std::vector<Wait> waits_;
    std::unordered_map<std::uint32_t, std::uint64_t> sessions_; // by peer
    Slots<PendingRead> reads_;
    Slots<purge::RegisteredEdge> kept_;
};
} // namespace tidemark::sim
