#pragma once
#include "edge/cache/freshness.hpp"
#include "edge/store/body.hpp"
#include "edge/store/record.hpp"
#include "purge/state.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

// One request to an upstream and the response it brings, followed by every exchange that waits for
// it, on whichever worker (request collapsing; RFC 9111 §4, design: append-only chunk list with a
// published length).
//
// Threads: one worker owns a flight and alone writes to it. Others read what was published: first
// the phase (acquire), then what the phase promises. Wake-ups are coalesced per follower and cannot
// be lost: the owner publishes, then signals; a follower clears its signal, then reads.
namespace tidemark::serve
{
// Something on a worker's loop that can be told to look again. `woken` runs on that worker's thread
// only.
class Wakeable
{
  public:
    virtual void on_wake() noexcept = 0;

  protected:
    ~Wakeable() = default;
};

class Follower;
// A worker's side of it: keeps the followers that were signalled and calls them in its next turn.
class Waker
{
  public:
    virtual void wake(std::shared_ptr<Follower> follower) noexcept = 0; // any thread

  protected:
    ~Waker() = default;
};

class Follower : public std::enable_shared_from_this<Follower>
{
  public:
    Follower(Waker& worker, Wakeable& target) noexcept : worker_(worker), target_(&target) {}
    void signal() noexcept; // any thread
    // On the worker: clears the signal, then tells the target, if it is still there.
    void deliver() noexcept;
    void detach() noexcept { target_ = nullptr; } // on the worker: the target goes away

    std::atomic<std::uint64_t> consumed_bytes{
        0};                               // written by the follower's worker, read by the owner
    std::atomic<bool> left_behind{false}; // by the owner, for good: what follows is lost to it

  private:
    Waker& worker_;
    Wakeable* target_; // the worker's own
    std::atomic<bool> signalled_{false};
};

enum class FlightPhase : std::uint8_t {
    waiting,   // for the head
    streaming, // head() stands; the body grows
    complete,  // the whole body is there
    replaced,  // answered by record() instead: validated, or stale on error
    failed,    // no usable answer: failure()
    elsewhere, // of no use to anybody who waits: ask again, otherwise
    cut,       // the body broke off: what was sent of it must not end properly
};

// What the head of the upstream's response says to those who follow. Immutable once published.
struct FlightHead {
    std::uint16_t status = 0;
    std::string lines; // status line and fields for clients, each with CRLF; no Age, no framing but
                       // Content-Length
    std::optional<std::uint64_t> body_bytes; // if the length was declared
    std::string peer_lines; // fields for other nodes of ours only (store/record.hpp)
    bool has_body = true;   // false: 204, 304, HEAD
    bool shareable = false; // those who did not cause the fetch may take it
    bool purged = false; // … unless they came after sent_generation: a purge since then covers it
    std::uint64_t sent_generation = 0; // of the invalidation state when the request was sent
    bool stored = false;               // is being stored, as far as the head tells
    bool upstream_had_age = false;
    std::string vary;    // cache::vary_text
    std::string variant; // cache::append_variant_key of the request that was sent
    cache::Freshness freshness;
    WallTime received_at;
    std::vector<std::uint64_t> tags; // purge::tag_hash
};

struct FlightFailure {
    std::uint16_t status = 502;
    std::string_view detail; // static text
};

// A place in a flight's body. Holds the rest of the chunk list alive.
class BodyCursor;

class Flight
{
  public:
    struct Start {
        std::uint64_t key_hash = 0;
        std::string key;
        std::string vary;             // expected, from a stored sibling; empty: unknown
        std::string variant;          // under that
        std::uint64_t generation = 0; // of the invalidation state when it was started
    };
    explicit Flight(Start start);
    ~Flight();
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

    [[nodiscard]] const Start& start() const noexcept { return start_; }

    // -- The owner
    // ----------------------------------------------------------------------------------------------------
    // The request leaves with this fence (again at every retry).
    void set_sent(const purge::Fence& fence) noexcept
    {
        sent_local_.store(fence.local, std::memory_order_release);
    }
    // Before publish_head() or replace(). `journal`: whose versions they are; 0: unknown.
    void set_fence(const purge::Fence& fence, std::uint64_t journal = 0) noexcept
    {
        fence_ = fence;
        journal_ = journal;
    }
    void publish_head(FlightHead head);
    // Signals nobody: publish() does, once for many.
    void append(std::string_view bytes);
    void publish();
    void complete(std::string trailer_lines, store::StoredRef record);
    void replace(store::StoredRef record, std::string_view detail, std::uint16_t upstream_status);
    void fail(FlightFailure failure);
    void send_elsewhere();
    void cut();
    // From now on the body is a window: what every follower has passed is freed, and nobody new can
    // start.
    void stop_keeping();
    [[nodiscard]] bool keeping() const noexcept { return keeping_; }
    // The body so far, for the store; only while keeping.
    [[nodiscard]] std::vector<store::Slice> slices() const;
    [[nodiscard]] std::uint64_t appended_bytes() const noexcept { return appended_; }
    // The least that any follower has taken; appended_bytes() if nobody follows.
    [[nodiscard]] std::uint64_t slowest_bytes() const;
    [[nodiscard]] std::size_t followers() const;
    // The owner waits for followers to take more (set before it looks at slowest_bytes() again), or
    // for all to leave.
    void set_owner(std::shared_ptr<Follower> owner);
    // Those who have not taken `bytes` of the body yet are left behind, if others have.
    void leave_behind_below(std::uint64_t bytes);
    void set_throttled(bool throttled) noexcept
    {
        throttled_.store(throttled, std::memory_order_seq_cst);
    }

