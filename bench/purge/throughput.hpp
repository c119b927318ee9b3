#pragma once
#include "bench/purge/fleet.hpp"
#include "bench/purge/purge_report.hpp"

namespace tidemark::bench
{
// How many durable purges a second the origin accepts. Throws BenchError.
[[nodiscard]] ThroughputReport measure_throughput(Fleet& fleet, const PurgeOptions& options);
// Cuts the fleet's first edge off, issues the backlog, lets it catch up. Throws BenchError.
[[nodiscard]] CatchUpReport measure_catch_up(Fleet& fleet, const PurgeOptions& options);
} // namespace tidemark::bench
