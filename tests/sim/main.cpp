#include "sim/latency.hpp"
#include "sim/simulation.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fmt/core.h>
#include <optional>
#include <string>
#include <string_view>

// tidemark-sim: the whole system under one seed, many times.
namespace
{
using namespace tidemark;

constexpr const char* kUsage =
    "usage: tidemark-sim [--seed N] [--runs N] [--edges N] [--seconds S] [--plant BUG "
    "[--unplanted]] [--report]\n"
    "       tidemark-sim --hours H [--seed N]   run until so many hours were simulated\n"
    "       tidemark-sim --latency [--edges N] [--purges N] [--json]\n"
    "       tidemark-sim --missed VERSIONS      how an edge comes back that missed so many\n";

struct Arguments {
    std::uint64_t seed = 1;
    std::uint64_t runs = 1;
    std::uint32_t edges = 0;
    std::optional<Seconds> length;
    sim::Plant plant = sim::Plant::none;
    bool report = false;
    bool latency = false;
    bool json = false;
    bool unplanted = false; // the faults of a plant without it
    double hours = 0;
    std::uint32_t purges = 300;
    std::uint64_t missed = 0;
};

std::optional<sim::Plant> plant_of(std::string_view name)
{
    for (const sim::PlantName& one : sim::kPlants)
        if (one.name == name) return one.plant;
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(const char* text)
{
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0') return std::nullopt;
    return number;
}

std::optional<Arguments> parse(int argc, char** argv)
{
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        bool* const flag = name == "--report"      ? &arguments.report
                           : name == "--json"      ? &arguments.json
                           : name == "--unplanted" ? &arguments.unplanted
                           : name == "--latency"   ? &arguments.latency
                                                   : nullptr;
        if (flag != nullptr) {
            *flag = true;
            continue;
        }
        if (++i >= argc) return std::nullopt;
        if (name == "--plant") {
            const auto plant = plant_of(argv[i]);
            if (!plant) return std::nullopt;
            arguments.plant = *plant;
            continue;
        }
        const auto number = number_of(argv[i]);
        if (!number) return std::nullopt;
        if (name == "--seed")
            arguments.seed = *number;
        else if (name == "--runs")
            arguments.runs = *number;
        else if (name == "--edges")
            arguments.edges = static_cast<std::uint32_t>(*number);
        else if (name == "--seconds")
            arguments.length = Seconds{static_cast<std::int64_t>(*number)};
        else if (name == "--hours")
            arguments.hours = static_cast<double>(*number);
        else if (name == "--purges")
            arguments.purges = static_cast<std::uint32_t>(*number);
        else if (name == "--missed")
            arguments.missed = *number;
        else
            return std::nullopt;
    }
    return arguments;
}

double seconds_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e9;
}

void print(const sim::Outcome& outcome)
{
    fmt::print("seed {} trace {:016x} events {} reads {} purges {} (200: {}) journals {} snapshots "
               "{} healed in {:.2f} s\n",
               outcome.seed, outcome.trace, outcome.events, outcome.tally.reads,
               outcome.tally.purges, outcome.tally.done, 1 + outcome.tally.mints,
               outcome.tally.snapshots, seconds_of(outcome.healed_in));
}

void print_violations(const sim::Outcome& outcome)
{
    for (const sim::Violation& violation : outcome.violations)
        fmt::print("seed {} at {:.6f} s: {}: {}\n", outcome.seed,
                   seconds_of(violation.at.time_since_epoch()),
                   sim::kInvariantNames[static_cast<std::size_t>(violation.invariant)],
                   violation.text);
}

int run_seeds(const Arguments& arguments)
{
    const auto began = std::chrono::steady_clock::now();
    sim::Tally all;
    std::uint64_t stale = 0;
    std::uint64_t broken = 0;
    std::uint64_t seeds = 0;
    std::uint64_t trace = 0;
    Nanos simulated{0};
    const auto goes_on = [&] {
        return arguments.hours > 0 ? seconds_of(simulated) < arguments.hours * 3600
                                   : seeds < arguments.runs;
    };
    for (std::uint64_t seed = arguments.seed; goes_on(); ++seed, ++seeds) {
        sim::Plan plan = sim::plan_of(seed, arguments.edges, arguments.length);
        sim::set_plant(plan, arguments.plant);
        if (arguments.unplanted) plan.plant = sim::Plant::none;
        const sim::Outcome outcome = sim::Simulation{plan}.run();
        all += outcome.tally;
        stale += outcome.stale_after_done;
        simulated += outcome.simulated;
        trace = sim::Random::mix(trace ^ outcome.trace);
        if (!outcome.violations.empty()) ++broken;
        if (arguments.report || (arguments.runs == 1 && arguments.hours == 0)) print(outcome);
        print_violations(outcome);
        std::fflush(stdout);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{} seeds from {}: {} reads checked, {} stale after a 200, {} seeds broke an "
               "invariant\n",
               seeds, arguments.seed, all.reads, stale, broken);
    fmt::print("  answers: {} hits, {} adrift, {} adrift by policy, {} stale by soft purge, {} "
               "fetched, {} none; {} older than the upstream\n",
               all.by[0], all.by[1], all.by[2], all.by[3], all.by[4], all.unanswered, all.old);
    fmt::print("  purges: {}, 200 for {}; backups restored {}, journals minted {}, snapshots {}, "
               "caps {}\n",
               all.purges, all.done, all.restores, all.mints, all.snapshots, all.caps);
    fmt::print("  {:.1f} h simulated in {:.1f} s, {:.0f} reads/s; trace {:016x}\n",
               seconds_of(simulated) / 3600, took.count(),
               static_cast<double>(all.reads) / took.count(), trace);
    return broken == 0 ? 0 : 1;
}
} // namespace

int main(int argc, char** argv)
{
    const std::optional<Arguments> arguments = parse(argc, argv);
    if (!arguments) {
        std::fputs(kUsage, stderr);
        std::fputs("bugs:", stderr);
        for (const sim::PlantName& one : sim::kPlants)
            fmt::print(stderr, " {}", one.name);
        std::fputs("\n", stderr);
        return 2;
    }
    if (arguments->missed > 0) {
        fmt::print("{}", sim::text_of(sim::measure_return(arguments->seed, arguments->missed)));
        return 0;
    }
    if (!arguments->latency) return run_seeds(*arguments);
    std::vector<sim::LatencyResult> results;
    for (const sim::LatencyCase& one : sim::latency_cases(arguments->edges)) {
        results.push_back(sim::measure_latency(one, arguments->seed, arguments->purges));
        if (!arguments->json) fmt::print("{}", sim::text_of(results, results.size() - 1));
        std::fflush(stdout);
    }
    if (arguments->json) fmt::print("{}\n", sim::json_of(results));
    return 0;
}
