#pragma once
#include "edge/serve/answer.hpp"
#include "edge/serve/fence_field.hpp"
#include "edge/serve/flight.hpp"
#include "edge/serve/outcome.hpp"
#include "edge/serve/owned_request.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/fetch.hpp"
#include "edge/worker/stance.hpp"
#include "edge/worker/transport.hpp"

#include <memory>
#include <optional>
#include <string>

// One request and its answer, from the head that could not be answered at once to the last byte.
// Knows no HTTP version: the transport below it does.
namespace tidemark::worker
{
class Worker;

//   begun → (waiting for a version to be applied) →
//           looking up → answering (stored, made here)            → done
//                      ↘ following a flight (head, then body)     → done
//                      ↘ tunnel                                   → done
// Owned by its transport. A flight outlives it; it leaves the flight when it goes.
class Exchange final : public serve::Wakeable
{
  public:
    Exchange(Worker& worker, Transport& transport, const http::RequestHead& request,
             std::string client_address);
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    void start(); // may answer before it returns
    // The transport is done with it, or about to be gone: it is not touched any more, and nothing
    // wakes this exchange.
    void retire();

    // -- From the transport
    // -------------------------------------------------------------------------------------------
    [[nodiscard]] Pull pull(Output& out, std::uint64_t max_bytes);
    [[nodiscard]] const std::string& trailer_lines() const noexcept { return trailer_lines_; }
    [[nodiscard]] bool wants_request_body() const noexcept;
    void on_request_body(std::string_view bytes);
    void on_request_end();
    void on_request_broken(std::uint16_t status); // a malformed, truncated or too large body;
                                                  // `status` is due, if it can be said
    void on_tunnel_bytes(std::string_view bytes);
    [[nodiscard]] bool tunnel_full() const noexcept; // stop reading the client
    void on_tunnel_end();
    void on_client_drained(); // of a tunnel: what was sent is out

    // -- From the fetch it leads (same worker)
    // ------------------------------------------------------------------------
    void on_interim(const http::ResponseHead& head);
    void on_fetch_wants_body();
    void on_tunnel(const http::ResponseHead& head);
    void on_fetched_tunnel_bytes(std::string_view bytes);
    void on_fetched_tunnel_end();
    [[nodiscard]] bool client_backed_up() const; // a tunnel's client does not take what it was sent
    void on_fetch_gone() noexcept { fetch_ = nullptr; }

    void on_wake() noexcept override;

    // For the access log, once done.
    [[nodiscard]] const serve::OwnedRequest& request() const noexcept { return request_; }
    [[nodiscard]] const serve::CacheStatus& cache_status() const noexcept { return status_; }
    [[nodiscard]] std::uint16_t replied_status() const noexcept { return replied_; }
    [[nodiscard]] const std::string& client_address() const noexcept { return client_address_; }
    [[nodiscard]] MonoTime began() const noexcept { return began_; }

  private:
    enum class Body : std::uint8_t { none, text, record, flight };

    void heed_nodes();
    void demand(const serve::FenceStamp& stamp);
    void await_applied();
    void on_wait_tick();
    void look_up();
    [[nodiscard]] bool useless_to_peer(const store::StoredResponse& record) const;
    void append_peer_fields(std::string_view peer_lines, const serve::FenceStamp& stamp);
    // `as_of`: it is valid as of this version.
    void reply_stored(const store::StoredResponse& record, const serve::FenceStamp& as_of);
    void reply_made(std::uint16_t status, std::string_view detail, bool close);
    void join(const store::StoredResponse* candidate, cache::PurgeVerdict verdict,
              const std::string& sibling_vary, serve::Forward forward);
    void fetch_alone(serve::Forward forward, const store::StoredResponse* candidate);
    void validate_behind(const store::StoredResponse& record, cache::PurgeVerdict verdict);
    void lead(FetchOrder order);
    [[nodiscard]] FetchOrder order_for(const store::StoredResponse* stored,
                                       cache::PurgeVerdict verdict) const;
    [[nodiscard]] serve::Flight::Start flight_start(const std::string& sibling_vary) const;
    [[nodiscard]] bool joinable(const serve::Flight& flight,
                                const serve::Flight::Start& mine) const;
    [[nodiscard]] bool matches(const store::StoredResponse& record) const;
    void see_head();
    [[nodiscard]] bool may_take(const serve::FlightHead& head) const;
    void take_flight();
    void elsewhere(bool alone); // this flight is not for us
    void leave_flight();
    [[nodiscard]] Pull pull_flight(Output& out, std::uint64_t max_bytes);
    void append_own_fields(std::optional<Millis> age);
    void note_fences(std::uint64_t fence_version);

    Worker& worker_;
    Transport& transport_;
    const serve::OwnedRequest request_;
    const std::string client_address_;
    const std::shared_ptr<const serve::Sites> sites_;
    const serve::Site* site_ = nullptr;
    const config::PathRule* rule_ = nullptr;
    serve::RequestPlan plan_;
    std::string path_scratch_;
    std::string_view path_; // as forwarded
    std::string key_;
    std::uint64_t key_hash_ = 0;
    std::uint64_t generation_ =
        0; // of the invalidation state when this request came, or was sent on its way again
    std::uint32_t detours_ = 0;
    std::string known_vary_; // of an answer that was another variant than ours
    bool alone_ = false;
    Stance stance_; // at the last look-up

    // What another node of ours, or one who shows a token, demands (design: Tiers, Trust).
    enum class Peer : std::uint8_t { none, ours, foreign }; // foreign: of another journal
    Peer peer_ = Peer::none;
    // Nothing older will do: to be applied before anything stored is an answer.
    std::optional<serve::FenceStamp> demanded_;
    bool past_cache_ = false;            // what is stored, or was sent for before, is no answer
    serve::FenceStamp applied_;          // when the verdict was taken
    std::unique_ptr<net::Timer> waiter_; // for demanded_
    MonoTime wait_until_{};

    std::shared_ptr<serve::Follower> follower_;
    std::shared_ptr<serve::Flight> flight_;
    Fetch* fetch_ = nullptr; // the one this exchange leads
    bool leads_ = false;
    bool head_taken_ = false;
    std::optional<serve::BodyCursor> cursor_;
    std::uint64_t skip_bytes_ = 0;            // of the flight's body, before our range
    std::optional<std::uint64_t> left_bytes_; // of our range

    Body body_ = Body::none;
    store::StoredRef record_;
    serve::Answer answer_;
    std::string text_; // own field lines, or a body made here
    std::string trailer_lines_;
    serve::CacheStatus status_;
    std::uint16_t replied_ = 0;
    bool request_ended_ = false;
    bool tunnel_ = false;
    MonoTime began_{};
};
} // namespace tidemark::worker
