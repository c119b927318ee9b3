#pragma once
#include "journal/journal.hpp"
#include "purge/ack_ranges.hpp"
#include "purge/digest.hpp"
#include "purge/frames.hpp"
#include "purge/lease.hpp"
#include "purge/report.hpp"
#include "purge/sender.hpp"
#include "purge/session.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// The origin's end of all links: who gets which record when, what each edge has acknowledged, and
// when a version is surely known to all. Pure: bytes and time in, actions out. The driver
// (links.hpp) and the simulator perform the actions in order, at once.
namespace tidemark::origin
{
using purge::Now;
using purge::Version;

// A control stream, from its handshake to its end. Never used twice.
using PeerId = std::uint32_t;

struct HubSettings {
    Millis heartbeat{200};
    Millis lease_min{500};
    Millis lease_max{60'000};
    Millis hello_timeout{5'000};                  // after the handshake
    std::uint32_t peers_max = 10'000;             // streams
    std::size_t stream_window = 512 * 1024;       // unsent bytes of a stream before repairs pause
    std::size_t stream_backlog = 4 * 1024 * 1024; // beyond it fresh records are left to repair
    std::size_t progress_steps = 4'096;           // per edge: how far back applied_at is known
    std::uint64_t epoch_datagrams = purge::Sealer::kKeyUsesMax / 2; // then datagrams get new keys
    purge::SenderLimits sender;
};

struct SendStream {
    PeerId peer;
    Bytes bytes;
};
struct SendDatagram {
    PeerId peer; // to the address from which its last authentic datagram came
    Bytes sealed;
};
struct CloseStream { // on_closed() follows
    PeerId peer;
    std::string why; // for the log
};
struct KeepEdge { // make it durable, then call on_edge_kept(), or _not_kept(): once for each, in
                  // order
    purge::RegisteredEdge edge;
};
struct DropEdge { // has left: forget it durably
    std::string name;
};
struct ReadRecords { // then call on_records()
    std::uint64_t request;
    Version first;
    Version last;
    std::size_t bytes_max;
};
struct MintJournal { // then call on_new_journal() or on_mint_failed(); an edge has heard of
                     // `above`, beyond our mark
    Version above;
    std::string edge;
};
struct ReadContent { // of staged content, packed; then call on_content()
    std::uint64_t request;
    purge::ContentDigest digest;
    std::uint64_t offset;
    std::size_t bytes_max;
};
struct Staged { // this edge has the whole of it, durably
    std::string edge;
    purge::ContentDigest digest;
};
struct Progress { // an acknowledgement, a lease or the registry changed what reports say
};
struct Remark { // for the log
    bool alarm;
    std::string text;
};
using Action = std::variant<SendStream, SendDatagram, CloseStream, KeepEdge, DropEdge, ReadRecords,
                            MintJournal, ReadContent, Staged, Progress, Remark>;

// Things that changed nothing, for metrics; datagrams by purge::DatagramError besides.
struct HubCounters {
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagram_bytes_sent = 0;
    std::uint64_t datagrams_received = 0;
    std::uint64_t datagram_bytes_received = 0;
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t stream_bytes_received = 0;
    std::uint64_t records_sent = 0;  // by datagram, copies included
    std::uint64_t bad_frames = 0;    // corrupt or out of place: the stream is closed
    std::uint64_t unknown_links = 0; // datagrams of no session of ours
    std::uint64_t refused_hellos = 0;
    std::uint64_t repairs = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t digest_queries = 0;
    std::array<std::uint64_t, purge::kDatagramErrors> rejected{};
};

class Hub
{
  public:
    // `random` seeds link numbers; nothing secret depends on it.
    Hub(const HubSettings& settings, const journal::JournalStart& start, std::uint64_t random,
        Now now);
    ~Hub();
    Hub(const Hub&) = delete;
    Hub& operator=(const Hub&) = delete;

    // -- From the journal
    // Records are durable: they enter the mark. In order, without gaps.
    void on_durable(std::span<const journal::DurableRecord> records, Now now);
    void on_records(std::uint64_t request, std::span<const purge::SharedRecord> records, Now now);
    void on_new_journal(const journal::JournalStart& start, Now now);
    // Retention has raised the base: what stands for all up to it now.
    void on_compacted(Version base, purge::SharedRecord snapshot, const purge::Digest& state,
                      const purge::Digest& root_at_base);
    void on_edge_kept(std::string_view name, Now now);
    // It could not be made durable, or the journal not be minted: nobody who waits for it is
    // welcomed. Their streams are closed; their next hellos ask for it again.
    void on_edge_not_kept(std::string_view name, Now now);
    void on_mint_failed(Now now);

    // -- Control streams. `name`: as its certificate says.
    [[nodiscard]] PeerId on_stream(std::string name, std::string address, purge::KeyExporter keys,
                                   Now now);
    void on_bytes(PeerId peer, ByteView bytes, Now now);
    void on_sent(PeerId peer, std::size_t bytes, Now now); // of SendStream: have left our buffers
    void on_closed(PeerId peer, Now now);

    // -- Datagrams. Whose it was; nothing: rejected, counted, and nothing changed.
    std::optional<PeerId> on_datagram(ByteView datagram, Now now);

    // -- Pushes: content that is to be staged on every edge that is registered and connected.
    void offer(const purge::PushOffer& offer, Now now);
    void on_content(std::uint64_t request, ByteView bytes, Now now); // empty: gone
    void withdraw(const purge::ContentDigest& digest);

    // -- Keys for fences and tokens; edges get them at once and in each hello.
    void set_fence_key(const purge::FenceKey& key, Now now);

    // -- Time
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    void on_time(Now now);

    [[nodiscard]] std::vector<Action> take_actions();

    // -- Reports
    // `needs_ack`: leases prove nothing (erased bytes).
    [[nodiscard]] purge::VersionReport report(Version version, bool needs_ack, Now now) const;
    [[nodiscard]] std::vector<purge::EdgeReport> edges(Now now) const;
    [[nodiscard]] purge::EdgeRegistry::RemoveResult remove_edge(std::string_view name, bool force,
                                                                Now now);
    [[nodiscard]] purge::JournalId journal() const noexcept;
    [[nodiscard]] Version mark() const noexcept;
    [[nodiscard]] purge::Digest root() const noexcept;
    [[nodiscard]] const HubCounters& counters() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::origin
