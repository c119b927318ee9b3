#include "edge/worker/refresher.hpp"

#include "core/base/hash.hpp"
#include "core/observe/log.hpp"
#include "edge/cache/cache_key.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace tidemark::worker
{
namespace
{
constexpr std::size_t kSlice = 1'000; // stored responses between two looks at the clock
constexpr Millis kTurn{2};            // of looking, then the loop has its turn
constexpr Millis kLookPause{1};
constexpr Millis kPacePause{20};
constexpr std::size_t kOrdersMax = 64; // whose stored responses are still being looked for
} // namespace

// What one message made invalid, and which of that was used. A state of its own tells what it
// covers.
struct Refresher::Order {
    sync::EpochDomain epochs;
    std::unique_ptr<sync::EpochDomain::Participant> reader = epochs.join();
    purge::InvalidationState covers{epochs};
    std::uint64_t version = 0;
    std::vector<std::string> keys; // where it names its responses: no need to walk
    bool walks = false;
    std::uint64_t cursor = 0;
    // By how much they were used.
    std::array<std::vector<std::string>, store::StoredResponse::kUsesMax + 1> found;
    std::size_t found_count = 0;
};

Refresher::Refresher(net::Loop& loop, Shared& shared,
                     const std::shared_ptr<const serve::Sites>& sites,
                     const RefreshSettings& settings, InvalidationsOf invalidations_of, Ask ask)
    : loop_(loop), shared_(shared), sites_(sites), settings_(settings),
      invalidations_of_(std::move(invalidations_of)), ask_(std::move(ask)),
      participant_(shared.epochs.join()), done_(loop, settings.at_once + 1,
                                                [this](char&&) {
                                                    --under_way_;
                                                    step();
                                                }),
      timer_(loop, [this] { step(); })
{
}

Refresher::~Refresher() = default;

// ---- What is to be fetched

void Refresher::refresh(const purge::Message& message)
{
    const auto* body = std::get_if<purge::Invalidate>(&message.body);
    if (body == nullptr || settings_.rate == 0 || shared_.draining.load()) return;
    ++counters_.orders;
    if (orders_.size() >= kOrdersMax) {
        ++counters_.skipped_full;
        return;
    }
    purge::Message asked = message;
    auto& orders = std::get<purge::Invalidate>(asked.body).orders;
    std::erase_if(orders,
                  [](const purge::Order& one) { return one.mode != purge::OrderMode::refresh; });
    auto order = std::make_unique<Order>();
    order->version = message.version;
    std::vector<purge::Invalidation> invalidations = invalidations_of_(asked);
    for (const purge::Invalidation& one : invalidations) {
        if (one.scope == purge::Scope::url)
            order->keys.push_back(one.selector);
        else
            order->walks = true;
    }
    order->covers.apply(invalidations, loop_.mono());
    orders_.push_back(std::move(order));
    // The first slice at once: before a sweeper takes out what it covers.
    step();
}

void Refresher::visit(Order& order, const store::StoredResponse& record)
{
    if (record.uses() == 0 || record.fence().version >= order.version) return;
    if (order.found_count >= settings_.queue) {
        ++counters_.skipped_full;
        return;
    }
    const std::string_view uri = cache::uri_of_key(record.key());
    if (!record.vary().empty() || uri.size() != record.key().size()) {
        ++counters_.skipped_vary;
        return;
    }
    order.found[std::min(record.uses(), store::StoredResponse::kUsesMax)].emplace_back(uri);
    ++order.found_count;
}

// A slice; at its end what was found is queued.
void Refresher::look(Order& order)
{
    participant_->online();
    for (const std::string& key : std::exchange(order.keys, {}))
        shared_.store.each_variant(hash_bytes(key), key, [&](const store::StoredResponse& record) {
            visit(order, record);
            return true;
        });
    if (order.walks) walk(order);
    participant_->offline();
    if (order.walks) return;
    enqueue(order);
    orders_.pop_front();
}

void Refresher::walk(Order& order)
{
    const BootTime until = net::Loop::boot_now() + kTurn;
    order.reader->online();
    do {
        order.cursor =
            shared_.store.sweep(order.cursor, kSlice, [&](const store::StoredResponse& record) {
                const std::string_view uri = cache::uri_of_key(record.key());
                const purge::Fence fence{record.fence().version,
                                         std::numeric_limits<std::uint64_t>::max()};
                if (record.uses() > 0 &&
                    order.covers.verdict({uri, record.tags(), sites_->hash_of(uri)}, fence,
                                         loop_.mono()) != purge::Verdict::valid)
                    visit(order, record);
                return true;
            });
    } while (order.cursor != 0 && net::Loop::boot_now() < until);
    order.reader->offline();
    order.walks = order.cursor != 0;
}

void Refresher::enqueue(Order& order)
{
    for (auto uses = order.found.rbegin(); uses != order.found.rend(); ++uses) {
        for (std::string& uri : *uses) {
            if (queue_.size() >= settings_.queue) {
                ++counters_.skipped_full;
                continue;
            }
            if (queued_.insert(uri).second) queue_.push_back(std::move(uri));
        }
    }
}

// ---- At a pace

void Refresher::step()
{
    if (shared_.draining.load()) {
        orders_.clear();
        queue_.clear();
        queued_.clear();
        return timer_.stop();
    }
    if (!orders_.empty()) look(*orders_.front());
    fetch_some();
    if (!orders_.empty())
        timer_.start(kLookPause);
    else if (!queue_.empty())
        timer_.start(kPacePause);
}

void Refresher::fetch_some()
{
    const MonoTime now = loop_.mono();
    const std::chrono::duration<double> since = now - paid_at_;
    // What was not used for a while counts for a fifth of a second at most: a pace, not a budget.
    const double most = std::max(1.0, settings_.rate / 5.0);
    allowance_ = std::min(most, allowance_ + since.count() * settings_.rate);
    paid_at_ = now;
    while (!queue_.empty() && under_way_ < settings_.at_once && allowance_ >= 1) {
        const bool asked = ask_(queue_.front(), [this] {
            // There is room for as many as are under way.
            static_cast<void>(done_.post(0));
        });
        if (!asked) return; // later
        ++under_way_;
        ++counters_.fetches;
        allowance_ -= 1;
        queued_.erase(queue_.front());
        queue_.pop_front();
    }
}
} // namespace tidemark::worker
