#pragma once
#include "core/net/loop.hpp"
#include "edge/admin/admin_api.hpp"
#include "edge/admin/lone_pushes.hpp"
#include "edge/admin/standalone.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/eraser.hpp"
#include "edge/worker/pushed.hpp"
#include "edge/worker/refresher.hpp"
#include "edge/worker/shared.hpp"
#include "edge/worker/survey.hpp"

#include <functional>
#include <memory>
#include <optional>

// An edge that is its own origin: journal, and what its messages ask of the edge. On the control
// thread.
namespace tidemark::app
{
class OwnOrigin final : private admin::StandaloneOwner
{
  public:
    // `sites` is the control thread's; `ask` has a worker fetch something anew; `progress` is
    // called when reports have changed. Errors: a text for the operator.
    [[nodiscard]] static Result<std::unique_ptr<OwnOrigin>, std::string>
    open(net::Loop& loop, worker::Shared& shared, const std::shared_ptr<const serve::Sites>& sites,
         worker::Refresher::Ask ask, std::function<void()> progress);
    ~OwnOrigin();
    OwnOrigin(const OwnOrigin&) = delete;
    OwnOrigin& operator=(const OwnOrigin&) = delete;

    [[nodiscard]] admin::Authority& authority() noexcept { return *authority_; }
    void on_reload();
    void close();
    [[nodiscard]] std::vector<admin::Counter> counters() const;

  private:
    OwnOrigin(net::Loop& loop, worker::Shared& shared,
              const std::shared_ptr<const serve::Sites>& sites, worker::Refresher::Ask ask,
              std::function<void()> progress);
    [[nodiscard]] Result<void, std::string> open_journal();
    [[nodiscard]] admin::LonePushes::Parts upload_parts();
    [[nodiscard]] worker::PushDriver::Parts push_parts();

    void before_apply(std::span<const purge::Message> messages) override;
    void on_refresh(const purge::Message& message) override;
    void on_push(const purge::Message& message) override;
    void on_applied(purge::Version version) override;
    void erase(purge::Version version, std::function<void()> erased) override;
    void on_progress() override;
    [[nodiscard]] std::unique_ptr<admin::Authority::Upload> begin_upload() override;
    void would_hit(const std::vector<journal::Draft>& drafts, admin::WouldHitDone done) override;

    net::Loop& loop_;
    worker::Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    std::function<void()> progress_;
    std::optional<worker::Eraser> eraser_;
    admin::LonePushes uploads_;
    worker::PushDriver pushes_;
    worker::Refresher refresher_;
    std::optional<worker::Survey> survey_;
    std::unique_ptr<admin::Standalone> authority_;
};
} // namespace tidemark::app
