#include "edge/admin/admin_api.hpp"

#include "core/observe/metrics_page.hpp"

#include <algorithm>
#include <array>

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
    gauge("tidemark_purge_version", "The last version heard of",
          view.shared.purges.fence().version);
    gauge("tidemark_purge_applied_version", "Every version up to it is applied",
          view.shared.standing.applied());
    gauge("tidemark_purge_patterns", "Patterns that look-ups may be matched against",
          view.shared.purges.patterns());
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

// As the origin names its own.
void add_link(std::vector<observe::Sample>& into, const FollowReport& report)
{
    const auto gauge = [&](const char* name, const char* help, double value) {
        add(into, name, help, MetricType::gauge, value);
    };
    const auto counter = [&](const char* name, const char* help, std::uint64_t value) {
        add(into, name, help, MetricType::counter, static_cast<double>(value));
    };
    gauge("tidemark_origin_linked", "1 if the control stream to the origin is up",
          report.linked ? 1 : 0);
    gauge("tidemark_origin_in_sync", "1 if the lease holds; 0: adrift", report.in_sync ? 1 : 0);
    gauge("tidemark_origin_version", "The origin's last version, as far as it was heard",
          static_cast<double>(report.mark));
    counter("tidemark_origin_connects_total", "Control streams that were opened", report.connects);
    if (report.certificate_expires_in)
        gauge("tidemark_certificate_expires_in_seconds", "Until our certificate expires",
              static_cast<double>(report.certificate_expires_in->count()));
    const follow::FollowerCounters& link = report.link;
    counter("tidemark_link_datagrams_sent_total", "Datagrams sent to the origin",
            link.datagrams_sent);
    counter("tidemark_link_datagram_bytes_sent_total", "Their bytes (UDP payload)",
            link.datagram_bytes_sent);
    counter("tidemark_link_datagrams_received_total", "Datagrams from the origin",
            link.datagrams_received);
    counter("tidemark_link_datagram_bytes_received_total", "Their bytes (UDP payload)",
            link.datagram_bytes_received);
    counter("tidemark_link_stream_bytes_sent_total", "Bytes to the origin on streams",
            link.stream_bytes_sent);
    counter("tidemark_link_stream_bytes_received_total", "Bytes from the origin on streams",
            link.stream_bytes_received);
    counter("tidemark_link_records_total", "Records that came", link.records);
    counter("tidemark_link_repeated_records_total", "Records that had come before",
            link.repeated_records);
    counter("tidemark_link_foreign_records_total", "Records of another journal: dropped",
            link.foreign_records);
    counter("tidemark_link_bad_frames_total", "Frames that were corrupt or out of place",
            link.bad_frames);
    counter("tidemark_link_impossible_heartbeats_total", "Heartbeats that could not be true",
            link.impossible_heartbeats);
    counter("tidemark_link_repairs_total", "Gaps that were asked for", link.repairs);
    counter("tidemark_link_snapshots_total", "Snapshots taken", link.snapshots);
    counter("tidemark_link_digest_mismatches_total", "Digests that differed from the origin's",
            link.mismatches);
    counter("tidemark_link_resets_total", "Times that another journal began", link.resets);
    constexpr std::array<const char*, purge::kDatagramErrors> kReasons = {
        "size", "version", "link", "epoch", "replayed", "too_old", "forged"};
    for (std::size_t i = 0; i < kReasons.size(); ++i)
        add(into, "tidemark_link_rejected_datagrams_total",
            "Datagrams that changed nothing, by reason", MetricType::counter,
            static_cast<double>(link.rejected[i]), {{"reason", kReasons[i]}});
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
    if (view.following) add_link(samples, view.following());
    if (view.counters)
        for (const Counter& one : view.counters())
            add(samples, one.name, one.help, MetricType::counter, static_cast<double>(one.value));
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
    if (view.authority != nullptr)
        return {{"id", journal_text(view.authority->journal_id())},
                {"durable", view.authority->durable()},
                {"version", view.authority->mark()}};
    if (!view.following) return nullptr;
    const FollowReport report = view.following();
    return {{"id", journal_text(report.journal)},
            {"durable", true},
            {"version", report.contiguous},
            {"heard", report.heard},
            {"digest", journal_text(report.root.high) + journal_text(report.root.low)}};
}

Json origin_json(const FollowReport& report)
{
    return {{"address", report.origin},       {"linked", report.linked},
            {"in_sync", report.in_sync},      {"lease_left_ms", report.lease_left.count()},
            {"version", report.mark},         {"connects", report.connects},
            {"last_error", report.last_error}};
}

Response status(const View& view, WallTime wall, MonoTime now)
{
    const store::MemoryCounters store = view.shared.store.counters();
    const std::uint64_t hits = total(view, Metric::hits);
    const std::uint64_t misses = total(view, Metric::misses);
    const double asked = static_cast<double>(hits + misses);
    Json page = {{"name", view.sites->settings().name},
                 {"version", view.version},
                 {"role", view.authority == nullptr ? "edge" : "standalone"},
                 {"uptime_seconds", since_epoch(wall).count() - since_epoch(view.started).count()},
                 {"workers", view.workers.size()},
                 {"draining", view.shared.draining.load()},
                 {"journal", journal_json(view)},
                 {"purge",
                  {{"version", view.shared.purges.fence().version},
                   {"applied", view.shared.standing.applied()},
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
                 {"upstreams", upstreams_json(view, now)}};
    if (view.following) page["origin"] = origin_json(view.following());
    return json(200, page);
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
