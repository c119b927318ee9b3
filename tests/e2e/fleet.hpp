#pragma once
#include "bench/relay/relay.hpp"
#include "tests/e2e/stand.hpp"
#include "tests/support/origin_process.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The real origin daemon, real edges that follow it, an app behind them and, if wished, a bad
// network between: what the tests of purging stand on.
namespace tidemark::e2e
{
// What stands at a JSON pointer: a string as it is, anything else as compact JSON; "" if there is
// nothing, or the text is no JSON.
[[nodiscard]] std::string json_at(std::string_view json, const std::string& pointer);
[[nodiscard]] std::uint64_t number_at(std::string_view json, const std::string& pointer);

// The host that all clients ask for, whichever edge they ask.
inline constexpr std::string_view kHost = "www.test";
[[nodiscard]] std::string page_url(std::string_view target);
[[nodiscard]] std::string purge_of(std::string_view target); // the body that purges one page

// The value of a sample of GET /metrics, of all samples of that name together.
[[nodiscard]] double metric(const DaemonProcess& daemon, std::string_view name);

// The edge that answered the client took it from its store (RFC 9211: the last member).
[[nodiscard]] bool from_store(const Message& answer);
[[nodiscard]] std::string detail_of(const Message& answer); // its detail; "" without one

// A page at the app that its author changes. An answer is what the page was when it was asked for,
// however late it leaves.
class Page
{
  public:
    Page(FakeOrigin& app, std::string target, Fields fields = kFresh, std::string text = "old");

    void write(std::string text);
    // The next request is answered only after release(), or after a second at the latest.
    void hold_next(std::chrono::milliseconds at_most = kPatience);
    void wait_until_held() const;
    void release() const;
    [[nodiscard]] int asked() const { return app_.count(target_); }
    [[nodiscard]] const std::string& target() const noexcept { return target_; }

  private:
    struct State;
    FakeOrigin& app_;
    std::string target_;
    std::shared_ptr<State> state_;
    Gate* held_ = nullptr;
};

struct EdgePlan {
    std::string name;
    std::vector<std::string> flags{};
    std::string
        site{}; // lines of its [[site]], instead of --upstream; APP stands for the app's URL
};
struct FleetPlan {
    std::vector<EdgePlan> edges;
    std::vector<std::string> origin_flags{};
    bool relayed = false; // each edge through a door of its own
    bench::RelayOptions relay{};
    std::vector<std::string> more_certificates{}; // of edges that are not started with the others
};

class Fleet
{
  public:
    explicit Fleet(FleetPlan plan);
    ~Fleet(); // fails the test if the app was sent anything that is no HTTP
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    [[nodiscard]] EdgeProcess& edge(const std::string& name) const { return *edges_.at(name); }
    // Ends it for good.
    void remove(const std::string& name) { edges_.erase(name); }
    void add(const EdgePlan& plan);

    // By a client of that edge, each on a connection of its own.
    Message get(const std::string& edge, std::string_view target, Fields fields = {}) const;
    void send_get(RawClient& client, std::string_view target) const;
    // At every edge: what they answer, "/" between.
    std::string bodies(std::string_view target) const;

    // Waits for every edge: fails the test unless the answer is 200.
    Message purge_everywhere(std::string_view body) const;
    // As soon as it is durable; its version.
    std::uint64_t purge_now(std::string_view body) const;
    [[nodiscard]] std::string report(std::uint64_t version) const; // GET /v1/versions/{v}
    // By GET /v1/edges and /v1/status. Throw Timeout.
    void wait_until_applied(const std::string& edge, std::uint64_t version) const;
    void wait_until_in_sync(const std::string& edge, bool in_sync = true) const;
    void wait_until_all_in_sync() const;

    [[nodiscard]] bench::Relay& relay() const { return *relay_; }
    [[nodiscard]] std::size_t door(const std::string& edge) const { return doors_.at(edge); }

    TempDir dir;
    FakeOrigin app;
    OriginProcess origin;

  private:
    [[nodiscard]] std::string config_of(const EdgePlan& plan) const;

    std::unique_ptr<bench::Relay> relay_;
    std::map<std::string, std::size_t> doors_;
    std::map<std::string, std::unique_ptr<EdgeProcess>> edges_;
};

// Nothing passes between an edge and the origin while this lives.
class Cut
{
  public:
    Cut(const Fleet& fleet, const std::string& edge) : fleet_(fleet), door_(fleet.door(edge))
    {
        fleet_.relay().partition(true, door_);
    }
    ~Cut() { mend(); }
    Cut(const Cut&) = delete;
    Cut& operator=(const Cut&) = delete;
    void mend() { fleet_.relay().partition(false, door_); }

  private:
    const Fleet& fleet_;
    std::size_t door_;
};
} // namespace tidemark::e2e
