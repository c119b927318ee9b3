#include "journal/memory_journal.hpp"

#include "core/base/hash.hpp"
#include "journal/audit.hpp"
#include "journal/order_digest.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace tidemark::journal
{
namespace
{
class MemoryJournal final : public Journal
{
  public:
    MemoryJournal(net::Loop& loop, MemoryOptions options)
        : loop_(loop), options_(std::move(options)), id_(options_.id)
    {
        answered_ = std::make_unique<net::Wakeup>(loop, [this] { deliver(); });
    }
    ~MemoryJournal() override { MemoryJournal::close(); }

    void append(std::vector<Draft> drafts, AppendDone done) override
    {
        auto result = add(std::move(drafts));
        answer([done = std::move(done), result = std::move(result)] { done(result); });
        shorten();
    }
    void read(Version first, Version last, std::size_t bytes_max, ReadDone done) override;
    void search(Query query, SearchDone done) override;
    void put_edge(purge::RegisteredEdge edge, Done done) override
    {
        edges_.insert_or_assign(edge.name, edge);
        answer([done = std::move(done)] { done({}); });
    }
    void drop_edge(std::string name, Done done) override
    {
        edges_.erase(name);
        answer([done = std::move(done)] { done({}); });
    }
    void mint(Version above, MintDone done) override;
    void close() override
    {
        answered_.reset();
        answers_.clear();
    }

  private:
    struct Known {
        Version version = 0;
        purge::Digest order;
    };
    [[nodiscard]] Version mark() const { return base_ + records_.size(); }
    [[nodiscard]] Result<Appended, AppendError> add(std::vector<Draft> drafts);
    [[nodiscard]] Result<void, AppendError> take(Draft&& draft, Appended& appended);
    void undo_from(Version first);
    void shorten();
    void absorb(const DurableRecord& record);
    void answer(std::function<void()> call);
    void deliver();

    net::Loop& loop_;
    MemoryOptions options_;
    JournalId id_;
    Version base_ = 0;
    purge::Digest root_at_base_;
    Compaction compaction_; // at the base
    std::set<Version> undone_;
    std::deque<DurableRecord> records_; // base_ + 1 …
    std::unordered_map<std::string, Known> keys_;
    std::map<std::string, purge::RegisteredEdge> edges_;
    std::unique_ptr<net::Wakeup> answered_;
    std::deque<std::function<void()>> answers_;
};

void MemoryJournal::answer(std::function<void()> call)
{
    if (!answered_) return;
    answers_.push_back(std::move(call));
    answered_->signal();
}

void MemoryJournal::deliver()
{
    std::deque<std::function<void()>> now;
    now.swap(answers_);
    for (const auto& call : now) {
        if (!answered_) return;
        call();
    }
}

Result<void, AppendError> MemoryJournal::take(Draft&& draft, Appended& appended)
{
    const purge::Digest order = order_digest(draft.site, draft.body);
    const auto known = draft.key.empty() ? keys_.end() : keys_.find(draft.key);
    if (known != keys_.end()) {
        if (known->second.order != order) return fail(AppendError::key_used);
        appended.drafts.push_back({known->second.version, true});
        return {};
    }
    const auto undone = undone_by(draft.body);
    auto message = std::make_shared<purge::Message>();
    message->version = mark() + 1;
    message->journal = id_;
    message->issued_at = loop_.wall();
    message->site = std::move(draft.site);
    message->key = std::move(draft.key);
    message->actor = std::move(draft.actor);
    message->note = std::move(draft.note);
    message->body = std::move(draft.body);
    if (purge::fault_of(*message) || (undone && *undone <= base_))
        return fail(AppendError::invalid);
    auto record = std::make_shared<Bytes>();
    purge::encode_message(*message, *record);
    if (!message->key.empty()) keys_.emplace(message->key, Known{message->version, order});
    if (undone) undone_.insert(*undone);
    appended.drafts.push_back({message->version, false});
    records_.push_back({message->version, std::move(record), std::move(message)});
    appended.records.push_back(records_.back());
    return {};
}

// Takes back what was added since.
void MemoryJournal::undo_from(Version first)
{
    while (mark() >= first) {
        const purge::Message& last = *records_.back().message;
        if (!last.key.empty()) keys_.erase(last.key);
        if (const auto undone = undone_by(last.body)) undone_.erase(*undone);
        records_.pop_back();
    }
}

Result<Appended, AppendError> MemoryJournal::add(std::vector<Draft> drafts)
{
    Appended appended;
    const Version first = mark() + 1;
    for (Draft& draft : drafts) {
        if (auto taken = take(std::move(draft), appended); !taken) {
            undo_from(first);
            return fail(taken.error());
        }
    }
    return appended;
}

void MemoryJournal::absorb(const DurableRecord& record)
{
    compaction_.add(*record.message, undone_);
    root_at_base_ += purge::digest_of(*record.record);
    base_ = record.version;
    undone_.erase(record.version);
    const auto key = keys_.find(record.message->key);
    if (key != keys_.end() && key->second.version == record.version) keys_.erase(key);
}

// An eighth at a time, so that the snapshot is written seldom.
void MemoryJournal::shorten()
{
    if (records_.size() <= options_.records_max + options_.records_max / 8) return;
    while (records_.size() > options_.records_max) {
        absorb(records_.front());
        records_.pop_front();
    }
    if (!options_.on_compacted) return;
    answer([this, base = base_, snapshot = compaction_.snapshot(),
            state = compaction_.state().digest(),
            root = root_at_base_] { options_.on_compacted(base, snapshot, state, root); });
}

void MemoryJournal::read(Version first, Version last, std::size_t bytes_max, ReadDone done)
{
    std::vector<purge::SharedRecord> found;
    std::size_t bytes = 0;
    for (Version next = std::max(first, base_ + 1);
         next <= std::min(last, mark()) && (found.empty() || bytes < bytes_max); ++next) {
        found.push_back(records_[static_cast<std::size_t>(next - base_ - 1)].record);
        bytes += found.back()->size();
    }
    answer([done = std::move(done), found = std::move(found)] { done(found); });
}

void MemoryJournal::search(Query query, SearchDone done)
{
    Found found;
    const Version first = std::max(query.from, base_ + 1);
    const Version last = std::min(query.to, mark());
    for (Version i = 0; first + i <= last; ++i) {
        const Version version = query.newest_first ? last - i : first + i;
        if (found.messages.size() >= query.limit) {
            found.next = version;
            break;
        }
        const auto& record = records_[static_cast<std::size_t>(version - base_ - 1)];
        if (matches(query, *record.message)) found.messages.push_back(*record.message);
    }
    answer([done = std::move(done), found = std::move(found)] { done(found); });
}

void MemoryJournal::mint(Version above, MintDone done)
{
    if (above > purge::kVersionMax)
        return answer([done = std::move(done)] { done(fail(AppendError::invalid)); });
    for (const DurableRecord& record : records_)
        absorb(record);
    records_.clear();
    undone_.clear();
    base_ = std::max(base_, above);
    root_at_base_ = {};
    compaction_.reach(base_);
    // Without a source of randomness of its own: as good as drawn for whoever does not know the
    // process's seed.
    const JournalId before = id_;
    for (std::uint64_t salt = above; id_ == before || id_ == 0; ++salt)
        id_ = hash_bytes("journal id", before ^ salt);
    JournalStart start;
    start.id = id_;
    start.base = base_;
    start.tree = purge::DigestTree(base_, {});
    if (base_ > 0) start.snapshot = compaction_.snapshot();
    start.snapshot_state = compaction_.state().digest();
    for (const auto& [name, edge] : edges_)
        start.edges.push_back(edge);
    answer([done = std::move(done), start = std::move(start)] { done(start); });
}
} // namespace

OpenedInMemory open_in_memory(net::Loop& loop, MemoryOptions options)
{
    JournalStart start;
    start.id = options.id;
    return {std::make_unique<MemoryJournal>(loop, std::move(options)), std::move(start)};
}
} // namespace tidemark::journal
