#pragma once
#include "admin/dry_run.hpp"
#include "core/net/loop.hpp"
#include "edge/admin/admin_api.hpp"
#include "edge/admin/applied_page.hpp"
#include "edge/follow/edge_applier.hpp"
#include "edge/follow/origin_link.hpp"
#include "edge/follow/staging.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/eraser.hpp"
#include "edge/worker/pushed.hpp"
#include "edge/worker/refresher.hpp"
#include "edge/worker/shared.hpp"
#include "edge/worker/survey.hpp"

#include <memory>
#include <optional>
#include <string>

// An edge's side of its origin: log, follower, link, and what messages ask of the edge. On the
// control thread.
namespace tidemark::app
{
class FollowedOrigin final : private follow::LinkOwner, private follow::MessageOwner
{
  public:
    // `sites` is the control thread's; `ask` has a worker fetch something anew. Nothing is
    // connected yet, but what was remembered is applied. Errors: a text for the operator.
    [[nodiscard]] static Result<std::unique_ptr<FollowedOrigin>, std::string>
    open(net::Loop& loop, worker::Shared& shared, const std::shared_ptr<const serve::Sites>& sites,
         worker::Refresher::Ask ask);
    ~FollowedOrigin();
    FollowedOrigin(const FollowedOrigin&) = delete;
    FollowedOrigin& operator=(const FollowedOrigin&) = delete;

    void start();
    // An orderly end. To be destroyed once closed(), in a later turn, with no worker running.
    void close();
    [[nodiscard]] bool closed() const noexcept;

    [[nodiscard]] admin::FollowReport report() const;
    [[nodiscard]] std::vector<admin::Counter> counters() const;
    void on_reload();
    void would_hit(const std::vector<journal::Draft>& drafts, admin::WouldHitDone done);
    [[nodiscard]] admin::Page applied_page() const;

  private:
    FollowedOrigin(net::Loop& loop, worker::Shared& shared,
                   const std::shared_ptr<const serve::Sites>& sites, worker::Refresher::Ask ask,
                   std::unique_ptr<follow::FollowLog> log);
    void tick();
    [[nodiscard]] std::vector<purge::Invalidation>
    invalidations_of(const purge::Message& message) const;
    [[nodiscard]] worker::PushDriver::Parts push_parts();

    void on_link_turn() override;
    void stage_wanted(const follow::StageWanted& order) override;
    void stage_piece(const follow::StagePiece& order) override;
    void before_apply(std::span<const purge::Message> messages) override;
    void on_lost_track() override;
    void on_erase(purge::Version version) override;
    void on_refresh(const purge::Message& message) override;
    void on_push(const purge::Message& message) override;

    net::Loop& loop_;
    worker::Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    std::string origin_;                     // as configured
    std::unique_ptr<follow::FollowLog> log_; // first: it locks the data folder
    follow::Staging staging_;
    worker::PushDriver pushes_;
    worker::Refresher refresher_;
    worker::Eraser eraser_;
    std::optional<worker::Survey> survey_;
    follow::EdgeApplier applier_;
    std::unique_ptr<follow::Follower> follower_;
    std::unique_ptr<follow::OriginLink> link_;
    net::Timer ticks_;
};
} // namespace tidemark::app
