#pragma once
#include "admin/authority.hpp"
#include "core/net/loop.hpp"
#include "edge/follow/standing.hpp"
#include "edge/serve/site.hpp"
#include "purge/state.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

// An edge without an origin makes its versions itself: what its journal took is applied here, in
// order, and then done. On the control thread.
namespace tidemark::admin
{
// What it asks of the edge. All on the control thread.
class StandaloneOwner
{
  public:
    // What the journal took now (not what it held at the start): before these are applied, after
    // each one is, and when all up to `version` are.
    virtual void before_apply(std::span<const purge::Message> messages) = 0;
    virtual void on_refresh(const purge::Message& message) = 0;
    virtual void on_push(const purge::Message& message) = 0;
    virtual void on_applied(Version version) = 0;
    // Takes the bytes of what `version` removed out of the store; then calls back, in a later turn.
    virtual void erase(Version version, std::function<void()> erased) = 0;
    virtual void on_progress() = 0; // reports have changed
    // Authority's.
    [[nodiscard]] virtual std::unique_ptr<Authority::Upload> begin_upload() = 0;
    virtual void would_hit(const std::vector<journal::Draft>& drafts, WouldHitDone done) = 0;

  protected:
    ~StandaloneOwner() = default;
};

class Standalone final : public Authority
{
  public:
    struct Parts {
        std::string name; // the one edge that reports speak of
        purge::InvalidationState& state;
        follow::Standing& standing; // told what is applied, and the key of read tokens
        const std::shared_ptr<const serve::Sites>& sites; // changes on reload
        StandaloneOwner& owner;
    };
    // `parts` by reference outlive it. Applies the journal's snapshot and records again; orders
    // that come meanwhile wait for that.
    Standalone(net::Loop& loop, Parts parts, std::unique_ptr<journal::Journal> journal,
               journal::JournalStart start);
    ~Standalone();

    void submit(std::vector<journal::Draft> drafts, Submitted done) override;
    void search(journal::Query query, journal::Journal::SearchDone done) override;
    [[nodiscard]] purge::VersionReport report(Version version, bool needs_ack) const override;
    [[nodiscard]] std::vector<purge::EdgeReport> edges() const override;
    [[nodiscard]] purge::EdgeRegistry::RemoveResult remove_edge(std::string_view name,
                                                                bool force) override;
    [[nodiscard]] bool applies_at_once() const noexcept override { return true; }
    [[nodiscard]] purge::JournalId journal_id() const noexcept override { return id_; }
    [[nodiscard]] bool durable() const noexcept override { return durable_; }
    [[nodiscard]] Version mark() const noexcept override { return tree_.last(); }
    [[nodiscard]] Version base() const noexcept override { return base_; }
    [[nodiscard]] purge::Digest root() const noexcept override { return tree_.root(); }
    [[nodiscard]] std::string read_token(Version version) const override;
    void would_hit(const std::vector<journal::Draft>& drafts, WouldHitDone done) override;
    [[nodiscard]] std::unique_ptr<Upload> begin_upload() override;

    // From the journal's options: retention has moved the base.
    void on_compacted(Version base) noexcept { base_ = base; }
    // No `done` comes after this.
    void close();

  private:
    void load_snapshot(const purge::SharedRecord& snapshot);
    void replay(Version from);
    void replayed(const std::vector<purge::SharedRecord>& records);
    void finish_replay();
    void submitted(Result<journal::Appended, journal::AppendError> appended, const Submitted& done);
    void apply(const purge::Message& message);
    void perform(const purge::Message& message);
    void draw_key();
    void begin_erasing(Version version);

    net::Loop& loop_;
    Parts parts_;
    std::unique_ptr<journal::Journal> journal_;
    purge::JournalId id_;
    bool durable_;
    Version base_;
    purge::DigestTree tree_;
    Version applied_ = 0;
    Version replay_to_;
    bool replaying_ = false;
    std::vector<std::function<void()>> after_replay_;
    std::set<Version> erasing_;
    std::map<Version, WallTime> applied_at_; // of the latest
    purge::FenceKey key_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};
} // namespace tidemark::admin
