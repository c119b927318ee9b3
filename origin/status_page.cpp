#include "origin/status_page.hpp"

#include "core/observe/metrics_page.hpp"

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace tidemark::origin
{
namespace
{
using Json = nlohmann::json;
using observe::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

std::string hex(std::uint64_t value)
{
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::size_t connected(const std::vector<purge::EdgeReport>& edges)
{
    std::size_t count = 0;
    for (const purge::EdgeReport& edge : edges)
        count += edge.connected ? 1 : 0;
    return count;
}

class Samples
{
  public:
    void gauge(const char* name, const char* help, double value, Labels labels = {})
    {
        add(name, help, MetricType::gauge, value, std::move(labels));
    }
    void counter(const char* name, const char* help, std::uint64_t value, Labels labels = {})
    {
        add(name, help, MetricType::counter, static_cast<double>(value), std::move(labels));
    }
    [[nodiscard]] std::string page() const { return observe::metrics_page(samples_); }

  private:
    void add(const char* name, const char* help, MetricType type, double value, Labels labels)
    {
        observe::Sample sample;
        sample.name = name;
        sample.help = help;
        sample.type = type;
        sample.labels = std::move(labels);
        sample.value = value;
        samples_.push_back(std::move(sample));
    }
    std::vector<observe::Sample> samples_;
};

void add_edges(Samples& samples, const std::vector<purge::EdgeReport>& edges)
{
    for (const purge::EdgeReport& edge : edges) {
        const Labels labels = {{"edge", edge.name}};
        samples.gauge("tidemark_edge_connected", "1 if the edge's control stream is up",
                      edge.connected ? 1 : 0, labels);
        samples.gauge("tidemark_edge_version", "The version up to which the edge has applied all",
                      static_cast<double>(edge.contiguous), labels);
        samples.gauge("tidemark_edge_loss", "Share of datagrams to the edge that get lost",
                      edge.loss, labels);
        samples.gauge("tidemark_edge_backlog", "Records sent and not acknowledged",
                      static_cast<double>(edge.backlog), labels);
    }
}

void add_counters(Samples& samples, const HubCounters& hub)
{
    samples.counter("tidemark_link_datagrams_sent_total", "Datagrams sent to edges",
                    hub.datagrams_sent);
    samples.counter("tidemark_link_datagram_bytes_sent_total", "Their bytes (UDP payload)",
                    hub.datagram_bytes_sent);
    samples.counter("tidemark_link_datagrams_received_total", "Datagrams from edges",
                    hub.datagrams_received);
    samples.counter("tidemark_link_datagram_bytes_received_total", "Their bytes (UDP payload)",
                    hub.datagram_bytes_received);
    samples.counter("tidemark_link_stream_bytes_sent_total", "Bytes to edges on streams",
                    hub.stream_bytes_sent);
    samples.counter("tidemark_link_stream_bytes_received_total", "Bytes from edges on streams",
                    hub.stream_bytes_received);
    samples.counter("tidemark_link_records_sent_total", "Records sent by datagram, with copies",
                    hub.records_sent);
    samples.counter("tidemark_link_repairs_total", "Gaps that edges had repaired", hub.repairs);
    samples.counter("tidemark_link_snapshots_total", "Snapshots sent", hub.snapshots);
    samples.counter("tidemark_link_digest_queries_total", "Steps of digest comparisons",
                    hub.digest_queries);
    samples.counter("tidemark_link_bad_frames_total", "Frames that were corrupt or out of place",
                    hub.bad_frames);
    samples.counter("tidemark_link_refused_hellos_total", "Edges that were refused",
                    hub.refused_hellos);
    constexpr std::array<const char*, purge::kDatagramErrors> kReasons = {
        "size", "version", "link", "epoch", "replayed", "too_old", "forged"};
    for (std::size_t i = 0; i < kReasons.size(); ++i)
        samples.counter("tidemark_link_rejected_datagrams_total",
                        "Datagrams that changed nothing, by reason", hub.rejected[i],
                        {{"reason", kReasons[i]}});
    samples.counter("tidemark_link_rejected_datagrams_total",
                    "Datagrams that changed nothing, by reason", hub.unknown_links,
                    {{"reason", "unknown_link"}});
}
} // namespace

std::string status_json(const StatusView& view, WallTime now)
{
    const std::vector<purge::EdgeReport> edges = view.control.edges();
    const purge::Digest root = view.control.root();
    const Json body = {
        {"role", "origin"},
        {"version", view.version},
        {"uptime_seconds", since_epoch(now).count() - since_epoch(view.started).count()},
        {"journal",
         {{"id", hex(view.control.journal_id())},
          {"durable", view.control.durable()},
          {"version", view.control.mark()},
          {"oldest", view.control.base() + 1},
          {"digest", hex(root.high) + hex(root.low)}}},
        {"link", view.link},
        {"edges", {{"registered", edges.size()}, {"connected", connected(edges)}}}};
    return body.dump(2) + "\n";
}

std::string metrics_text(const StatusView& view, WallTime now)
{
    const std::vector<purge::EdgeReport> edges = view.control.edges();
    Samples samples;
    samples.gauge("tidemark_journal_version", "The last durable version",
                  static_cast<double>(view.control.mark()));
    samples.gauge("tidemark_edges_registered", "Edges that purges wait for",
                  static_cast<double>(edges.size()));
    samples.gauge("tidemark_edges_connected", "Edges whose control stream is up",
                  static_cast<double>(connected(edges)));
    if (view.certificate_expires)
        samples.gauge("tidemark_certificate_expires_in_seconds", "Until our certificate expires",
                      static_cast<double>(since_epoch(*view.certificate_expires).count() -
                                          since_epoch(now).count()));
    samples.counter("tidemark_link_refused_handshakes_total",
                    "Streams that ended in their handshake: no, wrong or revoked certificates",
                    view.control.links().refused());
    samples.counter("tidemark_link_dropped_datagrams_total",
                    "Datagrams that the kernel did not take",
                    view.control.links().dropped_datagrams());
    samples.counter("tidemark_admin_refused_total", "Requests beyond a limit, by which",
                    view.too_many_selectors, {{"limit", "selectors"}});
    samples.counter("tidemark_admin_refused_total", "Requests beyond a limit, by which",
                    view.too_fast, {{"limit", "versions_per_second"}});
    add_edges(samples, edges);
    add_counters(samples, view.control.hub().counters());
    return samples.page();
}
} // namespace tidemark::origin
