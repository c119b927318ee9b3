#include "sim/plan.hpp"

#include "sim/engine.hpp"

#include <algorithm>

namespace tidemark::sim
{
namespace
{
constexpr Nanos operator""_ms(unsigned long long count)
{
    return Millis{static_cast<std::int64_t>(count)};
}

std::uint32_t edges_of(Random& random)
{
    const std::uint64_t drawn = random.below(100);
    if (drawn < 1) return 40;
    if (drawn < 10) return static_cast<std::uint32_t>(8 + random.below(12));
    return static_cast<std::uint32_t>(2 + random.below(6));
}

Weather weather_of(Random& random)
{
    constexpr double kLosses[] = {0, 0, 0.01, 0.1, 0.3, 0.5};
    Weather weather;
    weather.loss = kLosses[random.below(std::size(kLosses))];
    weather.bursty = random.chance(0.4);
    if (random.chance(0.5)) weather.duplicated = 0.05;
    if (random.chance(0.5)) weather.reordered = 0.1;
    if (random.chance(0.5)) weather.injected = 0.05;
    return weather;
}

// Each kind of fault is there in some seeds and not in others: alone it goes further.
Nanos every(Random& random, double share, Nanos low, Nanos high)
{
    const bool there = random.chance(share);
    const Nanos mean = random.between(low, high);
    return there ? mean : Nanos{0};
}
} // namespace

Plan plan_of(std::uint64_t seed, std::uint32_t edges, std::optional<Seconds> length)
{
    Random random{Random::mix(seed) ^ 0x7469646573696DULL};
    Plan plan;
    plan.seed = seed;
    const std::uint32_t drawn = edges_of(random);
    plan.edges = edges == 0 ? drawn : edges;
    plan.shields = plan.edges < 2 || random.chance(0.3) ? 0 : 1 + plan.edges / 8;
    plan.objects = static_cast<std::uint32_t>(8 + random.below(56));
    if (length) plan.faults = *length;
    plan.weather = weather_of(random);
    if (random.chance(0.5)) plan.delay_max = 40_ms;
    plan.jitter = random.between(0_ms, 10_ms);
    plan.read_every = Nanos{1'000'000'000 / 1500};
    if (plan.edges > 16) plan.read_every = plan.read_every * plan.edges / 16;
    plan.publish_every = random.between(15_ms, 200_ms);
    plan.floor_every = every(random, 0.6, 300_ms, 1500_ms);
    plan.hub_crash_every = every(random, 0.5, 1000_ms, 5000_ms);
    plan.edge_crash_every = every(random, 0.6, 700_ms, 4000_ms);
    plan.pause_every = every(random, 0.4, 800_ms, 4000_ms);
    plan.partition_every = every(random, 0.7, 600_ms, 3000_ms);
    plan.break_every = every(random, 0.5, 500_ms, 3000_ms);
    plan.blackhole_every = every(random, 0.4, 1000_ms, 4000_ms);
    plan.crash_at_step = random.chance(0.3) ? 0.0005 : 0;
    plan.restored = random.chance(0.5) ? 0.4 : 0;
    plan.mark_lost = random.chance(0.5) ? 0.5 : 0;
    plan.compacted = random.chance(0.6) ? 0.5 : 0;
    plan.rolled_back = random.chance(0.5) ? 0.3 : 0;
    plan.rebooted = 0.3;
    return plan;
}
void set_plant(Plan& plan, Plant plant)
{
    plan.plant = plant;
    if (plant == Plant::none) return;
    plan.edges = std::clamp(plan.edges, 3U, 5U);
    plan.shields = std::min(plan.shields, 1U);
    switch (plant) {
    case Plant::lease_from_receipt:
    case Plant::heartbeat_over_a_gap:
        plan.weather.loss = 0.1;
        plan.delay_max = 120_ms;
        plan.hub_crash_every = plan.edge_crash_every = Nanos{0};
        plan.partition_every = 250_ms;
        plan.blackhole_every = 400_ms;
        plan.publish_every = 30_ms;
        break;
    case Plant::digest_ignores_a_block:
    case Plant::restored_journal_keeps_its_id:
        plan.restored = 1;
        plan.mark_lost = plant == Plant::digest_ignores_a_block ? 1 : 0;
        plan.compacted = 0;
        plan.weather.loss = std::min(plan.weather.loss, 0.1);
        plan.edge_crash_every = Nanos{0};
        plan.hub_crash_every = 1200_ms;
        plan.partition_every = 300_ms;
        plan.publish_every = 40_ms;
        break;
    case Plant::snapshot_without_floor:
        plan.compacted = 1;
        plan.restored = 0;
        plan.weather.loss = std::min(plan.weather.loss, 0.1);
        plan.hub_crash_every = 800_ms;
        plan.partition_every = 400_ms;
        plan.floor_every = 60_ms;
        plan.publish_every = 80_ms;
        break;
    case Plant::stale_fence_from_shield:
        plan.edges = std::max(plan.edges, 4U);
        plan.shields = 1;
        break;
    case Plant::ack_before_fsync:
        plan.hub_crash_every = 900_ms;
        break;
    case Plant::none:
    case Plant::fence_at_response:
    case Plant::soft_overwrites_hard:
        break;
    }
}
} // namespace tidemark::sim
