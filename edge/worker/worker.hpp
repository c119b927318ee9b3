#pragma once
#include "core/http/parser.hpp"
#include "core/net/listener.hpp"
#include "core/net/loop.hpp"
#include "core/observe/access_log.hpp"
#include "edge/serve/answer.hpp"
#include "edge/upstream/client.hpp"
#include "edge/worker/background_get.hpp"
#include "edge/worker/client_connection.hpp"
#include "edge/worker/counters.hpp"
#include "edge/worker/fetch.hpp"
#include "edge/worker/output.hpp"
#include "edge/worker/shared.hpp"
#include "edge/worker/stance.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// One event loop on one thread: accepts, serves every hit itself, runs the fetches it started.
namespace tidemark::worker
{
class Worker final : public serve::Waker
{
  public:
    Worker(Shared& shared, std::shared_ptr<const serve::Sites> sites,
           std::vector<net::ListenSocket> sockets, observe::AccessLog::Producer& access_log,
           std::uint32_t of_workers);
    ~Worker(); // joins the thread
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // -- Any thread
    // ---------------------------------------------------------------------------------------------------
    void start();
    void reload(std::shared_ptr<const serve::Sites> sites);
    // No new connections; idle ones are closed, others after their exchange; then the loop ends.
    // After `limit` it ends anyway.
    void drain(Millis limit);
    // A GET of this URI (as keyed) for the store's sake. `done` on the worker's thread; never if it
    // drains before. False: its mailbox is full.
    [[nodiscard]] bool refresh(std::string uri, std::function<void()> done);
    void join();
    [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    void wake(std::shared_ptr<serve::Follower> follower) noexcept override;

    // -- On its own thread
    // --------------------------------------------------------------------------------------------
    [[nodiscard]] net::Loop& loop() noexcept { return loop_; }
    [[nodiscard]] Shared& shared() noexcept { return shared_; }
    [[nodiscard]] upstream::Pool& pool() noexcept { return pool_; }
    [[nodiscard]] observe::Counter& count(Metric metric) noexcept { return counters_[metric]; }
    [[nodiscard]] const std::shared_ptr<const serve::Sites>& sites() const noexcept
    {
        return sites_;
    }
    [[nodiscard]] const config::EdgeSettings& settings() const noexcept
    {
        return sites_->settings();
    }
    [[nodiscard]] const http::HeadLimits& head_limits() const noexcept { return head_limits_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    // Where limits or descriptors are used up the client that has been idle longest is sent away.
    // False: there is none, and so no room.
    [[nodiscard]] bool make_room_for_client();
    void make_room_for_upstream(); // as much as can be done

    // Writes the whole answer into `out` if a fresh stored response gives it and nothing else has
    // to be done; false: an exchange has to see to it. `connection` is the one that asks, for the
    // access log.
    [[nodiscard]] bool answer_hit(const http::RequestHead& request, bool keep_alive,
                                  const ClientConnection& connection, Output& out);
    // Is the stored response still valid? Remembers in it that it was.
    [[nodiscard]] cache::PurgeVerdict verdict_on(const store::StoredResponse& record);
    // … and while adrift: what was sent for too long ago must be validated.
    [[nodiscard]] cache::PurgeVerdict verdict_on(const store::StoredResponse& record,
                                                 const Stance& stance);
    // As of this call: the request's bytes have been read. Costs one load where there is no origin.
    [[nodiscard]] Stance stance(const serve::Site& site, Asker asker = Asker::client) const;
    // A shield answered without a valid fence. One line in ten seconds.
    void alarm_unfenced(std::string_view upstream);

    [[nodiscard]] Output& output() noexcept { return output_; }
    [[nodiscard]] std::unique_ptr<http::RequestParser> take_parser();
    void give_back(std::unique_ptr<http::RequestParser> parser);

    Fetch& adopt(std::unique_ptr<Fetch> fetch);
    void finished(Fetch& fetch) noexcept;                   // destroyed after the turn
    void bury(std::unique_ptr<Exchange> exchange) noexcept; // the same
    void finished(BackgroundGet& get) noexcept;             // the same
    void closed(ClientConnection& connection) noexcept;     // the same
    void log_access(const Exchange& exchange, std::uint64_t body_bytes, bool complete);

  private:
    void run();
    [[nodiscard]] std::uint64_t free_descriptors() const;
    [[nodiscard]] std::uint64_t free_for_client() const;
    void close_longest_idle();
    [[nodiscard]] upstream::ClientLimits client_limits() const;
    void log_hit(const http::RequestHead& request, const ClientConnection& connection,
                 const serve::Answer& answer, std::size_t bytes, std::uint16_t stored_status);
    void open(uv_stream_t* server, bool is_unix);
    void tick();
    void before_wait();
    void apply(std::shared_ptr<const serve::Sites> sites);
    void begin_get(std::string uri, std::function<void()> done);
    void begin_drain(Millis limit);
    void maybe_end();

    Shared& shared_;
    const std::uint32_t of_workers_;
    net::Loop loop_;
    std::shared_ptr<const serve::Sites> sites_;
    http::HeadLimits head_limits_;
    upstream::Pool pool_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    std::vector<net::ListenSocket> sockets_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::unique_ptr<net::Timer> ticker_;
    std::unique_ptr<net::Timer> listeners_end_;
    std::unique_ptr<net::Mailbox<std::function<void()>>> mailbox_;
    std::unique_ptr<net::Wakeup> wakeup_;
    std::mutex woken_mutex_;
    std::vector<std::shared_ptr<serve::Follower>> woken_;
    std::vector<std::shared_ptr<serve::Follower>> waking_; // scratch of before_wait
    std::atomic<std::thread::id> thread_id_{};

    std::unordered_map<ClientConnection*, std::unique_ptr<ClientConnection>> connections_;
    std::unordered_map<Fetch*, std::unique_ptr<Fetch>> fetches_;
    std::unordered_map<BackgroundGet*, std::unique_ptr<BackgroundGet>> background_gets_;
    std::vector<std::unique_ptr<Exchange>> buried_exchanges_;
    std::vector<std::unique_ptr<BackgroundGet>> buried_gets_;
    std::vector<std::unique_ptr<Fetch>> buried_fetches_;
    std::vector<std::unique_ptr<http::RequestParser>> parsers_;
    std::vector<ClientConnection*> due_;
    Output output_;
    // Scratch of answer_hit().
    std::string key_;
    std::string path_;
    std::string variant_;
    http::FieldList fields_;
    std::string log_line_;
    observe::AccessLog::Producer& access_log_;
    Counters counters_;
    bool draining_ = false;
    bool ended_ = false;
    MonoTime drain_until_{};
    MonoTime quiet_until_{}; // of alarm_unfenced()
    std::atomic<bool> done_{false};
    std::thread thread_;
};
} // namespace tidemark::worker
