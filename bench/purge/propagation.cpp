#include "bench/purge/propagation.hpp"

#include <algorithm>
#include <random>

namespace tidemark::bench
{
namespace
{
using namespace std::chrono_literals;

constexpr Nanos kLearning = 6s; // purges that do not count, so that the loss is known
constexpr Nanos kSettling = 1s;
constexpr Nanos kIdle = 4s;
constexpr Nanos kCleanPatience = 20s;
constexpr Seconds kWaitPatience{20};
constexpr std::uint64_t kTimesAtOnce = 1'000; // versions asked of an edge in one call

class Level
{
  public:
    Level(Fleet& fleet, const PurgeOptions& options, const PathConditions& conditions)
        : fleet_(fleet), options_(options), one_way_(conditions.delay + conditions.jitter),
          random_(options.seed)
    {
        report_.loss = conditions.loss;
        report_.burst = conditions.burst;
        fleet_.relay().set(conditions);
    }
    LevelReport run();

  private:
    struct Rates { // of all edges, per second
        double datagrams = 0;
        double bytes = 0;
        double stream_bytes = 0;
    };
    std::vector<Accepted> purge_for(std::uint64_t count);
    [[nodiscard]] Rates listen_when_idle() const;
    void measure_clean(const Rates& idle);
    void collect(const std::vector<Accepted>& purges);
    void measure_wait_all();
    void look_for_old_answers();
    [[nodiscard]] double per_edge(double all) const
    {
        return all / static_cast<double>(fleet_.edges().size());
    }

    Fleet& fleet_;
    const PurgeOptions& options_;
    const Nanos one_way_;
    std::mt19937_64 random_;
    std::uint64_t page_ = 0;
    LevelReport report_;
};

double seconds_of(Nanos time)
{
    return static_cast<double>(time.count()) / 1e9;
}

struct Sum {
    double datagrams;
    double bytes;
    double stream_bytes;
};
Sum both_ways(const DoorCounters& before, const DoorCounters& after)
{
    const WayCounters out = after.to_target - before.to_target;
    const WayCounters in = after.to_client - before.to_client;
    return {static_cast<double>(out.datagrams + in.datagrams),
            static_cast<double>(out.datagram_bytes + in.datagram_bytes),
            static_cast<double>(out.stream_bytes + in.stream_bytes)};
}

LevelReport Level::run()
{
    static_cast<void>(
        purge_for(static_cast<std::uint64_t>(options_.rate * seconds_of(kLearning)) + 1));
    rest(kSettling);
    const Rates idle = listen_when_idle();
    report_.idle_bytes_per_s = per_edge(idle.bytes);
    report_.idle_stream_bytes_per_s = per_edge(idle.stream_bytes);
    measure_clean(idle);
    measure_wait_all();
    look_for_old_answers();
    return report_;
}

// At the asked rate on average, but never in step with anything.
std::vector<Accepted> Level::purge_for(std::uint64_t count)
{
    std::vector<Accepted> purges;
    std::uniform_real_distribution<double> around(0.5, 1.5);
    MonoTime due = monotonic_now();
    for (std::uint64_t i = 0; i < count; ++i) {
        rest_until(due);
        purges.push_back(fleet_.purge(purge_of(page_++)));
        due += Nanos{static_cast<std::int64_t>(1e9 / options_.rate * around(random_))};
    }
    return purges;
}

Level::Rates Level::listen_when_idle() const
{
    const DoorCounters before = fleet_.traffic();
    const MonoTime start = monotonic_now();
    rest(kIdle);
    const Sum sum = both_ways(before, fleet_.traffic());
    const double took_s = seconds_of(monotonic_now() - start);
    return {sum.datagrams / took_s, sum.bytes / took_s, sum.stream_bytes / took_s};
}

void Level::measure_clean(const Rates& idle)
{
    const DoorCounters before = fleet_.traffic();
    const MonoTime start = monotonic_now();
    const std::vector<Accepted> purges = purge_for(options_.purges);
    // Nobody is asked while it matters: the edges remember when they applied what.
    rest(kSettling);
    static_cast<void>(fleet_.wait_applied(purges.back().version, kCleanPatience));
    const Sum sum = both_ways(before, fleet_.traffic());
    const double took_s = seconds_of(monotonic_now() - start);
    const auto per_purge = [&](double all, double idle_per_s) {
        return per_edge(std::max(all - idle_per_s * took_s, 0.0) /
                        static_cast<double>(purges.size()));
    };
    report_.datagrams_per_purge = per_purge(sum.datagrams, idle.datagrams);
    report_.bytes_per_purge = per_purge(sum.bytes, idle.bytes);
    report_.stream_bytes_per_purge = per_purge(sum.stream_bytes, idle.stream_bytes);
    collect(purges);
}

void Level::collect(const std::vector<Accepted>& purges)
{
    for (std::size_t i = 0; i < purges.size();) {
        const std::uint64_t first = purges[i].version;
        const std::size_t begin = i;
        while (i < purges.size() && purges[i].version - first < kTimesAtOnce)
            ++i;
        const std::uint64_t count = purges[i - 1].version - first + 1;
        std::vector<std::optional<MonoTime>> last(count, MonoTime{});
        for (Edge& edge : fleet_.edges()) {
            const auto times = fleet_.applied_times(edge, first, count);
            for (std::size_t k = 0; k < count; ++k)
                last[k] = last[k] && times[k] ? std::max(last[k], times[k]) : std::nullopt;
        }
        for (std::size_t p = begin; p < i; ++p) {
            const auto& clean = last[purges[p].version - first];
            if (clean)
                report_.last_clean.record(*clean - purges[p].at - one_way_);
            else
                ++report_.never_clean;
        }
    }
}

void Level::measure_wait_all()
{
    for (std::uint32_t i = 0; i < std::max(options_.purges / 2, 1U); ++i) {
        const MonoTime start = monotonic_now();
        if (fleet_.purge_everywhere(purge_of(page_++), kWaitPatience))
            report_.wait_all.record(monotonic_now() - start - 2 * one_way_);
        else
            ++report_.never_answered;
        rest(Nanos{static_cast<std::int64_t>(random_() % 20'000'000)});
    }
}

// Every edge stores a page, the page changes, everything is purged: who has it still?
void Level::look_for_old_answers()
{
    const auto ask = [](Edge& edge) {
        const auto answer = edge.site.call("GET", "/proof");
        if (!answer) throw BenchError(edge.name + ": " + answer.error());
        if (answer->status != 200) throw BenchError(edge.name + ": " + answer->body);
        return answer->body;
    };
    for (Edge& edge : fleet_.edges())
        static_cast<void>(ask(edge));
    const std::string now = std::to_string(fleet_.upstream().change());
    if (!fleet_.purge_everywhere(R"({"type":"all"})", kWaitPatience)) {
        ++report_.never_answered;
        return;
    }
    for (Edge& edge : fleet_.edges())
        if (ask(edge) != now) ++report_.old_answers;
}
} // namespace

LevelReport measure_level(Fleet& fleet, const PurgeOptions& options,
                          const PathConditions& conditions)
{
    return Level(fleet, options, conditions).run();
}
} // namespace tidemark::bench
