#include "bench/load/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tidemark::bench
{
namespace
{
using nlohmann::ordered_json;

struct Quantile {
    const char* name;
    double percent;
};
constexpr Quantile kQuantiles[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

double micros(Nanos value)
{
    return static_cast<double>(value.count()) / 1e3;
}

double seconds(Nanos value)
{
    return static_cast<double>(value.count()) / 1e9;
}

double per_second(std::uint64_t count, Nanos took)
{
    return took > Nanos{0} ? static_cast<double>(count) / seconds(took) : 0;
}

double share(std::uint64_t part, std::uint64_t other)
{
    return static_cast<double>(part) / static_cast<double>(part + other);
}

std::string readable(Nanos value)
{
    const double us = micros(value);
    if (us < 1000) return fmt::format("{:.0f} us", us);
    if (us < 1e6) return fmt::format("{:.2f} ms", us / 1e3);
    return fmt::format("{:.2f} s", us / 1e6);
}

std::string readable_bytes(std::uint64_t bytes)
{
    const auto value = static_cast<double>(bytes);
    if (bytes < 10'000) return fmt::format("{} B", bytes);
    if (bytes < 10'000'000) return fmt::format("{:.1f} kB", value / 1e3);
    if (bytes < 10'000'000'000) return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.1f} GB", value / 1e9);
}

std::string quantiles_line(const Histogram& histogram)
{
    std::string line;
    for (const Quantile& q : kQuantiles)
        line += fmt::format("{} {}   ", q.name, readable(histogram.percentile(q.percent)));
    return line + "max " + readable(histogram.max());
}

ordered_json json_of_times(const Histogram& histogram)
{
    ordered_json times;
    for (const Quantile& q : kQuantiles)
        times[q.name] = micros(histogram.percentile(q.percent));
    times["max"] = micros(histogram.max());
    times["mean"] = micros(histogram.mean());
    return times;
}

ordered_json json_of_buckets(const Histogram& histogram)
{
    auto buckets = ordered_json::array();
    for (const Histogram::Bucket& bucket : histogram.filled_buckets())
        buckets.push_back({bucket.lowest.count(), bucket.highest.count(), bucket.count});
    return buckets;
}

template <class Visit> void for_each_status(const Report& report, const Visit& visit)
{
    for (unsigned status = 100; status < 600; ++status)
        if (const std::uint64_t count = report.with_status(status)) visit(status, count);
}

template <class Visit> void for_each_failure(const Report& report, const Visit& visit)
{
    for (std::size_t i = 0; i < kFailures; ++i)
        visit(name_of(static_cast<Failure>(i)), report.failures(static_cast<Failure>(i)));
}
} // namespace

std::string json_of(const Report& report, const RunFacts& facts)
{
    ordered_json out;
    out["mode"] = facts.rate > 0 ? "open" : "closed";
    out["rate_asked_per_second"] = facts.rate;
    out["connections"] = facts.connections;
    out["threads"] = facts.threads;
    out["pipeline"] = facts.pipeline;
    out["measured_seconds"] = seconds(facts.measured);
    out["elapsed_seconds"] = seconds(facts.elapsed);
    out["requests"] = report.requests();
    out["responses"] = report.responses();
    out["rate_per_second"] = per_second(report.responses(), facts.elapsed);
    out["errors_total"] = report.failures();
    for_each_failure(report, [&](std::string_view name, std::uint64_t count) {
        out["errors"][std::string(name)] = count;
    });
    out["status"] = ordered_json::object();
    for_each_status(report, [&](unsigned status, std::uint64_t count) {
        out["status"][std::to_string(status)] = count;
    });
    out["body_bytes"] = report.body_bytes();
    out["received_bytes"] = report.received_bytes();
    const std::uint64_t hits = report.with_cache_word(CacheWord::hit);
    const std::uint64_t misses = report.with_cache_word(CacheWord::miss);
    out["cache"] = {
        {"hit", hits}, {"miss", misses}, {"unmarked", report.with_cache_word(CacheWord::none)}};
    out["cache"]["hit_ratio"] =
        hits + misses == 0 ? ordered_json(nullptr) : ordered_json(share(hits, misses));
    out["latency_us"] = json_of_times(report.latency());
    out["send_delay_us"] = json_of_times(report.send_delay());
    out["latency_buckets_ns"] = json_of_buckets(report.latency());
    return out.dump(2);
}

std::string summary_of(const Report& report, const RunFacts& facts)
{
    std::string out = fmt::format(
        "{:.1f} s measured, {}, {} connections, {} threads\n", seconds(facts.measured),
        facts.rate > 0 ? fmt::format("open loop at {:.0f}/s", facts.rate)
                       : fmt::format("closed loop, {} in flight per connection", facts.pipeline),
        facts.connections, facts.threads);
    out += fmt::format("  requests    {}, answered {} ({:.0f}/s)\n", report.requests(),
                       report.responses(), per_second(report.responses(), facts.elapsed));
    out += "  errors      ";
    if (report.failures() == 0) out += "none";
    for_each_failure(report, [&](std::string_view name, std::uint64_t count) {
        if (count != 0) out += fmt::format("{} {}   ", name, count);
    });
    out += "\n  status      ";
    for_each_status(report, [&](unsigned status, std::uint64_t count) {
        out += fmt::format("{}: {}   ", status, count);
    });
    out += fmt::format(
        "\n  received    {}, bodies {} ({}/s)\n", readable_bytes(report.received_bytes()),
        readable_bytes(report.body_bytes()),
        readable_bytes(static_cast<std::uint64_t>(per_second(report.body_bytes(), facts.elapsed))));
    out += "  latency     " + quantiles_line(report.latency()) + "\n";
    if (facts.rate > 0) out += "  sent late   " + quantiles_line(report.send_delay()) + "\n";
    const std::uint64_t hits = report.with_cache_word(CacheWord::hit);
    const std::uint64_t misses = report.with_cache_word(CacheWord::miss);
    if (hits + misses != 0)
        out += fmt::format("  cache       {:.2f} % hits ({} of {})\n", 100 * share(hits, misses),
                           hits, hits + misses);
    return out;
}

std::string progress_of(const Report& report, Nanos took, Nanos since_start, std::uint64_t waiting)
{
    return fmt::format("{:5.0f} s  {:8.0f}/s   p50 {:>8}   p99 {:>8}   max {:>8}   errors {}   "
                       "waiting {}",
                       seconds(since_start), per_second(report.responses(), took),
                       readable(report.latency().percentile(50)),
                       readable(report.latency().percentile(99)), readable(report.latency().max()),
                       report.failures(), waiting);
}
} // namespace tidemark::bench
