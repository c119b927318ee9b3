#pragma once
#include "core/base/result.hpp"
#include "purge/compact.hpp"
#include "purge/digest.hpp"
#include "purge/lease.hpp"
#include "purge/message.hpp"
#include "purge/sender.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

// Where versions are made: the durable sequence of messages, which is the audit log too. The
// interface leaves room for a replicated one (a stream whose sequence is the version).
//
// One journal has one id and counts without gaps. Versions up to base() are no longer held one by
// one (they belong to an earlier id, or retention took them): their snapshot stands for them.
// Records of an earlier id stay readable for people (search) as long as retention lets them.
namespace tidemark::journal
{
using purge::JournalId;
using purge::Version;

// A message without what the journal gives it: version, journal, issued_at.
struct Draft {
    std::string site = "*";
    std::string key; // idempotency: a second draft with it gets the first one's version
    std::string actor;
    std::string note;
    purge::MessageBody body;
};

struct DurableRecord {
    Version version = 0;
    purge::SharedRecord record; // purge::encode_message
    std::shared_ptr<const purge::Message> message;
};

enum class AppendError : std::uint8_t {
    no_space, // the disk is full, or too much waits: nothing was taken, nothing is lost; 503
    io,       // the disk fails; 503
    key_used, // the idempotency key stands for another order; 409
    invalid,  // purge::fault_of
    closed,
};
// Versions of the drafts, in their order; `repeated`: known by its key, not appended again.
struct Appended {
    struct One {
        Version version = 0;
        bool repeated = false;
    };
    std::vector<One> drafts;
    std::vector<DurableRecord> records; // the new ones, in order
};

// What a journal is when it begins, or begins anew under another id.
struct JournalStart {
    JournalId id = 0;
    bool durable = false;
    Version base = 0;             // what is not above it is only in the snapshot
    purge::DigestTree tree;       // of all versions up to the mark; last() is the mark
    purge::SharedRecord snapshot; // encode_snapshot() of all up to base; null where base is 0
    purge::Digest snapshot_state; // its CompactState::digest()
    purge::Digest root_at_base;   // of all versions up to base: a tree goes on from it
    std::vector<purge::RegisteredEdge> edges;
    std::vector<std::string> remarks; // what the operator should know: a torn tail, a new id, why
    [[nodiscard]] Version mark() const noexcept { return tree.last(); }
};

// What the audit asks for.
struct Query {
    Version from = 1;                // first version to look at
    Version to = purge::kVersionMax; // last
    std::optional<WallTime> since;
    std::optional<WallTime> until;
    std::optional<purge::Scope> scope;
    std::string selector; // exactly this; "" any
    std::string url;      // messages that cover this URL; "" any
    std::string actor;
    std::string key;
    bool newest_first = false;
    std::size_t limit = 100;
};
struct Found {
    std::vector<purge::Message> messages;
    std::optional<Version> next; // go on from here: there may be more
};

// All calls come from one thread, the owner's; every `done` is called on it, never from inside the
// call, and not after close().
class Journal
{
  public:
    Journal() = default;
    virtual ~Journal() = default;
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    // Makes drafts durable: all or none, consecutive versions, in order of the calls. Drafts that
    // wait together become one transaction (group commit).
    using AppendDone = std::function<void(Result<Appended, AppendError>)>;
    virtual void append(std::vector<Draft> drafts, AppendDone done) = 0;

    // Records first … last as far as they are held, in order, up to about bytes_max, at least one.
    using ReadDone = std::function<void(Result<std::vector<purge::SharedRecord>, AppendError>)>;
    virtual void read(Version first, Version last, std::size_t bytes_max, ReadDone done) = 0;

    using SearchDone = std::function<void(Result<Found, AppendError>)>;
    virtual void search(Query query, SearchDone done) = 0;

    using Done = std::function<void(Result<void, AppendError>)>;
    virtual void put_edge(purge::RegisteredEdge edge, Done done) = 0;
    virtual void drop_edge(std::string name, Done done) = 0;

    // Another id from here on; versions go on above the greater of mark and `above` (an edge heard
    // of that one); everything before is in the snapshot. Done when durable.
    using MintDone = std::function<void(Result<JournalStart, AppendError>)>;
    virtual void mint(Version above, MintDone done) = 0;

    // No call of any `done` after this returns. What was not done is not durable.
    virtual void close() = 0;
};
} // namespace tidemark::journal
