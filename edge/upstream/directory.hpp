#pragma once
#include "config/edge_settings.hpp"
#include "core/net/resolver.hpp"
#include "edge/upstream/client.hpp"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

// Keeps what is known of the upstreams up to date, on the control thread: their addresses, and
// whether they answer where a site asks for probes.
namespace tidemark::upstream
{
class Directory
{
  public:
    struct Entry {
        config::UpstreamUrl url;
        std::shared_ptr<Upstream> upstream;
        config::HealthSettings health;
    };

    explicit Directory(net::Loop& loop, const ClientLimits& limits);
    ~Directory();
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    // Takes these instead of the ones before. `ready` is called once, when each name has been
    // looked up once.
    void set(std::vector<Entry> entries, std::function<void()> ready);
    void close(); // the loop then runs empty

  private:
    class Probe;
    void look_up(const Entry& entry, const std::shared_ptr<std::function<void()>>& ready);
    void tick();
    void probe(const Entry& entry);

    net::Loop& loop_;
    Pool pool_;
    std::unique_ptr<net::Timer> ticker_;
    std::vector<Entry> entries_;
    std::vector<MonoTime> next_probe_; // of each entry
    MonoTime next_look_up_{};
    std::vector<std::unique_ptr<Probe>> probes_;
};
} // namespace tidemark::upstream
