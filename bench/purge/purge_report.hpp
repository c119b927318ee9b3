#pragma once
#include "bench/load/histogram.hpp"
#include "bench/purge/purge.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What a run of `tidemark-bench purge` found, as a person and as a program read it. Pure.
namespace tidemark::bench
{
// One level of loss.
struct LevelReport {
    double loss = 0;
    Nanos burst{0};
    Histogram last_clean; // from accepted to the last edge clean, beyond the slowest one-way delay
    Histogram wait_all;   // from sending to the 200, beyond the slowest round trip
    std::uint64_t never_clean = 0;    // purges that some edge had not applied in time
    std::uint64_t never_answered = 0; // wait=all that was not answered by 200 in time
    std::uint64_t old_answers = 0;    // an edge served old content after the 200
    double datagrams_per_purge = 0;   // of one edge, both directions, without what goes when idle
    double bytes_per_purge = 0;       // likewise; UDP payload
    double stream_bytes_per_purge = 0;
    double idle_bytes_per_s = 0; // of one edge, both directions; UDP payload
    double idle_stream_bytes_per_s = 0;
};
struct CatchUpReport {
    std::uint64_t versions = 0;
    Nanos to_first_byte{0}; // from healed to the first byte towards the edge
    Nanos to_sync{0};       // from healed to all applied
    std::uint64_t stream_bytes = 0;
    std::uint64_t datagram_bytes = 0;
};
struct ThroughputReport {
    double batched_per_s = 0;
    double single_per_s = 0;
    std::uint32_t single_connections = 0;
};
struct PurgeReport {
    std::vector<LevelReport> levels;
    std::optional<ThroughputReport> throughput;
    std::optional<CatchUpReport> catch_up;
    // Nothing was late and nothing old was served.
    [[nodiscard]] bool good() const noexcept;
};

[[nodiscard]] std::string text_of(const PurgeReport& report, const PurgeOptions& options);
[[nodiscard]] std::string json_of(const PurgeReport& report, const PurgeOptions& options);
} // namespace tidemark::bench
