#include "bench/purge/throughput.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

namespace tidemark::bench
{
namespace
{
using namespace std::chrono_literals;

constexpr std::uint64_t kBatch = 1'000;
constexpr std::uint32_t kBatchConnections = 4;
constexpr std::uint32_t kSingleConnections = 64;
constexpr std::uint64_t kBodies = 8; // different ones, of each connection
constexpr Nanos kCatchUpPatience = 120s;

double seconds_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e9;
}

// Posts over many connections, one call after the other on each, while `more` says so. Returns how
// many calls were accepted.
std::uint64_t post_all(std::uint16_t port, std::uint32_t connections, std::uint64_t purges_per_call,
                       const std::function<bool()>& more)
{
    std::atomic<std::uint64_t> accepted{0};
    std::vector<std::string> errors(connections);
    const auto post = [&](std::uint32_t mine) {
        std::vector<std::string> bodies;
        for (std::uint64_t i = 0; i < kBodies; ++i) {
            const std::uint64_t page = (mine * kBodies + i) * kBatch;
            bodies.push_back(purges_per_call == 1 ? purge_of(page)
                                                  : batch_of(page, purges_per_call));
        }
        ApiConnection connection(port);
        for (std::uint64_t n = 0; more(); ++n) {
            const auto answer = connection.call("POST", "/v1/purge", bodies[n % kBodies]);
            const bool good = answer && (answer->status == 202 || answer->status == 200);
            if (!good) {
                errors[mine] =
                    answer ? std::to_string(answer->status) + " " + answer->body : answer.error();
                return;
            }
            ++accepted;
        }
    };
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < connections; ++i)
        threads.emplace_back(post, i);
    for (std::thread& thread : threads)
        thread.join();
    for (const std::string& error : errors)
        if (!error.empty()) throw BenchError("POST /v1/purge: " + error);
    if (interrupted()) throw BenchError("interrupted");
    return accepted;
}

double rate_of(Fleet& fleet, const PurgeOptions& options, std::uint32_t connections,
               std::uint64_t purges_per_call)
{
    const MonoTime start = monotonic_now();
    const MonoTime end = start + options.duration;
    const std::uint64_t calls = post_all(fleet.origin_admin(), connections, purges_per_call,
                                         [end] { return monotonic_now() < end && !interrupted(); });
    return static_cast<double>(calls * purges_per_call) / seconds_of(monotonic_now() - start);
}

void issue(Fleet& fleet, std::uint64_t versions)
{
    std::atomic<std::uint64_t> left{(versions + kBatch - 1) / kBatch};
    const auto take_one = [&] {
        std::uint64_t seen = left.load();
        while (seen > 0 && !left.compare_exchange_weak(seen, seen - 1)) {
        }
        return seen > 0 && !interrupted();
    };
    static_cast<void>(post_all(fleet.origin_admin(), kBatchConnections, kBatch, take_one));
}
} // namespace

ThroughputReport measure_throughput(Fleet& fleet, const PurgeOptions& options)
{
    ThroughputReport report;
    report.single_connections = kSingleConnections;
    report.single_per_s = rate_of(fleet, options, kSingleConnections, 1);
    report.batched_per_s = rate_of(fleet, options, kBatchConnections, kBatch);
    const std::uint64_t last = fleet.purge(purge_of(0)).version;
    if (!fleet.wait_applied(last, kCatchUpPatience)) throw BenchError("the edge falls behind");
    return report;
}

CatchUpReport measure_catch_up(Fleet& fleet, const PurgeOptions& options)
{
    Edge& edge = fleet.edges().front();
    const std::uint64_t before_it = fleet.applied_through(edge);
    fleet.relay().partition(true);
    issue(fleet, options.backlog);
    const std::uint64_t last = fleet.purge(purge_of(0)).version;

    CatchUpReport report;
    report.versions = last - before_it;
    const DoorCounters before = fleet.traffic();
    const MonoTime healed = monotonic_now();
    fleet.relay().partition(false);
    const auto so_far = [&] { return fleet.traffic().to_client - before.to_client; };
    while (so_far().stream_bytes == 0) {
        if (monotonic_now() - healed > kCatchUpPatience) throw BenchError("nothing comes any more");
        rest(1ms);
    }
    report.to_first_byte = monotonic_now() - healed;
    if (!fleet.wait_applied(edge, last, kCatchUpPatience))
        throw BenchError("not in sync in time: at " + std::to_string(fleet.applied_through(edge)) +
                         " of " + std::to_string(last));
    report.to_sync = monotonic_now() - healed;
    const DoorCounters after = fleet.traffic();
    const WayCounters out = after.to_target - before.to_target;
    const WayCounters in = after.to_client - before.to_client;
    report.stream_bytes = out.stream_bytes + in.stream_bytes;
    report.datagram_bytes = out.datagram_bytes + in.datagram_bytes;
    return report;
}
} // namespace tidemark::bench
