#include "app/origin_daemon.hpp"

#include "admin/control_api.hpp"
#include "app/admin_tokens.hpp"
#include "certs/authority.hpp"
#include "core/observe/log.hpp"
#include "core/observe/metrics_page.hpp"
#include "journal/sqlite_journal.hpp"
#include "origin/control.hpp"
#include "origin/status_page.hpp"

#include <csignal>
#include <cstdio>
#include <sys/stat.h>

namespace tidemark::app
{
namespace
{
constexpr int kConfigError = 1;
constexpr Millis kLookAtCertificates{2'000};

net::TlsFiles files_of(const config::OriginSettings& settings)
{
    const std::string own = settings.certs + "/origin";
    return {settings.certs + "/ca.pem", own + ".pem", own + ".key", settings.certs + "/crl.pem"};
}

origin::Control::Settings control_settings(const config::OriginSettings& settings)
{
    origin::Control::Settings control;
    control.hub.heartbeat = settings.heartbeat;
    control.hub.lease_max = settings.lease_max;
    control.key_file = settings.data + "/fence.key";
    return control;
}

// What says that a file is another one.
struct FileMark {
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileMark&, const FileMark&) = default;
};
FileMark mark_of(const std::string& path)
{
    struct stat status {
    };
    if (::stat(path.c_str(), &status) != 0) return {};
    return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ino};
}

class OriginDaemon
{
  public:
    OriginDaemon(config::OriginSettings settings, std::string_view version)
        : settings_(std::move(settings)), version_(version), started_(loop_.wall())
    {
    }
    int run();

  private:
    [[nodiscard]] Result<void, std::string> open();
    [[nodiscard]] Result<void, std::string> open_journal();
    [[nodiscard]] Result<void, std::string> open_links();
    [[nodiscard]] Result<void, std::string> open_admin();
    [[nodiscard]] std::vector<admin::Page> pages();
    [[nodiscard]] origin::StatusView view();
    void on_signal(int number);
    void look_at_certificates();
    void close();

