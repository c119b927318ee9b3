#include "edge/worker/eraser.hpp"

#include "edge/cache/cache_key.hpp"

#include <utility>

namespace tidemark::worker
{
namespace
{
constexpr std::size_t kSlice = 1'000; // stored responses between two looks at the clock
constexpr Millis kTurn{2};            // of walking, then the loop has its turn
constexpr Millis kPause{1};           // not 0: libuv 1.44 would run it again before it polls
} // namespace

Eraser::Eraser(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites)
    : loop_(loop), shared_(shared), sites_(sites), participant_(shared.epochs.join()),
      timer_(loop, [this] { step(); }), again_(loop, [this] { step(); })
{
}

Eraser::~Eraser() = default;

void Eraser::erase(std::uint64_t version, Done done)
{
    waiting_.push_back({version, std::move(done)});
    if (phase_ == Phase::idle) begin();
}

void Eraser::begin()
{
    served_.swap(waiting_);
    phase_ = Phase::settling;
    mark();
    timer_.start(kPause);
}

void Eraser::step()
{
    shared_.epochs.reclaim();
    if (phase_ == Phase::settling && passed()) {
        phase_ = Phase::walking;
        cursor_ = 0;
    }
    if (phase_ == Phase::walking) walk();
    if (phase_ == Phase::letting_go && passed()) finish();
    if (phase_ == Phase::walking)
        again_.signal();
    else if (phase_ != Phase::idle)
        timer_.start(kPause);
}

// Passed once every turn that was under way at this moment has ended, and what was retired before
// it is freed.
void Eraser::mark()
{
    passed_ = std::make_shared<std::atomic<bool>>(false);
    using Mark = std::shared_ptr<std::atomic<bool>>;
    shared_.epochs.retire(new Mark(passed_), [](void* object) {
        const std::unique_ptr<Mark> mark(static_cast<Mark*>(object));
        (*mark)->store(true, std::memory_order_release);
    });
}

bool Eraser::passed() const
{
    return passed_->load(std::memory_order_acquire);
}

void Eraser::walk()
{
    const BootTime until = net::Loop::boot_now() + kTurn;
    const auto keep = [&](const store::StoredResponse& record) {
        const std::string_view uri = cache::uri_of_key(record.key());
        const purge::Verdict verdict = shared_.purges.verdict(
            {uri, record.tags(), sites_->hash_of(uri)}, record.fence(), loop_.mono());
        if (verdict == purge::Verdict::removed) ++erased_;
        return verdict != purge::Verdict::removed;
    };
    participant_->online();
    do {
        cursor_ = shared_.store.sweep(cursor_, kSlice, keep);
    } while (cursor_ != 0 && net::Loop::boot_now() < until);
    participant_->offline();
    if (cursor_ != 0) return;
    ++walks_;
    phase_ = Phase::letting_go;
    mark();
    shared_.epochs.reclaim();
}

void Eraser::finish()
{
    phase_ = Phase::idle;
    const std::vector<Order> orders = std::exchange(served_, {});
    for (const Order& order : orders)
        order.done(order.version);
    if (phase_ == Phase::idle && !waiting_.empty()) begin();
}
} // namespace tidemark::worker
