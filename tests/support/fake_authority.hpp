#pragma once
#include "admin/authority.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::support
{
// An authority whose edges are as the test says. What it is asked is kept; the test answers.
class FakeAuthority final : public admin::Authority
{
  public:
    struct Pending {
        std::vector<journal::Draft> drafts;
        Submitted done;
    };
    // Gives the next order versions, as a journal would.
    void accept()
    {
        Pending one = std::move(pending.front());
        pending.erase(pending.begin());
        journal::Appended appended;
        for (std::size_t i = 0; i < one.drafts.size(); ++i)
            appended.drafts.push_back({++mark_, false});
        one.done(std::move(appended));
    }
    void refuse(journal::AppendError error)
    {
        Pending one = std::move(pending.front());
        pending.erase(pending.begin());
        one.done(fail(error));
    }

    void submit(std::vector<journal::Draft> drafts, Submitted done) override
    {
        pending.push_back({std::move(drafts), std::move(done)});
    }
    void search(journal::Query query, journal::Journal::SearchDone done) override
    {
        asked = std::move(query);
        done(found);
    }
    purge::VersionReport report(admin::Version version, bool) const override
    {
        purge::VersionReport report{version, {}};
        for (const auto& [name, applied] : applied_by)
            report.edges.push_back({name,
                                    applied >= version && !lacks.contains({name, version})
                                        ? purge::CleanBy::ack
                                        : purge::CleanBy::nothing,
                                    std::nullopt});
        return report;
    }
    std::vector<purge::EdgeReport> edges() const override
    {
        std::vector<purge::EdgeReport> all(applied_by.size());
        auto into = all.begin();
        for (const auto& [name, applied] : applied_by)
            (into++)->name = name;
        return all;
    }
    purge::EdgeRegistry::RemoveResult remove_edge(std::string_view name, bool force) override
    {
        using Result = purge::EdgeRegistry::RemoveResult;
        if (!applied_by.contains(std::string(name))) return Result::unknown;
        return force ? Result::removed : Result::needs_force;
    }
    bool applies_at_once() const noexcept override { return false; }
    purge::JournalId journal_id() const noexcept override { return 0xA; }
    bool durable() const noexcept override { return true; }
    admin::Version mark() const noexcept override { return mark_; }
    admin::Version base() const noexcept override { return 0; }
    purge::Digest root() const noexcept override { return {}; }
    std::string read_token(admin::Version version) const override
    {
        return "t" + std::to_string(version);
    }
    void would_hit(const std::vector<journal::Draft>&, admin::WouldHitDone done) override
    {
        done(hits);
    }
    std::unique_ptr<Upload> begin_upload() override { return std::make_unique<Kept>(*this); }

    std::vector<Pending> pending;
    std::map<std::string, admin::Version> applied_by;
    std::set<std::pair<std::string, admin::Version>> lacks; // though later ones are applied
    journal::Found found;
    journal::Query asked;
    std::vector<admin::WouldHit> hits = {{"edge", 3, 1000}};
    std::string uploaded;
    std::string uploaded_head;

  private:
    class Kept final : public Upload
    {
      public:
        explicit Kept(FakeAuthority& owner) : owner_(owner) {}
        bool write(ByteView piece) override
        {
            body_ += piece;
            return true;
        }
        void commit(std::string, std::string head, std::optional<admin::Version>,
                    journal::Draft draft, Submitted done) override
        {
            owner_.uploaded = body_;
            owner_.uploaded_head = std::move(head);
            owner_.submit({std::move(draft)}, std::move(done));
        }

      private:
        FakeAuthority& owner_;
        std::string body_;
    };
    admin::Version mark_ = 0;
};
} // namespace tidemark::support
