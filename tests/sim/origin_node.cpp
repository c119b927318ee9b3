#include "sim/origin_node.hpp"

#include "sim/edge_node.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::sim
{
namespace
{
constexpr Nanos kFsyncMin{100'000};
constexpr Nanos kFsyncMax{5'000'000};
constexpr Nanos kAsk{500'000}; // how often reports are asked for at most
constexpr Nanos kRestartMin{10'000'000};
constexpr Nanos kRestartMax{1'500'000'000};
constexpr std::uint64_t kNoFact = UINT64_MAX;
} // namespace

OriginNode::OriginNode(const Plan& plan, Engine& engine, Network& network, Truth& truth,
                       Checkers& checkers)
    : plan_(plan), engine_(engine), random_(engine.random.fork()), network_(network), truth_(truth),
      checkers_(checkers), journal_(random_.fork(), plan.plant), mutator_(plan.plant, journal_)
{
}

// ---- life

void OriginNode::start()
{
    if (up()) return;
    ++life_;
    const auto ppm =
        static_cast<std::int64_t>(random_.below(2 * DriftClock::kPpmMax + 1)) - DriftClock::kPpmMax;
    clock_ = DriftClock{engine_.now(), random_.between(Nanos{0}, Seconds{86'400}), ppm};
    if (life_ > 1) {
        check_journal();
        learn_of_survivors();
        if (random_.chance(plan_.restored)) restore_backup();
        if (random_.chance(plan_.compacted) && journal_.mark() > journal_.base())
            journal_.compact(journal_.mark() -
                             random_.below((journal_.mark() - journal_.base()) / 2 + 1));
    }
    hub_ = std::make_unique<origin::Hub>(origin::HubSettings{}, journal_.start(), random_.next(),
                                         now());
    timer_.reset();
    asked_ = minting_ = false;
    settle();
}

void OriginNode::crash()
{
    if (!up()) return;
    for (std::uint64_t id = 0; id < network_.count(); ++id) {
        Session& session = network_.session(id);
        if (!std::exchange(session.open_at_hub, false)) continue;
        network_.end(id, Way::to_edge);
    }
    sessions_.clear();
    hub_.reset();
    waits_.clear();
    journal_.crash();
    engine_.in(random_.between(kRestartMin, kRestartMax), EventKind::hub_start);
}

// What a client was told is on the disk.
void OriginNode::check_journal()
{
    for (Truth::FactId id = 0; id < truth_.facts().size(); ++id) {
        const Fact& fact = truth_.facts()[id];
        if (!fact.accepted || fact.lost || fact.journal != journal_.id() ||
            fact.version <= journal_.base())
            continue;
        const journal::DurableRecord* record = journal_.find(fact.version);
        if (record == nullptr || record->message->key != Truth::key_of(id))
            checkers_.fail(Invariant::nothing_lost, "version " + std::to_string(fact.version) +
                                                        " was accepted and is not in the journal");
    }
}

// What reached the disk just before a crash is in the mark, though nobody was told.
void OriginNode::learn_of_survivors()
{
    for (Truth::FactId id = 0; id < truth_.facts().size(); ++id) {
        const std::optional<Version> version =
            truth_.fact(id).durable ? std::nullopt : journal_.version_of(Truth::key_of(id));
        if (version) truth_.on_durable(id, journal_.id(), *version, engine_.now());
    }
}

void OriginNode::restore_backup()
{
    const bool mark_kept = !random_.chance(plan_.mark_lost);
    const auto restored = journal_.restore(mark_kept);
    if (!restored) return;
    ++checkers_.tally.restores;
    truth_.on_restored(restored->journal, restored->mark, mark_kept);
    if (mark_kept) return;
    // Who has applied what is lost is not held to it as long as it follows this journal.
    for (const auto& edge : *edges_)
        if (!edge->up() || edge->follower().journal() == restored->journal)
            edge->set_applied(Oldest{plan_.objects});
}

// ---- orders

void OriginNode::begin_batch()
{
    if (journal_.begin_batch(now().wall))
        engine_.in(random_.between(kFsyncMin, kFsyncMax), EventKind::hub_commit, 0, life_);
}

void OriginNode::publish(purge::MessageBody body)
{
    if (!up() || minting_) return;
    Fact fact;
    fact.covers = truth_.covered_by(body);
    const Truth::FactId id = truth_.add(std::move(fact));
    ++checkers_.tally.purges;
    journal_.append({std::move(body), Truth::key_of(id), id});
    begin_batch();
}

void OriginNode::raise_floor()
{
    if (!up() || minting_ || journal_.mark() == 0) return;
    const Version below = random_.below((journal_.mark() - journal_.base()) / 4 + 1);
    journal_.append({purge::Floor{journal_.mark() - below}, {}, kNoFact});
    begin_batch();
}

void OriginNode::append_many(std::uint64_t count)
{
    for (std::uint64_t i = 0; i < count; ++i)
        journal_.append({purge::Invalidate{{{purge::Scope::url, purge::OrderMode::hard, Seconds{0},
                                             "http://h1.example/missed/" + std::to_string(i)}},
                                           false},
                         {},
                         kNoFact});
    begin_batch();
}

void OriginNode::on_commit(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    const SimJournal::Committed batch = journal_.commit();
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
        const journal::DurableRecord& record = batch.records[i];
        if (watch_ != nullptr) watch_->on_durable(record.version, engine_.now());
        if (batch.tags[i] == kNoFact) continue;
        truth_.on_durable(batch.tags[i], journal_.id(), record.version, engine_.now());
        truth_.fact(batch.tags[i]).accepted = true;
        const auto* orders = std::get_if<purge::Invalidate>(&record.message->body);
        waits_.push_back({batch.tags[i], record.version, orders != nullptr && orders->erase});
    }
    hub_->on_durable(batch.records, now());
    settle();
    if (up()) begin_batch();
    ask_soon();
}

// ---- wait=all

void OriginNode::ask_soon()
{
    if (waits_.empty() || !up() || std::exchange(asked_, true)) return;
    engine_.in(kAsk, EventKind::hub_check, 0, life_);
}

void OriginNode::on_check(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    asked_ = false;
    check_waits();
}

void OriginNode::check_waits()
{
    std::erase_if(waits_, [&](const Wait& wait) {
        const purge::VersionReport report = hub_->report(wait.version, wait.needs_ack, now());
        if (report.clean() != report.edges.size()) return false;
        truth_.on_done(wait.fact);
        ++checkers_.tally.done;
        engine_.note(wait.version);
        if (watch_ != nullptr) watch_->on_done(wait.version, engine_.now());
        return true;
    });
}

// ---- events

void OriginNode::on_time(std::uint64_t life)
{
    if (life != life_ || !up()) return;
    timer_.reset();
    hub_->on_time(now());
    settle();
}

void OriginNode::on_read(std::uint64_t life, std::uint64_t slot)
{
    const PendingRead read = reads_.take(slot);
    if (life != life_ || !up()) return;
    const auto records = journal_.read(read.first, read.last, read.bytes_max);
    hub_->on_records(read.request, records, now());
    settle();
}

void OriginNode::on_edge_kept(std::uint64_t life, std::uint64_t slot)
{
    const purge::RegisteredEdge edge = kept_.take(slot);
    if (life != life_ || !up()) return;
    journal_.put_edge(edge);
    hub_->on_edge_kept(edge.name, now());
    settle();
}

void OriginNode::on_minted(std::uint64_t life, Version above)
{
    if (life != life_ || !up()) return;
    if (journal_.busy()) return engine_.in(kFsyncMin, EventKind::hub_minted, 0, life_, above);
    minting_ = false;
    ++checkers_.tally.mints;
    journal_.mint(above);
    waits_.clear();
    hub_->on_new_journal(journal_.start(), now());
    settle();
}

std::string OriginNode::fingerprint() const
{
    std::string seen = std::to_string(hub_->journal()) + ' ' + std::to_string(hub_->mark());
    for (const purge::EdgeReport& edge : hub_->edges(now()))
        seen += ' ' + edge.name + ' ' + std::to_string(edge.contiguous) + ' ' +
                std::to_string(edge.heard) + ' ' + std::to_string(edge.connected) +
                std::to_string(edge.datagrams) + ' ' + std::to_string(edge.loss) + ' ' +
                std::to_string(edge.since_heard.value_or(Millis{-1}).count());
    return seen;
}

void OriginNode::on_datagram(Bytes datagram, bool injected)
{
    if (!up()) return;
    if (!injected) {
        hub_->on_datagram(datagram, now());
        settle();
        return;
    }
    const std::string before = fingerprint();
    const bool taken = hub_->on_datagram(datagram, now()).has_value();
    const std::vector<origin::Action> actions = hub_->take_actions();
    if (taken || !actions.empty() || fingerprint() != before)
        checkers_.fail(Invariant::only_origin_speaks, "the origin took a forged datagram");
}

void OriginNode::on_accept(std::uint64_t id)
{
    Session& session = network_.session(id);
    if (!up() || !session.open_at_edge || network_.is_cut(session.edge)) {
        network_.end(id, Way::to_edge);
        return;
    }
    const std::string name = "e" + std::to_string(session.edge);
    session.hub_life = life_;
    session.open_at_hub = true;
    session.peer = hub_->on_stream(name, "sim:" + name, exporter_of(session.secret), now());
    sessions_[session.peer] = id;
    engine_.in(network_.delay(session.edge), EventKind::stream_open, session.edge, id);
    settle();
}

void OriginNode::on_stream(std::uint64_t id)
{
    std::optional<Chunk> chunk = network_.read(id, Way::to_hub);
    if (!chunk || !up()) return;
    Session& session = network_.session(id);
    if (!session.open_at_hub || session.hub_life != life_) return;
    if (chunk->end) {
        close(session.peer);
        settle();
        return;
    }
    if (chunk->bytes.size() > 1 && random_.chance(0.1)) {
        const std::size_t split = 1 + random_.below(chunk->bytes.size() - 1);
        network_.unread(id, Way::to_hub, chunk->bytes.substr(split));
        chunk->bytes.resize(split);
    }
    hub_->on_bytes(session.peer, chunk->bytes, now());
    settle();
}

void OriginNode::on_left(std::uint64_t id, std::size_t bytes)
{
    Session& session = network_.session(id);
    if (!up() || !session.open_at_hub || session.hub_life != life_) return;
    hub_->on_sent(session.peer, bytes, now());
    settle();
}

void OriginNode::close(std::uint32_t peer)
{
    const auto found = sessions_.find(peer);
    if (found == sessions_.end()) return;
    network_.session(found->second).open_at_hub = false;
    network_.end(found->second, Way::to_edge);
    sessions_.erase(found);
    hub_->on_closed(peer, now());
}

// ---- what the hub asks for

void OriginNode::settle()
{
    for (auto actions = hub_->take_actions(); !actions.empty(); actions = hub_->take_actions())
        for (origin::Action& action : actions) {
            if (random_.chance(engine_.crash_at_step)) return crash();
            perform(action);
        }
    const std::optional<MonoTime> due = hub_->next_due();
    if (!due) return;
    const Instant when = std::max(engine_.now(), clock_.when(*due));
    if (timer_ && *timer_ <= when && *timer_ >= engine_.now()) return;
    timer_ = when;
    engine_.at(when, EventKind::hub_time, 0, life_);
}

void OriginNode::perform(origin::Action& action)
{
    struct Perform {
        OriginNode& origin;
        void operator()(origin::SendStream& order) const
        {
            const auto found = origin.sessions_.find(order.peer);
            if (found == origin.sessions_.end()) return;
            origin.network_.write(found->second, Way::to_edge, std::move(order.bytes));
        }
        void operator()(origin::SendDatagram& order) const
        {
            const auto found = origin.sessions_.find(order.peer);
            if (found == origin.sessions_.end()) return;
            origin.network_.send(origin.network_.session(found->second).edge, Way::to_edge,
                                 std::move(order.sealed));
        }
        void operator()(origin::CloseStream& order) const { origin.close(order.peer); }
        void operator()(origin::KeepEdge& order) const
        {
            origin.engine_.in(kFsyncMax, EventKind::hub_edge_kept, 0, origin.life_,
                              origin.kept_.put(std::move(order.edge)));
        }
        void operator()(origin::DropEdge& order) const { origin.journal_.drop_edge(order.name); }
        void operator()(origin::ReadRecords& order) const
        {
            origin.engine_.in(
                kFsyncMin, EventKind::hub_read, 0, origin.life_,
                origin.reads_.put({order.request, order.first, order.last, order.bytes_max}));
        }
        void operator()(origin::MintJournal& order) const
        {
            origin.minting_ = true;
            origin.engine_.in(kFsyncMax + kFsyncMax, EventKind::hub_minted, 0, origin.life_,
                              order.above);
        }
        void operator()(origin::ReadContent&) const {}
        void operator()(origin::Staged&) const {}
        void operator()(origin::Progress&) const { origin.ask_soon(); }
        void operator()(origin::Remark& order) const { origin.engine_.note(order.text.size()); }
    };
    std::visit(Perform{*this}, action);
}
} // namespace tidemark::sim
