#pragma once
#include "bench/load/arrivals.hpp"
#include "bench/load/report.hpp"
#include "bench/load/response_reader.hpp"
#include "bench/load/targets.hpp"
#include "bench/sockets.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace tidemark::bench
{
// Where one generator leaves what it measured. The only thing two threads share, besides the order
// to stop.
class ReportBox
{
  public:
    void put(const Report& report)
    {
        const std::lock_guard lock(mutex_);
        report_.merge(report);
    }
    // Adds what has come in to `into` and begins anew.
    void take(Report& into)
    {
        const std::lock_guard lock(mutex_);
        into.merge(report_);
        report_.clear();
    }
    void set_waiting(std::uint64_t requests) noexcept
    {
        waiting_.store(requests, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t waiting() const noexcept
    {
        return waiting_.load(std::memory_order_relaxed);
    }

  private:
    std::mutex mutex_;
    Report report_;
    std::atomic<std::uint64_t> waiting_{0};
};

// One thread's share of a run. What it refers to outlives it.
struct GeneratorPlan {
    const SocketAddress& server;
    const Targets& targets;
    double rate; // of all generators together; 0: closed loop
    Arrivals::Lane lane;
    std::uint32_t connections; // this generator's
    std::uint32_t pipeline;
    MonoTime begin; // the first request is due
    MonoTime measure_from;
    MonoTime end; // no request is due from here on
    Nanos timeout;
    std::uint64_t seed;
};

[[nodiscard]] MonoTime read_clock() noexcept;

// Sends requests over its own connections from its own epoll set; one thread from start to end.
// Raw epoll, edge-triggered and registered once, because a generator on the machine of the server
// must cost little: a request is one send, one recv and a share of one epoll_wait.
class Generator
{
  public:
    Generator(const GeneratorPlan& plan, ReportBox& box, const std::atomic<bool>& stop);
    void run();

  private:
    struct InFlight {
        MonoTime intended;
        MonoTime sent;
    };
    // closed ──open──→ connecting ──connected──→ ready (idle or with requests in flight) ──drop──→
    // closed
    enum class State : std::uint8_t { closed, connecting, ready };
    struct Connection {
        UniqueFd fd;
        State state = State::closed;
        bool listed_idle =
            false; // stands in idle_; if it is no longer idle, it is passed over there
        std::uint32_t generation = 0; // of fd: an event of an earlier one is not ours
        MonoTime since{};             // began to connect, or was closed
        std::deque<InFlight> in_flight;
        std::string out; // requests not sent yet, from out_sent
        std::size_t out_sent = 0;
        ResponseReader reader;
    };

    [[nodiscard]] bool open_loop() const noexcept { return arrivals_.has_value(); }
    [[nodiscard]] bool done(MonoTime now) const noexcept;
    [[nodiscard]] bool measured(MonoTime intended) const noexcept
    {
        return intended >= plan_.measure_from;
    }
    [[nodiscard]] std::uint64_t waiting(MonoTime now) const noexcept;
    [[nodiscard]] Nanos time_to_wait(MonoTime now) const noexcept;
    void wait_and_handle_events();
    void obey_stop(MonoTime now);

    void open(Connection& connection, MonoTime now);
    void on_event(std::uint32_t events, Connection& connection);
    void on_connected(Connection& connection);
    void on_readable(Connection& connection);
    [[nodiscard]] bool take_bytes(Connection& connection, std::string_view bytes, MonoTime now);
    [[nodiscard]] bool finish_response(Connection& connection, MonoTime now);
    void on_end(Connection& connection);
    void drop(Connection& connection, Failure of_requests, MonoTime now);

    void send_due(MonoTime now);
    Connection* take_idle() noexcept;
    void list_idle(Connection& connection);
    void fill_pipeline(Connection& connection, MonoTime now);
    void queue_request(Connection& connection, std::uint64_t number, InFlight request);
    void flush(Connection& connection);

    void sweep(MonoTime now);
    void publish(MonoTime now);
    void give_up_rest(MonoTime now);

    GeneratorPlan plan_;
    ReportBox& box_;
    const std::atomic<bool>& stop_;
    UniqueFd epoll_;
    Random random_;
    std::optional<Arrivals> arrivals_;
    std::uint64_t next_ = 0;     // arrival to send, or, closed loop, requests sent
    std::uint64_t arrivals_end_; // arrivals due in the run
    std::uint64_t in_flight_ = 0;
    std::vector<Connection> connections_;
    std::deque<Connection*> idle_; // first come, first served, so that all connections take part
    std::vector<char> buffer_;
    MonoTime next_sweep_;
    MonoTime next_publication_;
    MonoTime give_up_at_;
    bool stopped_ = false;
    Report report_; // since the last publication
};
} // namespace tidemark::bench
