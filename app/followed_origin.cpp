#include "app/followed_origin.hpp"

#include "app/dry_run.hpp"
#include "certs/authority.hpp"
#include "core/observe/log.hpp"
#include "edge/follow/applied.hpp"

#include <algorithm>

namespace tidemark::app
{
namespace
{
follow::FollowerSettings settings_of(const config::EdgeSettings& settings,
                                     const follow::FollowLog& log)
{
    follow::FollowerSettings follower;
    follower.name = settings.name;
    follower.lease = settings.lease;
    follower.adrift = settings.adrift;
    follower.only_acks_count = follow::may_serve_beyond_lease(settings.adrift);
    follower.instance = log.instance();
    return follower;
}

follow::OriginLinkOptions options_of(const config::EdgeSettings& settings)
{
    follow::OriginLinkOptions options;
    const auto& origin = std::get<config::TcpAddress>(*settings.origin);
    options.host = origin.host;
    options.port = origin.port;
    const std::string own = settings.certs + "/" + settings.name;
    options.files = {settings.certs + "/ca.pem", own + ".pem", own + ".key",
                     settings.certs + "/crl.pem"};
    return options;
}

follow::StagingOptions staging_options(const config::EdgeSettings& settings)
{
    follow::StagingOptions options;
    options.directory = settings.data + "/staged";
    options.packed_bytes_max = settings.limits.staged_bytes;
    options.content_bytes_max = settings.limits.staged_bytes;
    options.contents_max = settings.limits.staged_contents;
    return options;
}

worker::RefreshSettings refresh_settings(const config::EdgeSettings& settings)
{
    worker::RefreshSettings refresh;
    refresh.rate = settings.refresh_rate;
    return refresh;
}
} // namespace

FollowedOrigin::FollowedOrigin(net::Loop& loop, worker::Shared& shared,
                               const std::shared_ptr<const serve::Sites>& sites,
                               worker::Refresher::Ask ask, std::unique_ptr<follow::FollowLog> log)
    : loop_(loop), shared_(shared), sites_(sites),
      origin_(config::text_of(*sites->settings().origin)), log_(std::move(log)),
      staging_(loop, staging_options(sites->settings()),
               {[&shared](std::uint64_t bytes) { return shared.store.reserve(bytes); },
                [&shared](std::uint64_t bytes) { shared.store.unreserve(bytes); }},
               [this](const purge::ContentDigest& digest, std::uint64_t packed_bytes) {
                   follower_->on_staged(digest, packed_bytes, link_->now());
                   link_->perform();
               }),
      pushes_(loop, shared, sites, push_parts()),
      refresher_(
          loop, shared, sites, refresh_settings(sites->settings()),
          [this](const purge::Message& message) { return invalidations_of(message); },
          std::move(ask)),
      eraser_(loop, shared, sites), survey_(std::in_place, loop, shared, sites),
      applier_(shared.purges, shared.standing, sites, *this), ticks_(loop, [this] { tick(); })
{
}

FollowedOrigin::~FollowedOrigin() = default;

worker::PushDriver::Parts FollowedOrigin::push_parts()
{
    return {[this](const purge::ContentDigest& digest) { return staging_.head_of(digest); },
            [this](const purge::Push& push, worker::PushDriver::Parts::Taken done) {
                staging_.take(push.digest, push.content_bytes, std::move(done));
            },
            [this](const purge::Message& message) { return invalidations_of(message); }};
}

std::vector<purge::Invalidation>
FollowedOrigin::invalidations_of(const purge::Message& message) const
{
    return follow::invalidations_of(message, *sites_);
}

Result<std::unique_ptr<FollowedOrigin>, std::string>
FollowedOrigin::open(net::Loop& loop, worker::Shared& shared,
                     const std::shared_ptr<const serve::Sites>& sites, worker::Refresher::Ask ask)
{
    const config::EdgeSettings& settings = sites->settings();
    auto log = follow::FollowLog::open(loop, settings.data);
    if (!log) return fail(log.error());
    std::unique_ptr<FollowedOrigin> made(
        new FollowedOrigin(loop, shared, sites, std::move(ask), *std::move(log)));
    shared.standing.follow(settings.adrift, !made->log_->was_clean());
    const purge::Now now{loop.mono(), net::Loop::boot_now(), loop.wall()};
    follow::Restored restored = made->log_->restore(made->applier_, now);
    if (restored.journal != 0)
        log::info("remembered up to version {} of the origin's journal",
                  restored.applied.contiguous());
    made->follower_ = std::make_unique<follow::Follower>(settings_of(settings, *made->log_),
                                                         std::move(restored), made->applier_);
    follow::LinkOwner& owner = *made;
    made->link_ = std::make_unique<follow::OriginLink>(loop, *made->follower_, made->log_.get(),
                                                       owner, options_of(settings));
    return made;
}

void FollowedOrigin::start()
{
    tick();
    const Millis pace = std::max(Millis{20}, sites_->settings().lease / 16);
    ticks_.start(pace, pace);
    link_->start();
}

void FollowedOrigin::close()
{
    ticks_.stop();
    survey_.reset();
    link_->close();
    log_->close_cleanly();
}

bool FollowedOrigin::closed() const noexcept
{
    return link_->closed();
}

admin::FollowReport FollowedOrigin::report() const
{
    admin::FollowReport report;
    const BootTime now = net::Loop::boot_now();
    report.origin = origin_;
    report.linked = follower_->linked();
    report.in_sync = now < follower_->lease_until();
    if (report.in_sync)
        report.lease_left = std::chrono::duration_cast<Millis>(follower_->lease_until() - now);
    report.last_error = link_->last_error();
    report.connects = link_->connects();
    report.journal = follower_->journal();
    report.contiguous = follower_->contiguous();
    report.heard = follower_->heard();
    report.mark = follower_->mark();
    report.root = follower_->root();
    const config::EdgeSettings& settings = sites_->settings();
    if (const auto expires = certs::expiry_of(settings.certs + "/" + settings.name + ".pem"))
        report.certificate_expires_in = since_epoch(*expires) - since_epoch(loop_.wall());
    report.link = follower_->counters();
    return report;
}

std::vector<admin::Counter> FollowedOrigin::counters() const
{
    const follow::StagingCounters& staging = staging_.counters();
    return {
        {"tidemark_link_dropped_datagrams_total", "Datagrams that the kernel did not take",
         link_->dropped_datagrams()},
        {"tidemark_pushes_staged_total", "Contents that were staged", staging.staged},
        {"tidemark_pushes_stored_total", "Pushes that became stored responses",
         pushes_.count(worker::PushOutcome::stored)},
        {"tidemark_pushes_wrong_total", "Contents that were not what was announced", staging.wrong},
        {"tidemark_pushes_refused_total", "Contents that were too large, or found no room",
         staging.refused},
        {"tidemark_refresh_fetches_total", "Responses fetched anew after a refreshing purge",
         refresher_.counters().fetches},
        {"tidemark_erased_total", "Stored responses erased by order", eraser_.erased()}};
}

void FollowedOrigin::on_reload()
{
    refresher_.set_rate(sites_->settings().refresh_rate);
}

void FollowedOrigin::would_hit(const std::vector<journal::Draft>& drafts, admin::WouldHitDone done)
{
    if (survey_) survey_would_hit(*survey_, *sites_, drafts, std::move(done));
}

admin::Page FollowedOrigin::applied_page() const
{
    return admin::applied_page(applier_.times(), [this] { return follower_->contiguous(); });
}

// The boot time first: a request that is sent between the two counts as sent later than it was
// marked, never earlier.
void FollowedOrigin::tick()
{
    const BootTime now = net::Loop::boot_now();
    shared_.standing.on_tick(now, shared_.purges.tick());
}

void FollowedOrigin::on_link_turn()
{
    follow::Standing& standing = shared_.standing;
    standing.set_applied(follower_->journal(), follower_->contiguous());
    standing.set_lease(follower_->lease_until(), follower_->lease());
    pushes_.on_applied(follower_->contiguous());
}

// ---- What messages ask of the edge

void FollowedOrigin::stage_wanted(const follow::StageWanted& order)
{
    staging_.wanted(order);
}

void FollowedOrigin::stage_piece(const follow::StagePiece& order)
{
    staging_.piece(order);
}

void FollowedOrigin::before_apply(std::span<const purge::Message> messages)
{
    pushes_.before_apply(messages);
}

void FollowedOrigin::on_lost_track()
{
    pushes_.on_lost_track();
}

void FollowedOrigin::on_erase(purge::Version version)
{
    eraser_.erase(version, [this](purge::Version erased) {
        follower_->on_erased(erased, link_->now());
        link_->perform();
    });
}

void FollowedOrigin::on_refresh(const purge::Message& message)
{
    refresher_.refresh(message);
}

void FollowedOrigin::on_push(const purge::Message& message)
{
    pushes_.on_push(message);
}
} // namespace tidemark::app
