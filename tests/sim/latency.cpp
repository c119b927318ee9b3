#include "sim/latency.hpp"

#include "sim/edge_node.hpp"
#include "sim/origin_node.hpp"
#include "sim/simulation.hpp"

#include <algorithm>
#include <fmt/core.h>

namespace tidemark::sim
{
namespace
{
constexpr Nanos kWarmUp{30'000'000'000}; // heartbeats alone: more than 100 datagrams each way
constexpr Nanos kPurgeEvery{700'000'000};
constexpr Nanos kNever{1'000'000'000'000'000};

struct Goals {
    double loss;
    bool bursty;
    double applied;
    double done;
};
constexpr Goals kGoals[] = {
    {0, false, 5, 10},     {0.01, false, 10, 20},  {0.1, false, 25, 60},
    {0.3, false, 60, 150}, {0.5, false, 120, 400}, {0.01, true, 150, 0},
    {0.1, true, 200, 0},   {0.3, true, 250, 0},    {0.5, true, 320, 0},
};

Plan quiet_plan(std::uint32_t edges, std::uint64_t seed)
{
    Plan plan;
    plan.seed = seed;
    plan.edges = edges;
    plan.shields = 0;
    plan.objects = 1;
    plan.publish_every = kNever;
    return plan;
}

double millis_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e6;
}

Percentiles percentiles_of(std::vector<double>& values)
{
    if (values.empty()) return {};
    std::ranges::sort(values);
    const auto at = [&](double share) {
        return values[std::min(values.size() - 1, static_cast<std::size_t>(
                                                      share * static_cast<double>(values.size())))];
    };
    return {at(0.5), at(0.99), values.back()};
}

// An origin and its edges, and nothing but them.
class Bench final : public AppliedWatch, public PurgeWatch
{
  public:
    explicit Bench(const Plan& plan)
        : plan_(plan), engine_(plan.seed), truth_(plan_, engine_.random.fork()),
          checkers_(truth_, engine_), network_(engine_, plan_),
          origin_(plan_, engine_, network_, truth_, checkers_)
    {
        for (std::uint32_t number = 0; number < plan_.edges; ++number) {
            edges_.push_back(std::make_unique<EdgeNode>(
                EdgeSetup{number, Millis{3000}, purge::Adrift::revalidate, std::nullopt, Nanos{0}},
                plan_, engine_, network_, truth_, fetches_, checkers_, origin_.mutator()));
            edges_.back()->watch(this);
        }
        origin_.set_edges(edges_);
        origin_.watch(this);
        origin_.start();
        for (const auto& edge : edges_)
            edge->start();
    }

    void run_until(Instant end)
    {
        engine_.at(end, EventKind::finish);
        while (const std::optional<Event> event = engine_.pop()) {
            if (event->kind == EventKind::finish) return;
            dispatch(*event);
        }
    }
    void run_for(Nanos time) { run_until(engine_.now() + time); }
    void purge()
    {
        origin_.publish(purge::Invalidate{
            {{purge::Scope::url, purge::OrderMode::hard, Seconds{0}, truth_.objects().front().uri}},
            false});
    }
    void on_durable(Version version, Instant now) override
    {
        durable_at = now;
        awaited = version;
        applied = 0;
        done_at.reset();
    }
    void on_applied(std::uint32_t, Version version, Instant now) override
    {
        if (version != awaited) return;
        ++applied;
        last_applied_at = now;
    }
    void on_done(Version version, Instant now) override
    {
        if (version == awaited) done_at = now;
    }
    [[nodiscard]] Engine& engine() { return engine_; }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] OriginNode& origin() { return origin_; }
    [[nodiscard]] const EdgeNode& edge(std::size_t number) const { return *edges_[number]; }

    Instant durable_at{};
    Version awaited = 0;
    std::uint32_t applied = 0;
    Instant last_applied_at{};
    std::optional<Instant> done_at;

  private:
    void dispatch(const Event& event);

    const Plan plan_;
    Engine engine_;
    Truth truth_;
    Checkers checkers_;
    Network network_;
    Fetches fetches_;
    OriginNode origin_;
    std::vector<std::unique_ptr<EdgeNode>> edges_;
};

void Bench::dispatch(const Event& event)
{
    dispatch_link_event(event, origin_, *edges_[event.node], network_);
}
} // namespace

std::vector<LatencyCase> latency_cases(std::uint32_t edges)
{
    std::vector<LatencyCase> cases;
    for (const std::uint32_t count : {100U, 1000U}) {
        if (edges != 0 && count != 100) continue;
        for (const Goals& goals : kGoals)
            cases.push_back(
                {edges == 0 ? count : edges, goals.loss, goals.bursty, goals.applied, goals.done});
    }
    return cases;
}

LatencyResult measure_latency(const LatencyCase& of, std::uint64_t seed, std::uint32_t purges)
{
    Plan plan = quiet_plan(of.edges, seed);
    plan.weather.loss = of.loss;
    plan.weather.bursty = of.bursty;
    plan.tcp_suffers = true;
    Bench bench{plan};
    bench.run_for(kWarmUp);
    const std::uint64_t datagrams = bench.network().counts().datagrams;
    std::vector<double> applied;
    std::vector<double> done;
    const double one_way = millis_of(bench.network().slowest());
    for (std::uint32_t i = 0; i < purges; ++i) {
        bench.purge();
        do
            bench.run_for(kPurgeEvery);
        while (bench.applied < of.edges || !bench.done_at);
        applied.push_back(millis_of(bench.last_applied_at - bench.durable_at) - one_way);
        done.push_back(millis_of(*bench.done_at - bench.durable_at) - 2 * one_way);
    }
    LatencyResult result;
    result.of = of;
    result.purges = purges;
    result.applied_ms = percentiles_of(applied);
    result.done_ms = percentiles_of(done);
    result.datagrams_per_purge =
        static_cast<double>(bench.network().counts().datagrams - datagrams) / of.edges / purges;
    result.trace = bench.engine().trace();
    return result;
}

std::string text_of(const std::vector<LatencyResult>& results, std::size_t row)
{
    std::string text;
    if (row == 0)
        text = "beyond the slowest one-way delay or round trip, ms\n"
               "edges  loss          last edge applied: p50    p99    max   goal   "
               "wait=all: p50    p99    max   goal   datagrams/edge\n";
    const LatencyResult& one = results[row];
    const auto goal = [](double ms) { return ms > 0 ? fmt::format("{:6.0f}", ms) : "     -"; };
    return text + fmt::format("{:5}  {:3.0f} % {:8} {:22.1f} {:6.1f} {:6.1f} {} {:15.1f} {:6.1f} "
                              "{:6.1f} {} {:16.1f}\n",
                              one.of.edges, one.of.loss * 100, one.of.bursty ? "bursty" : "",
                              one.applied_ms.p50, one.applied_ms.p99, one.applied_ms.max,
                              goal(one.of.applied_goal_ms), one.done_ms.p50, one.done_ms.p99,
                              one.done_ms.max, goal(one.of.done_goal_ms), one.datagrams_per_purge);
}

std::string json_of(const std::vector<LatencyResult>& results)
{
    const auto part = [](const Percentiles& p) {
        return fmt::format("{{\"p50\":{:.2f},\"p99\":{:.2f},\"max\":{:.2f}}}", p.p50, p.p99, p.max);
    };
    std::string text = "[";
    for (const LatencyResult& one : results)
        text += fmt::format(
            "{}\n {{\"edges\":{},\"loss\":{},\"bursty\":{},\"purges\":{},\"applied_ms\":{},"
            "\"applied_goal_ms\":{},\"done_ms\":{},\"done_goal_ms\":{},\"datagrams\":{:.1f}}}",
            text.size() > 1 ? "," : "", one.of.edges, one.of.loss, one.of.bursty, one.purges,
            part(one.applied_ms), one.of.applied_goal_ms, part(one.done_ms), one.of.done_goal_ms,
            one.datagrams_per_purge);
    return text + "\n]";
}

ReturnResult measure_return(std::uint64_t seed, std::uint64_t missed)
{
    Plan plan = quiet_plan(1, seed);
    Bench bench{plan};
    bench.run_for(Seconds{5});
    bench.network().cut(0);
    bench.run_for(Seconds{1});
    bench.origin().append_many(missed);
    bench.run_for(Seconds{20});
    const std::uint64_t before =
        bench.network().counts().stream_bytes + bench.network().counts().datagram_bytes;
    const Instant healed = bench.engine().now();
    bench.network().heal(0);
    const auto is_back = [&] {
        return bench.edge(0).in_sync() &&
               bench.edge(0).follower().contiguous() == bench.origin().hub().mark();
    };
    for (int steps = 0; steps < 60'000 && !is_back(); ++steps)
        bench.run_for(Millis{1});
    ReturnResult result;
    result.missed = missed;
    result.in_sync_ms = millis_of(bench.engine().now() - healed);
    result.round_trip_ms = 2 * millis_of(bench.network().slowest());
    result.bytes =
        bench.network().counts().stream_bytes + bench.network().counts().datagram_bytes - before;
    result.transfer_ms = static_cast<double>(result.bytes) * 8 / 1e6;
    return result;
}

std::string text_of(const ReturnResult& result)
{
    return fmt::format("{} versions missed: {} bytes, in sync after {:.0f} ms; those bytes take "
                       "{:.0f} ms at 1 Gbit/s, a round trip {:.0f} ms\n",
                       result.missed, result.bytes, result.in_sync_ms, result.transfer_ms,
                       result.round_trip_ms);
}
} // namespace tidemark::sim
