#include "edge/worker/survey.hpp"

#include "edge/cache/cache_key.hpp"

#include <limits>
#include <vector>

namespace tidemark::worker
{
namespace
{
constexpr std::size_t kSlice = 1'000; // stored responses between two looks at the clock
constexpr Millis kTurn{2};            // of walking, then the loop has its turn
} // namespace

// A state of its own tells what the orders cover.
struct Survey::One {
    sync::EpochDomain epochs;
    std::unique_ptr<sync::EpochDomain::Participant> reader = epochs.join();
    purge::InvalidationState covers{epochs};
    std::uint64_t cursor = 0;
    Surveyed found;
    Done done;
};

Survey::Survey(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites)
    : loop_(loop), shared_(shared), sites_(sites), participant_(shared.epochs.join()),
      again_(loop, [this] { step(); })
{
}

Survey::~Survey() = default;

void Survey::count(std::span<const purge::Invalidation> orders, Done done)
{
    auto one = std::make_unique<One>();
    one->done = std::move(done);
    std::vector<purge::Invalidation> all(orders.begin(), orders.end());
    for (purge::Invalidation& order : all)
        order.version = 1;
    if (!all.empty()) one->covers.apply(all, loop_.mono());
    waiting_.push_back(std::move(one));
    again_.signal();
}

void Survey::step()
{
    if (waiting_.empty()) return;
    walk(*waiting_.front());
    if (waiting_.front()->cursor == 0) {
        const std::unique_ptr<One> one = std::move(waiting_.front());
        waiting_.pop_front();
        one->done(one->found);
    }
    if (!waiting_.empty()) again_.signal();
}

void Survey::walk(One& one)
{
    const purge::Fence before_all{0, std::numeric_limits<std::uint64_t>::max()};
    const auto visit = [&](const store::StoredResponse& record) {
        const std::string_view uri = cache::uri_of_key(record.key());
        const purge::Subject subject{uri, record.tags(), sites_->hash_of(uri)};
        const bool covered =
            one.covers.verdict(subject, before_all, loop_.mono()) != purge::Verdict::valid;
        if (covered && shared_.purges.verdict(subject, record.fence(), loop_.mono()) !=
                           purge::Verdict::removed) {
            ++one.found.responses;
            one.found.bytes += record.cost_bytes();
        }
        return true;
    };
    const BootTime until = net::Loop::boot_now() + kTurn;
    participant_->online();
    one.reader->online();
    do {
        one.cursor = shared_.store.sweep(one.cursor, kSlice, visit);
    } while (one.cursor != 0 && net::Loop::boot_now() < until);
    one.reader->offline();
    participant_->offline();
}
} // namespace tidemark::worker
