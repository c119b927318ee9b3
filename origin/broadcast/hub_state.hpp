#pragma once
#include "origin/broadcast/hub.hpp"
#include "origin/broadcast/progress.hpp"

#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

// What the hub knows, and its parts by moment: hub.cpp (time and what the driver calls),
// session.cpp (hello to the end of a stream), sending.cpp (records, heartbeats, keys), repair.cpp
// (what is sent again, snapshots, pushes), progress.cpp (what is shown). For these files only.
namespace tidemark::origin
{
//   greeting ──hello──→ waiting ──kept, and no journal is being minted──→ linked
//   any ──close()──→ closing ──on_closed()──→ gone
enum class Phase : std::uint8_t { greeting, waiting, linked, closing };

// What an edge asked to have again, in order.
struct Repair {
    std::deque<purge::VersionRange> ranges;
    std::optional<std::uint64_t> reading; // a ReadRecords
    std::optional<std::size_t> snapshot;  // goes first: how much of it is sent
    purge::SharedRecord snapshot_bytes;   // the same to its end, whatever retention does
    Version snapshot_through = 0;
    purge::Digest snapshot_state;
    purge::Digest snapshot_root;
};

// Staged content on its way to one edge, one after the other.
struct Transfer {
    purge::PushOffer offer;
    std::uint64_t offset = 0;
};
struct Transfers {
    std::deque<Transfer> queue;
    std::optional<std::uint64_t> reading; // a ReadContent for the front
};

// Whoever has had all of it may have put it to use: it is not offered again when it links anew.
struct Offered {
    purge::PushOffer offer;
    std::set<std::uint64_t> staged_by; // instances
};

struct Session {
    PeerId id = 0;
    Phase phase = Phase::greeting;
    std::string name;
    std::string address;
    purge::KeyExporter keys;
    Bytes in; // of a frame that is not whole yet
    purge::Hello hello;
    Millis lease{0};
    MonoTime opened_at{};
    MonoTime heard_at{}; // anything authentic
    std::optional<MonoTime> due;

    // linked
    std::uint32_t link = 0;
    std::uint16_t epoch = 0; // as last announced
    std::uint16_t sealing_epoch = 0;
    std::optional<purge::Sealer> sealer;
    std::optional<purge::Opener> opener;
    std::optional<MonoTime> datagram_at; // when the last authentic one came
    purge::Stamp echo = 0;
    purge::Sender sender;
    MonoTime heartbeat_due{};
    std::size_t unsent_bytes = 0; // given to the stream, not yet sent
    Repair repair;
    Transfers transfers;
};

// How often we look whether the lease of a name's former instance is over.
inline constexpr Millis kFormerInterval{100};

// An edge by name, over all its sessions.
struct EdgeState {
    PeerId session = 0;  // the present one; 0: none
    unsigned keeps = 0;  // KeepEdge actions that are not done
    bool unkept = false; // the last one that was done failed
    Acknowledged acknowledged;
    std::optional<MonoTime> heard_at;
    std::optional<BootTime> wake; // its entry in `wakes`
};

struct Hub::Impl {
    Impl(const HubSettings& settings, const journal::JournalStart& start, std::uint64_t random,
         Now now);

    // hub.cpp
    void take_start(const journal::JournalStart& start);
    [[nodiscard]] Session* find(PeerId peer);
    [[nodiscard]] const Session* find(PeerId peer) const;
    [[nodiscard]] Session* linked(PeerId peer);
    void schedule(Session& session);
    void on_due(Session& session, Now now);
    void remark(bool alarm, std::string text);
    [[nodiscard]] Version mark() const noexcept { return tree.last(); }
    [[nodiscard]] std::uint64_t next_random();
    template <class Each> void each_linked(Each each)
    {
        for (auto& [id, session] : sessions)
            if (session->phase == Phase::linked) each(*session);
    }

