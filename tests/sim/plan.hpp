#pragma once
#include "core/base/time.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

// What one run is: everything that its seed and the command line decide beforehand.
namespace tidemark::sim
{
// Bugs that a checker must find (plants.hpp says how each is put in).
enum class Plant : std::uint8_t {
    none,
    fence_at_response,
    ack_before_fsync,
    lease_from_receipt,
    digest_ignores_a_block,
    snapshot_without_floor,
    soft_overwrites_hard,
    heartbeat_over_a_gap,
    restored_journal_keeps_its_id,
    stale_fence_from_shield,
};
struct PlantName {
    Plant plant;
    std::string_view name;
};
inline constexpr std::array<PlantName, 9> kPlants{{
    {Plant::fence_at_response, "fence-at-response"},
    {Plant::ack_before_fsync, "ack-before-fsync"},
    {Plant::lease_from_receipt, "lease-from-receipt"},
    {Plant::digest_ignores_a_block, "digest-ignores-a-block"},
    {Plant::snapshot_without_floor, "snapshot-without-floor"},
    {Plant::soft_overwrites_hard, "soft-overwrites-hard"},
    {Plant::heartbeat_over_a_gap, "heartbeat-over-a-gap"},
    {Plant::restored_journal_keeps_its_id, "restored-journal-keeps-its-id"},
    {Plant::stale_fence_from_shield, "stale-fence-from-shield"},
}};

// What datagrams suffer, in each direction.
struct Weather {
    double loss = 0;
    bool bursty = false; // lost in bursts of mean 20 ms
    double duplicated = 0;
    double reordered = 0; // so many come up to 40 ms late
    double injected = 0;  // garbled, forged or replayed ones, per honest one
};

struct Plan {
    std::uint64_t seed = 1;
    std::uint32_t edges = 4;
    std::uint32_t shields = 1; // the first of them
    std::uint32_t objects = 32;
    Plant plant = Plant::none;
    bool verbose = false;

    Nanos faults{6'000'000'000};  // so long things go wrong
    Nanos healed{12'000'000'000}; // then so long at most until all is well
    Weather weather;
    Nanos delay_min{5'000'000};
    Nanos delay_max{120'000'000};
    Nanos jitter{2'000'000};
    bool tcp_suffers = true; // streams stand still where datagrams are lost

    Nanos read_every{1'000'000};     // per edge, mean
    Nanos publish_every{50'000'000}; // mean
    Nanos floor_every{700'000'000};  // 0: never
    // Mean time between faults of a kind; 0: none.
    Nanos hub_crash_every{0};
    Nanos edge_crash_every{0};
    Nanos pause_every{0};
    Nanos partition_every{0};
    Nanos break_every{0};
    Nanos blackhole_every{0};
    double crash_at_step = 0; // per action performed
    double restored = 0;      // of origin restarts: from an older backup
    double mark_lost = 0;     // of those: nothing beside the backup tells
    double compacted = 0;     // of origin restarts: retention has taken versions
    double rolled_back = 0;   // of edge restarts: its disk shows an older state
    double rebooted = 0;      // of edge restarts: another instance and clock
};

// Puts a bug into a run, and sees to it that the faults under which it shows are frequent. Without
// the bug (`plant` set back to none) such a run must be as clean as any other.
void set_plant(Plan& plan, Plant plant);

// The run of a seed. `edges`: 0: the seed decides.
[[nodiscard]] Plan plan_of(std::uint64_t seed, std::uint32_t edges, std::optional<Seconds> length);
} // namespace tidemark::sim
