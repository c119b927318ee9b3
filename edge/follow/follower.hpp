#pragma once
#include "purge/ack_ranges.hpp"
#include "purge/compact.hpp"
#include "purge/digest.hpp"
#include "purge/frames.hpp"
#include "purge/lease.hpp"
#include "purge/session.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

// The edge's end of the link to its origin: applies what comes, in any order, says what it has
// applied, finds what it missed, and knows until when it may serve as in sync. Pure: bytes and time
// in, actions out. The driver (origin_link.hpp) and the simulator perform the actions in order.
namespace tidemark::follow
{
using purge::Now;
using purge::Version;

struct FollowerSettings {
    std::string name; // as in the certificate
    Millis lease{3'000};
    purge::Adrift adrift = purge::Adrift::revalidate;
    bool only_acks_count = false; // it may serve old content beyond its lease (stale on error …)
    std::uint64_t instance = 0;
    Millis welcome_timeout{5'000};
    Millis silence{2'000};    // nothing came on any way: the stream is taken for dead
    Millis repair_after{300}; // a gap that stays so long is asked for on the stream
    Millis snapshot_timeout{60'000};
};

// What is applied where. Called synchronously, before what was applied is acknowledged or counts
// for the lease. Messages come in any order, and again; of a barrier all at once.
class Applier
{
  public:
    // In any order. Messages with `erase` are acknowledged once on_erased() was called.
    virtual void apply(std::span<const purge::Message> messages, Now now) = 0;
    // The join of everything up to its through(): in the same journal, as more invalidations.
    virtual void load(const purge::CompactState& state, Now now) = 0;
    // A snapshot was loaded, and some of what it stands for may have asked for bytes to be erased:
    // true: whatever is invalid is being erased now, and on_erased(through) follows. False: nothing
    // is stored here that could be.
    [[nodiscard]] virtual bool erase_loaded(Version through)
    {
        static_cast<void>(through);
        return false;
    }
    // Another journal begins: what is stored counts as valid no more without validation.
    virtual void reset(purge::JournalId journal, Now now) = 0;
    // Fences above `agreed` that were taken so far cannot be trusted above it.
    virtual void cap(Version agreed, Now now) = 0;
    // The greatest version heard of, for fences.
    virtual void hear(Version version) = 0;
    virtual void fence_key(const purge::FenceKey& key) = 0;

  protected:
    ~Applier() = default;
};

// What is remembered over a restart (follow_log.hpp).
struct Restored {
    purge::JournalId journal = 0;
    purge::VersionSet applied; // were given to the Applier again
    purge::DigestTree tree;    // up to applied.contiguous()
    Version heard = 0;
};

struct SendStream {
    Bytes bytes;
};
struct SendDatagram {
    Bytes sealed;
};
struct CloseStream { // on_closed() follows; the driver connects again, with jitter
    std::string why;
};
struct KeepRecords { // applied now: to the log
    Bytes records;
};
struct KeepSnapshot { // replaces all that the log holds up to `through`
    Bytes snapshot;   // encode_snapshot()
    Version through;
    purge::Digest root; // at `through`
};
struct KeepJournal { // another journal: the log begins anew
    purge::JournalId journal;
};
struct StagePiece { // staged content, packed; when all is durable: on_staged()
    purge::ContentDigest digest;
    std::uint64_t offset;
    std::uint64_t packed_bytes;
    std::uint64_t content_bytes;
    std::string uri;
    Bytes bytes;
};
struct StageWanted { // how much of it is there? then on_staged()
    purge::PushOffer offer;
};
struct Remark {
    bool alarm;
    std::string text;
};
using Action = std::variant<SendStream, SendDatagram, CloseStream, KeepRecords, KeepSnapshot,
                            KeepJournal, StagePiece, StageWanted, Remark>;

struct FollowerCounters {
    std::uint64_t datagrams_sent = 0;
    std::uint64_t datagram_bytes_sent = 0;
    std::uint64_t datagrams_received = 0;
    std::uint64_t datagram_bytes_received = 0;
    std::uint64_t stream_bytes_sent = 0;
    std::uint64_t stream_bytes_received = 0;
    std::uint64_t records = 0;
    std::uint64_t repeated_records = 0;
    std::uint64_t foreign_records = 0; // of another journal: dropped
    std::uint64_t bad_frames = 0;
    std::uint64_t impossible_heartbeats = 0;
    std::uint64_t repairs = 0;
    std::uint64_t snapshots = 0;
    std::uint64_t mismatches = 0; // digests that differed
    std::uint64_t resets = 0;
    std::array<std::uint64_t, purge::kDatagramErrors> rejected{};
};

//   closed ──on_connected──→ greeting ──welcome──→ linked ──on_closed──→ closed
// It is in sync while its lease holds, whatever the state of the link.
class Follower
{
  public:
    Follower(const FollowerSettings& settings, Restored restored, Applier& applier);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    // -- The control stream: its peer is authenticated as the origin.
    void on_connected(purge::KeyExporter keys, Now now);
    void on_bytes(ByteView bytes, Now now);
    void on_closed(Now now);
    void on_datagram(ByteView datagram, Now now);

    // -- From the edge
    void on_erased(Version version, Now now); // the bytes of this `erase` message are gone
    void on_staged(const purge::ContentDigest& digest, std::uint64_t packed_bytes, Now now);

    // -- Time
    [[nodiscard]] std::optional<MonoTime> next_due() const;
    void on_time(Now now);
    [[nodiscard]] std::vector<Action> take_actions();

    // -- State
    [[nodiscard]] bool linked() const noexcept;
    [[nodiscard]] purge::BootTime lease_until() const noexcept; // in sync until then
    [[nodiscard]] Millis lease() const noexcept;                // as granted
    [[nodiscard]] purge::JournalId journal() const noexcept;
    [[nodiscard]] Version contiguous() const noexcept; // applied
    [[nodiscard]] Version heard() const noexcept;
    [[nodiscard]] Version mark() const noexcept;       // the origin's, as last told
    [[nodiscard]] purge::Digest root() const noexcept; // at contiguous()
    [[nodiscard]] const FollowerCounters& counters() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::follow