    // -- Anyone
    // -------------------------------------------------------------------------------------------------------
    [[nodiscard]] FlightPhase phase() const noexcept
    {
        return phase_.load(std::memory_order_acquire);
    }
    [[nodiscard]] const FlightHead& head() const noexcept
    {
        return head_;
    } // streaming, complete, cut
    [[nodiscard]] const purge::Fence& fence() const noexcept { return fence_; } // as head()
    [[nodiscard]] std::uint64_t journal() const noexcept { return journal_; }   // as head()
    // The local half of the fence with which the request left; the greatest number: it has not yet.
    [[nodiscard]] std::uint64_t sent_local() const noexcept
    {
        return sent_local_.load(std::memory_order_acquire);
    }
    [[nodiscard]] const FlightFailure& failure() const noexcept { return failure_; }
    [[nodiscard]] const store::StoredRef& record() const noexcept
    {
        return record_;
    } // replaced; complete if stored
    [[nodiscard]] std::string_view replaced_detail() const noexcept { return detail_; }
    [[nodiscard]] std::uint16_t upstream_status() const noexcept { return upstream_status_; }
    [[nodiscard]] const std::string& trailer_lines() const noexcept
    {
        return trailer_lines_;
    } // complete

    // Signalled from now on at every publication. Look at the phase right after: it may have
    // changed before.
    void follow(std::shared_ptr<Follower> follower);
    void leave(const Follower& follower);
    // A cursor at the start of the body; nothing if the start is gone already.
    [[nodiscard]] std::optional<BodyCursor> open() const;
    // A follower has taken bytes up to its consumed_bytes.
    void consumed() noexcept;

  private:
    friend class BodyCursor;
    struct Node;
    static void drop(Node* node) noexcept;
    void signal_all();

    const Start start_;
    std::atomic<FlightPhase> phase_{FlightPhase::waiting};
    FlightHead head_;
    purge::Fence fence_;
    std::uint64_t journal_ = 0;
    std::atomic<std::uint64_t> sent_local_{~std::uint64_t{0}};
    FlightFailure failure_;
    store::StoredRef record_;
    std::string_view detail_;
    std::uint16_t upstream_status_ = 0;
    std::string trailer_lines_;

    mutable std::mutex mutex_; // followers_, owner_, first_
    std::vector<std::shared_ptr<Follower>> followers_;
    std::shared_ptr<Follower> owner_;
    Node* first_ = nullptr; // while keeping
    Node* last_ = nullptr;  // the owner's
    std::uint64_t appended_ = 0;
    bool keeping_ = true;
    std::atomic<bool> throttled_{false};
};

class BodyCursor
{
  public:
    BodyCursor(BodyCursor&& other) noexcept;
    BodyCursor& operator=(BodyCursor&& other) noexcept;
    ~BodyCursor();
    // The next piece that is published, at most `max_bytes`; empty chunk: nothing yet.
    [[nodiscard]] store::Slice next(std::uint64_t max_bytes);
    [[nodiscard]] std::uint64_t offset_bytes() const noexcept { return offset_; }

  private:
    friend class Flight;
    explicit BodyCursor(Flight::Node* node) noexcept : node_(node) {}
    Flight::Node* node_;
    std::uint32_t in_node_ = 0;
    std::uint64_t offset_ = 0;
};

// The flights that can be joined, by key. Sharded; every call takes one shard's mutex for a moment
// (misses only).
class FlightTable
{
  public:
    struct Joined {
        std::shared_ptr<Flight> flight;
        bool leads = false; // it was made by this call
    };
    // The first flight of the key that `joinable` accepts, else a new one. The follower, if there
    // is one, is added within the call.
    [[nodiscard]] Joined join(Flight::Start start,
                              const std::function<bool(const Flight&)>& joinable,
                              const std::shared_ptr<Follower>& follower);
    void remove(const Flight& flight);
    [[nodiscard]] std::size_t size() const;

  private:
    static constexpr std::size_t kShards = 64;
    struct Shard {
        mutable std::mutex mutex;
        std::unordered_map<std::uint64_t, std::vector<std::shared_ptr<Flight>>> flights;
    };
    [[nodiscard]] Shard& shard_of(std::uint64_t key_hash) { return shards_[key_hash >> 58]; }
    std::array<Shard, kShards> shards_;
};

// Remembers for a while what a key turned out to be, so that the next requests for it do not queue
// or fetch in vain. Lossy and of fixed size: forgetting costs one more try.
class KeyMemory
{
  public:
    enum class Kind : std::uint8_t { none, uncacheable, large };
    KeyMemory();
    void remember(std::uint64_t key_hash, Kind kind, WallTime until) noexcept;
    void forget(std::uint64_t key_hash) noexcept;
    [[nodiscard]] Kind recall(std::uint64_t key_hash, WallTime now) const noexcept;

  private:
    static constexpr std::size_t kSlots = 1 << 16;
    std::unique_ptr<std::atomic<std::uint64_t>[]> slots_;
};
} // namespace tidemark::serve
