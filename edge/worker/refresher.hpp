#pragma once
#include "core/net/loop.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/shared.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

// mode=refresh: what such an order made invalid here and was used lately is fetched anew at once,
// at a pace. On the control thread; workers fetch.
//
// Lately: used since it was stored, as eviction counts it. Only what a plain GET names is fetched:
// responses that vary, or are keyed by cookies or fields, are left to the next request for them.
namespace tidemark::worker
{
struct RefreshSettings {
    std::uint32_t rate = 50; // fetches per second; 0: none
    std::uint32_t at_once = 8;
    std::size_t queue = 10'000; // URIs; the most used first, beyond it none
};

struct RefreshCounters {
    std::uint64_t orders = 0; // messages
    std::uint64_t fetches = 0;
    std::uint64_t skipped_vary = 0; // or keyed by more than the URI
    std::uint64_t skipped_full = 0; // the queue was full
};

class Refresher
{
  public:
    // Has a worker GET this URI (Worker::refresh of one of them); `done` may be called on any
    // thread, or never once that worker drains. False: not now.
    using Ask = std::function<bool(const std::string& uri, std::function<void()> done)>;
    // follow::invalidations_of, with the sites of now.
    using InvalidationsOf = std::function<std::vector<purge::Invalidation>(const purge::Message&)>;

    // Outlives the workers' threads.
    Refresher(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites,
              const RefreshSettings& settings, InvalidationsOf invalidations_of, Ask ask);
    ~Refresher();
    Refresher(const Refresher&) = delete;
    Refresher& operator=(const Refresher&) = delete;

    // MessageOwner::on_refresh.
    void refresh(const purge::Message& message);
    void set_rate(std::uint32_t per_second) noexcept { settings_.rate = per_second; }

    [[nodiscard]] const RefreshCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }
    [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

  private:
    struct Order;
    void step();
    void look(Order& order);
    void walk(Order& order);
    void visit(Order& order, const store::StoredResponse& record);
    void enqueue(Order& order);
    void fetch_some();

    net::Loop& loop_;
    Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    RefreshSettings settings_;
    InvalidationsOf invalidations_of_;
    Ask ask_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    net::Mailbox<char> done_;
    net::Timer timer_;
    std::deque<std::unique_ptr<Order>> orders_; // whose stored responses are being looked for
    std::deque<std::string> queue_;
    std::unordered_set<std::string> queued_;
    double allowance_ = 0; // fetches that may begin now
    MonoTime paid_at_{};
    std::size_t under_way_ = 0;
    RefreshCounters counters_;
};
} // namespace tidemark::worker
