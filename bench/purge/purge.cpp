#include "bench/purge/purge.hpp"

#include "bench/purge/fleet.hpp"
#include "bench/purge/propagation.hpp"
#include "bench/purge/purge_report.hpp"
#include "bench/purge/throughput.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

namespace tidemark::bench
{
namespace
{
using namespace std::chrono_literals;

void say(const std::string& text)
{
    std::fputs((text + "\n").c_str(), stderr);
}

PathConditions conditions_of(const PurgeOptions& options, double loss, Nanos burst)
{
    return {loss, burst, options.delay, options.jitter, options.duplicate};
}

std::vector<PathConditions> levels_of(const PurgeOptions& options)
{
    if (options.run != PurgeRun::suite)
        return {conditions_of(options, options.loss, options.burst)};
    std::vector<PathConditions> levels;
    for (const double loss : {0.0, 0.01, 0.1, 0.3, 0.5})
        levels.push_back(conditions_of(options, loss, Nanos{0}));
    const Nanos burst = options.burst > Nanos{0} ? options.burst : Nanos{20ms};
    for (const double loss : {0.01, 0.1, 0.3, 0.5})
        levels.push_back(conditions_of(options, loss, burst));
    return levels;
}

PurgeReport measure(const PurgeOptions& options)
{
    PurgeReport report;
    const bool one_edge = options.run == PurgeRun::throughput || options.run == PurgeRun::partition;
    const std::uint32_t edges = one_edge ? 1 : options.edges;
    say("starting an origin and " + std::to_string(edges) + " edges, seed " +
        std::to_string(options.seed));
    Fleet fleet(options, edges);
    if (one_edge) {
        fleet.relay().set(conditions_of(options, options.loss, options.burst));
        if (options.run == PurgeRun::throughput)
            report.throughput = measure_throughput(fleet, options);
        say("cutting the edge off for " + std::to_string(options.backlog) + " versions");
        report.catch_up = measure_catch_up(fleet, options);
        return report;
    }
    for (const PathConditions& level : levels_of(options)) {
        say("loss " + std::to_string(level.loss) + (level.burst > Nanos{0} ? " in bursts" : ""));
        report.levels.push_back(measure_level(fleet, options, level));
    }
    return report;
}

bool write_file(const std::string& path, const std::string& text)
{
    std::FILE* const file = std::fopen(path.c_str(), "w");
    if (file == nullptr) return false;
    const bool written = std::fputs(text.c_str(), file) >= 0;
    return std::fclose(file) == 0 && written;
}
} // namespace

int run_purge(const PurgeOptions& options)
{
    // For interrupted(): threads inherit it, and what we start is freed of it.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    try {
        const PurgeReport report = measure(options);
        const std::string json = json_of(report, options);
        if (options.json == "-")
            std::fputs(json.c_str(), stdout);
        else
            std::fputs(text_of(report, options).c_str(), stdout);
        if (!options.json.empty() && options.json != "-" && !write_file(options.json, json)) {
            say("cannot write " + options.json);
            return 1;
        }
        return report.good() ? 0 : 1;
    } catch (const std::exception& error) {
        say(std::string("tidemark-bench purge: ") + error.what());
        return 2;
    }
}
} // namespace tidemark::bench
