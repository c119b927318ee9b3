#pragma once
#include "admin/dry_run.hpp"
#include "journal/journal.hpp"
#include "purge/lease.hpp"
#include "purge/report.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

// Who makes versions and knows how far they have come: the origin daemon, or a standalone edge.
// What the admin API asks of either. All on the control thread.
namespace tidemark::admin
{
using purge::Version;

class Authority
{
  public:
    // Makes the orders durable and passes them on. `done` is never called from inside the call.
    using Submitted = std::function<void(Result<journal::Appended, journal::AppendError>)>;
    virtual void submit(std::vector<journal::Draft> drafts, Submitted done) = 0;
    virtual void search(journal::Query query, journal::Journal::SearchDone done) = 0;

    // `needs_ack`: only acknowledgements prove it (erased bytes).
    [[nodiscard]] virtual purge::VersionReport report(Version version, bool needs_ack) const = 0;
    [[nodiscard]] virtual std::vector<purge::EdgeReport> edges() const = 0;
    [[nodiscard]] virtual purge::EdgeRegistry::RemoveResult remove_edge(std::string_view name,
                                                                        bool force) = 0;
    // Is it called once a version is applied wherever that is the authority's own affair? A
    // standalone edge answers 200 without having been asked to wait.
    [[nodiscard]] virtual bool applies_at_once() const noexcept = 0;
    [[nodiscard]] virtual purge::JournalId journal_id() const noexcept = 0;
    [[nodiscard]] virtual bool durable() const noexcept = 0;
    [[nodiscard]] virtual Version mark() const noexcept = 0;
    [[nodiscard]] virtual Version base() const noexcept = 0;
    [[nodiscard]] virtual purge::Digest root() const noexcept = 0;
    // For a client that wants to read what it purged: opaque, with a MAC.
    [[nodiscard]] virtual std::string read_token(Version version) const = 0;
    // What such an order would hit at the edges that this can tell of.
    virtual void would_hit(const std::vector<journal::Draft>& drafts, WouldHitDone done) = 0;

    // Content for a push: written in pieces, durable and digested at commit().
    class Upload
    {
      public:
        virtual ~Upload() = default; // without commit(): nothing was kept
        // False: why() says it; nothing but destruction is of use then.
        [[nodiscard]] virtual bool write(ByteView piece) = 0;
        enum class Fault : std::uint8_t { none, too_large, no_space, io };
        [[nodiscard]] virtual Fault why() const noexcept { return Fault::io; }
        // Stages it on the edges, then issues its version. `head`: "Name: value\r\n" lines.
        virtual void commit(std::string uri, std::string head, std::optional<Version> as_of,
                            journal::Draft draft, Submitted done) = 0;
    };
    // Null: pushes are not possible here.
    [[nodiscard]] virtual std::unique_ptr<Upload> begin_upload() = 0;

  protected:
    ~Authority() = default;
};
} // namespace tidemark::admin
