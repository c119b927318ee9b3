#pragma once
#include "admin/authority.hpp"
#include "core/net/loop.hpp"
#include "origin/content/content_store.hpp"
#include "origin/content/pushes.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

// Where a push goes from upload to version: content store, staging on the edges, journal. On the
// control thread.
namespace tidemark::origin
{
// What it needs of the daemon's middle.
class PushOwner
{
  public:
    virtual void offer(const purge::PushOffer& offer) = 0; // Hub::offer, then its actions
    virtual void withdraw(const purge::ContentDigest& digest) = 0;
    [[nodiscard]] virtual std::vector<std::string> connected_edges() const = 0;
    [[nodiscard]] virtual purge::Version push_mark() const = 0; // for as_of
    virtual void append_push(journal::Draft draft, admin::Authority::Submitted done) = 0;

  protected:
    ~PushOwner() = default;
};

struct PushCounters {
    std::uint64_t uploads = 0;
    std::uint64_t refused = 0; // uploads: too large, no space, failed
    std::uint64_t issued = 0;
    std::uint64_t without = 0; // edges that did not have the content in time
};

class PushDesk
{
  public:
    PushDesk(net::Loop& loop, ContentStore& store, const PushSettings& settings, PushOwner& owner);
    ~PushDesk();
    PushDesk(const PushDesk&) = delete;
    PushDesk& operator=(const PushDesk&) = delete;

    // Authority::begin_upload(). The desk outlives it. Null: no room.
    [[nodiscard]] std::unique_ptr<admin::Authority::Upload> begin_upload();
    // HubOwner::on_staged, read_content (then Hub::on_content), and Hub::remove_edge.
    void on_staged(std::string_view edge, const purge::ContentDigest& digest);
    [[nodiscard]] Bytes read_content(const purge::ContentDigest& digest, std::uint64_t offset,
                                     std::size_t bytes_max);
    void on_removed(std::string_view edge);
    // No `done` comes after this.
    void close();

    [[nodiscard]] const PushCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t staging() const noexcept { return pushes_.staging(); }

  private:
    class Upload;
    void on_packed(const Result<StagedContent, ContentError>& content, const std::string& uri,
                   purge::Version as_of, const journal::Draft& draft,
                   const admin::Authority::Submitted& done);
    void perform();
    void perform_one(OfferContent& action);
    void perform_one(IssuePush& action);
    void perform_one(WithdrawContent& action);
    void perform_one(ReleaseContent& action);
    void set_timer();

    net::Loop& loop_;
    ContentStore& store_;
    Pushes pushes_;
    PushOwner& owner_;
    net::Timer timer_;
    std::unordered_map<PushId, admin::Authority::Submitted> waiting_;
    PushCounters counters_;
    bool performing_ = false;
    bool closed_ = false;
};
} // namespace tidemark::origin
