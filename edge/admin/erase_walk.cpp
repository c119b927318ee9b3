#include "edge/admin/erase_walk.hpp"

#include "edge/cache/cache_key.hpp"

namespace tidemark::admin
{
namespace
{
constexpr std::size_t kSlice = 2'000;
constexpr Millis kPoll{5}; // while readers end their turns
using Flag = std::shared_ptr<std::atomic<bool>>;
} // namespace

EraseWalk::EraseWalk(net::Loop& loop, worker::Shared& shared)
    : loop_(loop), shared_(shared), participant_(shared.epochs.join()),
      timer_(loop, [this] { step(); })
{
}
EraseWalk::~EraseWalk() = default;

void EraseWalk::erase(std::function<void()> erased)
{
    waiting_.push_back(std::move(erased));
    if (!walking_ && !let_go_) timer_.start(Millis{0});
}

void EraseWalk::step()
{
    if (!let_go_) return walk();
    shared_.epochs.reclaim();
    if (!let_go_->load()) return timer_.start(kPoll);
    let_go_.reset();
    std::vector<std::function<void()>> done;
    done.swap(served_);
    if (!waiting_.empty()) timer_.start(Millis{0});
    for (const auto& erased : done)
        erased();
}

void EraseWalk::walk()
{
    if (!walking_) served_.swap(waiting_);
    walking_ = true;
    participant_->online();
    cursor_ = shared_.store.sweep(cursor_, kSlice, [&](const store::StoredResponse& record) {
        const purge::Subject subject{cache::uri_of_key(record.key()), record.tags()};
        return shared_.purges.verdict(subject, record.fence(), loop_.mono()) !=
               purge::Verdict::removed;
    });
    participant_->offline();
    shared_.epochs.reclaim();
    if (cursor_ != 0) return timer_.start(Millis{0});
    walking_ = false;
    mark();
    timer_.start(kPoll);
}

// Retired behind all that was unlinked: when it is freed, nothing before it is held any more.
void EraseWalk::mark()
{
    let_go_ = std::make_shared<std::atomic<bool>>(false);
    shared_.epochs.retire(new Flag(let_go_), [](void* object) {
        const std::unique_ptr<Flag> flag(static_cast<Flag*>(object));
        (*flag)->store(true);
    });
}
} // namespace tidemark::admin
