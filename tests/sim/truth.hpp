#pragma once
#include "purge/message.hpp"
#include "purge/state.hpp"
#include "sim/engine.hpp"
#include "sim/plan.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

// What is true, and known to nobody within the run: what the upstream holds, what every purge made
// old and since when. The checkers compare each answer with it.
namespace tidemark::sim
{
using purge::JournalId;
using purge::Version;
using ObjectId = std::uint32_t;
// A resource's content is a number that rises with each change: older is less.
using Content = std::uint32_t;

struct Object {
    std::string uri;
    std::string host;
    std::string origin;
    std::string prefix;
    std::vector<std::string> tags;
    std::vector<std::uint64_t> tag_hashes;
    Nanos lifetime{}; // freshness
    [[nodiscard]] purge::Subject subject() const { return {uri, tag_hashes}; }
};

// An object, and the oldest of its contents that is right after some purge.
struct Covered {
    ObjectId object = 0;
    Content content = 0;
    bool hard = true;
};

// A purge that a client ordered after it had changed the upstream.
struct Fact {
    JournalId journal = 0;
    Version version = 0;
    std::vector<Covered> covers;
    Instant entered{}; // into the mark
    bool durable = false;
    bool accepted = false; // the client was told the version
    bool done = false;     // the client was told 200
    bool lost = false;     // with a restored backup
};

// For each object the oldest content that may be served: as valid, and at all. (A soft purge allows
// the old one for a while, as stale.)
struct Oldest {
    std::vector<Content> valid;
    std::vector<Content> any;

    explicit Oldest(std::size_t objects = 0) : valid(objects), any(objects) {}
    void raise(std::span<const Covered> covers)
    {
        for (const Covered& one : covers) {
            valid[one.object] = std::max(valid[one.object], one.content);
            if (one.hard) any[one.object] = std::max(any[one.object], one.content);
        }
    }
};

class Truth
{
  public:
    Truth(const Plan& plan, Random random);

    [[nodiscard]] const std::vector<Object>& objects() const { return objects_; }
    [[nodiscard]] Content content(ObjectId object) const { return contents_[object]; }
    void change(ObjectId object) { ++contents_[object]; }

    // What these orders cover, with the contents of now.
    [[nodiscard]] std::vector<Covered> covered_by(const purge::MessageBody& body) const;

    using FactId = std::size_t;
    FactId add(Fact fact);
    [[nodiscard]] Fact& fact(FactId id) { return facts_[id]; }
    [[nodiscard]] const std::vector<Fact>& facts() const { return facts_; }
    // The purge that this message is; nothing: none of a client's. A message's key says it, as two
    // journals of one id, one of them restored, may give a version to different messages.
    [[nodiscard]] const Fact* find(const purge::Message& message) const;
    [[nodiscard]] static std::string key_of(FactId id) { return std::to_string(id); }
    void on_durable(FactId id, JournalId journal, Version version, Instant now);
    void on_done(FactId id);

    // The journal was restored: what it held beyond `mark` is lost. Nobody can know as long as it
    // keeps its id, so until then edges of that id are not held to what was lost.
    void on_restored(JournalId journal, Version mark, bool detected);
    [[nodiscard]] bool in_limbo(JournalId journal) const { return limbo_.count(journal) > 0; }

    // What whoever follows `journal` must not serve any more since clients were told 200.
    [[nodiscard]] const Oldest& promised(JournalId journal) const
    {
        return limbo_.empty() || !in_limbo(journal) ? promised_ : promised_in_limbo_;
    }
    // What entered the mark before `before`.
    [[nodiscard]] Content valid_since(ObjectId object, Instant before, JournalId journal) const;
    // All that is durable or was, up to now.
    [[nodiscard]] Oldest all(bool with_lost) const;

  private:
    std::vector<Object> objects_;
    std::vector<Content> contents_;
    std::vector<Fact> facts_;
    std::map<JournalId, std::map<Version, FactId>> by_name_;
    struct Entry {
        Instant entered;
        Content content;
        FactId fact;
    };
    std::vector<std::vector<Entry>> entries_; // by object, rising
    Oldest promised_;
    Oldest promised_in_limbo_;
    std::map<JournalId, bool> limbo_;
};
} // namespace tidemark::sim
