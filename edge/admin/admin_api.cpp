#include "edge/admin/admin_api.hpp"

#include "core/observe/metrics_page.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;
using observe::MetricType;
using worker::Metric;

Response json(std::uint16_t status, const Json& body)
{
    return {status,
            "application/json",
            body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
            {}};
}

Response health(const View& view)
{
    if (view.shared.draining.load()) return {503, "text/plain", "draining\n", {}};
    return {200, "text/plain", "ok\n", {}};
}

std::uint64_t total(const View& view, Metric metric)
{
    std::uint64_t sum = 0;
    for (const auto& worker : view.workers)
        sum += worker->counters()[metric].value();
    return sum;
}

void add(std::vector<observe::Sample>& into, std::string name, std::string help, MetricType type,
         double value, std::vector<std::pair<std::string, std::string>> labels = {})
{
    observe::Sample sample;
    sample.name = std::move(name);
    sample.help = std::move(help);
    sample.type = type;
    sample.labels = std::move(labels);
    sample.value = value;
    into.push_back(std::move(sample));
}

void add_store(std::vector<observe::Sample>& into, const View& view)
{
    const store::MemoryCounters store = view.shared.store.counters();
    const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
        add(into, name, help, MetricType::gauge, static_cast<double>(value));
    };
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
        add(into, name, help, MetricType::counter, static_cast<double>(value));
    };
    gauge("tidemark_memory_budget_bytes", "Memory that stored responses may take",
          view.sites->settings().memory_bytes);
    gauge("tidemark_memory_stored_bytes", "Memory that stored responses take", store.record_bytes);
    gauge("tidemark_memory_reserved_bytes", "Memory for responses being fetched",
          store.reserved_bytes);
    gauge("tidemark_memory_index_bytes", "Memory of the index", store.index_bytes);
    gauge("tidemark_memory_responses", "Stored responses", store.records);
    counter("tidemark_memory_evicted_total", "Stored responses that made room for others",
            store.evicted);
    counter("tidemark_memory_erased_total", "Stored responses removed by purges and updates",
            store.erased);
    gauge("tidemark_purge_version", "The last version applied", view.shared.purges.fence().version);
    gauge("tidemark_purge_entries", "Entries of the invalidation state",
          view.shared.purges.entries());
    gauge("tidemark_fetches_joinable", "Fetches under way that requests can join",
          view.shared.flights.size());
    counter("tidemark_access_log_dropped_total", "Access log lines dropped: the buffer was full",
            view.access_log->counters().dropped);
}

void add_upstreams(std::vector<observe::Sample>& into, const View& view, MonoTime now)
{
    for (const auto& [url, upstream] : view.sites->upstreams()) {
        const std::vector<std::pair<std::string, std::string>> labels = {
            {"upstream", upstream->name}};
        add(into, "tidemark_upstream_up", "1 if requests go there", MetricType::gauge,
            upstream->health.up(now) ? 1 : 0, labels);
        add(into, "tidemark_upstream_connections", "Open connections", MetricType::gauge,
            upstream->connections.load(), labels);
        add(into, "tidemark_upstream_requests_total", "Requests sent", MetricType::counter,
            static_cast<double>(upstream->requests.load()), labels);
        add(into, "tidemark_upstream_errors_total", "Exchanges that failed", MetricType::counter,
            static_cast<double>(upstream->failures.load()), labels);
    }
}

Response metrics(const View& view, MonoTime now)
{
    std::vector<observe::Sample> samples;
    std::vector<const worker::Counters*> counters;
    for (const auto& worker : view.workers)
        counters.push_back(&worker->counters());
    observe::collect<Metric>(samples, worker::kMetrics, counters);
    add_store(samples, view);
    add_upstreams(samples, view, now);
    return {200, std::string(observe::kMetricsContentType), observe::metrics_page(samples), {}};
}

Json upstreams_json(const View& view, MonoTime now)
{
    Json list = Json::array();
    for (const auto& [url, upstream] : view.sites->upstreams())
        list.push_back({{"url", upstream->name},
                        {"up", upstream->health.up(now)},
                        {"connections", upstream->connections.load()},
                        {"requests", upstream->requests.load()},
                        {"failures", upstream->failures.load()}});
    return list;
}

Json journal_json(const View& view)
{
    if (view.authority == nullptr) return nullptr;
    return {{"id", journal_text(view.authority->journal_id())},
            {"durable", view.authority->durable()},
            {"version", view.authority->mark()}};
}

Response status(const View& view, WallTime wall, MonoTime now)
{
    const store::MemoryCounters store = view.shared.store.counters();
    const std::uint64_t hits = total(view, Metric::hits);
    const std::uint64_t misses = total(view, Metric::misses);
    const double asked = static_cast<double>(hits + misses);
    return json(200,
                {{"name", view.sites->settings().name},
                 {"version", view.version},
                 {"role", view.authority == nullptr ? "follower" : "standalone"},
                 {"uptime_seconds", since_epoch(wall).count() - since_epoch(view.started).count()},
                 {"workers", view.workers.size()},
                 {"draining", view.shared.draining.load()},
                 {"journal", journal_json(view)},
                 {"purge",
                  {{"version", view.shared.purges.fence().version},
                   {"generation", view.shared.purges.generation()},
                   {"entries", view.shared.purges.entries()}}},
                 {"requests", total(view, Metric::requests)},
                 {"hits", hits},
                 {"misses", misses},
                 {"hit_ratio", asked > 0 ? static_cast<double>(hits) / asked : 0.0},
                 {"connections", view.shared.connections.load()},
                 {"memory",
                  {{"budget_bytes", view.sites->settings().memory_bytes},
                   {"stored_bytes", store.record_bytes},
                   {"reserved_bytes", store.reserved_bytes},
                   {"index_bytes", store.index_bytes},
                   {"responses", store.records},
                   {"evicted", store.evicted}}},
                 {"upstreams", upstreams_json(view, now)}});
}

} // namespace

std::vector<Page> pages_of(const View& view, const net::Loop& loop)
{
    return {{"/healthz", [&](const Request&) { return health(view); }, true},
            {"/metrics", [&](const Request&) { return metrics(view, loop.mono()); }, false},
            {"/v1/status", [&](const Request&) { return status(view, loop.wall(), loop.mono()); },
             false}};
}
} // namespace tidemark::admin
