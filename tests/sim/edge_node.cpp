#include "sim/edge_node.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tidemark::sim
{
namespace
{
constexpr Nanos kRedialMin{50'000'000};
constexpr Nanos kRedialMax{600'000'000};
constexpr Nanos kEraseMax{20'000'000};
constexpr Nanos kTick{1'000'000'000};

purge::Mode mode_of(const purge::Order& order)
{
    const bool soft = order.mode == purge::OrderMode::soft ||
                      (order.mode == purge::OrderMode::refresh && order.max_stale > Seconds{0});
    return soft ? purge::Mode::soft : purge::Mode::hard;
}

purge::DatagramKey key_of(std::uint64_t secret, purge::Direction direction, std::uint16_t epoch)
{
    Random random{secret ^ static_cast<std::uint64_t>(direction) << 32 ^ epoch};
    purge::DatagramKey key{};
    for (std::uint8_t& byte : key)
        byte = static_cast<std::uint8_t>(random.next());
    return key;
}
} // namespace

purge::KeyExporter exporter_of(std::uint64_t secret)
{
    return [secret](purge::Direction direction, std::uint16_t epoch) {
        return key_of(secret, direction, epoch);
    };
}

EdgeNode::EdgeNode(const EdgeSetup& setup, const Plan& plan, Engine& engine, Network& network,
                   const Truth& truth, Fetches& fetches, Checkers& checkers, Mutator& mutator)
    : setup_(setup), plan_(plan), engine_(engine), random_(engine.random.fork()), network_(network),
      truth_(truth), fetches_(fetches), checkers_(checkers), mutator_(mutator),
      drift_ppm_(static_cast<std::int64_t>(random_.below(2 * DriftClock::kPpmMax + 1)) -
                 DriftClock::kPpmMax),
      instance_(random_.next()), disk_(plan.publish_every < Nanos{1'000'000'000'000}),
      cache_(setup.number, setup.shield, plan, engine, truth, fetches, checkers),
      applied_(plan.objects), nothing_(plan.objects)
{
    clock_ = DriftClock{engine_.now(), random_.between(Nanos{0}, Seconds{86'400}), drift_ppm_};
}

// ---- life

void EdgeNode::start()
{
    ++life_;
    was_in_sync_ = false;
    dialling_ = true;
    state_ = std::make_unique<purge::InvalidationState>(epochs_);
    remembered_.clear();
    follow::Restored restored = disk_.restore(*this, now());
    if (restored.heard > 0) state_->hear(restored.heard);
    cache_.start(*state_, life_, random_.chance(0.6), restored.journal);
    follow::FollowerSettings settings;
    settings.name = "e" + std::to_string(setup_.number);
    settings.lease = setup_.lease;
    settings.adrift = setup_.adrift;
    settings.only_acks_count = setup_.adrift == purge::Adrift::serve;
    settings.instance = instance_;
    follower_ = std::make_unique<follow::Follower>(settings, std::move(restored), *this);
    timer_.reset();
    engine_.in(random_.between(Nanos{0}, kRedialMin), EventKind::edge_dial, setup_.number, life_);
    engine_.in(kTick, EventKind::edge_tick, setup_.number, life_);
    settle();
}

void EdgeNode::crash(CrashKind kind)
{
    if (!up()) return;
    close_stream();
    cache_.stop();
    follower_.reset();
    state_.reset();
    paused_ = false;
    deferred_.clear();
    disk_.lose_end(random_.unit());
    if (kind == CrashKind::rolled_back) disk_.roll_back(random_.unit());
    if (kind != CrashKind::reboot) return;
    instance_ = random_.next();
    clock_ = DriftClock{engine_.now(), random_.between(Nanos{0}, Seconds{86'400}), drift_ppm_};
}

// Clients first: the worst that can be asked of a process that does not know it was stopped.
void EdgeNode::resume()
{
    if (!std::exchange(paused_, false)) return;
    std::vector<Event> events = std::exchange(deferred_, {});
    std::ranges::stable_partition(
        events, [](const Event& event) { return event.kind == EventKind::edge_read; });
    for (const Event& event : events)
        engine_.in(Nanos{0}, event.kind, event.node, event.a, event.b);
}

void EdgeNode::close_stream()
{
    if (!session_) return;
    const std::uint64_t session = *std::exchange(session_, std::nullopt);
    network_.session(session).open_at_edge = false;
    network_.end(session, Way::to_hub);
}

void EdgeNode::dial_later()
{
    if (std::exchange(dialling_, true)) return;
    engine_.in(random_.between(kRedialMin, kRedialMax), EventKind::edge_dial, setup_.number, life_);
}

void EdgeNode::break_stream()
{
    if (!up() || !session_) return;
    close_stream();
    follower_->on_closed(now());
    settle();
    dial_later();
}

// ---- events

void EdgeNode::on_time(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    timer_.reset();
    follower_->on_time(now());
    settle();
}

void EdgeNode::on_dial(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    dialling_ = false;
    if (session_) return;
    if (network_.is_cut(setup_.number)) return dial_later();
    const std::uint64_t session = network_.dial(setup_.number, life_);
    session_ = session;
    network_.session(session).open_at_edge = true;
    // TCP and TLS take a round trip and a half until the origin knows who is there.
    engine_.in(3 * network_.delay(setup_.number), EventKind::stream_accept, setup_.number, session);
}

void EdgeNode::on_open(std::uint64_t session)
{
    if (!up() || session_ != session) return;
    follower_->on_connected(exporter_of(network_.session(session).secret), now());
    settle();
}

void EdgeNode::on_stream(std::uint64_t session)
{
    std::optional<Chunk> chunk = network_.read(session, Way::to_edge);
    if (!chunk || !up() || session_ != session) return;
    if (chunk->end) return break_stream();
    mutator_.on_stream_to_edge(*this, chunk->bytes);
    if (plan_.plant == Plant::none && chunk->bytes.size() > 1 && random_.chance(0.1)) {
        const std::size_t split = 1 + random_.below(chunk->bytes.size() - 1);
        network_.unread(session, Way::to_edge, chunk->bytes.substr(split));
        chunk->bytes.resize(split);
    }
    follower_->on_bytes(chunk->bytes, now());
    settle();
}

std::optional<std::uint64_t> EdgeNode::secret() const
{
    if (!session_) return std::nullopt;
    return network_.session(*session_).secret;
}

// All that anyone could see of a follower.
std::string EdgeNode::fingerprint() const
{
    const purge::Digest root = follower_->root();
    std::string seen;
    for (const std::uint64_t value :
         {follower_->contiguous(), follower_->heard(), follower_->mark(), follower_->journal(),
          root.high, root.low,
          static_cast<std::uint64_t>(follower_->lease_until().time_since_epoch().count()),
          state_->generation(), state_->fence().version})
        seen += std::to_string(value) + ' ';
    return seen;
}

void EdgeNode::on_datagram(ByteView datagram, bool injected)
{
    if (!up()) return;
    if (!injected) {
        follower_->on_datagram(datagram, now());
        settle();
        return;
    }
    const std::string before = fingerprint();
    follower_->on_datagram(datagram, now());
    const std::vector<follow::Action> actions = follower_->take_actions();
    if (!actions.empty() || fingerprint() != before)
        checkers_.fail(Invariant::only_origin_speaks,
                       "edge " + std::to_string(setup_.number) + " took a forged datagram");
}

void EdgeNode::on_erased(std::uint64_t life, Version version)
{
    if (life != life_ || !up()) return;
    follower_->on_erased(version, now());
    settle();
}

void EdgeNode::on_tick(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    state_->age(now().mono);
    engine_.in(kTick, EventKind::edge_tick, setup_.number, life_);
}

// ---- clients

bool EdgeNode::in_sync() const
{
    return up() && now().boot < follower_->lease_until();
}

Standpoint EdgeNode::standpoint() const
{
    Standpoint at;
    at.now = now();
    at.in_sync = at.now.boot < follower_->lease_until();
    at.may_serve_adrift = setup_.adrift == purge::Adrift::serve && was_in_sync_;
    at.refuses_adrift = setup_.adrift == purge::Adrift::fail;
    at.may_reuse = known_since_.has_value();
    at.lease = setup_.lease;
    at.journal = follower_->journal();
    at.contiguous = follower_->contiguous();
    return at;
}

// A 200 speaks of registered edges. What one fetched before it was that may be used for a lease.
bool EdgeNode::is_held_to_promises() const
{
    return known_since_ && engine_.now() >= *known_since_ + purge::with_margin(setup_.lease);
}

void EdgeNode::on_read()
{
    if (setup_.read_every > Nanos{0})
        engine_.in(random_.exponential(setup_.read_every) + Nanos{1}, EventKind::edge_read,
                   setup_.number);
    if (!up()) return;
    const Standpoint at = standpoint();
    Answer answer;
    answer.edge = setup_.number;
    // Half of what is asked for is an eighth of what there is.
    const std::uint64_t some = random_.chance(0.5) ? (plan_.objects + 7) / 8 : plan_.objects;
    answer.object = static_cast<ObjectId>(random_.below(some));
    answer.arrived = engine_.now();
    answer.journal = at.journal;
    answer.lease = Millis{3'000};
    answer.serves_adrift = setup_.adrift == purge::Adrift::serve;
    if (!setup_.shield) answer.lease = setup_.lease;
    const Oldest& promised = is_held_to_promises() ? truth_.promised(at.journal) : nothing_;
    cache_.read(answer, promised, applied_, at);
}

void EdgeNode::on_downstream(std::uint64_t flight, bool waited)
{
    Flight& request = fetches_[flight];
    if (!waited) request.shield_life = life_;
    if (!up() || request.shield_life != life_) {
        request.failed = true;
        engine_.in(network_.delay(setup_.number), EventKind::fetch_done, request.edge, flight);
    } else if (!cache_.serve_downstream(flight, standpoint(), waited)) {
        engine_.in(Millis{50}, EventKind::fetch_waited, setup_.number, flight);
    }
}

void EdgeNode::on_fetched(std::uint64_t flight)
{
    if (!up()) {
        static_cast<void>(fetches_.take(flight));
        return;
    }
    cache_.on_fetched(flight, standpoint());
}

// ---- the link

void EdgeNode::settle()
{
    for (auto actions = follower_->take_actions(); !actions.empty();
         actions = follower_->take_actions())
        for (follow::Action& action : actions) {
            if (random_.chance(engine_.crash_at_step)) {
                engine_.in(Nanos{0}, EventKind::edge_crash, setup_.number, life_);
                crash(CrashKind::process);
                return;
            }
            perform(action);
        }
    was_in_sync_ = was_in_sync_ || now().boot < follower_->lease_until();
    if (!known_since_ && follower_->linked()) known_since_ = engine_.now();
    const std::optional<MonoTime> due = follower_->next_due();
    if (!due) return;
    const Instant when = std::max(engine_.now(), clock_.when(*due));
    if (timer_ && *timer_ <= when && *timer_ >= engine_.now()) return;
    timer_ = when;
    engine_.at(when, EventKind::edge_time, setup_.number, life_);
}

void EdgeNode::perform(follow::Action& action)
{
    struct Perform {
        EdgeNode& edge;
        void operator()(follow::SendStream& order) const
        {
            if (!edge.session_) return;
            edge.mutator_.on_stream_to_hub(edge, order.bytes);
            edge.network_.write(*edge.session_, Way::to_hub, std::move(order.bytes));
        }
        void operator()(follow::SendDatagram& order) const
        {
            edge.network_.send(edge.setup_.number, Way::to_hub, std::move(order.sealed));
        }
        void operator()(follow::CloseStream&) const
        {
            if (!edge.session_) return;
            edge.close_stream();
            edge.follower_->on_closed(edge.now());
            edge.dial_later();
        }
        void operator()(follow::KeepRecords& order) const
        {
            edge.disk_.keep(std::move(order.records));
        }
        void operator()(follow::KeepSnapshot& order) const
        {
            ++edge.checkers_.tally.snapshots;
            edge.disk_.keep_snapshot(edge.follower_->journal(), std::move(order.snapshot),
                                     order.through, order.root);
        }
        void operator()(follow::KeepJournal& order) const
        {
            edge.disk_.keep_journal(order.journal);
        }
        void operator()(follow::StagePiece&) const {}
        void operator()(follow::StageWanted&) const {}
        void operator()(follow::Remark& order) const { edge.engine_.note(order.text.size()); }
    };
    std::visit(Perform{*this}, action);
}

// ---- what is applied

void EdgeNode::append_orders(const purge::Message& message, purge::Now now)
{
    if (const auto* orders = std::get_if<purge::Invalidate>(&message.body)) {
        for (const purge::Order& order : orders->orders)
            scratch_.push_back({message.version,
                                order.scope,
                                mode_of(order),
                                order.max_stale,
                                order.selector,
                                {}});
        if (orders->erase)
            engine_.in(random_.between(Nanos{0}, kEraseMax), EventKind::edge_erased, setup_.number,
                       life_, message.version);
    } else if (const auto* push = std::get_if<purge::Push>(&message.body)) {
        scratch_.push_back(
            {message.version, purge::Scope::url, purge::Mode::hard, Seconds{0}, push->uri, {}});
    } else if (const auto* undo = std::get_if<purge::Undo>(&message.body)) {
        static_cast<void>(state_->undo(undo->undone, now.mono));
    }
}

void EdgeNode::apply(std::span<const purge::Message> messages, purge::Now now)
{
    scratch_.clear();
    for (const purge::Message& message : messages) {
        append_orders(message, now);
        state_->hear(message.version);
    }
    if (plan_.plant == Plant::soft_overwrites_hard) forget_hard_under_soft(now);
    if (!scratch_.empty()) state_->apply(scratch_, now.mono);
    for (const purge::Message& message : messages) {
        if (const auto* floor = std::get_if<purge::Floor>(&message.body))
            state_->raise_floor({floor->floor, 0});
        const Fact* fact = truth_.find(message);
        if (fact != nullptr && !(fact->lost && truth_.in_limbo(fact->journal)))
            applied_.raise(fact->covers);
        if (watch_ != nullptr) watch_->on_applied(setup_.number, message.version, engine_.now());
    }
}

// A state in which a soft order takes the place of a hard one on the same selector.
void EdgeNode::forget_hard_under_soft(purge::Now now)
{
    remembered_.insert(remembered_.end(), scratch_.begin(), scratch_.end());
    bool changed = false;
    for (const purge::Invalidation& soft : scratch_)
        if (soft.mode == purge::Mode::soft)
            changed = std::erase_if(remembered_,
                                    [&](const purge::Invalidation& one) {
                                        return one.mode == purge::Mode::hard &&
                                               one.scope == soft.scope &&
                                               one.selector == soft.selector;
                                    }) > 0 ||
                      changed;
    if (!changed) return;
    const purge::Fence fence = state_->fence();
    auto state = std::make_unique<purge::InvalidationState>(epochs_);
    state->hear(fence.version);
    state->apply(remembered_, now.mono);
    cache_.replace_state(*state);
    state_ = std::move(state);
}

void EdgeNode::load(const purge::CompactState& state, purge::Now now)
{
    scratch_.clear();
    for (const auto& [key, entry] : state.entries()) {
        if (entry.hard > 0)
            scratch_.push_back(
                {entry.hard, key.scope, purge::Mode::hard, Seconds{0}, key.selector, key.site});
        if (entry.soft > 0)
            scratch_.push_back(
                {entry.soft, key.scope, purge::Mode::soft, Seconds{0}, key.selector, key.site});
    }
    if (!scratch_.empty()) state_->apply(scratch_, now.mono);
    if (state.floor() > 0) state_->raise_floor({state.floor(), 0});
    state_->hear(state.through());
    for (const Fact& fact : truth_.facts())
        if (fact.durable && !fact.lost && fact.version <= state.through())
            applied_.raise(fact.covers);
}

// Another journal: whatever was purged under an earlier one, lost or not, comes back no more.
void EdgeNode::reset(JournalId, purge::Now now)
{
    state_->reset(now.mono);
    remembered_.clear();
    applied_ = truth_.all(true);
}

void EdgeNode::cap(Version agreed, purge::Now now)
{
    ++checkers_.tally.caps;
    state_->cap(agreed, now.mono);
    cache_.cap(agreed);
}

void EdgeNode::hear(Version version)
{
    state_->hear(version);
}
} // namespace tidemark::sim
