#include "bench/purge/purge_report.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include <nlohmann/json.hpp>

namespace tidemark::bench
{
namespace
{
using Json = nlohmann::json;

double ms_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e6;
}
double seconds_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e9;
}

std::string name_of(const LevelReport& level)
{
    std::string name = fmt::format("{:g} %", level.loss * 100);
    if (level.burst > Nanos{0}) name += fmt::format(" in {:g} ms bursts", ms_of(level.burst));
    return name;
}

// The plot's axis is logarithmic, from 0.1 ms to 10 s.
constexpr int kDecades = 5;
constexpr int kColumnsPerDecade = 12;
constexpr int kColumns = kDecades * kColumnsPerDecade;

int column_of(Nanos time)
{
    const double decades = std::log10(std::max(ms_of(time), 0.1) / 0.1);
    return std::min(static_cast<int>(decades * kColumnsPerDecade), kColumns - 1);
}

// From the fastest to the slowest, o at the median, # at the 99th percentile.
std::string line_of(const Histogram& times)
{
    std::string line(kColumns, ' ');
    if (times.count() == 0) return line;
    const auto at = [&](Nanos time) -> char& {
        return line[static_cast<std::size_t>(column_of(time))];
    };
    for (int i = column_of(times.percentile(0)); i <= column_of(times.max()); ++i)
        line[static_cast<std::size_t>(i)] = '-';
    at(times.max()) = '|';
    at(times.percentile(50)) = 'o';
    at(times.percentile(99)) = '#';
    return line;
}

std::string axis()
{
    std::string line;
    for (const char* label : {"0.1 ms", "1", "10", "100", "1 s"})
        line += fmt::format("{:<{}}", label, kColumnsPerDecade);
    return line + "10 s";
}

using Out = std::back_insert_iterator<std::string>;

void add_table(Out out, const std::vector<LevelReport>& levels)
{
    fmt::format_to(out, "{:<22}{:^24}{:^24}{:>22}{:>10}\n", "datagrams lost", "last edge clean, ms",
                   "wait=all 200, ms", "per edge and purge", "idle");
    fmt::format_to(out, "{:<22}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>12}{:>10}{:>10}\n", "", "p50",
                   "p99", "max", "p50", "p99", "max", "datagrams", "bytes", "bytes/s");
    for (const LevelReport& level : levels) {
        fmt::format_to(out, "{:<22}", name_of(level));
        for (const Histogram* times : {&level.last_clean, &level.wait_all})
            fmt::format_to(out, "{:>8.1f}{:>8.1f}{:>8.1f}", ms_of(times->percentile(50)),
                           ms_of(times->percentile(99)), ms_of(times->max()));
        fmt::format_to(out, "{:>12.1f}{:>10.0f}{:>10.0f}\n", level.datagrams_per_purge,
                       level.bytes_per_purge, level.idle_bytes_per_s);
    }
}

void add_plot(Out out, const std::vector<LevelReport>& levels)
{
    fmt::format_to(out, "\nLast edge clean, beyond the one-way delay (o median, # p99, | max)\n");
    fmt::format_to(out, "{:<22}{}\n", "", axis());
    for (const LevelReport& level : levels)
        fmt::format_to(out, "{:<22}{}\n", name_of(level), line_of(level.last_clean));
}

void add_complaints(Out out, const std::vector<LevelReport>& levels)
{
    for (const LevelReport& level : levels) {
        if (level.never_clean > 0)
            fmt::format_to(out, "{}: {} purges were not applied everywhere in time\n",
                           name_of(level), level.never_clean);
        if (level.never_answered > 0)
            fmt::format_to(out, "{}: {} purges with wait=all were not answered by 200 in time\n",
                           name_of(level), level.never_answered);
        if (level.old_answers > 0)
            fmt::format_to(out, "{}: OLD CONTENT was served {} times after the 200\n",
                           name_of(level), level.old_answers);
    }
}

