#include "edge/follow/follower.hpp"

#include "core/base/check.hpp"
#include "edge/follow/link_state.hpp"

#include <algorithm>
#include <type_traits>

namespace tidemark::follow
{
namespace
{
constexpr std::uint8_t kWire = 1;
constexpr Millis kLately{1'000};
// An acknowledgement tells of so many ranges at most: more do not fit into a datagram.
constexpr std::size_t kRangesTold = 2048;

Version told_up_to(const purge::VersionSet& set)
{
    if (set.ranges().size() <= kRangesTold) return set.highest();
    return std::next(set.ranges().begin(), kRangesTold)->second;
}
} // namespace

// The digests of what is beyond the mark are not kept over a restart: it comes again.
Follower::Impl::Impl(const FollowerSettings& chosen, Restored restored, Applier& to)
    : settings(chosen), applier(to), journal(restored.journal)
{
    heard = std::max(restored.heard, restored.applied.highest());
    if (restored.tree.last() <= restored.applied.contiguous()) {
        tree = std::move(restored.tree);
        applied.add_through(tree.last());
        told.add_through(tree.last());
    }
    applier.hear(heard);
}

void Follower::Impl::remark(bool alarm, std::string text)
{
    actions.emplace_back(Remark{alarm, std::move(text)});
}

// ---- the stream

void Follower::Impl::connected(purge::KeyExporter exporter, Now now)
{
    phase = Phase::greeting;
    keys = std::move(exporter);
    connected_at = heard_at = now.mono;
    datagram_at.reset();
    in.clear();
    gap.reset();
    asked.reset();
    earlier_lease = std::max(earlier_lease, lease.until());
    lease = purge::EdgeLease{now.boot};

    purge::Hello hello;
    hello.wire_min = hello.wire_max = kWire;
    hello.adrift = settings.adrift;
    hello.only_acks_count = settings.only_acks_count;
    hello.instance = settings.instance;
    hello.lease = settings.lease;
    hello.journal = journal;
    // Of what is not erased yet nothing is acknowledged; the digest belongs to what is applied.
    hello.contiguous = applied.contiguous();
    if (told.contiguous() < hello.contiguous) hello.contiguous = told.contiguous();
    hello.heard = heard;
    if (hello.contiguous == tree.last()) hello.root = tree.root();
    hello.name = settings.name;
    stream(hello);
}

void Follower::Impl::close(const std::string& why)
{
    if (phase == Phase::closed || phase == Phase::closing) return;
    phase = Phase::closing;
    actions.emplace_back(CloseStream{why});
}

void Follower::Impl::bad_frame(const char* what)
{
    ++counters.bad_frames;
    close(std::string("a frame is ") + what);
}

void Follower::Impl::take_frames(ByteView bytes, Now now)
{
    const bool kept = !in.empty();
    if (kept) in += bytes;
    ByteView left = kept ? ByteView{in} : bytes;
    while (!left.empty() && phase != Phase::closing) {
        const auto frame = purge::decode_frame(left);
        if (!frame && frame.error() == purge::FrameError::truncated) break;
        if (!frame) {
            bad_frame("corrupt");
            break;
        }
        take_frame(*frame, now);
    }
    if (kept)
        in.erase(0, in.size() - left.size());
    else
        in = left;
}

void Follower::Impl::take_frame(const purge::Frame& frame, Now now)
{
    const auto take = [&](const auto& f) {
        using F = std::decay_t<decltype(f)>;
        if constexpr (std::is_same_v<F, purge::Records>) {
            if (phase == Phase::linked) return on_records(f.records, true, now);
        } else {
            apply_fresh(now);
        }
        if constexpr (std::is_same_v<F, purge::Welcome>)
            return phase == Phase::greeting ? on_welcome(f, now) : on_next_epoch(f);
        if constexpr (std::is_same_v<F, purge::Refusal>)
            if (phase == Phase::greeting) return on_refusal(f);
        if (phase == Phase::linked) {
            if constexpr (std::is_same_v<F, purge::Heartbeat>)
                return on_heartbeat(f, now);
            else if constexpr (std::is_same_v<F, purge::SnapshotPiece>)
                return on_piece(f, now);
            else if constexpr (std::is_same_v<F, purge::DigestReply>)
                return on_reply(f, now);
            else if constexpr (std::is_same_v<F, purge::PushOffer>)
                return on_offer(f);
            else if constexpr (std::is_same_v<F, purge::PushPiece>)
                return on_push_piece(f);
            else if constexpr (std::is_same_v<F, purge::FenceKey>)
                return applier.fence_key(f);
        }
        bad_frame("out of place");
    };
    std::visit(take, frame);
}

void Follower::Impl::on_welcome(const purge::Welcome& welcome, Now now)
{
    if (welcome.wire != kWire || welcome.journal == 0 || welcome.link == 0)
        return bad_frame("no welcome");
    phase = Phase::linked;
    if (welcome.journal != journal)
        adopt_journal(welcome.journal, now);
    else
        distrust_what_was_only_heard_of(now);
    link = welcome.link;
    epoch = welcome.epoch;
    const purge::DatagramIdentity identity{link, epoch};
    sealer.emplace(keys(purge::Direction::to_origin, epoch), identity);
    opener.emplace(keys(purge::Direction::to_edge, epoch), identity);
    granted = welcome.lease;
    mark = welcome.mark;
    hear(welcome.mark);
    agreed = tree.last() == 0;
    ack_wanted = true; // by datagram: it opens the way for those to us
    // What was missed while there was no link does not come by itself.
    if (applied.contiguous() < wanted()) ask_for_gaps(now);
}

// The origin may have lost what it told us of and have given those versions again (a restored
// backup). What we hold the digests compare; fences above it nothing could ever refute. After a
// start nobody knows how high those on disk are.
void Follower::Impl::distrust_what_was_only_heard_of(Now now)
{
    if (std::exchange(welcomed, true) && heard <= tree.last()) return;
    applier.cap(tree.last(), now);
}

// A welcome within a session announces the keys of the next epoch.
void Follower::Impl::on_next_epoch(const purge::Welcome& welcome)
{
    const auto next = static_cast<std::uint16_t>(epoch + 1);
    if (phase != Phase::linked || welcome.journal != journal || welcome.link != link ||
        welcome.epoch != next)
        return bad_frame("out of place");
    epoch = next;
    sealer.emplace(keys(purge::Direction::to_origin, epoch), purge::DatagramIdentity{link, epoch});
    opener->add_epoch(epoch, keys(purge::Direction::to_edge, epoch));
    ack_wanted = true;
}

void Follower::Impl::on_refusal(const purge::Refusal& refusal)
{
    remark(true, "the origin refuses this edge: " + refusal.detail);
    close("refused: " + refusal.detail);
}

// ---- datagrams

void Follower::Impl::on_datagram(ByteView datagram, Now now)
{
    if (phase != Phase::linked) return;
    Bytes frames;
    if (const auto opened = opener->open(datagram, frames); !opened) {
        ++counters.rejected[static_cast<std::size_t>(opened.error())];
        return;
    }
    ++counters.datagrams_received;
    counters.datagram_bytes_received += datagram.size();
    heard_at = now.mono;
    datagram_at = now.mono;
    take_datagram_frames(frames, now);
    end_turn(now);
}

void Follower::Impl::take_datagram_frames(ByteView frames, Now now)
{
    while (!frames.empty()) {
        const auto frame = purge::decode_frame(frames);
        const auto* records = frame ? std::get_if<purge::Records>(&*frame) : nullptr;
        const auto* beat = frame ? std::get_if<purge::Heartbeat>(&*frame) : nullptr;
        if (records != nullptr) {
            on_records(records->records, false, now);
        } else if (beat != nullptr) {
            apply_fresh(now);
            on_heartbeat(*beat, now);
        } else {
            ++counters.bad_frames;
            return;
        }
    }
}

bool Follower::Impl::datagrams_come(Now now) const
{
    return datagram_at && now.mono - *datagram_at < kLately;
}

// ---- what goes out

void Follower::Impl::stream(const purge::Frame& frame)
{
    SendStream send;
    ByteWriter to{send.bytes};
    purge::encode_frame(frame, to);
    counters.stream_bytes_sent += send.bytes.size();
    actions.emplace_back(std::move(send));
}

bool Follower::Impl::datagram(const purge::Frame& frame)
{
    Bytes frames;
    ByteWriter to{frames, purge::kPayloadBytesMax};
    SendDatagram send;
    if (!purge::encode_frame(frame, to) || !sealer->seal(frames, send.sealed)) return false;
    ++counters.datagrams_sent;
    counters.datagram_bytes_sent += send.sealed.size();
    actions.emplace_back(std::move(send));
    return true;
}

void Follower::Impl::acknowledge(Now now)
{
    purge::Ack ack{purge::stamp_of(now.boot), opener->highest(), opener->opened(), heard, {}};
    if (agreed && !disputed) ack.received = purge::received_of(told, told_up_to(told));
    const bool sent = datagram(ack);
    if (!sent || !datagrams_come(now)) stream(ack);
}

// One acknowledgement for all that came.
void Follower::Impl::end_turn(Now now)
{
    apply_fresh(now);
    if (hopeless) start_over(now);
    if (phase != Phase::linked) return;
    watch_gap(now);
    if (std::exchange(ack_wanted, false)) acknowledge(now);
}

// ---- time

std::optional<MonoTime> Follower::Impl::next_due() const
{
    if (phase == Phase::greeting) return connected_at + settings.welcome_timeout;
    if (phase != Phase::linked) return std::nullopt;
    MonoTime when = heard_at + settings.silence;
    if (const auto due = gap_due()) when = std::min(when, *due);
    if (assembly) when = std::min<MonoTime>(when, assembly->since + settings.snapshot_timeout);
    return when;
}

void Follower::Impl::on_time(Now now)
{
    if (phase == Phase::greeting && now.mono >= connected_at + settings.welcome_timeout)
        close("no welcome came");
    if (phase != Phase::linked) return;
    if (now.mono >= heard_at + settings.silence) return close("nothing was heard of the origin");
    if (assembly && now.mono >= assembly->since + settings.snapshot_timeout)
        return close("a snapshot does not end");
    on_gap_time(now);
    end_turn(now);
}

// ---- the interface

Follower::Follower(const FollowerSettings& settings, Restored restored, Applier& applier)
    : impl_(std::make_unique<Impl>(settings, std::move(restored), applier))
{
}
Follower::~Follower() = default;

void Follower::on_connected(purge::KeyExporter keys, Now now)
{
    impl_->connected(std::move(keys), now);
}

void Follower::on_bytes(ByteView bytes, Now now)
{
    if (impl_->phase != Phase::greeting && impl_->phase != Phase::linked) return;
    impl_->counters.stream_bytes_received += bytes.size();
    impl_->heard_at = now.mono;
    impl_->take_frames(bytes, now);
    impl_->end_turn(now);
}

void Follower::on_closed(Now /*now*/)
{
    impl_->phase = Phase::closed;
    impl_->in = {};
    impl_->gap.reset();
    impl_->asked.reset();
    impl_->assembly.reset();
    impl_->incoming.clear();
    impl_->drop_walk();
}

void Follower::on_datagram(ByteView datagram, Now now)
{
    impl_->on_datagram(datagram, now);
}

void Follower::on_erased(Version version, Now now)
{
    if (version == impl_->loaded_through && version != 0) {
        impl_->told.add_through(std::exchange(impl_->loaded_through, 0));
    } else {
        if (impl_->erasing.erase(version) == 0) return;
        impl_->told.add(version);
    }
    if (impl_->phase == Phase::linked) impl_->acknowledge(now);
}

void Follower::on_staged(const purge::ContentDigest& digest, std::uint64_t packed_bytes,
                         Now /*now*/)
{
    impl_->on_staged(digest, packed_bytes);
}

std::optional<MonoTime> Follower::next_due() const
{
    return impl_->next_due();
}
void Follower::on_time(Now now)
{
    impl_->on_time(now);
}
std::vector<Action> Follower::take_actions()
{
    return std::exchange(impl_->actions, {});
}

bool Follower::linked() const noexcept
{
    return impl_->phase == Phase::linked;
}
purge::BootTime Follower::lease_until() const noexcept
{
    return std::max(impl_->earlier_lease, impl_->lease.until());
}
Millis Follower::lease() const noexcept
{
    return impl_->granted;
}
purge::JournalId Follower::journal() const noexcept
{
    return impl_->journal;
}
Version Follower::contiguous() const noexcept
{
    return impl_->applied.contiguous();
}
Version Follower::heard() const noexcept
{
    return impl_->heard;
}
Version Follower::mark() const noexcept
{
    return impl_->mark;
}
purge::Digest Follower::root() const noexcept
{
    return impl_->tree.root();
}
const FollowerCounters& Follower::counters() const noexcept
{
    return impl_->counters;
}
} // namespace tidemark::follow
