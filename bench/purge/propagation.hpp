#pragma once
#include "bench/purge/fleet.hpp"
#include "bench/purge/purge_report.hpp"

namespace tidemark::bench
{
// Measures one level of loss on a fleet that is up: lets the loss be learned, listens to what goes
// when nothing happens, purges at the asked rate, then with wait=all. Throws BenchError.
[[nodiscard]] LevelReport measure_level(Fleet& fleet, const PurgeOptions& options,
                                        const PathConditions& conditions);
} // namespace tidemark::bench
