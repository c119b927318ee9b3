#pragma once
#include "sim/checkers.hpp"
#include "sim/engine.hpp"
#include "sim/truth.hpp"

#include <memory>
#include <optional>
#include <vector>

// A model of what an edge stores and how it answers: the rules of the design's §2 and §3 and
// nothing of HTTP. Verdicts come from the real invalidation state.
namespace tidemark::sim
{
// Where an edge stands at a moment, for one answer.
struct Standpoint {
    purge::Now now;
    bool in_sync = false;
    bool may_serve_adrift = false; // policy serve, and was in sync since its start
    bool refuses_adrift = false;   // policy fail
    bool may_reuse = false;        // adrift, what was validated within a lease
    Nanos lease{};
    JournalId journal = 0;
    Version contiguous = 0;
};

// Who waits for a fetch: a client, or a downstream edge's fetch.
struct Waiter {
    std::uint64_t generation = 0;
    Instant arrived{};
    std::optional<std::uint64_t> downstream; // its flight
    Answer answer;                           // a client's, but for the content
};

// An upstream request and who waits for it.
struct Flight {
    std::uint32_t edge = 0;
    std::uint64_t life = 0;
    ObjectId object = 0;
    std::uint64_t generation = 0;
    purge::Fence fence;
    JournalId journal = 0;
    purge::BootTime sent{};
    Instant sent_at{};
    bool end_to_end = false; // sent while adrift: nobody on the way may answer from store
    std::vector<Waiter> waiters;
    std::vector<Waiter> later; // for these, a fetch sent after they came

    std::optional<std::uint32_t> shield;
    std::uint64_t shield_life = 0;
    // The answer.
    bool failed = false;
    Content content = 0;
    Version answered_fence = 0; // a shield's
    JournalId answered_journal = 0;
    bool answered_fresh = true; // fetched from the upstream after this was sent
};

class Fetches
{
  public:
    std::uint64_t add(Flight flight)
    {
        return flights_.put(std::make_unique<Flight>(std::move(flight)));
    }
    [[nodiscard]] Flight& operator[](std::uint64_t id) { return *flights_[id]; }
    [[nodiscard]] std::unique_ptr<Flight> take(std::uint64_t id) { return flights_.take(id); }

  private:
    Slots<std::unique_ptr<Flight>> flights_;
};

class EdgeCache
{
  public:
    EdgeCache(std::uint32_t edge, std::optional<std::uint32_t> shield, const Plan& plan,
              Engine& engine, const Truth& truth, Fetches& fetches, Checkers& checkers);

    // A process begins. What is stored stays, if `kept`, under the fences that are on disk.
    void start(purge::InvalidationState& state, std::uint64_t life, bool kept, JournalId journal);
    // It ends. Downstream fetches fail.
    void stop();
    // The state is another one with the same orders (a planted bug's).
    void replace_state(purge::InvalidationState& state);
    // Fences on disk must not come back above it.
    void cap(Version agreed);

    void read(Answer answer, const Oldest& promised, const Oldest& applied, const Standpoint& at);
    // A downstream edge's fetch. False: its fence is beyond what is applied here; worth a wait.
    [[nodiscard]] bool serve_downstream(std::uint64_t flight, const Standpoint& at, bool waited);
    void on_fetched(std::uint64_t flight, const Standpoint& at);

  private:
    struct Copy {
        bool present = false;
        Content content = 0;
        purge::Fence fence;
        Version durable_fence = 0; // as on disk: with what was capped since
        JournalId journal = 0;
        std::optional<purge::BootTime> sent; // the validation, where it was asked at the upstream
        MonoTime fetched{};
        std::uint64_t verified = 0; // generation in which it was last found valid
    };
    [[nodiscard]] purge::Verdict verdict_of(Copy& copy, ObjectId object, const Standpoint& at);
    [[nodiscard]] bool is_reusable(const Copy& copy, const Standpoint& at) const;
    void answer_from(const Copy& copy, Served how, Answer& answer, const Oldest& promised,
                     const Oldest& applied);
    void fetch(ObjectId object, Waiter* waiter, const Standpoint& at);
    void start_flight(ObjectId object, std::vector<Waiter> waiters, const Standpoint& at);
    [[nodiscard]] bool may_join(const Flight& flight, const Waiter& waiter,
                                const Standpoint& at) const;
    void give(const Waiter& waiter, const Flight& flight, Version fence, JournalId journal);
    void fail_downstream(const std::vector<Waiter>& waiters);
    void answer_downstream(std::uint64_t flight, Content content, Version fence, JournalId journal,
                           bool fresh);

    const std::uint32_t edge_;
    const std::optional<std::uint32_t> shield_;
    const Plan& plan_;
    Engine& engine_;
    Random random_;
    const Truth& truth_;
    Fetches& fetches_;
    Checkers& checkers_;
    purge::InvalidationState* state_ = nullptr;
    std::uint64_t life_ = 0;
    std::vector<Copy> copies_;
    std::vector<std::optional<std::uint64_t>> active_; // flights, by object
};
} // namespace tidemark::sim
