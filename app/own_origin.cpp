#include "app/own_origin.hpp"

#include "app/dry_run.hpp"
#include "core/observe/log.hpp"
#include "edge/follow/applied.hpp"
#include "journal/memory_journal.hpp"
#include "journal/sqlite_journal.hpp"

#include <random>

namespace tidemark::app
{
namespace
{
constexpr std::size_t kRecordsInMemory = 100'000;

purge::JournalId draw_journal_id()
{
    std::random_device device;
    purge::JournalId id = 0;
    while (id == 0)
        id = purge::JournalId{device()} << 32 | device();
    return id;
}

worker::RefreshSettings refresh_settings(const config::EdgeSettings& settings)
{
    worker::RefreshSettings refresh;
    refresh.rate = settings.refresh_rate;
    return refresh;
}
} // namespace

OwnOrigin::OwnOrigin(net::Loop& loop, worker::Shared& shared,
                     const std::shared_ptr<const serve::Sites>& sites, worker::Refresher::Ask ask,
                     std::function<void()> progress)
    : loop_(loop), shared_(shared), sites_(sites), progress_(std::move(progress)),
      eraser_(std::in_place, loop, shared, sites), uploads_(loop, upload_parts()),
      pushes_(loop, shared, sites, push_parts()),
      refresher_(
          loop, shared, sites, refresh_settings(sites->settings()),
          [this](const purge::Message& message) {
              return follow::invalidations_of(message, *sites_);
          },
          std::move(ask)),
      survey_(std::in_place, loop, shared, sites)
{
}

OwnOrigin::~OwnOrigin() = default;

admin::LonePushes::Parts OwnOrigin::upload_parts()
{
    return {shared_.store, sites_->settings().limits.max_object_bytes,
            [this] { return authority_->mark(); },
            [this](std::vector<journal::Draft> drafts, admin::Authority::Submitted done) {
                authority_->submit(std::move(drafts), std::move(done));
            }};
}

worker::PushDriver::Parts OwnOrigin::push_parts()
{
    return {[this](const purge::ContentDigest& digest) { return uploads_.head_of(digest); },
            [this](const purge::Push& push, worker::PushDriver::Parts::Taken done) {
                done(uploads_.take(push.digest));
            },
            [this](const purge::Message& message) {
                return follow::invalidations_of(message, *sites_);
            }};
}

Result<std::unique_ptr<OwnOrigin>, std::string>
OwnOrigin::open(net::Loop& loop, worker::Shared& shared,
                const std::shared_ptr<const serve::Sites>& sites, worker::Refresher::Ask ask,
                std::function<void()> progress)
{
    std::unique_ptr<OwnOrigin> made(
        new OwnOrigin(loop, shared, sites, std::move(ask), std::move(progress)));
    if (auto opened = made->open_journal(); !opened) return fail(opened.error());
    return made;
}

// On disk with a data folder, in memory without.
Result<void, std::string> OwnOrigin::open_journal()
{
    const config::EdgeSettings& settings = sites_->settings();
    journal::Opened opened;
    const auto on_compacted = [this](journal::Version base, auto&&...) {
        authority_->on_compacted(base);
    };
    if (settings.data.empty()) {
        auto made =
            journal::open_in_memory(loop_, {draw_journal_id(), kRecordsInMemory, on_compacted});
        opened = {std::move(made.journal), std::move(made.start)};
    } else {
        journal::SqliteOptions options;
        options.on_compacted = on_compacted;
        auto durable = journal::open(loop_, settings.data, std::move(options));
        if (!durable) return fail(durable.error());
        opened = std::move(*durable);
    }
    for (const std::string& remark : opened.start.remarks)
        log::warn("{}", remark);
    authority_ = std::make_unique<admin::Standalone>(
        loop_,
        admin::Standalone::Parts{settings.name, shared_.purges, shared_.standing, sites_, *this},
        std::move(opened.journal), std::move(opened.start));
    return {};
}

void OwnOrigin::on_reload()
{
    refresher_.set_rate(sites_->settings().refresh_rate);
    uploads_.set_body_bytes_max(sites_->settings().limits.max_object_bytes);
}

void OwnOrigin::close()
{
    uploads_.close();
    if (authority_) authority_->close();
    eraser_.reset();
    survey_.reset();
}

std::vector<admin::Counter> OwnOrigin::counters() const
{
    return {{"tidemark_pushes_stored_total", "Pushes that became stored responses",
             pushes_.count(worker::PushOutcome::stored)},
            {"tidemark_pushes_refused_total", "Contents that were too large, or found no room",
             uploads_.counters().refused},
            {"tidemark_refresh_fetches_total", "Responses fetched anew after a refreshing purge",
             refresher_.counters().fetches},
            {"tidemark_erased_total", "Stored responses erased by order",
             eraser_ ? eraser_->erased() : 0}};
}

// ---- What messages ask of the edge

void OwnOrigin::before_apply(std::span<const purge::Message> messages)
{
    pushes_.before_apply(messages);
}

void OwnOrigin::on_refresh(const purge::Message& message)
{
    refresher_.refresh(message);
}

void OwnOrigin::on_push(const purge::Message& message)
{
    pushes_.on_push(message);
}

void OwnOrigin::on_applied(purge::Version version)
{
    pushes_.on_applied(version);
}

void OwnOrigin::erase(purge::Version version, std::function<void()> erased)
{
    eraser_->erase(version, [erased = std::move(erased)](auto) { erased(); });
}

void OwnOrigin::on_progress()
{
    progress_();
}

std::unique_ptr<admin::Authority::Upload> OwnOrigin::begin_upload()
{
    return uploads_.begin();
}

void OwnOrigin::would_hit(const std::vector<journal::Draft>& drafts, admin::WouldHitDone done)
{
    survey_would_hit(*survey_, *sites_, drafts, std::move(done));
}
} // namespace tidemark::app
