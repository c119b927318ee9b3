#pragma once
#include "admin/authority.hpp"
#include "core/net/loop.hpp"
#include "journal/journal.hpp"
#include "origin/broadcast/hub.hpp"
#include "origin/broadcast/links.hpp"
#include "origin/content/push_desk.hpp"

#include <functional>
#include <memory>
#include <string>

// The origin daemon's middle: what the admin API asks goes to the journal, what is durable goes to
// the hub, and what the hub needs of the journal comes back. On the control thread.
namespace tidemark::origin
{
class Control final : public admin::Authority, private HubOwner, private PushOwner
{
  public:
    struct Settings {
        HubSettings hub;
        PushSettings push;
        std::string key_file; // keeps the key of fences and tokens over a restart; 0600
    };
    Control(net::Loop& loop, std::unique_ptr<journal::Journal> journal,
            const journal::JournalStart& start, std::unique_ptr<ContentStore> contents,
            const Settings& settings);
    ~Control();
    Control(const Control&) = delete;
    Control& operator=(const Control&) = delete;

    // Whom to tell that reports may have changed.
    void set_progress(std::function<void()> progress) { progress_ = std::move(progress); }
    // Retention took versions up to `base` out of the journal; `snapshot` stands for them.
    void on_compacted(Version base, const purge::SharedRecord& snapshot, const purge::Digest& state,
                      const purge::Digest& root);
    [[nodiscard]] Links& links() noexcept { return links_; }
    [[nodiscard]] const Hub& hub() const noexcept { return hub_; }
    [[nodiscard]] const PushDesk& pushes() const noexcept { return pushes_; }
    void close();

    void submit(std::vector<journal::Draft> drafts, Submitted done) override;
    void search(journal::Query query, journal::Journal::SearchDone done) override;
    [[nodiscard]] purge::VersionReport report(Version version, bool needs_ack) const override;
    [[nodiscard]] std::vector<purge::EdgeReport> edges() const override;
    [[nodiscard]] purge::EdgeRegistry::RemoveResult remove_edge(std::string_view name,
                                                                bool force) override;
    [[nodiscard]] bool applies_at_once() const noexcept override { return false; }
    [[nodiscard]] purge::JournalId journal_id() const noexcept override { return hub_.journal(); }
    [[nodiscard]] bool durable() const noexcept override { return true; }
    [[nodiscard]] Version mark() const noexcept override { return hub_.mark(); }
    [[nodiscard]] Version base() const noexcept override { return base_; }
    [[nodiscard]] purge::Digest root() const noexcept override { return hub_.root(); }
    [[nodiscard]] std::string read_token(Version version) const override;
    void would_hit(const std::vector<journal::Draft>& drafts, admin::WouldHitDone done) override;
    [[nodiscard]] std::unique_ptr<Upload> begin_upload() override;

  private:
    void keep_edge(const KeepEdge& order) override;
    void drop_edge(const DropEdge& order) override;
    void read_records(const ReadRecords& order) override;
    void mint_journal(const MintJournal& order) override;
    void read_content(const ReadContent& order) override;
    void on_staged(const Staged& staged) override;
    void on_progress() override;
    void offer(const purge::PushOffer& offer) override;
    void withdraw(const purge::ContentDigest& digest) override;
    [[nodiscard]] std::vector<std::string> connected_edges() const override;
    [[nodiscard]] Version push_mark() const override { return mark(); }
    void append_push(journal::Draft draft, Submitted done) override;
    void load_key(const std::string& path);
    void keep_key() const;
    void rotate_key();
    void sign_with_new_key();

    net::Loop& loop_;
    std::unique_ptr<journal::Journal> journal_;
    Version base_;
    Hub hub_;
    Links links_;
    std::unique_ptr<ContentStore> contents_;
    PushDesk pushes_;
    const std::string key_file_;
    const Millis longest_lease_;
    purge::FenceKey signing_key_;
    purge::FenceKey new_key_; // edges have it, or will when they link
    net::Timer rotation_;
    net::Timer signing_;
    std::function<void()> progress_;
};
} // namespace tidemark::origin