    config::OriginSettings settings_;
    net::Loop loop_;
    std::string version_;
    WallTime started_;
    std::unique_ptr<origin::Control> control_;
    std::unique_ptr<admin::ControlApi> api_;
    std::unique_ptr<admin::HttpServer> server_;
    std::unique_ptr<net::SignalWatcher> signals_;
    std::unique_ptr<net::Timer> certificates_;
    FileMark certificate_mark_;
    FileMark crl_mark_;
};

Result<void, std::string> OriginDaemon::open()
{
    return open_journal().and_then([this] { return open_links(); }).and_then([this] {
        return open_admin();
    });
}

Result<void, std::string> OriginDaemon::open_journal()
{
    journal::SqliteOptions options;
    options.retention.records_max = settings_.retention.versions;
    options.retention.age_max = settings_.retention.age;
    options.on_compacted = [this](purge::Version base, const purge::SharedRecord& snapshot,
                                  const purge::Digest& state, const purge::Digest& root) {
        control_->on_compacted(base, snapshot, state, root);
    };
    auto opened = journal::open(loop_, settings_.data, std::move(options));
    if (!opened) return fail(opened.error());
    for (const std::string& remark : opened->start.remarks)
        log::warn("{}", remark);
    origin::ContentStore::Options contents;
    contents.directory = settings_.data + "/content";
    contents.content_bytes_max = settings_.limits.push_bytes;
    auto store = origin::ContentStore::open(loop_, contents);
    if (!store) {
        opened->journal->close();
        return fail(store.error());
    }
    log::info("journal {:016x}: version {}, {} edge(s) registered", opened->start.id,
              opened->start.mark(), opened->start.edges.size());
    control_ = std::make_unique<origin::Control>(loop_, std::move(opened->journal), opened->start,
                                                 *std::move(store), control_settings(settings_));
    return {};
}

Result<void, std::string> OriginDaemon::open_links()
{
    const net::TlsFiles files = files_of(settings_);
    certificate_mark_ = mark_of(files.certificate);
    crl_mark_ = mark_of(files.crl);
    auto context = net::TlsContext::load(net::TlsRole::server, files, "edge");
    if (!context) return fail(context.error());
    const auto at = net::Address::parse(config::text_of(settings_.link));
    if (!at) return fail(at.error());
    if (auto open = control_->links().open(*at, *std::move(context)); !open) return open;
    log::info("edges link at {}", control_->links().address().text());
    certificates_ = std::make_unique<net::Timer>(loop_, [this] { look_at_certificates(); });
    certificates_->start(kLookAtCertificates, kLookAtCertificates);
    return {};
}

// Renewed certificates are for streams from then on; whoever was revoked loses the one it has.
void OriginDaemon::look_at_certificates()
{
    const net::TlsFiles files = files_of(settings_);
    const FileMark certificate = mark_of(files.certificate);
    const FileMark crl = mark_of(files.crl);
    if (certificate == certificate_mark_ && crl == crl_mark_) return;
    auto context = net::TlsContext::load(net::TlsRole::server, files, "edge");
    if (!context) return log::error("the certificates have changed, but {}", context.error());
    log::info("certificates or revocations have changed");
    control_->links().set_context(*std::move(context));
    if (crl != crl_mark_) control_->links().link_anew();
    certificate_mark_ = certificate;
    crl_mark_ = crl;
}

origin::StatusView OriginDaemon::view()
{
    const auto expires = certs::expiry_of(files_of(settings_).certificate);
    return {*control_,
            version_,
            started_,
            expires ? std::optional<WallTime>(*expires) : std::nullopt,
            control_->links().address().text(),
            api_->counters().too_many_selectors,
            api_->counters().too_fast};
}

std::vector<admin::Page> OriginDaemon::pages()
{
    const auto page = [](std::string path, std::string type, std::function<std::string()> text,
                         bool open) {
        return admin::Page{std::move(path),
                           [type = std::move(type), text = std::move(text)](const admin::Request&) {
                               return admin::Response{200, type, text(), {}};
                           },
                           open};
    };
    return {page(
                "/healthz", "text/plain", [] { return std::string("ok\n"); }, true),
            page(
                "/metrics", std::string(observe::kMetricsContentType),
                [this] { return origin::metrics_text(view(), loop_.wall()); }, false),
            page(
                "/v1/status", "application/json",
                [this] { return origin::status_json(view(), loop_.wall()); }, false)};
}

Result<void, std::string> OriginDaemon::open_admin()
{
    auto tokens = tokens_of(settings_.tokens);
    if (!tokens) return fail(tokens.error());
    const auto at = net::Address::parse(config::text_of(settings_.admin));
    if (!at) return fail(at.error());
    auto socket = net::ListenSocket::open(*at, net::ListenSocket::Sharing::alone);
    if (!socket) return fail(socket.error());
    log::info("admin endpoint on {}", socket->address().text());
    admin::ApiSettings api;
    api.selectors_max = settings_.limits.selectors;
    api.versions_per_second = settings_.limits.versions_per_second;
    api_ = std::make_unique<admin::ControlApi>(loop_, *control_,
                                               admin::Pages(pages(), *std::move(tokens)), api);
    control_->set_progress([this] { api_->progress(); });
    admin::ServerLimits limits;
    limits.body_bytes_max = settings_.limits.body_bytes;
    server_ = std::make_unique<admin::HttpServer>(loop_, std::move(*socket), *api_, limits);
    return {};
}

int OriginDaemon::run()
{
    // First: whoever finds the port open may send a signal.
    signals_ =
        std::make_unique<net::SignalWatcher>(loop_, std::vector<int>{SIGHUP, SIGTERM, SIGINT},
                                             [this](int number) { on_signal(number); });
    auto opened = open();
    if (!opened) {
        std::fprintf(stderr, "tidemark: %s\n", opened.error().c_str());
        close();
    }
    loop_.run();
    if (!opened) return kConfigError;
    log::info("stopped");
    return 0;
}

void OriginDaemon::on_signal(int number)
{
    if (number == SIGHUP)
        look_at_certificates();
    else
        close();
}

// What was accepted is durable, and edges connect again: there is nothing to drain.
void OriginDaemon::close()
{
    certificates_.reset();
    if (server_) server_->close();
    if (api_) api_->close();
    if (control_) control_->close();
    signals_.reset();
}
} // namespace

int run_origin(const OriginCommand& command, std::string_view version)
{
    auto settings = config::load_origin(command.config, command.flags);
    if (!settings) {
        for (const config::ConfigError& error : settings.error())
            std::fprintf(stderr, "%s\n", config::text_of(error).c_str());
        return kConfigError;
    }
    log::set_level(settings->log_level);
    return OriginDaemon(*std::move(settings), version).run();
}
} // namespace tidemark::app
