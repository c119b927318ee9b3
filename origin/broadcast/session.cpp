#include "core/base/check.hpp"
#include "origin/broadcast/hub_state.hpp"

#include <algorithm>
#include <type_traits>

// A control stream from its hello to its end.
namespace tidemark::origin
{
namespace
{
constexpr std::uint8_t kWire = 1;
constexpr std::size_t kHelloBytesMax = 1024; // with all that may stand before an answer
constexpr Millis kSilenceMin{10'000};
constexpr int kSilenceLeases = 3;
// No journal loses more versions than that: one edge's word must not use up the numbers.
constexpr Version kAheadMax = Version{1} << 40;
} // namespace

Nanos Hub::Impl::silence_of(const Session& session) const
{
    return std::max<Nanos>(kSilenceMin, kSilenceLeases * session.lease);
}

void Hub::Impl::close(Session& session, const std::string& why)
{
    if (session.phase == Phase::closing) return;
    detach(session);
    session.phase = Phase::closing;
    session.in = {};
    session.repair = {};
    session.transfers = {};
    actions.emplace_back(CloseStream{session.id, why});
}

void Hub::Impl::detach(Session& session)
{
    if (session.link != 0) links.erase(session.link);
    session.link = 0;
    const auto edge = edges.find(session.name);
    if (edge == edges.end() || edge->second.session != session.id) return;
    edge->second.session = 0;
    registry.on_closed(session.name, session.hello.instance);
    progress = true;
}

void Hub::Impl::bad_frame(Session& session, const char* what)
{
    ++counters.bad_frames;
    close(session, std::string("a frame is ") + what);
}

void Hub::Impl::refuse(Session& session, purge::RefusalReason reason, const std::string& detail)
{
    ++counters.refused_hellos;
    stream(session, purge::Refusal{reason, detail.substr(0, purge::kRefusalBytesMax)});
    remark(true, "refused " + session.name + " at " + session.address + ": " + detail);
    close(session, detail);
}

// ---- frames

void Hub::Impl::take_frames(Session& session, ByteView bytes, Now now)
{
    const bool kept = !session.in.empty();
    if (kept) session.in += bytes;
    ByteView left = kept ? ByteView{session.in} : bytes;
    while (!left.empty() && session.phase != Phase::closing) {
        const auto frame = purge::decode_frame(left);
        if (!frame && frame.error() == purge::FrameError::truncated) break;
        if (!frame) return bad_frame(session, "corrupt");
        take_frame(session, *frame, now);
    }
    if (session.phase == Phase::closing) return;
    if (kept)
        session.in.erase(0, session.in.size() - left.size());
    else
        session.in = left;
    const bool hello_too_long =
        session.phase == Phase::greeting && session.in.size() > kHelloBytesMax;
    if (hello_too_long) bad_frame(session, "no hello");
}

void Hub::Impl::take_frame(Session& session, const purge::Frame& frame, Now now)
{
    const auto take = [&](const auto& f) {
        using F = std::decay_t<decltype(f)>;
        if constexpr (std::is_same_v<F, purge::Hello>) {
            if (session.phase == Phase::greeting) return on_hello(session, f, now);
        } else if (session.phase == Phase::linked) {
            if constexpr (std::is_same_v<F, purge::Ack>)
                return on_ack(session, f, purge::Path::stream, now);
            else if constexpr (std::is_same_v<F, purge::Nack>)
                return on_nack(session, f, now);
            else if constexpr (std::is_same_v<F, purge::RepairRequest>)
                return on_repair(session, f);
            else if constexpr (std::is_same_v<F, purge::PushHave>)
                return on_have(session, f);
            else if constexpr (std::is_same_v<F, purge::DigestQuery>) {
                ++counters.digest_queries;
                return stream(session, purge::answer(tree, f));
            }
        }
        bad_frame(session, "out of place");
    };
    std::visit(take, frame);
}

// ---- hello

void Hub::Impl::on_hello(Session& session, const purge::Hello& hello, Now now)
{
    session.hello = hello;
    if (hello.wire_min > kWire || hello.wire_max < kWire)
        return refuse(session, purge::RefusalReason::wire_version,
                      "wire versions " + std::to_string(hello.wire_min) + " to " +
                          std::to_string(hello.wire_max) + " are not spoken here");
    if (hello.name != session.name)
        return refuse(session, purge::RefusalReason::unknown_edge,
                      "it calls itself " + hello.name + ", its certificate says otherwise");
    if (hello.journal == journal && std::max(hello.heard, hello.contiguous) > mark() + kAheadMax)
        return refuse(session, purge::RefusalReason::not_ready,
                      "it claims to know versions that cannot be");
    session.lease = std::clamp(hello.lease, settings.lease_min, settings.lease_max);
    register_edge(session, now);
    if (session.phase != Phase::waiting) return;
    mint_if_ahead(session);
    welcome_if_ready(session, now);
}

void Hub::Impl::register_edge(Session& session, Now now)
{
    const purge::Hello& hello = session.hello;
    const purge::RegisteredEdge registered{session.name, hello.instance, session.lease,
                                           hello.adrift, hello.only_acks_count};
    const auto result = registry.on_hello(registered, now.boot);
    if (result == purge::EdgeRegistry::HelloResult::name_taken)
        return refuse(session, purge::RefusalReason::name_taken,
                      "another live instance has this name");

    EdgeState& edge = edges[session.name];
    if (Session* former = find(edge.session)) {
        // Its end must not look like this one's.
        edge.session = 0;
        close(*former, "a newer stream of the same edge has come");
        schedule(*former);
    }
    edge.session = session.id;
    edge.heard_at = now.mono;
    leaving.erase(session.name);
    session.phase = Phase::waiting;
    if (result == purge::EdgeRegistry::HelloResult::accepted_and_changed || edge.unkept) {
        ++edge.keeps;
        actions.emplace_back(KeepEdge{registered});
    }
    // Until the former's lease is over what it acknowledges proves nothing.
    if (!registry.acks_count(session.name, now.boot))
        wake_at(session.name, edge, now.boot + kFormerInterval);
    progress = true;
}

// What is done for an earlier session's entry is overtaken by the present one's.
void Hub::Impl::kept(std::string_view name, bool durably, Now now)
{
    const auto edge = edges.find(name);
    if (edge == edges.end() || edge->second.keeps == 0) return;
    --edge->second.keeps;
    edge->second.unkept = !durably;
    Session* session = find(edge->second.session);
    if (session == nullptr) return;
    if (durably)
        welcome_if_ready(*session, now);
    else if (session->phase == Phase::waiting && edge->second.keeps == 0)
        close(*session, "the edge cannot be registered: the journal cannot be written");
    schedule(*session);
}

// It has heard of versions that we do not have: we have lost them, and must not give their numbers
// to others.
void Hub::Impl::mint_if_ahead(const Session& session)
{
    const Version heard = std::max(session.hello.heard, session.hello.contiguous);
    if (minting || session.hello.journal != journal || heard <= mark()) return;
    minting = true;
    remark(true, session.name + " has heard of version " + std::to_string(heard) +
                     ", this journal ends at " + std::to_string(mark()) +
                     ": another journal must begin");
    actions.emplace_back(MintJournal{heard, session.name});
}

void Hub::Impl::welcome_if_ready(Session& session, Now now)
{
    const auto edge = edges.find(session.name);
    if (session.phase != Phase::waiting || minting || edge == edges.end() ||
        edge->second.session != session.id || edge->second.keeps > 0)
        return;
    welcome(session, now);
}

void Hub::Impl::welcome(Session& session, Now now)
{
    session.phase = Phase::linked;
    do
        session.link = static_cast<std::uint32_t>(next_random());
    while (session.link == 0 || links.count(session.link) > 0);
    links.emplace(session.link, session.id);
    session.epoch = session.sealing_epoch = 1;
    const purge::DatagramIdentity identity{session.link, session.epoch};
    session.sealer.emplace(session.keys(purge::Direction::to_edge, session.epoch), identity);
    session.opener.emplace(session.keys(purge::Direction::to_origin, session.epoch), identity);
    session.heartbeat_due = now.mono + settings.heartbeat;

    const bool ours = session.hello.journal == journal;
    Acknowledged& acknowledged = edges[session.name].acknowledged;
    acknowledged.begin(ours ? session.hello.contiguous : 0, ours ? session.hello.heard : 0, now,
                       settings.progress_steps);
    progress = true;
    announce_keys(session);
    if (fence_key) stream(session, *fence_key);
    for (const auto& [digest, offered] : offers)
        if (!offered.staged_by.contains(session.hello.instance)) stream(session, offered.offer);
}
} // namespace tidemark::origin
