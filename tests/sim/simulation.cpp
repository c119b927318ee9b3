#include "sim/simulation.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tidemark::sim
{
namespace
{
constexpr Nanos kUpstreamMin{200'000};
constexpr Nanos kUpstreamMax{250'000'000};
constexpr Nanos kWellCheck{50'000'000};
constexpr Nanos kAfterwards{400'000'000}; // reads go on for so long once all is well
constexpr Nanos kEdgeDownMax{2'500'000'000};
constexpr Nanos kPauseMax{6'000'000'000};
constexpr Nanos kCutMax{5'000'000'000};
constexpr Nanos kBackupEvery{300'000'000};
} // namespace

EdgeSetup setup_of(std::uint32_t number, const Plan& plan, Random& random)
{
    constexpr std::array<Millis, 4> kLeases{Millis{700}, Millis{1000}, Millis{2000}, Millis{3000}};
    EdgeSetup setup;
    setup.number = number;
    setup.lease = kLeases[random.below(kLeases.size())];
    const std::uint64_t drawn = random.below(20);
    if (drawn < 3) setup.adrift = purge::Adrift::serve;
    if (drawn == 3) setup.adrift = purge::Adrift::fail;
    if (number >= plan.shields && plan.shields > 0) setup.shield = number % plan.shields;
    setup.read_every = plan.read_every;
    return setup;
}

Simulation::Simulation(const Plan& plan)
    : plan_(plan), engine_(plan.seed), random_(engine_.random.fork()),
      truth_(plan_, engine_.random.fork()), checkers_(truth_, engine_), network_(engine_, plan_),
      origin_(plan_, engine_, network_, truth_, checkers_)
{
    for (std::uint32_t number = 0; number < plan_.edges; ++number)
        edges_.push_back(std::make_unique<EdgeNode>(setup_of(number, plan_, random_), plan_,
                                                    engine_, network_, truth_, fetches_, checkers_,
                                                    origin_.mutator()));
    origin_.set_edges(edges_);
}

// ---- the schedule

void Simulation::again(EventKind kind, Nanos mean)
{
    if (mean > Nanos{0}) engine_.in(random_.exponential(mean) + Nanos{1}, kind, any_edge());
}

std::uint32_t Simulation::any_edge()
{
    return static_cast<std::uint32_t>(random_.index_of(edges_));
}

void Simulation::schedule_faults()
{
    engine_.crash_at_step = plan_.crash_at_step;
    again(EventKind::publish, plan_.publish_every);
    again(EventKind::raise_floor, plan_.floor_every);
    again(EventKind::hub_crash, plan_.hub_crash_every);
    again(EventKind::edge_crash, plan_.edge_crash_every);
    again(EventKind::edge_pause, plan_.pause_every);
    again(EventKind::partition, plan_.partition_every);
    again(EventKind::break_stream, plan_.break_every);
    again(EventKind::blackhole, plan_.blackhole_every);
    again(EventKind::back_up, kBackupEvery);
    engine_.in(plan_.faults, EventKind::finish);
}

Outcome Simulation::run()
{
    origin_.start();
    for (const auto& edge : edges_) {
        edge->start();
        if (edge->setup().read_every > Nanos{0})
            engine_.in(random_.exponential(edge->setup().read_every), EventKind::edge_read,
                       edge->number());
    }
    schedule_faults();
    while (!over_) {
        const std::optional<Event> event = engine_.pop();
        if (!event) break;
        dispatch(*event);
    }
    Outcome outcome;
    outcome.seed = plan_.seed;
    outcome.trace = engine_.trace();
    outcome.events = engine_.events();
    outcome.tally = checkers_.tally;
    outcome.traffic = network_.counts();
    outcome.stale_after_done = checkers_.stale_after_done();
    outcome.simulated = engine_.now().time_since_epoch();
    outcome.healed_in = healed_in_;
    outcome.violations = checkers_.violations();
    return outcome;
}

// ---- dispatch

namespace
{
bool dispatch_origin_event(const Event& event, OriginNode& origin, Network& network)
{
    switch (event.kind) {
    case EventKind::hub_time:
        origin.on_time(event.a);
        return true;
    case EventKind::hub_commit:
        origin.on_commit(event.a);
        return true;
    case EventKind::hub_read:
        origin.on_read(event.a, event.b);
        return true;
    case EventKind::hub_edge_kept:
        origin.on_edge_kept(event.a, event.b);
        return true;
    case EventKind::hub_minted:
        origin.on_minted(event.a, event.b);
        return true;
    case EventKind::hub_check:
        origin.on_check(event.a);
        return true;
    case EventKind::hub_start:
        origin.start();
        return true;
    case EventKind::hub_datagram:
        if (auto bytes = network.receive(event.node, event.a))
            origin.on_datagram(std::move(*bytes), event.b == kInjected);
        return true;
    case EventKind::stream_accept:
        origin.on_accept(event.a);
        return true;
    case EventKind::stream_to_hub:
        origin.on_stream(event.a);
        return true;
    case EventKind::stream_left:
        origin.on_left(event.a, event.b);
        return true;
    default:
        return false;
    }
}

bool is_for_edge(EventKind kind)
{
    switch (kind) {
    case EventKind::edge_time:
    case EventKind::edge_datagram:
    case EventKind::edge_dial:
    case EventKind::edge_erased:
    case EventKind::edge_read:
    case EventKind::edge_tick:
    case EventKind::stream_open:
    case EventKind::stream_to_edge:
    case EventKind::fetch_at_shield:
    case EventKind::fetch_waited:
    case EventKind::fetch_done:
        return true;
    default:
        return false;
    }
}

void on_edge_event(const Event& event, const Mutator& mutator, EdgeNode& edge, Network& network)
{
    switch (event.kind) {
    case EventKind::edge_time:
        return edge.on_time(event.a);
    case EventKind::edge_datagram:
        if (auto bytes = network.receive(event.node, event.a)) {
            if (const auto secret = edge.secret())
                mutator.on_datagram_to_edge(edge, *secret, *bytes);
            edge.on_datagram(*bytes, event.b == kInjected);
        }
        return;
    case EventKind::edge_dial:
        return edge.on_dial(event.a);
    case EventKind::edge_erased:
        return edge.on_erased(event.a, event.b);
    case EventKind::edge_read:
        return edge.on_read();
    case EventKind::edge_tick:
        return edge.on_tick(event.a);
    case EventKind::stream_open:
        return edge.on_open(event.a);
    case EventKind::stream_to_edge:
        return edge.on_stream(event.a);
    case EventKind::fetch_at_shield:
        return edge.on_downstream(event.a, false);
    case EventKind::fetch_waited:
        return edge.on_downstream(event.a, true);
    default:
        return edge.on_fetched(event.a);
    }
}
} // namespace

bool dispatch_link_event(const Event& event, OriginNode& origin, EdgeNode& edge, Network& network)
{
    if (dispatch_origin_event(event, origin, network)) return true;
    if (!is_for_edge(event.kind)) return false;
    if (edge.paused())
        edge.defer(event);
    else
        on_edge_event(event, origin.mutator(), edge, network);
    return true;
}

void Simulation::dispatch(const Event& event)
{
    if (event.kind == EventKind::fetch_at_upstream) {
        Flight& flight = fetches_[event.a];
        flight.content = truth_.content(flight.object);
        return engine_.in(random_.between(kUpstreamMin, kUpstreamMax), EventKind::fetch_done,
                          flight.edge, event.a);
    }
    if (!dispatch_link_event(event, origin_, *edges_[event.node], network_)) on_fault(event);
}

// ---- faults

void Simulation::crash_edge(std::uint32_t number)
{
    EdgeNode& edge = *edges_[number];
    CrashKind kind = CrashKind::process;
    if (random_.chance(plan_.rolled_back))
        kind = CrashKind::rolled_back;
    else if (random_.chance(plan_.rebooted))
        kind = CrashKind::reboot;
    edge.crash(kind);
    engine_.in(random_.between(Nanos{1'000'000}, kEdgeDownMax), EventKind::edge_start, number);
}

void Simulation::on_fault(const Event& event)
{
    EdgeNode& edge = *edges_[event.node];
    switch (event.kind) {
    case EventKind::finish:
        return begin_healing();
    case EventKind::edge_start:
        if (!edge.up()) edge.start();
        return;
    case EventKind::edge_resume:
        return edge.resume();
    case EventKind::heal:
        network_.heal(event.node);
        network_.set_blackhole(event.node, false);
        return;
    case EventKind::edge_crash:
        if (event.a != 0) { // at a step: it is down already
            engine_.in(random_.between(Nanos{1'000'000}, kEdgeDownMax), EventKind::edge_start,
                       event.node);
            return;
        }
        break;
    default:
        break;
    }
    if (healing_) return;
    switch (event.kind) {
    case EventKind::publish:
        publish();
        return again(EventKind::publish, plan_.publish_every);
    case EventKind::raise_floor:
        origin_.raise_floor();
        return again(EventKind::raise_floor, plan_.floor_every);
    case EventKind::back_up:
        origin_.back_up();
        return again(EventKind::back_up, kBackupEvery);
    case EventKind::hub_crash:
        origin_.crash();
        return again(EventKind::hub_crash, plan_.hub_crash_every);
    case EventKind::edge_crash:
        if (edge.up()) crash_edge(event.node);
        return again(EventKind::edge_crash, plan_.edge_crash_every);
    case EventKind::edge_pause:
        if (edge.up() && !edge.paused()) {
            edge.pause();
            engine_.in(random_.between(Nanos{1'000'000}, kPauseMax), EventKind::edge_resume,
                       event.node);
        }
        return again(EventKind::edge_pause, plan_.pause_every);
    case EventKind::partition:
        network_.cut(event.node);
        engine_.in(random_.between(Nanos{1'000'000}, kCutMax), EventKind::heal, event.node);
        return again(EventKind::partition, plan_.partition_every);
    case EventKind::blackhole:
        network_.set_blackhole(event.node, true);
        engine_.in(random_.between(Nanos{1'000'000}, kCutMax), EventKind::heal, event.node);
        return again(EventKind::blackhole, plan_.blackhole_every);
    case EventKind::break_stream:
        edge.break_stream();
        return again(EventKind::break_stream, plan_.break_every);
    default:
        return;
    }
}

// ---- the workload

purge::Order Simulation::draw_order()
{
    const Object& object = truth_.objects()[random_.index_of(truth_.objects())];
    purge::Order order;
    const std::uint64_t drawn = random_.below(100);
    if (drawn < 40) {
        order.selector = object.uri;
    } else if (drawn < 68 && !object.tags.empty()) {
        order.scope = purge::Scope::tag;
        order.selector = object.tags.front();
    } else if (drawn < 82) {
        order.scope = purge::Scope::prefix;
        order.selector = object.prefix;
    } else if (drawn < 90) {
        order.scope = purge::Scope::host;
        order.selector = object.host;
    } else if (drawn < 95) {
        order.scope = purge::Scope::origin;
        order.selector = object.origin;
    } else {
        order.scope = purge::Scope::all;
    }
    const std::uint64_t mode = random_.below(100);
    if (mode < 25) order.mode = purge::OrderMode::soft;
    if (mode >= 25 && mode < 32) order.mode = purge::OrderMode::refresh;
    if (order.mode != purge::OrderMode::hard)
        order.max_stale = Seconds{static_cast<std::int64_t>(random_.below(5))};
    return order;
}

purge::MessageBody Simulation::draw_orders()
{
    if (random_.chance(0.04))
        return purge::Push{truth_.objects()[random_.index_of(truth_.objects())].uri, {}, 0, 0};
    purge::Invalidate orders;
    const std::uint64_t count = random_.chance(0.1) ? 2 + random_.below(4) : 1;
    for (std::uint64_t i = 0; i < count; ++i)
        orders.orders.push_back(draw_order());
    orders.erase = random_.chance(0.05);
    return orders;
}

// A client changes what the upstream holds, then says so. Now and then only the first.
void Simulation::publish()
{
    purge::MessageBody body = draw_orders();
    for (const Covered& one : truth_.covered_by(body))
        if (random_.chance(0.7)) truth_.change(one.object);
    if (random_.chance(0.05)) truth_.change(static_cast<ObjectId>(random_.below(plan_.objects)));
    origin_.publish(std::move(body));
}

// ---- healing

void Simulation::begin_healing()
{
    if (!healing_) {
        healing_ = true;
        engine_.crash_at_step = 0;
        healing_from_ = engine_.now();
        network_.set_weather({0.01, false, 0, 0, 0});
        for (const auto& edge : edges_) {
            network_.heal(edge->number());
            network_.set_blackhole(edge->number(), false);
            edge->resume();
        }
    }
    // A stream may end late, of what befell it before: then it is not over yet.
    const bool well = is_well();
    if (well && healed_in_ > Nanos{0}) {
        over_ = true;
    } else if (well) {
        healed_in_ = engine_.now() - healing_from_ + Nanos{1};
        engine_.in(kAfterwards, EventKind::finish);
    } else if (engine_.now() - healing_from_ > plan_.healed) {
        explain_illness();
        over_ = true;
    } else {
        engine_.in(kWellCheck, EventKind::finish);
    }
}

bool Simulation::is_well() const
{
    if (!origin_.up()) return false;
    const origin::Hub& hub = origin_.hub();
    return std::ranges::all_of(edges_, [&](const std::unique_ptr<EdgeNode>& edge) {
        return edge->up() && edge->in_sync() && edge->follower().journal() == hub.journal() &&
               edge->follower().contiguous() == hub.mark() && edge->follower().root() == hub.root();
    });
}

void Simulation::explain_illness()
{
    std::string text = origin_.up() ? "the origin is at " + std::to_string(origin_.hub().mark())
                                    : "the origin is down";
    for (const auto& edge : edges_) {
        text += "; edge " + std::to_string(edge->number());
        if (!edge->up()) {
            text += " is down";
            continue;
        }
        text += " at " + std::to_string(edge->follower().contiguous());
        if (!edge->follower().linked()) text += ", not linked";
        if (!edge->in_sync()) text += ", adrift";
        if (origin_.up() && edge->follower().journal() != origin_.hub().journal())
            text += ", in another journal";
        if (origin_.up() && edge->follower().root() != origin_.hub().root())
            text += ", another digest";
    }
    checkers_.fail(Invariant::convergence, std::move(text));
}
} // namespace tidemark::sim
