#include "sim/edge_cache.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::sim
{
namespace
{
using purge::Verdict;
constexpr Nanos kUpstreamMin{300'000};
constexpr Nanos kUpstreamMax{250'000'000}; // each way
constexpr Nanos kToShieldMin{1'000'000};
constexpr Nanos kToShieldMax{40'000'000};
} // namespace

EdgeCache::EdgeCache(std::uint32_t edge, std::optional<std::uint32_t> shield, const Plan& plan,
                     Engine& engine, const Truth& truth, Fetches& fetches, Checkers& checkers)
    : edge_(edge), shield_(shield), plan_(plan), engine_(engine), random_(engine.random.fork()),
      truth_(truth), fetches_(fetches), checkers_(checkers), copies_(plan.objects),
      active_(plan.objects)
{
}

void EdgeCache::start(purge::InvalidationState& state, std::uint64_t life, bool kept,
                      JournalId journal)
{
    state_ = &state;
    life_ = life;
    for (Copy& copy : copies_) {
        // Local sequences and boot times were another process's.
        copy.fence = {copy.durable_fence, 0};
        copy.sent.reset();
        copy.verified = 0;
        if (!kept || copy.journal != journal) copy.present = false;
    }
}

void EdgeCache::stop()
{
    for (std::optional<std::uint64_t>& active : active_) {
        if (!active) continue;
        Flight& flight = fetches_[*active];
        fail_downstream(flight.waiters);
        fail_downstream(flight.later);
        flight.waiters.clear();
        flight.later.clear();
        active.reset();
    }
    state_ = nullptr;
}

void EdgeCache::replace_state(purge::InvalidationState& state)
{
    state_ = &state;
    for (Copy& copy : copies_)
        copy.verified = 0;
}

void EdgeCache::cap(Version agreed)
{
    for (Copy& copy : copies_)
        copy.durable_fence = std::min(copy.durable_fence, agreed);
}

// ---- answering

purge::Verdict EdgeCache::verdict_of(Copy& copy, ObjectId object, const Standpoint& at)
{
    const std::uint64_t generation = state_->generation();
    if (copy.verified == generation) return Verdict::valid;
    const Verdict verdict = state_->verdict(truth_.objects()[object].subject(), copy.fence,
                                            at.now.mono, generation, copy.verified);
    if (verdict == Verdict::valid) copy.verified = generation;
    return verdict;
}

bool EdgeCache::is_reusable(const Copy& copy, const Standpoint& at) const
{
    return at.may_reuse && copy.sent && at.now.boot < *copy.sent + at.lease;
}

void EdgeCache::answer_from(const Copy& copy, Served how, Answer& answer, const Oldest& promised,
                            const Oldest& applied)
{
    const bool stale = how == Served::stale;
    answer.content = copy.content;
    answer.how = how;
    answer.promised = (stale ? promised.any : promised.valid)[answer.object];
    answer.applied = (stale ? applied.any : applied.valid)[answer.object];
    checkers_.on_answer(answer);
}

void EdgeCache::read(Answer answer, const Oldest& promised, const Oldest& applied,
                     const Standpoint& at)
{
    const ObjectId object = answer.object;
    if (!at.in_sync && at.refuses_adrift) {
        ++checkers_.tally.unanswered;
        return;
    }
    Copy& copy = copies_[object];
    if (copy.present) {
        const Verdict verdict = verdict_of(copy, object, at);
        const Nanos lifetime = truth_.objects()[object].lifetime;
        const Nanos age = at.now.mono - copy.fetched;
        if (at.in_sync && verdict == Verdict::valid && age < lifetime + lifetime / 2) {
            answer_from(copy, Served::hit, answer, promised, applied);
            if (age >= lifetime) fetch(object, nullptr, at);
            return;
        }
        if (at.in_sync && verdict == Verdict::soft_stale) {
            answer_from(copy, Served::stale, answer, promised, applied);
            fetch(object, nullptr, at);
            return;
        }
        if (!at.in_sync && verdict == Verdict::valid) {
            if (at.may_serve_adrift)
                return answer_from(copy, Served::anyway, answer, promised, applied);
            if (is_reusable(copy, at) && age < lifetime)
                return answer_from(copy, Served::adrift, answer, promised, applied);
        }
    }
    answer.how = Served::fetched;
    answer.promised = promised.valid[object];
    answer.applied = applied.valid[object];
    Waiter waiter{state_->generation(), engine_.now(), std::nullopt, answer};
    fetch(object, &waiter, at);
}

bool EdgeCache::serve_downstream(std::uint64_t id, const Standpoint& at, bool waited)
{
    const Flight& request = fetches_[id];
    const ObjectId object = request.object;
    const bool comparable = request.journal == at.journal && at.journal != 0;
    const bool careless = plan_.plant == Plant::stale_fence_from_shield;
    if (comparable && !waited && !request.end_to_end && !careless &&
        at.contiguous < request.fence.version)
        return false;
    Copy& copy = copies_[object];
    const bool proven = comparable && (careless || at.contiguous >= request.fence.version);
    if (proven && !request.end_to_end && copy.present &&
        verdict_of(copy, object, at) == Verdict::valid &&
        at.now.mono - copy.fetched < truth_.objects()[object].lifetime &&
        (at.in_sync || is_reusable(copy, at))) {
        answer_downstream(id, copy.content, std::max(copy.durable_fence, at.contiguous), at.journal,
                          false);
        return true;
    }
    Waiter waiter{state_->generation(), engine_.now(), id, {}};
    fetch(object, &waiter, at);
    return true;
}

// ---- fetching

bool EdgeCache::may_join(const Flight& flight, const Waiter& waiter, const Standpoint& at) const
{
    if (waiter.downstream) {
        const Flight& request = fetches_[*waiter.downstream];
        return !request.end_to_end && flight.journal == request.journal &&
               flight.fence.version >= request.fence.version;
    }
    return at.in_sync || (flight.end_to_end && at.now.boot < flight.sent + at.lease);
}

// Without a waiter: in the background.
void EdgeCache::fetch(ObjectId object, Waiter* waiter, const Standpoint& at)
{
    if (!active_[object]) {
        std::vector<Waiter> waiters;
        if (waiter != nullptr) waiters.push_back(std::move(*waiter));
        return start_flight(object, std::move(waiters), at);
    }
    if (waiter == nullptr) return;
    Flight& flight = fetches_[*active_[object]];
    auto& queue = may_join(flight, *waiter, at) ? flight.waiters : flight.later;
    queue.push_back(std::move(*waiter));
}

void EdgeCache::start_flight(ObjectId object, std::vector<Waiter> waiters, const Standpoint& at)
{
    Flight flight;
    flight.edge = edge_;
    flight.life = life_;
    flight.object = object;
    flight.generation = state_->generation();
    flight.fence = state_->fence();
    flight.journal = at.journal;
    flight.sent = at.now.boot;
    flight.sent_at = engine_.now();
    flight.end_to_end = !at.in_sync;
    flight.waiters = std::move(waiters);
    flight.shield = shield_;
    const std::uint64_t id = fetches_.add(std::move(flight));
    active_[object] = id;
    if (shield_)
        engine_.in(random_.between(kToShieldMin, kToShieldMax), EventKind::fetch_at_shield,
                   *shield_, id);
    else
        engine_.in(random_.between(kUpstreamMin, kUpstreamMax), EventKind::fetch_at_upstream, edge_,
                   id);
}

void EdgeCache::answer_downstream(std::uint64_t id, Content content, Version fence,
                                  JournalId journal, bool fresh)
{
    Flight& request = fetches_[id];
    request.content = content;
    request.answered_fence = fence;
    request.answered_journal = journal;
    request.answered_fresh = fresh;
    engine_.in(random_.between(kToShieldMin, kToShieldMax), EventKind::fetch_done, request.edge,
               id);
}

void EdgeCache::fail_downstream(const std::vector<Waiter>& waiters)
{
    for (const Waiter& waiter : waiters)
        if (waiter.downstream) {
            Flight& request = fetches_[*waiter.downstream];
            request.failed = true;
            engine_.in(kToShieldMax, EventKind::fetch_done, request.edge, *waiter.downstream);
        }
}

void EdgeCache::give(const Waiter& waiter, const Flight& flight, Version fence, JournalId journal)
{
    if (waiter.downstream)
        return answer_downstream(*waiter.downstream, flight.content, fence, journal,
                                 flight.sent_at >= waiter.arrived);
    Answer answer = waiter.answer;
    answer.content = flight.content;
    checkers_.on_answer(answer);
}

void EdgeCache::on_fetched(std::uint64_t id, const Standpoint& at)
{
    const std::unique_ptr<Flight> flight = fetches_.take(id);
    if (flight->life != life_ || state_ == nullptr) return;
    const ObjectId object = flight->object;
    active_[object].reset();
    if (flight->failed) {
        fail_downstream(flight->waiters);
        fail_downstream(flight->later);
        checkers_.tally.unanswered += flight->waiters.size() + flight->later.size();
        return;
    }
    purge::Fence fence = flight->fence;
    bool known = flight->journal == at.journal && at.journal != 0;
    if (plan_.plant == Plant::fence_at_response) fence = state_->fence();
    if (flight->shield && plan_.plant != Plant::stale_fence_from_shield) {
        known = known && flight->answered_journal == flight->journal;
        fence.version = std::min(fence.version, flight->answered_fence);
    }
    const std::uint64_t generation = state_->generation();
    const bool good = state_->verdict(truth_.objects()[object].subject(), fence, at.now.mono,
                                      generation) == Verdict::valid;
    Copy& copy = copies_[object];
    const bool lower =
        copy.present && copy.journal == flight->journal && copy.durable_fence > fence.version;
    if (good && known && !lower) {
        copy = {true,         flight->content, fence,     fence.version, flight->journal,
                std::nullopt, at.now.mono,     generation};
        if (flight->answered_fresh) copy.sent = flight->sent;
    }
    const Version told = good ? std::max(fence.version, at.contiguous) : fence.version;
    std::vector<Waiter> again = std::move(flight->later);
    for (Waiter& waiter : flight->waiters) {
        if (good || waiter.generation == flight->generation)
            give(waiter, *flight, told, known ? at.journal : 0);
        else
            again.push_back(std::move(waiter));
    }
    if (!again.empty()) start_flight(object, std::move(again), at);
}
} // namespace tidemark::sim
