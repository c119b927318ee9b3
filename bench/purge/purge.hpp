#pragma once
#include "core/base/time.hpp"

#include <cstdint>
#include <string>

// `tidemark-bench purge`: how long a purge takes to reach the last of many edges, with the real
// programs and a bad network between them.
//
// Everything runs on loopback of one machine and reads one monotonic clock. "Clean" is when the
// edge itself says it applied the version; "accepted" is when the origin's answer to a purge that
// asked for no waiting had been read. What the network was told to take for one way is subtracted.
namespace tidemark::bench
{
enum class PurgeRun : std::uint8_t { propagation, suite, throughput, partition };

struct PurgeOptions {
    PurgeRun run = PurgeRun::propagation;
    std::uint32_t edges = 20;
    double loss = 0; // 0..1
    Nanos burst{0};  // mean length of a burst of losses; 0: each datagram for itself
    Nanos delay = Millis{10};
    Nanos jitter{0};
    double duplicate = 0;
    std::uint32_t purges = 200;        // of each level, half as many with wait=all
    double rate = 20;                  // purges a second
    std::uint64_t backlog = 1'000'000; // versions: throughput, partition
    Nanos duration = Seconds{5};       // throughput: of each way to submit
    std::uint64_t seed = 1;
    std::string json;    // a file; "-": stdout, and nothing else there
    std::string program; // tidemark; empty: the one beside us
};

// Progress goes to stderr, results to stdout. Returns the exit code: 0 all edges became clean in
// time and none served old content, 1 not so, 2 it could not begin. What it started has ended when
// it returns, or when this process ends in whatever way.
[[nodiscard]] int run_purge(const PurgeOptions& options);
} // namespace tidemark::bench
