#pragma once
#include "bench/process/child.hpp"
#include "bench/purge/http.hpp"
#include "bench/purge/purge.hpp"
#include "bench/purge/upstream.hpp"
#include "bench/relay/relay.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

// A whole system on loopback: certificates, an origin daemon, edges that reach it through a relay,
// and a site behind them. Spoken to by public interfaces only.
namespace tidemark::bench
{
// It cannot go on; a sentence for the person at the terminal.
struct BenchError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
// SIGINT or SIGTERM came. They must be blocked, so that whoever started children can end them.
[[nodiscard]] bool interrupted();
// Sleeps, in pieces. Throws BenchError when interrupted.
void rest(Nanos time);
void rest_until(MonoTime when);
[[nodiscard]] MonoTime monotonic_now() noexcept;

struct Accepted {
    std::uint64_t version = 0; // the last one, of a batch
    MonoTime at{};             // its answer had been read
};

struct Edge {
    Edge(std::string called, std::uint16_t listens, std::uint16_t administered)
        : name(std::move(called)), port(listens), admin_port(administered), site(listens),
          admin(administered)
    {
    }
    std::string name;
    std::uint16_t port;
    std::uint16_t admin_port;
    ApiConnection site;
    ApiConnection admin;
    std::optional<Child> process;
};

class Fleet
{
  public:
    // All are up and connected when it returns. Throws BenchError.
    Fleet(const PurgeOptions& options, std::uint32_t edges);
    ~Fleet();
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    [[nodiscard]] Relay& relay() noexcept { return *relay_; }
    [[nodiscard]] Upstream& upstream() noexcept { return upstream_; }
    [[nodiscard]] std::vector<Edge>& edges() noexcept { return edges_; }
    [[nodiscard]] std::uint16_t origin_admin() const noexcept { return origin_admin_; }
    // Over all doors.
    [[nodiscard]] DoorCounters traffic() const;

    // -- Purges, at the origin. All throw BenchError.
    [[nodiscard]] Accepted purge(const std::string& body);
    // With wait=all: returns when it is done everywhere, false if that was not in time.
    [[nodiscard]] bool purge_everywhere(const std::string& body, Seconds patience);

    // -- An edge
    // The last version up to which it has applied all.
    [[nodiscard]] std::uint64_t applied_through(Edge& edge) const;
    // False if it is not so far in time.
    [[nodiscard]] bool wait_applied(std::uint64_t version, Nanos patience);
    [[nodiscard]] bool wait_applied(Edge& edge, std::uint64_t version, Nanos patience);
    // When it applied first … first + count - 1; nothing where it does not say.
    [[nodiscard]] std::vector<std::optional<MonoTime>>
    applied_times(Edge& edge, std::uint64_t first, std::uint64_t count) const;

  private:
    void end();
    [[nodiscard]] std::string path(const std::string& name) const;
    [[nodiscard]] Child begin(std::vector<std::string> words, const std::string& name) const;
    void make_certificates();
    void begin_origin();
    void begin_edge(Edge& edge, std::uint16_t through);
    void wait_for(const std::string& name, Child& child, ApiConnection& admin);
    void wait_until_connected();

    std::filesystem::path directory_;
    std::string program_;
    std::uint64_t seed_;
    std::uint16_t link_ = 0;
    std::uint16_t origin_admin_ = 0;
    Upstream upstream_;
    std::unique_ptr<Relay> relay_;
    std::optional<Child> origin_process_;
    std::optional<ApiConnection> origin_;
    std::vector<Edge> edges_;
};

// POST bodies for the n-th page of the fleet's site.
[[nodiscard]] std::string purge_of(std::uint64_t page);
[[nodiscard]] std::string batch_of(std::uint64_t first_page, std::uint64_t count);
} // namespace tidemark::bench
