#pragma once
#include "edge/follow/follower.hpp"

#include <deque>
#include <map>
#include <set>
#include <utility>

// What the follower knows, and its parts by moment: follower.cpp (the stream from its hello to its
// end, time, acknowledgements), applying.cpp (records), catching_up.cpp (gaps and snapshots),
// comparing.cpp (heartbeats and digests), offers.cpp (pushes). For these files only.
namespace tidemark::follow
{
using purge::BootTime;

enum class Phase : std::uint8_t { closed, greeting, linked, closing };

// The first version that is missing, and since when.
struct Gap {
    Version first = 0;
    MonoTime since{};
    bool nacked = false;
};
// What was asked for on the stream; one request at a time.
struct Asked {
    Version through = 0;    // done when all up to here is applied; or, for blocks, when all came
    Version wanted = 0;     // what was known to be missing then, named or not
    MonoTime progress_at{}; // when something came of it last
};
struct Assembly {               // a snapshot that is coming
    purge::SnapshotPiece front; // of its first piece; its bytes are not used
    Bytes bytes;
    MonoTime since{};
};
// A block that differs, until all its records came again.
struct BlockRepair {
    purge::VersionRange range;
    purge::Digest before;                  // what we held in `range`
    std::map<Version, purge::Digest> came; // of `range`
};
struct Incoming { // staged content
    purge::PushOffer offer;
    std::optional<std::uint64_t> next; // the offset at which it goes on; nothing: not known yet
};

struct Follower::Impl {
    Impl(const FollowerSettings& settings, Restored restored, Applier& applier);

    // follower.cpp
    void connected(purge::KeyExporter exporter, Now now);
    void take_frames(ByteView bytes, Now now);
    void take_frame(const purge::Frame& frame, Now now);
    void on_datagram(ByteView datagram, Now now);
    void take_datagram_frames(ByteView frames, Now now);
    void on_welcome(const purge::Welcome& welcome, Now now);
    void distrust_what_was_only_heard_of(Now now);
    void on_next_epoch(const purge::Welcome& welcome);
    void on_refusal(const purge::Refusal& refusal);
    void close(const std::string& why);
    void bad_frame(const char* what);
    void on_time(Now now);
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    void end_turn(Now now);
    void acknowledge(Now now);
    void stream(const purge::Frame& frame);
    bool datagram(const purge::Frame& frame);
    [[nodiscard]] bool datagrams_come(Now now) const;
    void remark(bool alarm, std::string text);

    // applying.cpp
    void on_records(ByteView records, bool by_stream, Now now);
    bool take_record(const purge::RecordView& record); // false: corrupt
    void apply_fresh(Now now);
    void append(Version version, const purge::Digest& digest, Now now);
    void append_early(Now now);
    void hear(Version version);
    void adopt_journal(purge::JournalId id, Now now);
    void begin_anew();

    // catching_up.cpp
    [[nodiscard]] Version wanted() const noexcept;
    void watch_gap(Now now);
    void on_gap_time(Now now);
    void ask_again(Now now);
    void ask_for_gaps(Now now);
    [[nodiscard]] std::optional<MonoTime> gap_due() const;
    void on_piece(const purge::SnapshotPiece& piece, Now now);
    void load_snapshot(Now now);

    // comparing.cpp
    void on_heartbeat(const purge::Heartbeat& beat, Now now);
    void on_verdict(purge::RootWatch::Verdict verdict, Now now);
    void begin_walk(Now now);
    void on_reply(const purge::DigestReply& reply, Now now);
    void take_step(const purge::Reconcile::Step& step, Now now);
    void repair_blocks(const purge::Difference& difference, Now now);
    void ask_for_blocks(Now now);
    [[nodiscard]] bool repairs(Version version) const;
    void collect(Version version, const purge::Digest& digest);
    void finish_blocks(Now now);
    void give_up(const char* why);
    void start_over(Now now);
    void end_dispute();
    void drop_walk();

    // offers.cpp
    void on_offer(const purge::PushOffer& offer);
    void on_push_piece(const purge::PushPiece& piece);
    void on_staged(const purge::ContentDigest& digest, std::uint64_t packed_bytes);

    FollowerSettings settings;
    Applier& applier;
    FollowerCounters counters;

    // What is applied
    purge::JournalId journal = 0;
    purge::VersionSet applied;
    purge::VersionSet told; // applied, without those whose bytes are not gone yet
    std::set<Version> erasing;
    Version loaded_through = 0;             // of a snapshot whose erasing is under way; 0: none
    purge::DigestTree tree;                 // up to applied.contiguous()
    std::map<Version, purge::Digest> early; // of those beyond it
    Version heard = 0;
    Version mark = 0;

    // What came in this turn and is not given to the applier yet
    std::vector<purge::Message> fresh;
    std::vector<std::pair<Version, purge::Digest>> fresh_digests;
    Bytes fresh_records;
    bool ack_wanted = false;

    // The link
    Phase phase = Phase::closed;
    purge::KeyExporter keys;
    Bytes in;
    std::uint32_t link = 0;
    std::uint16_t epoch = 0;
    std::optional<purge::Sealer> sealer;
    std::optional<purge::Opener> opener;
    MonoTime connected_at{};
    MonoTime heard_at{};                 // anything authentic
    std::optional<MonoTime> datagram_at; // of this session
    std::optional<Gap> gap;
    std::optional<Asked> asked;
    std::optional<Assembly> assembly;
    std::map<purge::ContentDigest, Incoming> incoming;

    // The lease
    BootTime earlier_lease = BootTime::min(); // of earlier sessions
    purge::EdgeLease lease{BootTime{}};
    Millis granted{0};

    // Digests
    purge::RootWatch watch;
    // In this session what we hold was compared with what the origin holds, and is the same: what
    // is acknowledged, or renews a lease, before that could be versions of a journal that was
    // restored since.
    bool agreed = false;
    bool welcomed = false; // to this journal, since the start
    bool disputed = false; // they differed, and do not agree yet: nothing is proved meanwhile
    std::uint32_t walks = 0;
    unsigned failed_walks = 0;
    bool hopeless = false; // at the end of the turn everything begins anew
    std::optional<purge::Reconcile> walk;
    MonoTime walk_at{};
    std::optional<purge::Digest> tail_before; // our unfinished block when the walk began
    std::deque<BlockRepair> blocks;           // to be repaired, the front ones asked for
    std::size_t blocks_asked = 0;

    std::vector<Action> actions;
};
} // namespace tidemark::follow
