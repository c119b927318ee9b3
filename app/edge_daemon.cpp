#include "app/edge_daemon.hpp"

#include "app/admin_tokens.hpp"
#include "app/followed_origin.hpp"
#include "app/own_origin.hpp"

#include "admin/control_api.hpp"
#include "admin/origin_elsewhere.hpp"
#include "core/observe/log.hpp"
#include "edge/admin/admin_api.hpp"
#include "edge/follow/applied.hpp"
#include "edge/upstream/directory.hpp"
#include "edge/worker/sweeper.hpp"
#include "edge/worker/worker.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <sys/resource.h>
#include <thread>
#include <tuple>

namespace tidemark::app
{
namespace
{
constexpr int kConfigError = 1;
constexpr Millis kWatchWorkers{50};
constexpr Millis kAgeing{1'000};

void print(const config::ConfigErrors& errors)
{
    for (const config::ConfigError& error : errors)
        std::fprintf(stderr, "%s\n", config::text_of(error).c_str());
}

std::uint32_t workers_of(const config::EdgeSettings& settings)
{
    return settings.workers != 0 ? settings.workers
                                 : std::max(1U, std::thread::hardware_concurrency());
}

// As many descriptors as we are allowed: a cache holds a connection on each side.
void raise_descriptor_limit()
{
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint64_t allowed_descriptors()
{
    rlimit limit{};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

Result<std::vector<net::ListenSocket>, std::string>
open_all(const std::vector<config::Address>& addresses, net::ListenSocket::Sharing sharing)
{
    std::vector<net::ListenSocket> sockets;
    for (const config::Address& one : addresses) {
        const auto address = net::Address::parse(config::text_of(one));
        if (!address) return fail(address.error());
        auto socket = net::ListenSocket::open(*address, sharing);
        if (!socket) return fail(socket.error());
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

// The sockets of one worker: its own for TCP (SO_REUSEPORT), the same one again for a unix path.
Result<std::vector<net::ListenSocket>, std::string>
sockets_like(const std::vector<net::ListenSocket>& first)
{
    std::vector<net::ListenSocket> sockets;
    for (const net::ListenSocket& one : first) {
        if (one.address().is_unix()) {
            sockets.push_back(one.duplicate());
            continue;
        }
        auto socket = net::ListenSocket::open(one.address(), net::ListenSocket::Sharing::further);
        if (!socket) return fail(socket.error());
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

std::vector<upstream::Directory::Entry> entries_of(const serve::Sites& sites)
{
    std::vector<upstream::Directory::Entry> entries;
    for (const auto& [url, upstream] : sites.upstreams()) {
        upstream::Directory::Entry entry{url, upstream, {}};
        for (const auto& site : sites.all())
            if (std::find(site->settings.upstreams.begin(), site->settings.upstreams.end(), url) !=
                site->settings.upstreams.end())
                entry.health = site->settings.health;
        entries.push_back(std::move(entry));
    }
    return entries;
}

class EdgeDaemon
{
  public:
    EdgeDaemon(const EdgeCommand& command, config::EdgeSettings settings, std::string_view version)
        : command_(command),
          sites_(std::make_shared<const serve::Sites>(std::move(settings), nullptr)),
          shared_({sites_->settings().memory_bytes}),
          view_{shared_, workers_, access_log_, sites_,      std::string(version),
                nullptr, {},       {},          loop_.wall()}
    {
    }
    int run();

  private:
    [[nodiscard]] Result<void, std::string> open();
    [[nodiscard]] Result<void, std::string> open_access_log();
    [[nodiscard]] Result<void, std::string> open_own();
    [[nodiscard]] Result<void, std::string> open_origin();
    [[nodiscard]] bool refresh(const std::string& uri, std::function<void()> done);
    [[nodiscard]] Result<void, std::string> open_admin();
    void close_admin();
    void start_workers();
    void on_signal(int number);
    void reload();
    void drain();
    void watch();

    EdgeCommand command_;
    net::Loop loop_;
    std::shared_ptr<const serve::Sites> sites_;
    worker::Shared shared_;
    std::unique_ptr<observe::AccessLog> access_log_;
    std::vector<std::unique_ptr<worker::Worker>> workers_;
    std::vector<std::vector<net::ListenSocket>> sockets_; // per worker, until it starts
    admin::View view_;
    std::unique_ptr<OwnOrigin> own_;         // null: an origin makes the versions
    std::unique_ptr<FollowedOrigin> origin_; // null: there is none
    std::unique_ptr<admin::ControlApi> api_;
    std::unique_ptr<admin::OriginElsewhere> elsewhere_;
    std::unique_ptr<admin::HttpServer> admin_;
    std::unique_ptr<upstream::Directory> directory_;
    std::unique_ptr<worker::Sweeper> sweeper_;
    std::unique_ptr<net::SignalWatcher> signals_;
    std::unique_ptr<net::Timer> watch_;
    std::unique_ptr<net::Timer> ageing_;
    std::size_t next_worker_ = 0;
    bool draining_ = false;
};

Result<void, std::string> EdgeDaemon::open_access_log()
{
    observe::AccessLog::Options options;
    options.producers = workers_of(sites_->settings());
    auto log = observe::AccessLog::open(sites_->settings().access_log, options);
    if (!log)
        return fail("access log " + sites_->settings().access_log + ": " + log.error().message());
    access_log_ = std::move(*log);
    return {};
}

Result<void, std::string> EdgeDaemon::open()
{
    if (auto log = open_access_log(); !log) return log;
    const config::EdgeSettings& settings = sites_->settings();
    auto first = open_all(settings.listen, net::ListenSocket::Sharing::first);
    if (!first) return fail(first.error());
    sockets_.push_back(std::move(*first));
    for (std::uint32_t i = 1; i < workers_of(settings); ++i) {
        auto more = sockets_like(sockets_.front());
        if (!more) return fail(more.error());
        sockets_.push_back(std::move(*more));
    }
    auto versions = settings.origin ? open_origin() : open_own();
    if (!versions) return versions;
    return settings.admin ? open_admin() : Result<void, std::string>{};
}

Result<void, std::string> EdgeDaemon::open_own()
{
    auto own = OwnOrigin::open(
        loop_, shared_, sites_,
        [this](const std::string& uri, std::function<void()> done) {
            return refresh(uri, std::move(done));
        },
        [this] {
            if (api_) api_->progress();
        });
    if (!own) return fail(own.error());
    own_ = *std::move(own);
    view_.authority = &own_->authority();
    view_.counters = [this] { return own_->counters(); };
    return {};
}

Result<void, std::string> EdgeDaemon::open_origin()
{
    auto origin = FollowedOrigin::open(loop_, shared_, sites_,
                                       [this](const std::string& uri, std::function<void()> done) {
                                           return refresh(uri, std::move(done));
                                       });
    if (!origin) return fail(origin.error());
    origin_ = *std::move(origin);
    view_.following = [this] { return origin_->report(); };
    view_.counters = [this] { return origin_->counters(); };
    return {};
}

// In turn: any worker may fetch anything.
bool EdgeDaemon::refresh(const std::string& uri, std::function<void()> done)
{
    if (workers_.empty() || draining_) return false;
    return workers_[next_worker_++ % workers_.size()]->refresh(uri, std::move(done));
}

Result<void, std::string> EdgeDaemon::open_admin()
{
    const config::EdgeSettings& settings = sites_->settings();
    auto tokens = tokens_of(settings.tokens);
    if (!tokens) return fail(tokens.error());
    auto socket = open_all({*settings.admin}, net::ListenSocket::Sharing::alone);
    if (!socket) return fail(socket.error());
    log::info("admin endpoint on {}", socket->front().address().text());
    std::vector<admin::Page> shown = admin::pages_of(view_, loop_);
    if (origin_) shown.push_back(origin_->applied_page());
    admin::Pages pages(std::move(shown), std::move(*tokens));
    if (own_)
        api_ = std::make_unique<admin::ControlApi>(loop_, own_->authority(), std::move(pages));
    else
        elsewhere_ = std::make_unique<admin::OriginElsewhere>(
            std::move(pages), config::text_of(*settings.origin),
            [this](const std::vector<journal::Draft>& drafts, admin::WouldHitDone done) {
                origin_->would_hit(drafts, std::move(done));
            });
    admin::Handler& handler =
        api_ ? static_cast<admin::Handler&>(*api_) : static_cast<admin::Handler&>(*elsewhere_);
    admin_ = std::make_unique<admin::HttpServer>(loop_, std::move(socket->front()), handler);
    return {};
}

void EdgeDaemon::close_admin()
{
    if (admin_) admin_->close();
    if (api_) api_->close();
    if (own_) own_->close();
    if (origin_) origin_->close();
}

int EdgeDaemon::run()
{
    // First: whoever finds the port open may send a signal.
    signals_ =
        std::make_unique<net::SignalWatcher>(loop_, std::vector<int>{SIGHUP, SIGTERM, SIGINT},
                                             [this](int number) { on_signal(number); });
    if (auto opened = open(); !opened) {
        std::fprintf(stderr, "tidemark: %s\n", opened.error().c_str());
        close_admin();
        signals_.reset();
        return kConfigError;
    }
    ageing_ = std::make_unique<net::Timer>(loop_, [this] { shared_.purges.age(loop_.mono()); });
    ageing_->start(kAgeing, kAgeing);
    if (origin_) origin_->start();
    sweeper_ = std::make_unique<worker::Sweeper>(loop_, shared_);
    sweeper_->set_sites(sites_);
    directory_ = std::make_unique<upstream::Directory>(loop_, upstream::ClientLimits{});
    directory_->set(entries_of(*sites_), [this] { start_workers(); });
    loop_.run();
    log::info("stopped");
    return 0;
}

void EdgeDaemon::start_workers()
{
    if (draining_) return;
    const auto count = static_cast<std::uint32_t>(sockets_.size());
    for (const net::ListenSocket& socket : sockets_.front())
        log::info("listening on {}", socket.address().text());
    shared_.descriptors = worker::share_descriptors(allowed_descriptors(), count);
    for (std::uint32_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<worker::Worker>(shared_, sites_, std::move(sockets_[i]),
                                                            access_log_->producer(i), count));
        workers_.back()->start();
    }
    sockets_.clear();
    log::info("edge \"{}\" is ready: {} worker(s), {} MiB of memory", sites_->settings().name,
              count, sites_->settings().memory_bytes >> 20);
}

void EdgeDaemon::on_signal(int number)
{
    if (draining_) return;
    if (number == SIGHUP)
        reload();
    else
        drain();
}

// A bad file is refused and the old one kept. Sockets, workers and the name of the admin endpoint
// need a restart.
void EdgeDaemon::reload()
{
    auto settings = config::load_edge(command_.config, command_.flags);
    if (!settings) {
        log::error("reload refused, the old configuration stays:");
        for (const config::ConfigError& error : settings.error())
            log::error("  {}", config::text_of(error));
        return;
    }
    const config::EdgeSettings& old = sites_->settings();
    const auto kept = [&](const config::EdgeSettings& of) {
        return std::tie(of.listen, of.admin, of.tokens, of.name, of.origin, of.certs, of.data,
                        of.lease, of.adrift);
    };
    if (kept(*settings) != kept(old) || workers_of(*settings) != workers_of(old))
        log::warn("listen, admin, tokens, workers, name, origin, certs, data, lease and adrift "
                  "change with a restart only");
    auto sites = std::make_shared<const serve::Sites>(std::move(*settings), sites_);
    if (auto reopened = access_log_->reopen(sites->settings().access_log); !reopened)
        log::error("access log {}: {}; the old one stays", sites->settings().access_log,
                   reopened.error().message());
    log::set_level(sites->settings().log_level);
    shared_.store.set_budget(sites->settings().memory_bytes);
    // Workers change over when the new upstreams have addresses.
    const bool named_alike = sites->names_alike(*sites_);
    sites_ = sites;
    sweeper_->set_sites(sites);
    // What was purged under other names may be what goes by this one now.
    if (!named_alike) {
        log::info("key rules or hosts have changed: what is stored is validated once");
        shared_.purges.raise_floor({0, shared_.purges.tick()});
    }
    if (own_) own_->on_reload();
    if (origin_) origin_->on_reload();
    directory_->set(entries_of(*sites), [this, sites] {
        for (const auto& worker : workers_)
            worker->reload(sites);
        log::info("reloaded");
    });
}

void EdgeDaemon::drain()
{
    draining_ = true;
    shared_.draining.store(true);
    log::info("draining for at most {} ms", sites_->settings().drain_timeout.count());
    for (const auto& worker : workers_)
        worker->drain(sites_->settings().drain_timeout);
    watch_ = std::make_unique<net::Timer>(loop_, [this] { watch(); });
    watch_->start(Millis{0}, kWatchWorkers);
}

void EdgeDaemon::watch()
{
    for (const auto& worker : workers_)
        if (!worker->done()) return;
    if (sweeper_) {
        for (const auto& worker : workers_)
            worker->join();
        sweeper_.reset();
        directory_->close();
        ageing_.reset();
        return close_admin();
    }
    if (origin_ && !origin_->closed()) return;
    // In a later turn than close(), as libuv may have used them until then. Their mailboxes keep
    // the loop running.
    admin_.reset();
    api_.reset();
    view_.counters = {};
    view_.following = {};
    own_.reset();
    origin_.reset();
    signals_.reset();
    watch_.reset();
}
} // namespace

int run_edge(const EdgeCommand& command, std::string_view version)
{
    auto settings = config::load_edge(command.config, command.flags);
    if (!settings) {
        print(settings.error());
        return kConfigError;
    }
    log::set_level(settings->log_level);
    raise_descriptor_limit();
    return EdgeDaemon(command, std::move(*settings), version).run();
}
} // namespace tidemark::app
