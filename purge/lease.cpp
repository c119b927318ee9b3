#include "purge/lease.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::purge
{
// ---- the edge's side

EdgeLease::Renewal EdgeLease::on_heartbeat(const Heartbeat& heartbeat, Version contiguous,
                                           BootTime now)
{
    if (heartbeat.echo < started_) return Renewal::no_echo;
    if (heartbeat.echo > stamp_of(now) || heartbeat.lease <= Millis{0}) return Renewal::impossible;
    const BootTime sent{std::chrono::microseconds{heartbeat.echo}};
    const BootTime until = sent + heartbeat.lease;
    if (contiguous >= heartbeat.mark) {
        until_ = std::max(until_, until);
        return Renewal::renewed;
    }
    // Heartbeats overtake each other: one that renews no longer than another with a lower mark is
    // useless. Of too many the latest goes, as the oldest is the next to be reached.
    const auto later = waiting_.upper_bound(heartbeat.mark);
    if (later != waiting_.begin() && std::prev(later)->second >= until) return Renewal::waiting;
    waiting_.insert_or_assign(heartbeat.mark, until);
    for (auto next = waiting_.upper_bound(heartbeat.mark);
         next != waiting_.end() && next->second <= until;)
        next = waiting_.erase(next);
    if (waiting_.size() > kWaitingMax) waiting_.erase(std::prev(waiting_.end()));
    return Renewal::waiting;
}

void EdgeLease::on_applied(Version contiguous)
{
    const auto end = waiting_.upper_bound(contiguous);
    if (end == waiting_.begin()) return;
    until_ = std::max(until_, std::prev(end)->second);
    waiting_.erase(waiting_.begin(), end);
}

void EdgeLease::revoke()
{
    until_ = BootTime::min();
    waiting_.clear();
}

// ---- the origin's side

EdgeRegistry::EdgeRegistry(std::vector<RegisteredEdge> durable, BootTime now) : started_(now)
{
    for (RegisteredEdge& edge : durable) {
        Entry entry;
        entry.heard_at = now;
        entry.edge = std::move(edge);
        const std::string name = entry.edge.name;
        edges_.insert_or_assign(name, std::move(entry));
    }
}

// A machine that vanished does not close its stream: who was not heard for a lease is not there.
bool EdgeRegistry::is_live(const Entry& entry, BootTime now)
{
    return entry.connected && now < run_out(entry, entry.heard_at);
}

// When a lease that counts from `from` at latest has run out on this clock.
BootTime EdgeRegistry::run_out(const Entry& entry, BootTime from)
{
    const Nanos lease = entry.edge.lease;
    return from + with_margin(from < entry.longest_until ? std::max(entry.longest, lease) : lease);
}

void EdgeRegistry::replace(Entry& entry, const RegisteredEdge& edge, BootTime now)
{
    if (edge.instance != entry.edge.instance) entry.former_until = run_out(entry, entry.heard_at);
    if (edge.lease < entry.edge.lease) {
        const Nanos before = now < entry.longest_until ? entry.longest : Nanos{0};
        entry.longest = std::max<Nanos>(before, entry.edge.lease);
        entry.longest_until = now + with_margin(entry.longest);
    }
    entry.edge = edge;
}

EdgeRegistry::HelloResult EdgeRegistry::on_hello(const RegisteredEdge& edge, BootTime now)
{
    const auto [place, fresh] = edges_.try_emplace(edge.name);
    Entry& entry = place->second;
    if (!fresh && entry.edge.instance != edge.instance && is_live(entry, now))
        return HelloResult::name_taken;
    const bool changed = fresh || entry.leaves_at || !(entry.edge == edge);
    if (fresh)
        entry.edge = edge;
    else
        replace(entry, edge, now);
    entry.connected = true;
    entry.heard_at = now;
    entry.leaves_at.reset();
    return changed ? HelloResult::accepted_and_changed : HelloResult::accepted;
}

void EdgeRegistry::on_closed(std::string_view name, std::uint64_t instance)
{
    const auto found = edges_.find(name);
    if (found != edges_.end() && found->second.edge.instance == instance)
        found->second.connected = false;
}

bool EdgeRegistry::acks_count(std::string_view name, BootTime now) const
{
    const auto found = edges_.find(name);
    return found != edges_.end() && now >= found->second.former_until;
}

void EdgeRegistry::on_heard(std::string_view name, BootTime now)
{
    const auto found = edges_.find(name);
    if (found != edges_.end()) found->second.heard_at = std::max(found->second.heard_at, now);
}

EdgeRegistry::RemoveResult EdgeRegistry::remove(std::string_view name, bool force, BootTime now)
{
    const auto found = edges_.find(name);
    if (found == edges_.end()) return RemoveResult::unknown;
    Entry& entry = found->second;
    const bool serves = entry.edge.adrift == Adrift::serve || entry.edge.only_acks_count;
    if (serves && !force) return RemoveResult::needs_force;
    if (!entry.leaves_at) entry.leaves_at = run_out(entry, now);
    return RemoveResult::removed;
}

std::vector<std::string> EdgeRegistry::sweep(BootTime now)
{
    std::vector<std::string> left;
    for (auto next = edges_.begin(); next != edges_.end();) {
        const auto at = next++;
        if (!at->second.leaves_at || now < *at->second.leaves_at) continue;
        left.push_back(at->first);
        edges_.erase(at);
    }
    return left;
}

std::optional<BootTime> EdgeRegistry::surely_clean(std::string_view name, BootTime entered) const
{
    const RegisteredEdge* edge = find(name);
    if (edge == nullptr || edge->adrift == Adrift::serve || edge->only_acks_count)
        return std::nullopt;
    return run_out(edges_.find(name)->second, std::max(entered, started_));
}

const RegisteredEdge* EdgeRegistry::find(std::string_view name) const
{
    const auto found = edges_.find(name);
    return found == edges_.end() ? nullptr : &found->second.edge;
}

std::vector<std::string> EdgeRegistry::names() const
{
    std::vector<std::string> names;
    for (const auto& [name, entry] : edges_)
        names.push_back(name);
    return names;
}
} // namespace tidemark::purge
