#pragma once
#include "sim/plan.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// How fast a purge reaches the last edge. Nothing fails here but datagrams; their loss is learned
// by the origin, not told.
namespace tidemark::sim
{
struct LatencyCase {
    std::uint32_t edges = 100;
    double loss = 0;
    bool bursty = false;
    double applied_goal_ms = 0; // p99, of the last edge
    double done_goal_ms = 0;    // p99, of wait=all
};
// Every loss with `edges`; 0: with 100 and with 1000.
[[nodiscard]] std::vector<LatencyCase> latency_cases(std::uint32_t edges);

struct Percentiles {
    double p50 = 0;
    double p99 = 0;
    double max = 0;
};
struct LatencyResult {
    LatencyCase of;
    std::uint32_t purges = 0;
    Percentiles applied_ms;         // durable to the last edge, beyond the slowest one-way delay
    Percentiles done_ms;            // durable to wait=all, beyond the slowest round trip
    double datagrams_per_purge = 0; // for each edge, heartbeats and acks included
    std::uint64_t trace = 0;
};
[[nodiscard]] LatencyResult measure_latency(const LatencyCase& of, std::uint64_t seed,
                                            std::uint32_t purges);

// One row of a table, after its head where it is the first.
[[nodiscard]] std::string text_of(const std::vector<LatencyResult>& results, std::size_t row);
[[nodiscard]] std::string json_of(const std::vector<LatencyResult>& results);

// An edge was cut off while so many versions came; then it is not any more.
struct ReturnResult {
    std::uint64_t missed = 0;
    double in_sync_ms = 0; // from when the network was whole
    double round_trip_ms = 0;
    double transfer_ms = 0; // what the bytes take at 1 Gbit/s
    std::uint64_t bytes = 0;
};
[[nodiscard]] ReturnResult measure_return(std::uint64_t seed, std::uint64_t missed);
[[nodiscard]] std::string text_of(const ReturnResult& result);
} // namespace tidemark::sim
