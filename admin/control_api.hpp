#pragma once
#include "admin/authority.hpp"
#include "admin/http_server.hpp"
#include "admin/pages.hpp"
#include "admin/rate.hpp"
#include "admin/tokens.hpp"
#include "admin/wait.hpp"
#include "core/net/loop.hpp"

#include <list>
#include <memory>
#include <optional>
#include <string>

// The admin API (design §6) over an Authority:
//   POST /v1/purge              purge_request.hpp; waits as wait.hpp says
//   POST /v1/undo               {"version":N, "key", "note"}
//   GET  /v1/versions/{v}       how far one version has come
//   GET  /v1/edges, DELETE /v1/edges/{name}[?force=true]
//   GET  /v1/journal            ?from to since until type selector url actor key order limit
//   PUT  /v1/content?url=…      push: upload.hpp
// and the daemon's own pages. 200: done, as far as was asked; 202: durable, and on its way. On the
// control thread.
namespace tidemark::admin
{
struct ApiSettings {
    Seconds undo_window{600};
    std::size_t waiting_max = 10'000;   // requests that wait for edges; more get their 202 at once
    std::size_t selectors_max = 10'000; // of one request; beyond: 422
    std::uint32_t versions_per_second = 0; // of all clients; beyond: 429; 0: any number
};

struct ApiCounters {
    std::uint64_t too_many_selectors = 0;
    std::uint64_t too_fast = 0; // requests
};

class ControlApi final : public Handler
{
  public:
    // `authority` outlives it; nothing of it is called after close().
    ControlApi(net::Loop& loop, Authority& authority, Pages pages,
               const ApiSettings& settings = {});
    ~ControlApi();

    std::unique_ptr<BodySink> on_head(const Request& request, const Responder& responder) override;
    void handle(Request request, Responder responder) override;

    [[nodiscard]] const ApiCounters& counters() const noexcept { return counters_; }
    // Reports may have changed: whoever waits may have what he waits for.
    void progress();
    void close();

  private:
    // What a version-making request wants to hear.
    struct Asked {
        Responder responder;
        std::optional<Wait> wait;
        bool needs_ack = false;
    };
    struct Waiting {
        Asked asked;
        journal::Appended appended;
        MonoTime deadline;
    };

    void purge(const Request& request, const Responder& responder);
    void undo(const Request& request, const Responder& responder);
    void undo_found(const purge::Message& message, journal::Draft draft, const Grant& grant,
                    Asked asked);
    void version(const Request& request, const Responder& responder);
    void edges(const Request& request, const Responder& responder);
    void remove_edge(const Request& request, const Responder& responder);
    void audit(const Request& request, const Responder& responder);
    [[nodiscard]] std::unique_ptr<BodySink> content(const Request& request,
                                                    const Responder& responder);

    [[nodiscard]] bool slows_down(std::size_t versions, const Responder& responder);
    void submit(std::vector<journal::Draft> drafts, Asked asked);
    [[nodiscard]] Authority::Submitted submitted(Asked asked);
    void accepted(Asked asked, journal::Appended appended);
    [[nodiscard]] Response result(const journal::Appended& appended,
                                  const purge::VersionReport& report, std::uint16_t status,
                                  bool name_missing) const;
    [[nodiscard]] bool settle(Waiting& waiting, MonoTime now);
    void join_others(purge::VersionReport& report, const Waiting& waiting) const;
    void set_timer();

    net::Loop& loop_;
    Authority& authority_;
    Pages pages_;
    ApiSettings settings_;
    Rate rate_;
    ApiCounters counters_;
    net::Timer deadline_;
    std::list<Waiting> waiting_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};
} // namespace tidemark::admin