    // session.cpp
    void take_frames(Session& session, ByteView bytes, Now now);
    void take_frame(Session& session, const purge::Frame& frame, Now now);
    void on_hello(Session& session, const purge::Hello& hello, Now now);
    void refuse(Session& session, purge::RefusalReason reason, const std::string& detail);
    void register_edge(Session& session, Now now);
    void mint_if_ahead(const Session& session);
    void kept(std::string_view name, bool durably, Now now);
    void welcome_if_ready(Session& session, Now now);
    void welcome(Session& session, Now now);
    void close(Session& session, const std::string& why);
    void bad_frame(Session& session, const char* what);
    void detach(Session& session); // no longer its edge's
    [[nodiscard]] Nanos silence_of(const Session& session) const;

    // sending.cpp
    std::optional<PeerId> on_datagram(ByteView datagram, Now now);
    void take_datagram_frames(Session& session, ByteView frames, Now now);
    void on_ack(Session& session, const purge::Ack& ack, purge::Path by, Now now);
    void on_nack(Session& session, const purge::Nack& nack, Now now);
    void give(Session& session, const journal::DurableRecord& record, Now now);
    void pump(Session& session, Now now);
    void stream_records(Session& session, const std::vector<purge::SharedRecord>& records,
                        bool droppable);
    void stream(Session& session, const purge::Frame& frame);
    bool datagram(Session& session, ByteView frames); // false: nothing was sent
    void heartbeat(Session& session, Now now);
    void announce_keys(Session& session);
    void renew_keys(Session& session);
    void on_epoch(Session& session, ByteView datagram);
    [[nodiscard]] bool answers_by_datagram(const Session& session, Now now) const;

    // repair.cpp
    void on_repair(Session& session, const purge::RepairRequest& request);
    void begin_snapshot(Repair& repair);
    void continue_repair(Session& session);
    void send_snapshot(Session& session);
    void on_records(std::uint64_t request, std::span<const purge::SharedRecord> records, Now now);
    void on_have(Session& session, const purge::PushHave& have);
    void continue_transfer(Session& session);
    void on_content(std::uint64_t request, ByteView bytes, Now now);
    [[nodiscard]] bool has_window(const Session& session) const;

    // progress.cpp
    [[nodiscard]] purge::VersionReport report(Version version, bool needs_ack, Now now) const;
    [[nodiscard]] purge::EdgeReport report_of(const std::string& name, Now now) const;
    [[nodiscard]] std::optional<BootTime> next_clean(const std::string& name, const EdgeState& edge,
                                                     BootTime now) const;
    void wake_at(const std::string& name, EdgeState& edge, std::optional<BootTime> when);
    void await_leases(Now now);
    void on_leases(Now now);
    void sweep(Now now);

    HubSettings settings;
    HubCounters counters;
    std::uint64_t random;
    Now told_at; // when the driver called last

    purge::JournalId journal = 0;
    Version base = 0;
    purge::DigestTree tree;
    purge::SharedRecord snapshot;
    purge::Digest snapshot_state;
    purge::Digest root_at_base;
    Entered entries;
    bool minting = false;

    purge::EdgeRegistry registry;
    std::map<std::string, EdgeState, std::less<>> edges;
    std::set<std::string, std::less<>> leaving;
    std::set<std::pair<BootTime, std::string>> wakes; // when a lease's end may make an edge clean

    PeerId last_peer = 0;
    std::unordered_map<PeerId, std::unique_ptr<Session>> sessions;
    std::unordered_map<std::uint32_t, PeerId> links;
    std::set<std::pair<MonoTime, PeerId>> due;
    std::map<purge::ContentDigest, Offered> offers;
    std::optional<purge::FenceKey> fence_key;

    std::uint64_t last_request = 0;
    std::unordered_map<std::uint64_t, PeerId> requests; // reads under way
    bool progress = false;
    std::vector<Action> actions;
};
} // namespace tidemark::origin
