#pragma once
#include "core/base/bytes.hpp"
#include "core/base/time.hpp"
#include "purge/ack_ranges.hpp"
#include "purge/datagram.hpp"
#include "purge/loss.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

// When which record goes to one edge, until it has acknowledged it.
namespace tidemark::purge
{
// Shared by the senders of all edges; never changes.
using SharedRecord = std::shared_ptr<const Bytes>;

struct SenderLimits {
    std::size_t payload_bytes_max = kPayloadBytesMax;
    std::size_t backlog_bytes_max = 64 * 1024; // unacknowledged, by datagram
    std::uint64_t bytes_per_second = 4 * 1024 * 1024;
    std::size_t burst_bytes = 64 * 1024;
    Nanos copy_interval{3'000'000};
    Nanos resend_interval{15'000'000};
    Nanos silent_interval{200'000'000}; // the heartbeat's pace
};

// Each record goes out k times, 3 ms apart, k by the loss (loss.hpp); then every 15 ms until it is
// acknowledged. So even two copies and what follows are spread over more than 30 ms, beyond a
// burst. An edge that answers nothing by datagram for a number of rounds is served at heartbeat
// pace until it does, and what waits for it or comes meanwhile goes to the stream too, once:
// datagrams may not pass at all. A record that does not fit into a datagram, or for which the
// backlog has no room, goes to the stream at once and is not sent again: the stream loses nothing
// while it lives, and after it the edge's hello says what is missing.
enum class Path : std::uint8_t { datagram, stream };

class Sender
{
  public:
    explicit Sender(const SenderLimits& limits = {}) : limits_(limits) {}

    // A durable record. Versions come once each.
    void on_record(Version version, SharedRecord record, MonoTime now);
    // What the edge holds. An answer by datagram ends silence.
    void on_ack(const Received& received, Path by, MonoTime now);
    // The edge asks for what it misses: due at once.
    void on_nack(const Received& received, MonoTime now);
    [[nodiscard]] LossEstimate& loss() noexcept { return loss_; }
    [[nodiscard]] const LossEstimate& loss() const noexcept { return loss_; }

    // When poll() has something to do (the past: now); nothing: not before one of the calls above.
    [[nodiscard]] std::optional<MonoTime> next_due() const;

    struct Outgoing {
        std::vector<Bytes> payloads;      // frames to seal, one datagram each, in this order
        std::vector<SharedRecord> stream; // records to send on the stream, in this order
    };
    [[nodiscard]] Outgoing poll(MonoTime now);

    [[nodiscard]] std::size_t unacknowledged() const noexcept { return pending_.size(); }
    [[nodiscard]] std::size_t backlog_bytes() const noexcept { return backlog_bytes_; }
    [[nodiscard]] bool silent() const noexcept
    {
        return unanswered_ >= rounds_until_silent(loss_.loss());
    }

  private:
    struct Pending {
        SharedRecord record;
        MonoTime due;
        unsigned sent = 0;
        bool streamed = false;
    };
    using Queue = std::set<std::pair<MonoTime, Version>>; // oldest due first

    void set_due(Version version, Pending& pending, MonoTime due);
    void forget(std::map<Version, Pending>::iterator acknowledged);
    void earn(MonoTime now);
    [[nodiscard]] MonoTime paid_at(std::size_t bytes) const;
    [[nodiscard]] Bytes next_payload(MonoTime now, bool& resent);
    [[nodiscard]] MonoTime due_after(const Pending& pending, MonoTime now) const;
    void count_round(bool resent, MonoTime now);
    void begin_silence(MonoTime now);
    void end_silence(MonoTime now);

    SenderLimits limits_;
    LossEstimate loss_;
    std::map<Version, Pending> pending_;
    Queue queue_;
    std::size_t backlog_bytes_ = 0;
    std::vector<SharedRecord> stream_;
    unsigned unanswered_ = 0; // rounds of resending since the last answer
    MonoTime round_end_{};    // resends before it belong to the same round
    double credit_bytes_ = 0;
    std::optional<MonoTime> credited_at_;
};
} // namespace tidemark::purge
