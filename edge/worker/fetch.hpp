#pragma once
#include "edge/serve/fence_field.hpp"
#include "edge/serve/flight.hpp"
#include "edge/serve/outcome.hpp"
#include "edge/serve/owned_request.hpp"
#include "edge/serve/site.hpp"
#include "edge/upstream/client.hpp"

#include <memory>
#include <optional>
#include <string>

// The owner's side of a flight: sends the request, judges the answer, stores it, and tells everyone
// who follows.
namespace tidemark::worker
{
class Exchange;
class Worker;

// What to fetch. `stored`: the response that is being validated, or may stand in if the upstream
// fails.
struct FetchOrder {
    std::shared_ptr<const serve::Sites> sites;
    const serve::Site* site = nullptr;
    const config::PathRule* rule = nullptr;
    serve::RequestPlan plan;
    std::string path; // as forwarded
    std::string client_address;
    store::StoredRef stored;
    bool validate = false; // with stored's validators
    cache::PurgeVerdict stored_verdict = cache::PurgeVerdict::valid;
    bool for_cache = false;
    bool may_store = true;
    bool in_table = false;    // others may join
    bool wants_range = false; // the one who asked wants a part only
    // Who asks has proved that this version exists: heard of before the request is sent.
    std::optional<serve::FenceStamp> heard;
};

// Lives from start() until its flight has ended; owned by its worker. Goes on without the exchange
// that caused it as long as its answer is of use: somebody follows, or it is being stored.
class Fetch final : public upstream::ConnectionUser, public serve::Wakeable
{
  public:
    Fetch(Worker& worker, std::shared_ptr<serve::Flight> flight, const http::RequestHead& request,
          FetchOrder order, Exchange* leader);
    ~Fetch();
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;

    void start();

    // -- From the leading exchange
    // --------------------------------------------------------------------------------
    void leader_left() noexcept;
    // One who takes nothing must not hold up the others who follow.
    void tick(MonoTime now);
    [[nodiscard]] bool ready_for_body() const noexcept;
    void send_body(std::string_view bytes);
    void end_body();
    void break_body(); // the client's body is malformed or cut off: the upstream must not take it
                       // for whole
    void send_tunnel_bytes(std::string_view bytes);
    void end_tunnel();
    void on_client_drained();
    [[nodiscard]] bool backed_up() const noexcept;

    void on_connection(upstream::Connection& connection) noexcept override;
    void on_interim(const http::ResponseHead& head) noexcept override;
    void on_response_head(const http::ResponseHead& head) noexcept override;
    void on_response_body(std::string_view bytes) noexcept override;
    void on_response_end(const http::FieldList& trailers) noexcept override;
    void on_sent_all() noexcept override;
    void on_tunnel_bytes(std::string_view bytes) noexcept override;
    void on_tunnel_end() noexcept override;
    void on_failure(upstream::Failure failure) noexcept override;
    void on_wake() noexcept override; // followers took more, or left

  private:
    void acquire(bool fresh);
    void send_head();
    void take_fence();
    [[nodiscard]] std::string fence_field() const;
    void settle_fence(const http::ResponseHead& head);
    void lower_fence(std::uint64_t version) noexcept;
    void invalidate_unsafe(const http::ResponseHead& head);
    void freshen_stored(const http::ResponseHead& head);
    void update_from_head(const http::ResponseHead& head);
    void publish_response(const http::ResponseHead& head);
    void remember_uncacheable();
    [[nodiscard]] bool purged(const std::vector<std::uint64_t>& tags) const;
    [[nodiscard]] store::StoredRef store_response();
    [[nodiscard]] store::StoredRef freshened(const store::StoredResponse& stored,
                                             const http::ResponseHead& head);
    [[nodiscard]] store::StoredRef record_of(store::StoredResponse::Parts& parts);
    [[nodiscard]] store::StoredRef insert(store::StoredResponse::Parts& parts);
    [[nodiscard]] bool replace_by_stale(std::uint16_t upstream_status); // 0: no answer came
    [[nodiscard]] bool reserve(std::uint64_t body_bytes);
    void unreserve() noexcept;
    void stop_storing();
    void throttle();
    void fail(serve::FlightFailure failure);
    [[nodiscard]] bool head_published() const noexcept;
    void abandon_if_useless();
    void leave_table();
    void drop_connection();
    void finish() noexcept; // the flight has ended: the worker drops this fetch after the turn

    Worker& worker_;
    const std::shared_ptr<serve::Flight> flight_;
    const serve::OwnedRequest request_;
    FetchOrder order_;
    Exchange* leader_;
    std::shared_ptr<serve::Follower> owner_; // this, as its flight's owner
    serve::Asked asked_;
    std::shared_ptr<upstream::Upstream> upstream_;
    upstream::Connection* connection_ = nullptr;
    purge::Fence fence_;                // taken when the request was sent,
    std::uint64_t sent_generation_ = 0; // like this
    purge::JournalId sent_journal_ = 0;
    std::string sent_host_; // to a shield
    bool fence_lowered_ = false;
    bool unfenced_ = false; // a shield's answer, without a valid fence: nothing to be kept
    cache::ExchangeTimes times_{};
    serve::ResponsePlan plan_;
    std::optional<MonoTime> throttled_since_;
    std::uint32_t attempts_ = 0;
    std::uint64_t reserved_bytes_ = 0;
    std::uint16_t status_ = 0;
    bool in_table_ = false;
    bool storing_ = false;
    bool body_sent_ = false; // a byte of the request's body went out
    bool body_ended_ = false;
    bool head_seen_ = false;
    bool ask_again_ =
        false; // a 304 for something else: without validators, once this answer has ended
    bool answered_ = false; // the flight has its answer
    bool finished_ = false;
    bool tunnel_ = false;
};
} // namespace tidemark::worker
