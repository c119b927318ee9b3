#include "purge/sender.hpp"

#include "core/base/check.hpp"
#include "purge/frames.hpp"

#include <algorithm>

namespace tidemark::purge
{
namespace
{
constexpr std::size_t kFrameFrontBytes = 3; // a records frame: type and a length below 2^14
} // namespace

void Sender::on_record(Version version, SharedRecord record, MonoTime now)
{
    const std::size_t bytes = record->size();
    if (bytes + kFrameFrontBytes > limits_.payload_bytes_max ||
        backlog_bytes_ + bytes > limits_.backlog_bytes_max) {
        stream_.push_back(std::move(record));
        return;
    }
    const auto [place, fresh] = pending_.try_emplace(version);
    TIDEMARK_CHECK(fresh);
    if (silent()) stream_.push_back(record);
    place->second = {std::move(record), now, 0, silent()};
    queue_.insert({now, version});
    backlog_bytes_ += bytes;
}

void Sender::forget(std::map<Version, Pending>::iterator acknowledged)
{
    backlog_bytes_ -= acknowledged->second.record->size();
    queue_.erase({acknowledged->second.due, acknowledged->first});
    pending_.erase(acknowledged);
}

void Sender::set_due(Version version, Pending& pending, MonoTime due)
{
    queue_.erase({pending.due, version});
    pending.due = due;
    queue_.insert({due, version});
}

void Sender::on_ack(const Received& received, Path by, MonoTime now)
{
    for (auto next = pending_.begin(); next != pending_.end();) {
        const auto at = next++;
        if (at->first > received.contiguous + received.span) break;
        if (received.covers(at->first)) forget(at);
    }
    if (by == Path::datagram) end_silence(now);
}

void Sender::end_silence(MonoTime now)
{
    const bool was_silent = silent();
    unanswered_ = 0;
    if (!was_silent) return;
    for (auto& [version, pending] : pending_)
        if (pending.due > now) set_due(version, pending, now);
}

void Sender::on_nack(const Received& received, MonoTime now)
{
    for (auto& [version, pending] : pending_)
        if (!received.covers(version) && version <= received.contiguous + received.span &&
            pending.due > now)
            set_due(version, pending, now);
}

// ---- the rate: credit grows with time, up to a burst

void Sender::earn(MonoTime now)
{
    const auto burst = static_cast<double>(limits_.burst_bytes);
    if (!credited_at_) {
        credit_bytes_ = burst;
    } else if (now > *credited_at_) {
        const std::chrono::duration<double> passed = now - *credited_at_;
        credit_bytes_ += passed.count() * static_cast<double>(limits_.bytes_per_second);
        credit_bytes_ = std::min(credit_bytes_, burst);
    }
    credited_at_ = now;
}

MonoTime Sender::paid_at(std::size_t bytes) const
{
    if (!credited_at_) return MonoTime::min();
    const double lacking = static_cast<double>(bytes) - credit_bytes_;
    if (lacking <= 0) return MonoTime::min();
    const std::chrono::duration<double> wait{lacking /
                                             static_cast<double>(limits_.bytes_per_second)};
    return *credited_at_ + std::chrono::ceil<Nanos>(wait);
}

// ---- what is due

std::optional<MonoTime> Sender::next_due() const
{
    if (!stream_.empty()) return MonoTime::min();
    if (queue_.empty()) return std::nullopt;
    return std::max(queue_.begin()->first, paid_at(limits_.payload_bytes_max));
}

MonoTime Sender::due_after(const Pending& pending, MonoTime now) const
{
    if (silent()) return now + limits_.silent_interval;
    const bool more_copies = pending.sent < copies_for(loss_.loss());
    return now + (more_copies ? limits_.copy_interval : limits_.resend_interval);
}

// The records that are due, oldest due first, as many as one datagram holds.
Bytes Sender::next_payload(MonoTime now, bool& resent)
{
    const unsigned copies = copies_for(loss_.loss());
    Bytes records;
    std::vector<Version> taken;
    for (const auto& [due, version] : queue_) {
        const Pending& pending = pending_.at(version);
        if (due > now ||
            records.size() + pending.record->size() + kFrameFrontBytes > limits_.payload_bytes_max)
            break;
        records += *pending.record;
        taken.push_back(version);
    }
    for (const Version version : taken) {
        Pending& pending = pending_.at(version);
        resent = resent || pending.sent >= copies;
        ++pending.sent;
        set_due(version, pending, due_after(pending, now));
    }
    return records;
}

// Resends within one interval are one round, however many records they carry.
void Sender::count_round(bool resent, MonoTime now)
{
    if (!resent || now < round_end_ || silent()) return;
    round_end_ = now + limits_.resend_interval;
    ++unanswered_;
    if (silent()) begin_silence(now);
}

void Sender::begin_silence(MonoTime now)
{
    for (auto& [version, pending] : pending_) {
        if (pending.sent > 0) set_due(version, pending, now + limits_.silent_interval);
        if (!pending.streamed) stream_.push_back(pending.record);
        pending.streamed = true;
    }
}

Sender::Outgoing Sender::poll(MonoTime now)
{
    Outgoing outgoing;
    earn(now);
    bool resent = false;
    while (!queue_.empty() && queue_.begin()->first <= now &&
           paid_at(limits_.payload_bytes_max) <= now) {
        Bytes payload;
        ByteWriter to{payload, limits_.payload_bytes_max + 1};
        const Bytes records = next_payload(now, resent);
        TIDEMARK_CHECK(encode_frame(Records{records}, to));
        credit_bytes_ -= static_cast<double>(payload.size());
        outgoing.payloads.push_back(std::move(payload));
    }
    count_round(resent, now);
    outgoing.stream = std::exchange(stream_, {});
    return outgoing;
}
} // namespace tidemark::purge
