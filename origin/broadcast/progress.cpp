#include "origin/broadcast/progress.hpp"

#include "origin/broadcast/hub_state.hpp"

#include <algorithm>

namespace tidemark::origin
{
// ---- when versions entered the mark

void Entered::add(Version last, BootTime now)
{
    if (last <= runs_.back().last) return;
    if (runs_.size() > 1 && now - runs_.back().began < kRunWidth)
        runs_.back() = {last, runs_.back().began, now};
    else
        runs_.push_back({last, now, now});
    if (runs_.size() > kRunsMax) runs_.pop_front();
}

std::optional<BootTime> Entered::at(Version version) const
{
    const auto run = std::partition_point(runs_.begin(), runs_.end(),
                                          [&](const Run& r) { return r.last < version; });
    return run == runs_.end() ? std::nullopt : std::optional<BootTime>(run->entered);
}

// ---- what one edge has acknowledged

void Acknowledged::begin(Version contiguous, Version heard, Now now, std::size_t steps_max)
{
    received_ = {contiguous, 0, {}};
    heard_ = heard;
    stamp_ = 0;
    acknowledged_ = false;
    if (!unknown_) unknown_ = contiguous;
    while (!steps_.empty() && steps_.back().contiguous > contiguous)
        steps_.pop_back(); // it has lost what it had
    step(now, steps_max);
}

bool Acknowledged::on_ack(const purge::Ack& ack, Now now, std::size_t steps_max)
{
    if (ack.stamp < stamp_) return false;
    const bool says_nothing = ack.received.contiguous == 0 && ack.received.span == 0;
    const bool first = !acknowledged_ && !says_nothing;
    const bool changed = first || !(received_ == ack.received) || heard_ != ack.heard;
    stamp_ = ack.stamp;
    acknowledged_ = acknowledged_ || first;
    received_ = ack.received;
    heard_ = ack.heard;
    step(now, steps_max);
    return changed;
}

void Acknowledged::step(Now now, std::size_t steps_max)
{
    const Version known = steps_.empty() ? *unknown_ : steps_.back().contiguous;
    if (received_.contiguous <= known) return;
    if (!steps_.empty() && steps_.back().at == now.wall)
        steps_.back().contiguous = received_.contiguous;
    else
        steps_.push_back({received_.contiguous, now.wall});
    if (steps_.size() <= steps_max) return;
    unknown_ = steps_.front().contiguous;
    steps_.pop_front();
}

std::optional<WallTime> Acknowledged::applied_at(Version version) const
{
    if (!unknown_ || version <= *unknown_ || version > received_.contiguous) return std::nullopt;
    const auto step = std::partition_point(steps_.begin(), steps_.end(),
                                           [&](const Step& s) { return s.contiguous < version; });
    return step == steps_.end() ? std::nullopt : std::optional<WallTime>(step->at);
}

// ---- reports

purge::VersionReport Hub::Impl::report(Version version, bool needs_ack, Now now) const
{
    purge::VersionReport report{version, {}};
    for (const std::string& name : registry.names()) {
        purge::EdgeOnVersion on{name, purge::CleanBy::nothing, std::nullopt};
        const auto edge = edges.find(name);
        const auto entered = version == 0 ? std::nullopt : entries.at(version);
        const auto clean = entered ? registry.surely_clean(name, *entered) : std::nullopt;
        if (entered && edge != edges.end() && edge->second.acknowledged.covers(version) &&
            registry.acks_count(name, now.boot)) {
            on.clean = purge::CleanBy::ack;
            on.applied_at = edge->second.acknowledged.applied_at(version);
        } else if (!needs_ack && clean && now.boot >= *clean) {
            on.clean = purge::CleanBy::lease;
        }
        report.edges.push_back(std::move(on));
    }
    return report;
}

purge::EdgeReport Hub::Impl::report_of(const std::string& name, Now now) const
{
    purge::EdgeReport report;
    report.name = name;
    if (const purge::RegisteredEdge* registered = registry.find(name)) {
        report.adrift = registered->adrift;
        report.only_acks_count = registered->only_acks_count;
        report.lease = registered->lease;
    }
    report.leaving = leaving.count(name) > 0;
    const auto edge = edges.find(name);
    if (edge == edges.end()) return report;
    report.contiguous = edge->second.acknowledged.contiguous();
    report.heard = edge->second.acknowledged.heard();
    report.backlog = mark() > report.contiguous ? mark() - report.contiguous : 0;
    if (edge->second.heard_at)
        report.since_heard = std::chrono::floor<Millis>(now.mono - *edge->second.heard_at);
    const Session* session = find(edge->second.session);
    if (session == nullptr || session->phase != Phase::linked) return report;
    report.connected = true;
    report.datagrams = answers_by_datagram(*session, now);
    report.loss = session->sender.loss().loss();
    report.address = session->address;
    return report;
}

// ---- when a lease's end makes a report say more

// The next run of versions that this edge has not acknowledged and that its lease does not yet
// prove.
std::optional<BootTime> Hub::Impl::next_clean(const std::string& name, const EdgeState& edge,
                                              BootTime now) const
{
    const auto& runs = entries.runs();
    const auto proved = [&](const Entered::Run& run) {
        const auto clean = registry.surely_clean(name, run.entered);
        return run.last <= edge.acknowledged.contiguous() || !clean || *clean <= now;
    };
    const auto run = std::partition_point(runs.begin(), runs.end(), proved);
    if (run == runs.end()) return std::nullopt;
    return registry.surely_clean(name, run->entered);
}

void Hub::Impl::wake_at(const std::string& name, EdgeState& edge, std::optional<BootTime> when)
{
    if (edge.wake) wakes.erase({*edge.wake, name});
    edge.wake = when;
    if (when) wakes.insert({*when, name});
}

// One wake-up for each edge is enough: where it fires it looks for the next.
void Hub::Impl::await_leases(Now now)
{
    for (const std::string& name : registry.names()) {
        EdgeState& edge = edges[name];
        if (!edge.wake) wake_at(name, edge, next_clean(name, edge, now.boot));
    }
}

void Hub::Impl::on_leases(Now now)
{
    while (!wakes.empty() && wakes.begin()->first <= now.boot) {
        const std::string name = wakes.begin()->second;
        EdgeState& edge = edges[name];
        const bool counts = registry.acks_count(name, now.boot);
        wake_at(name, edge, counts ? next_clean(name, edge, now.boot) : now.boot + kFormerInterval);
        progress = true;
    }
}

void Hub::Impl::sweep(Now now)
{
    for (const std::string& name : registry.sweep(now.boot)) {
        leaving.erase(name);
        const auto edge = edges.find(name);
        if (edge != edges.end()) {
            wake_at(name, edge->second, std::nullopt);
            edges.erase(edge);
        }
        actions.emplace_back(DropEdge{name});
        progress = true;
    }
}
} // namespace tidemark::origin
