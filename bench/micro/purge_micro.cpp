#include "purge/state.hpp"

#include <benchmark/benchmark.h>
#include <string>
#include <vector>

// What an order costs an edge, and what it costs a hit.
namespace
{
using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

constexpr MonoTime kNow{1000s};
constexpr std::size_t kSelectors = 1 << 20;

std::vector<Invalidation> orders(Scope scope, const std::string& stem)
{
    std::vector<Invalidation> all;
    for (std::size_t i = 0; i < kSelectors; ++i)
        all.push_back({0, scope, Mode::hard, 0s, stem + std::to_string(i)});
    return all;
}

// Single orders, a million selectors over and over, with the undo window full.
void apply(benchmark::State& run, Scope scope, const std::string& stem)
{
    std::vector<Invalidation> all = orders(scope, stem);
    sync::EpochDomain epochs;
    InvalidationState state(epochs);
    std::uint64_t version = 0;
    for (auto _ : run) {
        Invalidation& order = all[version % kSelectors];
        order.version = ++version;
        state.apply(order, kNow);
        if (version % 1024 == 0) epochs.reclaim();
    }
    run.SetItemsProcessed(run.iterations());
}
void apply_url(benchmark::State& run)
{
    apply(run, Scope::url, "http://shop.example/articles/springs-and-neaps?page=");
}
void apply_tag(benchmark::State& run)
{
    apply(run, Scope::tag, "article-");
}
BENCHMARK(apply_url);
BENCHMARK(apply_tag);

struct Edge {
    sync::EpochDomain epochs;
    InvalidationState state{epochs};
    std::unique_ptr<sync::EpochDomain::Participant> self = epochs.join();
    std::vector<std::uint64_t> tags = {tag_hash("a"), tag_hash("b"), tag_hash("c")};
    Subject subject{"http://shop.example/articles/springs-and-neaps?page=7", tags, site_hash("s")};

    void ask(benchmark::State& run, std::uint64_t verified_generation)
    {
        self->online();
        for (auto _ : run) {
            const Verdict verdict =
                state.verdict(subject, {5, 0}, kNow, state.generation(), verified_generation);
            benchmark::DoNotOptimize(verdict);
        }
        self->offline();
    }
};

void verdict_with_an_entry_of_each_scope(benchmark::State& run)
{
    Edge edge;
    for (const Scope scope :
         {Scope::url, Scope::tag, Scope::prefix, Scope::host, Scope::origin, Scope::all})
        edge.state.apply({5, scope, Mode::hard, 0s, "http://other.example/"}, kNow);
    edge.ask(run, 0);
}
BENCHMARK(verdict_with_an_entry_of_each_scope);

void thousand_patterns(benchmark::State& run, bool verified)
{
    Edge edge;
    for (std::uint64_t i = 0; i < 1000; ++i)
        edge.state.apply({6 + i, Scope::pattern, Mode::hard, 0s,
                          "^http://shop[.]example/.*/" + std::to_string(i) + "[.]css$"},
                         kNow);
    edge.ask(run, verified ? edge.state.generation() : 0);
}
void verdict_with_1000_patterns(benchmark::State& run)
{
    thousand_patterns(run, false);
}
void verdict_with_1000_patterns_matched_before(benchmark::State& run)
{
    thousand_patterns(run, true);
}
BENCHMARK(verdict_with_1000_patterns);
BENCHMARK(verdict_with_1000_patterns_matched_before);

void undo_among_a_million_orders(benchmark::State& run)
{
    const std::vector<Invalidation> all = orders(Scope::url, "http://shop.example/");
    sync::EpochDomain epochs;
    InvalidationState state(epochs);
    std::uint64_t version = 0;
    for (Invalidation order : all) {
        order.version = ++version;
        state.apply(order, kNow);
    }
    for (auto _ : run)
        benchmark::DoNotOptimize(state.undo(version--, kNow));
}
BENCHMARK(undo_among_a_million_orders)->Iterations(1000);
} // namespace
