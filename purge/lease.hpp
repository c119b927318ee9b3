#pragma once
#include "core/base/time.hpp"
#include "purge/frames.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Who may still be serving what. An edge serves as in sync while it holds a lease; the origin says
// "done" when every edge has applied a version or can hold no lease from before it. No clock is
// compared with another: only durations are, and those within a margin.
namespace tidemark::purge
{
using tidemark::BootTime;

// What goes into an ack: rounded down, so that a lease counts from no later than it was sent.
[[nodiscard]] constexpr Stamp stamp_of(BootTime now)
{
    const auto micros = std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch());
    return static_cast<Stamp>(micros.count());
}

// The edge's side.
//
// A heartbeat with mark m that echoes the edge's datagram of time e proves: when the origin sent
// it, later than e, no version above m was in its mark. So whoever has applied everything up to m
// serves nothing older than what was valid at e, until e + lease. Applying it later proves the
// same.
class EdgeLease
{
  public:
    // `now`: the edge's hello is about to be sent. Earlier stamps are not this session's.
    explicit EdgeLease(BootTime now) : started_(stamp_of(now)) {}

    enum class Renewal : std::uint8_t {
        renewed,
        waiting,   // for versions up to the mark
        no_echo,   // the origin has heard nothing of this session yet
        impossible // echoes what was not sent, or grants nothing: changes nothing, to be counted
    };
    // `contiguous`: everything up to it is applied. `now` is read after the heartbeat came.
    Renewal on_heartbeat(const Heartbeat& heartbeat, Version contiguous, BootTime now);
    // More is applied: heartbeats that waited for it may renew now.
    void on_applied(Version contiguous);
    // The journal is another one, or the digests differ: nothing is proved any more.
    void revoke();

    // Read `now` after the request's bytes.
    [[nodiscard]] bool holds(BootTime now) const noexcept { return now < until_; }
    [[nodiscard]] BootTime until() const noexcept { return until_; }

  private:
    static constexpr std::size_t kWaitingMax = 16;
    Stamp started_;
    BootTime until_ = BootTime::min();
    std::map<Version, BootTime> waiting_; // mark → until, both rising
};

// By how much two clocks may differ in what they count for the same time: 1 in 100. Crystals are
// within 1 in 5000, virtual machines a little worse.
inline constexpr std::int64_t kDriftMarginPercent = 1;

// How long a lease can last at most on the clock of someone else.
[[nodiscard]] constexpr Nanos with_margin(Nanos lease)
{
    return lease + lease * kDriftMarginPercent / 100 + Nanos{1};
}

// The origin's side, durable apart from the times: which edges there are and what was granted.
struct RegisteredEdge {
    std::string name;
    std::uint64_t instance = 0; // as in its hello
    Millis lease{0};
    Adrift adrift = Adrift::revalidate;
    bool only_acks_count = false;
    friend bool operator==(const RegisteredEdge&, const RegisteredEdge&) = default;
};

//   unknown ──hello──→ registered ──remove──→ leaving ──its lease has run out──→ unknown
//                      leaving ──hello──→ registered
// One name is one instance at a time. Another is refused while the former's stream is up; when it
// takes over, the former may still serve until its lease has run out, so until then the name's acks
// prove nothing.
class EdgeRegistry
{
  public:
    // After a start or a take-over: nobody knows what was granted last, so every edge counts as
    // leased from now on for its full lease.
    EdgeRegistry(std::vector<RegisteredEdge> durable, BootTime now);

    enum class HelloResult : std::uint8_t {
        accepted,
        accepted_and_changed, // make the entry durable before the first grant
        name_taken,           // another instance of this name is alive
    };
    [[nodiscard]] HelloResult on_hello(const RegisteredEdge& edge, BootTime now);
    // Something authentic of the edge came: a heartbeat will echo it.
    void on_heard(std::string_view name, BootTime now);
    // The control stream of this instance ended.
    void on_closed(std::string_view name, std::uint64_t instance);

    enum class RemoveResult : std::uint8_t {
        removed, // effective once its lease has run out: see leaving_until()
        unknown,
        needs_force, // it may serve while adrift: only an operator knows that it is gone
    };
    [[nodiscard]] RemoveResult remove(std::string_view name, bool force, BootTime now);
    // Forgets who has left; their names, to be made durable.
    [[nodiscard]] std::vector<std::string> sweep(BootTime now);

    // From when on the edge can serve nothing that a version made old which entered the mark at
    // `entered`, whatever it missed; nothing: only its ack says so. An adrift edge may reuse for
    // one lease what it validated just before, so this is no earlier for one that is long gone.
    [[nodiscard]] std::optional<BootTime> surely_clean(std::string_view name,
                                                       BootTime entered) const;
    // May what the edge acknowledges be taken as the whole truth about its name?
    [[nodiscard]] bool acks_count(std::string_view name, BootTime now) const;
    [[nodiscard]] const RegisteredEdge* find(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    struct Entry {
        RegisteredEdge edge;
        bool connected = false;
        BootTime heard_at{};      // no lease can count from later
        Nanos longest{0};         // a longer lease granted before
        BootTime longest_until{}; // may run until then
        BootTime former_until{};  // another instance may hold a lease until then
        std::optional<BootTime> leaves_at;
    };
    [[nodiscard]] static bool is_live(const Entry& entry, BootTime now);
    [[nodiscard]] static BootTime run_out(const Entry& entry, BootTime from);
    static void replace(Entry& entry, const RegisteredEdge& edge, BootTime now);

    BootTime started_;
    std::map<std::string, Entry, std::less<>> edges_;
};
} // namespace tidemark::purge
