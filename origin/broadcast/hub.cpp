#include "origin/broadcast/hub.hpp"

#include "core/base/check.hpp"
#include "origin/broadcast/hub_state.hpp"

#include <algorithm>

namespace tidemark::origin
{
namespace
{
constexpr Millis kSweepInterval{200}; // while somebody is leaving
} // namespace

// ---- parts

Hub::Impl::Impl(const HubSettings& chosen, const journal::JournalStart& start, std::uint64_t seed,
                Now now)
    : settings(chosen), random(seed), told_at(now), entries(start.mark(), now.boot),
      registry(start.edges, now.boot)
{
    take_start(start);
    for (const purge::RegisteredEdge& edge : start.edges)
        edges[edge.name];
    await_leases(now);
}

void Hub::Impl::take_start(const journal::JournalStart& start)
{
    journal = start.id;
    base = start.base;
    tree = start.tree;
    snapshot = start.snapshot;
    snapshot_state = start.snapshot_state;
    root_at_base = start.root_at_base;
}

Session* Hub::Impl::find(PeerId peer)
{
    const auto found = sessions.find(peer);
    return found == sessions.end() ? nullptr : found->second.get();
}
const Session* Hub::Impl::find(PeerId peer) const
{
    const auto found = sessions.find(peer);
    return found == sessions.end() ? nullptr : found->second.get();
}
Session* Hub::Impl::linked(PeerId peer)
{
    Session* session = find(peer);
    return session != nullptr && session->phase == Phase::linked ? session : nullptr;
}

void Hub::Impl::remark(bool alarm, std::string text)
{
    actions.emplace_back(Remark{alarm, std::move(text)});
}

// splitmix64
std::uint64_t Hub::Impl::next_random()
{
    std::uint64_t z = random += 0x9E3779B97F4A7C15U;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
    z = (z ^ z >> 27) * 0x94D049BB133111EBU;
    return z ^ z >> 31;
}

// ---- time

void Hub::Impl::schedule(Session& session)
{
    std::optional<MonoTime> when;
    switch (session.phase) {
    case Phase::greeting:
        when = session.opened_at + settings.hello_timeout;
        break;
    case Phase::waiting:
        when = session.heard_at + silence_of(session);
        break;
    case Phase::linked:
        when = std::min<MonoTime>(session.heartbeat_due, session.heard_at + silence_of(session));
        if (const auto sender = session.sender.next_due()) when = std::min(*when, *sender);
        break;
    case Phase::closing:
        break;
    }
    if (session.due == when) return;
    if (session.due) due.erase({*session.due, session.id});
    session.due = when;
    if (when) due.insert({*when, session.id});
}

void Hub::Impl::on_due(Session& session, Now now)
{
    if (session.phase == Phase::closing) return;
    if (session.phase == Phase::greeting) {
        if (now.mono >= session.opened_at + settings.hello_timeout) close(session, "no hello came");
        return;
    }
    if (now.mono >= session.heard_at + silence_of(session)) {
        close(session, "nothing was heard of " + session.name + " any more");
        return;
    }
    if (session.phase != Phase::linked) return;
    if (now.mono >= session.heartbeat_due) heartbeat(session, now);
    pump(session, now);
}

Hub::Hub(const HubSettings& settings, const journal::JournalStart& start, std::uint64_t random,
         Now now)
    : impl_(std::make_unique<Impl>(settings, start, random, now))
{
}
Hub::~Hub() = default;

std::optional<MonoTime> Hub::next_due() const
{
    std::optional<MonoTime> when;
    const auto sooner = [&](MonoTime other) { when = when ? std::min(*when, other) : other; };
    if (!impl_->due.empty()) sooner(impl_->due.begin()->first);
    if (!impl_->wakes.empty())
        sooner(impl_->told_at.mono + (impl_->wakes.begin()->first - impl_->told_at.boot));
    if (!impl_->leaving.empty()) sooner(impl_->told_at.mono + kSweepInterval);
    return when;
}

void Hub::on_time(Now now)
{
    impl_->told_at = now;
    std::vector<PeerId> peers;
    for (const auto& [when, peer] : impl_->due) {
        if (when > now.mono) break;
        peers.push_back(peer);
    }
    for (const PeerId peer : peers) {
        Session* session = impl_->find(peer);
        if (session == nullptr) continue;
        impl_->on_due(*session, now);
        impl_->schedule(*session);
    }
    impl_->on_leases(now);
    if (!impl_->leaving.empty()) impl_->sweep(now);
}

std::vector<Action> Hub::take_actions()
{
    if (std::exchange(impl_->progress, false)) impl_->actions.emplace_back(Progress{});
    return std::exchange(impl_->actions, {});
}

// ---- from the journal

void Hub::on_durable(std::span<const journal::DurableRecord> records, Now now)
{
    impl_->told_at = now;
    if (records.empty()) return;
    for (const journal::DurableRecord& record : records)
        impl_->tree.append(record.version, purge::digest_of(*record.record));
    impl_->entries.add(impl_->mark(), now.boot);
    impl_->await_leases(now);
    impl_->each_linked([&](Session& session) {
        for (const journal::DurableRecord& record : records)
            impl_->give(session, record, now);
        impl_->pump(session, now);
        impl_->schedule(session);
    });
    impl_->progress = true;
}

void Hub::on_records(std::uint64_t request, std::span<const purge::SharedRecord> records, Now now)
{
    impl_->told_at = now;
    impl_->on_records(request, records, now);
}

// What edges hold of the former journal counts no more; each learns of the new one by a hello.
void Hub::on_new_journal(const journal::JournalStart& start, Now now)
{
    impl_->told_at = now;
    impl_->take_start(start);
    impl_->minting = false;
    impl_->entries.add(impl_->mark(), now.boot);
    for (auto& [name, edge] : impl_->edges)
        edge.acknowledged.forget();
    for (auto& [id, session] : impl_->sessions) {
        if (session->phase == Phase::linked)
            impl_->close(*session, "another journal begins");
        else if (session->phase == Phase::waiting)
            impl_->welcome_if_ready(*session, now);
        impl_->schedule(*session);
    }
    impl_->await_leases(now);
    impl_->progress = true;
}

void Hub::on_compacted(Version base, purge::SharedRecord snapshot, const purge::Digest& state,
                       const purge::Digest& root_at_base)
{
    impl_->base = base;
    impl_->snapshot = std::move(snapshot);
    impl_->snapshot_state = state;
    impl_->root_at_base = root_at_base;
    impl_->tree.forget_below(std::max(purge::full_blocks(base), impl_->tree.first_block()));
}

void Hub::on_edge_kept(std::string_view name, Now now)
{
    impl_->told_at = now;
    impl_->kept(name, true, now);
}

void Hub::on_edge_not_kept(std::string_view name, Now now)
{
    impl_->told_at = now;
    impl_->kept(name, false, now);
}

void Hub::on_mint_failed(Now now)
{
    impl_->told_at = now;
    impl_->minting = false;
    for (auto& [id, session] : impl_->sessions) {
        if (session->phase != Phase::waiting) continue;
        impl_->close(*session, "another journal cannot begin");
        impl_->schedule(*session);
    }
}

// ---- control streams and datagrams

PeerId Hub::on_stream(std::string name, std::string address, purge::KeyExporter keys, Now now)
{
    impl_->told_at = now;
    const PeerId peer = ++impl_->last_peer;
    auto session = std::make_unique<Session>();
    session->id = peer;
    session->name = std::move(name);
    session->address = std::move(address);
    session->keys = std::move(keys);
    session->opened_at = session->heard_at = now.mono;
    session->sender = purge::Sender{impl_->settings.sender};
    Session& opened = *impl_->sessions.emplace(peer, std::move(session)).first->second;
    if (impl_->sessions.size() > impl_->settings.peers_max)
        impl_->refuse(opened, purge::RefusalReason::not_ready, "too many edges are connected");
    impl_->schedule(opened);
    return peer;
}

void Hub::on_bytes(PeerId peer, ByteView bytes, Now now)
{
    impl_->told_at = now;
    Session* session = impl_->find(peer);
    if (session == nullptr || session->phase == Phase::closing) return;
    impl_->counters.stream_bytes_received += bytes.size();
    session->heard_at = now.mono;
    impl_->take_frames(*session, bytes, now);
    if (session->phase == Phase::linked) impl_->pump(*session, now);
    impl_->schedule(*session);
}

void Hub::on_sent(PeerId peer, std::size_t bytes, Now now)
{
    impl_->told_at = now;
    Session* session = impl_->linked(peer);
    if (session == nullptr) return;
    session->unsent_bytes -= std::min(bytes, session->unsent_bytes);
    impl_->pump(*session, now);
    impl_->schedule(*session);
}

void Hub::on_closed(PeerId peer, Now now)
{
    impl_->told_at = now;
    Session* session = impl_->find(peer);
    if (session == nullptr) return;
    session->phase = Phase::closing;
    impl_->detach(*session);
    impl_->schedule(*session);
    impl_->sessions.erase(peer);
}

std::optional<PeerId> Hub::on_datagram(ByteView datagram, Now now)
{
    impl_->told_at = now;
    return impl_->on_datagram(datagram, now);
}

// ---- pushes and keys

void Hub::offer(const purge::PushOffer& offer, Now now)
{
    impl_->told_at = now;
    impl_->offers.insert_or_assign(offer.digest, Offered{offer, {}});
    impl_->each_linked([&](Session& session) { impl_->stream(session, offer); });
}

void Hub::on_content(std::uint64_t request, ByteView bytes, Now now)
{
    impl_->told_at = now;
    impl_->on_content(request, bytes, now);
}

void Hub::withdraw(const purge::ContentDigest& digest)
{
    impl_->offers.erase(digest);
}

void Hub::set_fence_key(const purge::FenceKey& key, Now now)
{
    impl_->told_at = now;
    impl_->fence_key = key;
    impl_->each_linked([&](Session& session) { impl_->stream(session, key); });
}

// ---- reports

purge::VersionReport Hub::report(Version version, bool needs_ack, Now now) const
{
    return impl_->report(version, needs_ack, now);
}

std::vector<purge::EdgeReport> Hub::edges(Now now) const
{
    std::vector<purge::EdgeReport> reports;
    for (const std::string& name : impl_->registry.names())
        reports.push_back(impl_->report_of(name, now));
    return reports;
}

purge::EdgeRegistry::RemoveResult Hub::remove_edge(std::string_view name, bool force, Now now)
{
    impl_->told_at = now;
    const auto result = impl_->registry.remove(name, force, now.boot);
    if (result != purge::EdgeRegistry::RemoveResult::removed) return result;
    impl_->leaving.emplace(name);
    impl_->progress = true;
    // Its lease counts from now at latest: nothing is granted any more.
    const auto edge = impl_->edges.find(name);
    Session* session = edge == impl_->edges.end() ? nullptr : impl_->find(edge->second.session);
    if (session != nullptr) {
        impl_->close(*session, "the edge was removed");
        impl_->schedule(*session);
    }
    return result;
}

purge::JournalId Hub::journal() const noexcept
{
    return impl_->journal;
}
Version Hub::mark() const noexcept
{
    return impl_->mark();
}
purge::Digest Hub::root() const noexcept
{
    return impl_->tree.root();
}
const HubCounters& Hub::counters() const noexcept
{
    return impl_->counters;
}
} // namespace tidemark::origin
