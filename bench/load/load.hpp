#pragma once
#include "bench/load/targets.hpp"
#include "core/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// `tidemark-bench load`: an HTTP/1.1 load tester that does not flatter.
//
// Open loop (rate > 0): request n is due at start + n / rate, whatever the server does. It is sent
// then if a connection is free; if none is, it waits its turn, and its latency counts from the
// moment it was due, not from when it was sent. A server that stalls for a second thus shows a
// second in the percentiles of every request that fell into the stall, where a tester that sends
// the next request after the last answer would have sent (and counted) hardly any: the error called
// coordinated omission. "Sent late" in the results says how long requests waited for a connection
// or for this program itself. What is due at the end is still sent and awaited for up to `timeout`;
// the rest counts as `unsent`, with the time it waited.
//
// Closed loop (rate 0): every connection keeps `pipeline` requests in flight; latency counts from
// sending. It finds the most a server can do, and the CPU time a request costs; its percentiles are
// those of a saturated server.
namespace tidemark::bench
{
struct LoadOptions {
    std::vector<std::string> urls;
    std::optional<Popularity> popularity; // for the {} of the only URL
    std::vector<std::string> fields;      // "Name: value"
    std::string connect;            // ADDRESS:PORT to connect to, or empty: where the URLs lie
    double rate = 0;                // requests a second over all threads; 0: closed loop
    std::uint32_t connections = 64; // over all threads
    std::uint32_t threads = 1;
    std::uint32_t pipeline = 1; // closed loop only
    Nanos warmup{0};            // requests due in it are sent and not counted
    Nanos duration = Seconds{10};
    Nanos timeout = Seconds{10};
    std::uint64_t seed = 1;
    bool json = false;
};

// Runs until done or interrupted (SIGINT, SIGTERM: then it reports what it has). Progress goes to
// stderr, results to stdout. Returns the exit code: 0 all answered, 1 some request failed, 2 could
// not begin.
[[nodiscard]] int run_load(const LoadOptions& options);
} // namespace tidemark::bench
