#include "origin/broadcast/hub_state.hpp"

#include <algorithm>

// Records, heartbeats and what answers them.
namespace tidemark::origin
{
namespace
{
constexpr std::size_t kStreamFrameBytes = 64 * 1024;
constexpr Millis kLately{1'000};

std::uint64_t records_in(ByteView payload)
{
    const auto frame = purge::decode_frame(payload);
    const auto* records = frame ? std::get_if<purge::Records>(&*frame) : nullptr;
    if (records == nullptr) return 0;
    std::uint64_t count = 0;
    // The length stands behind the checksum (purge/message.hpp).
    for (ByteView left = records->records; left.size() >= 8; ++count) {
        ByteReader front{left.substr(4)};
        left.remove_prefix(
            std::min<std::size_t>(std::max<std::uint32_t>(front.u32(), 8), left.size()));
    }
    return count;
}
std::uint16_t epoch_of(ByteView datagram)
{
    ByteReader front{datagram.substr(1)};
    return front.u16();
}
} // namespace

// ---- what goes out

void Hub::Impl::stream(Session& session, const purge::Frame& frame)
{
    SendStream send{session.id, {}};
    ByteWriter to{send.bytes};
    purge::encode_frame(frame, to);
    session.unsent_bytes += send.bytes.size();
    counters.stream_bytes_sent += send.bytes.size();
    actions.emplace_back(std::move(send));
}

bool Hub::Impl::datagram(Session& session, ByteView frames)
{
    SendDatagram send{session.id, {}};
    if (!session.sealer->seal(frames, send.sealed)) return false;
    ++counters.datagrams_sent;
    counters.datagram_bytes_sent += send.sealed.size();
    actions.emplace_back(std::move(send));
    return true;
}

// As long as no datagram of the edge came, nobody knows where to send one.
void Hub::Impl::give(Session& session, const journal::DurableRecord& record, Now now)
{
    if (session.datagram_at)
        session.sender.on_record(record.version, record.record, now.mono);
    else
        stream_records(session, {record.record}, true);
}

// `droppable`: fresh ones; an edge that takes nothing asks for them when it does again.
void Hub::Impl::stream_records(Session& session, const std::vector<purge::SharedRecord>& records,
                               bool droppable)
{
    Bytes together;
    const auto flush = [&] {
        if (!together.empty()) stream(session, purge::Records{together});
        together.clear();
    };
    for (const purge::SharedRecord& record : records) {
        const std::size_t waiting = session.unsent_bytes + together.size() + record->size();
        if (droppable && waiting > settings.stream_backlog) continue;
        if (together.size() + record->size() > kStreamFrameBytes) flush();
        together += *record;
    }
    flush();
}

void Hub::Impl::pump(Session& session, Now now)
{
    if (session.phase != Phase::linked) return;
    const purge::Sender::Outgoing outgoing = session.sender.poll(now.mono);
    for (const Bytes& payload : outgoing.payloads)
        if (datagram(session, payload)) counters.records_sent += records_in(payload);
    stream_records(session, outgoing.stream, true);
    continue_repair(session);
    continue_transfer(session);
    if (session.unsent_bytes > 2 * settings.stream_backlog)
        close(session, "it does not read what it asks for");
}

bool Hub::Impl::answers_by_datagram(const Session& session, Now now) const
{
    return session.datagram_at && now.mono - *session.datagram_at < kLately;
}

void Hub::Impl::heartbeat(Session& session, Now now)
{
    session.heartbeat_due = now.mono + settings.heartbeat;
    renew_keys(session);
    purge::Heartbeat beat{journal, mark(), tree.root(), session.echo, session.lease};
    // While another journal is being made nothing is granted.
    if (minting) beat.echo = 0;
    Bytes frames;
    ByteWriter to{frames};
    purge::encode_frame(beat, to);
    const bool sent = session.datagram_at && datagram(session, frames);
    if (!sent || !answers_by_datagram(session, now)) stream(session, beat);
}

// ---- keys: the next epoch's are announced; they are used once the edge uses them

void Hub::Impl::announce_keys(Session& session)
{
    purge::Welcome welcome;
    welcome.journal = journal;
    welcome.mark = mark();
    welcome.oldest = base + 1;
    welcome.lease = session.lease;
    welcome.link = session.link;
    welcome.epoch = session.epoch;
    stream(session, welcome);
}

void Hub::Impl::renew_keys(Session& session)
{
    const std::uint64_t limit = settings.epoch_datagrams;
    const bool used = session.sealer->sent() >= limit || session.opener->highest() >= limit;
    if (!used || session.epoch != session.sealing_epoch) return;
    ++session.epoch;
    session.opener->add_epoch(session.epoch,
                              session.keys(purge::Direction::to_origin, session.epoch));
    announce_keys(session);
}

void Hub::Impl::on_epoch(Session& session, ByteView datagram)
{
    if (session.sealing_epoch == session.epoch || epoch_of(datagram) != session.epoch) return;
    session.sealing_epoch = session.epoch;
    session.sealer.emplace(session.keys(purge::Direction::to_edge, session.epoch),
                           purge::DatagramIdentity{session.link, session.epoch});
    session.sender.loss().on_new_epoch();
}

// ---- what comes back

std::optional<PeerId> Hub::Impl::on_datagram(ByteView datagram, Now now)
{
    const auto link = purge::link_of(datagram);
    const auto found = link ? links.find(*link) : links.end();
    Session* session = found == links.end() ? nullptr : linked(found->second);
    if (session == nullptr) {
        ++counters.unknown_links;
        return std::nullopt;
    }
    Bytes frames;
    if (const auto opened = session->opener->open(datagram, frames); !opened) {
        ++counters.rejected[static_cast<std::size_t>(opened.error())];
        return std::nullopt;
    }
    ++counters.datagrams_received;
    counters.datagram_bytes_received += datagram.size();
    session->heard_at = now.mono;
    session->datagram_at = now.mono;
    on_epoch(*session, datagram);
    take_datagram_frames(*session, frames, now);
    pump(*session, now);
    schedule(*session);
    return session->id;
}

void Hub::Impl::take_datagram_frames(Session& session, ByteView frames, Now now)
{
    while (!frames.empty()) {
        const auto frame = purge::decode_frame(frames);
        if (frame && std::holds_alternative<purge::Ack>(*frame)) {
            on_ack(session, std::get<purge::Ack>(*frame), purge::Path::datagram, now);
        } else if (frame && std::holds_alternative<purge::Nack>(*frame)) {
            on_nack(session, std::get<purge::Nack>(*frame), now);
        } else {
            ++counters.bad_frames;
            return;
        }
    }
}

void Hub::Impl::on_ack(Session& session, const purge::Ack& ack, purge::Path by, Now now)
{
    // Beyond the mark there is nothing that it could hold.
    if (ack.heard > mark() || ack.received.contiguous + ack.received.span > mark()) {
        ++counters.bad_frames;
        return;
    }
    EdgeState& edge = edges[session.name];
    edge.heard_at = now.mono;
    registry.on_heard(session.name, now.boot);
    // The first heartbeat that can grant a lease need not wait for its turn.
    if (session.echo == 0) session.heartbeat_due = now.mono;
    session.echo = std::max(session.echo, ack.stamp);
    session.sender.on_ack(ack.received, by, now.mono);
    // Numbers of a former epoch's keys say nothing about these.
    if (ack.echo <= session.sealer->sent())
        session.sender.loss().on_report(ack.echo, ack.datagrams);
    if (edge.acknowledged.on_ack(ack, now, settings.progress_steps)) progress = true;
    if (now.mono >= session.heartbeat_due) heartbeat(session, now);
}

void Hub::Impl::on_nack(Session& session, const purge::Nack& nack, Now now)
{
    session.sender.on_nack(nack.received, now.mono);
}
} // namespace tidemark::origin
