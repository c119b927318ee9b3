#include "origin/broadcast/hub_state.hpp"

#include <algorithm>

// What an edge asks to have again, snapshots, and staged content: all on the stream, no faster than
// the stream takes it.
namespace tidemark::origin
{
namespace
{
constexpr std::size_t kReadBytes = 256 * 1024;
} // namespace

bool Hub::Impl::has_window(const Session& session) const
{
    return session.unsent_bytes < settings.stream_window;
}

// ---- repairs

void Hub::Impl::on_repair(Session& session, const purge::RepairRequest& request)
{
    ++counters.repairs;
    Repair& repair = session.repair;
    repair.ranges.clear();
    if (repair.reading) requests.erase(*repair.reading);
    repair.reading.reset();
    bool below_base = false;
    for (const purge::VersionRange& gap : request.received.missing) {
        below_base = below_base || gap.first <= base;
        const purge::VersionRange held{std::max(gap.first, base + 1), std::min(gap.last, mark())};
        if (held.first <= held.last) repair.ranges.push_back(held);
    }
    if (below_base && snapshot) begin_snapshot(repair);
    continue_repair(session);
}

void Hub::Impl::begin_snapshot(Repair& repair)
{
    ++counters.snapshots;
    repair.snapshot = 0;
    repair.snapshot_bytes = snapshot;
    repair.snapshot_through = base;
    repair.snapshot_state = snapshot_state;
    repair.snapshot_root = root_at_base;
}

void Hub::Impl::continue_repair(Session& session)
{
    Repair& repair = session.repair;
    if (repair.snapshot) send_snapshot(session);
    if (repair.snapshot || repair.reading || repair.ranges.empty() || !has_window(session)) return;
    const purge::VersionRange& next = repair.ranges.front();
    repair.reading = ++last_request;
    requests.emplace(last_request, session.id);
    actions.emplace_back(ReadRecords{last_request, next.first, next.last, kReadBytes});
}

void Hub::Impl::send_snapshot(Session& session)
{
    Repair& repair = session.repair;
    const ByteView whole = *repair.snapshot_bytes;
    while (has_window(session) && *repair.snapshot < whole.size()) {
        purge::SnapshotPiece piece{journal,
                                   repair.snapshot_through,
                                   repair.snapshot_root,
                                   repair.snapshot_state,
                                   whole.size(),
                                   *repair.snapshot,
                                   {}};
        piece.bytes = whole.substr(*repair.snapshot, purge::kPieceBytesMax);
        *repair.snapshot += piece.bytes.size();
        stream(session, piece);
    }
    if (*repair.snapshot < whole.size()) return;
    repair.snapshot.reset();
    repair.snapshot_bytes.reset();
}

void Hub::Impl::on_records(std::uint64_t request, std::span<const purge::SharedRecord> records,
                           Now now)
{
    const auto found = requests.find(request);
    Session* session = found == requests.end() ? nullptr : linked(found->second);
    if (found != requests.end()) requests.erase(found);
    if (session == nullptr || session->repair.reading != request) return;
    Repair& repair = session->repair;
    repair.reading.reset();
    purge::VersionRange& front = repair.ranges.front();
    Version last = 0;
    for (const purge::SharedRecord& record : records) {
        ByteView bytes = *record;
        if (const auto view = purge::next_record(bytes)) last = std::max(last, view->version);
    }
    stream_records(*session, {records.begin(), records.end()}, false);
    // Nothing: the journal cannot read it. The edge asks again.
    if (last < front.first || last >= front.last)
        repair.ranges.pop_front();
    else
        front.first = last + 1;
    pump(*session, now);
    schedule(*session);
}

// ---- staged content

void Hub::Impl::on_have(Session& session, const purge::PushHave& have)
{
    const auto found = offers.find(have.digest);
    if (found == offers.end()) return; // withdrawn meanwhile
    const purge::PushOffer& offer = found->second.offer;
    if (have.packed_bytes >= offer.packed_bytes) {
        found->second.staged_by.insert(session.hello.instance);
        actions.emplace_back(Staged{session.name, have.digest});
        return;
    }
    const auto& queue = session.transfers.queue;
    const bool queued = std::any_of(queue.begin(), queue.end(), [&](const Transfer& transfer) {
        return transfer.offer.digest == have.digest;
    });
    if (queued) return; // under way
    session.transfers.queue.push_back({offer, have.packed_bytes});
    continue_transfer(session);
}

void Hub::Impl::continue_transfer(Session& session)
{
    Transfers& transfers = session.transfers;
    while (!transfers.reading && !transfers.queue.empty() &&
           offers.count(transfers.queue.front().offer.digest) == 0)
        transfers.queue.pop_front();
    if (transfers.reading || transfers.queue.empty() || !has_window(session)) return;
    const Transfer& next = transfers.queue.front();
    const std::uint64_t left = next.offer.packed_bytes - next.offset;
    transfers.reading = ++last_request;
    requests.emplace(last_request, session.id);
    actions.emplace_back(ReadContent{
        last_request, next.offer.digest, next.offset,
        static_cast<std::size_t>(std::min<std::uint64_t>(left, purge::kPieceBytesMax))});
}

void Hub::Impl::on_content(std::uint64_t request, ByteView bytes, Now now)
{
    const auto found = requests.find(request);
    Session* session = found == requests.end() ? nullptr : linked(found->second);
    if (found != requests.end()) requests.erase(found);
    if (session == nullptr || session->transfers.reading != request) return;
    Transfers& transfers = session->transfers;
    transfers.reading.reset();
    Transfer& front = transfers.queue.front();
    if (!bytes.empty()) {
        const ByteView piece = bytes.substr(0, purge::kPieceBytesMax);
        stream(*session, purge::PushPiece{front.offer.digest, front.offset, piece});
        front.offset += piece.size();
    }
    if (bytes.empty() || front.offset >= front.offer.packed_bytes) transfers.queue.pop_front();
    pump(*session, now);
    schedule(*session);
}
} // namespace tidemark::origin
