#pragma once
#include "sim/checkers.hpp"
#include "sim/edge_node.hpp"
#include "sim/network.hpp"
#include "sim/origin_node.hpp"
#include "sim/plan.hpp"

#include <cstdint>
#include <memory>
#include <vector>

// A whole system under one seed: faults first, then it must heal.
namespace tidemark::sim
{
struct Outcome {
    std::uint64_t seed = 0;
    std::uint64_t trace = 0; // equal for equal plans
    std::uint64_t events = 0;
    Tally tally;
    TrafficCounts traffic;
    std::uint64_t stale_after_done = 0;
    Nanos simulated{};
    Nanos healed_in{}; // from the last fault until all edges were at the origin's mark and digest
    std::vector<Violation> violations;
};

class Simulation
{
  public:
    explicit Simulation(const Plan& plan);
    [[nodiscard]] Outcome run();

  private:
    void schedule_faults();
    void dispatch(const Event& event);
    void on_fault(const Event& event);
    void again(EventKind kind, Nanos mean);
    void crash_edge(std::uint32_t edge);
    void publish();
    [[nodiscard]] purge::MessageBody draw_orders();
    [[nodiscard]] purge::Order draw_order();
    void begin_healing();
    [[nodiscard]] bool is_well() const;
    void explain_illness();
    [[nodiscard]] std::uint32_t any_edge();

    const Plan plan_;
    Engine engine_;
    Random random_;
    Truth truth_;
    Checkers checkers_;
    Network network_;
    Fetches fetches_;
    OriginNode origin_;
    std::vector<std::unique_ptr<EdgeNode>> edges_;
    bool healing_ = false;
    bool over_ = false;
    Instant healing_from_{};
    Nanos healed_in_{};
};

// What origin and edges do to each other without any fault; false: something else.
bool dispatch_link_event(const Event& event, OriginNode& origin, EdgeNode& edge, Network& network);

// One edge of a run, by the rules of design §3 (tiers): the first ones are shields.
[[nodiscard]] EdgeSetup setup_of(std::uint32_t number, const Plan& plan, Random& random);
} // namespace tidemark::sim