void add_catch_up(Out out, const CatchUpReport& run)
{
    const double transfer_s = seconds_of(run.to_sync - run.to_first_byte);
    fmt::format_to(out,
                   "{} versions missed: in sync {:.2f} s after the network was back, {:.2f} s of "
                   "them until the first byte came\n"
                   "  {:.0f} versions/s applied, {:.1f} MB by stream, {:.0f} kB by datagram\n",
                   run.versions, seconds_of(run.to_sync), seconds_of(run.to_first_byte),
                   static_cast<double>(run.versions) / std::max(transfer_s, 1e-9),
                   static_cast<double>(run.stream_bytes) / 1e6,
                   static_cast<double>(run.datagram_bytes) / 1e3);
}

Json json_of(const Histogram& times)
{
    return {{"count", times.count()},
            {"p50", ms_of(times.percentile(50))},
            {"p90", ms_of(times.percentile(90))},
            {"p99", ms_of(times.percentile(99))},
            {"max", ms_of(times.max())},
            {"mean", ms_of(times.mean())}};
}

Json json_of(const LevelReport& level)
{
    return {{"loss", level.loss},
            {"burst_ms", ms_of(level.burst)},
            {"last_edge_clean_ms", json_of(level.last_clean)},
            {"wait_all_ms", json_of(level.wait_all)},
            {"never_clean", level.never_clean},
            {"never_answered", level.never_answered},
            {"old_answers", level.old_answers},
            {"per_edge_and_purge",
             {{"datagrams", level.datagrams_per_purge},
              {"datagram_bytes", level.bytes_per_purge},
              {"stream_bytes", level.stream_bytes_per_purge}}},
            {"idle_per_edge",
             {{"datagram_bytes_per_s", level.idle_bytes_per_s},
              {"stream_bytes_per_s", level.idle_stream_bytes_per_s}}}};
}

Json json_of(const CatchUpReport& run)
{
    return {{"versions", run.versions},
            {"to_first_byte_ms", ms_of(run.to_first_byte)},
            {"to_sync_ms", ms_of(run.to_sync)},
            {"stream_bytes", run.stream_bytes},
            {"datagram_bytes", run.datagram_bytes}};
}
} // namespace

bool PurgeReport::good() const noexcept
{
    return std::all_of(levels.begin(), levels.end(), [](const LevelReport& level) {
        return level.never_clean == 0 && level.never_answered == 0 && level.old_answers == 0;
    });
}

std::string text_of(const PurgeReport& report, const PurgeOptions& options)
{
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(
        out, "seed {}, delay {:g} ms one way, jitter {:g} ms, {:g} % of datagrams twice\n",
        options.seed, ms_of(options.delay), ms_of(options.jitter), options.duplicate * 100);
    if (!report.levels.empty()) {
        fmt::format_to(
            out,
            "{} edges, {} purges a level at {:g}/s; times are beyond the delay (wait=all: "
            "beyond the round trip)\n\n",
            options.edges, options.purges, options.rate);
        add_table(out, report.levels);
        add_plot(out, report.levels);
        add_complaints(out, report.levels);
    }
    if (report.throughput)
        fmt::format_to(
            out,
            "durable purges/s accepted: {:.0f} in batches of 1000, {:.0f} as single calls "
            "over {} connections\n",
            report.throughput->batched_per_s, report.throughput->single_per_s,
            report.throughput->single_connections);
    if (report.catch_up) add_catch_up(out, *report.catch_up);
    return text;
}

std::string json_of(const PurgeReport& report, const PurgeOptions& options)
{
    Json json = {{"seed", options.seed},
                 {"delay_ms", ms_of(options.delay)},
                 {"jitter_ms", ms_of(options.jitter)},
                 {"duplicate", options.duplicate}};
    if (!report.levels.empty()) {
        json["edges"] = options.edges;
        json["rate_per_s"] = options.rate;
        for (const LevelReport& level : report.levels)
            json["levels"].push_back(json_of(level));
    }
    if (report.throughput)
        json["throughput"] = {{"batched_per_s", report.throughput->batched_per_s},
                              {"single_per_s", report.throughput->single_per_s},
                              {"single_connections", report.throughput->single_connections}};
    if (report.catch_up) json["catch_up"] = json_of(*report.catch_up);
    return json.dump(2) + "\n";
}
} // namespace tidemark::bench
