#pragma once
#include "core/net/loop.hpp"
#include "edge/serve/outcome.hpp"
#include "edge/serve/site.hpp"
#include "edge/store/content.hpp"
#include "edge/worker/shared.hpp"
#include "purge/message.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Pushes at the edge: staged content becomes a stored response as if it had been fetched from the
// upstream by a GET of its URI. On the control thread.
//
// Its fence. A push says what its content reflects, as_of; its own version v > as_of invalidates
// the URI. The copy is exempt from v, not from what came between: it may take v itself as its fence
// if no other version in (as_of, v) covers it. So it is judged at as_of before v is applied, then
// against every message of that range that comes later, and is stored once all of the range is
// applied. Where as_of is v - 1 that is at once.
namespace tidemark::worker
{
enum class PushOutcome : std::uint8_t {
    stored,
    no_content,  // not staged here
    bad_uri,     // no absolute http(s) URI
    no_site,     // none of ours
    bad_head,    // not the head of a response
    bypassed,    // by a rule of its site
    vary,        // would need a request to be varied by
    no_storing,  // RFC 9111 §3 forbids it
    invalidated, // by something else since as_of
    superseded,  // what is stored is newer
    no_room,
    count_
};
[[nodiscard]] std::string_view text_of(PushOutcome outcome) noexcept;

// What a push's head comes to at this edge. Borrows from what it was made of.
struct PushPlan {
    PushOutcome outcome = PushOutcome::stored; // or why it cannot be
    const serve::Site* site = nullptr;
    std::string key;
    serve::ResponsePlan response;
    std::vector<std::uint64_t> tags; // purge::tag_hash
};
[[nodiscard]] PushPlan plan_push(const serve::Sites& sites, std::string_view uri,
                                 std::string_view head, std::uint64_t body_bytes, WallTime now);

// Stores it. `fence`: the copy's. Online in the epoch domain.
[[nodiscard]] PushOutcome store_pushed(Shared& shared, const serve::Sites& sites,
                                       std::string_view uri, const store::Content& content,
                                       const purge::Fence& fence, WallTime now);

class PushDriver
{
  public:
    // What it asks of the rest.
    struct Parts {
        // Staging::head_of, and Staging::take, whose `done` may be called at once.
        std::function<std::string_view(const purge::ContentDigest&)> head_of;
        using Taken = std::function<void(std::unique_ptr<store::Content>)>;
        std::function<void(const purge::Push&, Taken)> take;
        // follow::invalidations_of, with the sites of now.
        std::function<std::vector<purge::Invalidation>(const purge::Message&)> invalidations_of;
    };
    // `sites` is the control thread's: it changes on reload. Outlives what it takes from.
    PushDriver(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites,
               Parts parts);
    ~PushDriver();
    PushDriver(const PushDriver&) = delete;
    PushDriver& operator=(const PushDriver&) = delete;

    // MessageOwner::before_apply, on_push, on_lost_track.
    void before_apply(std::span<const purge::Message> messages);
    void on_push(const purge::Message& message);
    void on_lost_track();
    // LinkOwner::on_link_turn: everything up to here is applied.
    void on_applied(purge::Version contiguous);

    [[nodiscard]] std::uint64_t count(PushOutcome outcome) const noexcept
    {
        return counts_[static_cast<std::size_t>(outcome)];
    }
    [[nodiscard]] std::size_t waiting() const noexcept { return pending_.size(); }

  private:
    struct Pending;
    void admit(const purge::Message& message);
    void judge(Pending& pending, const purge::Message& message) const;
    [[nodiscard]] bool covered(const Pending& pending) const;
    void settle(const Pending& pending);
    void end(std::string_view uri, PushOutcome outcome);

    net::Loop& loop_;
    Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    const Parts parts_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    std::map<purge::Version, Pending> pending_;
    purge::Version contiguous_ = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(PushOutcome::count_)> counts_{};
};
} // namespace tidemark::worker
