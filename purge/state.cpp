#include "purge/state.hpp"

#include "core/base/check.hpp"
#include "core/base/hash.hpp"
#include "core/sync/slot_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

namespace tidemark::purge
{
namespace
{
constexpr std::uint64_t salt_of(Scope scope) noexcept
{
    return static_cast<std::uint64_t>(scope);
}

// Where the path of "scheme://authority/path" begins (or the query, or the end).
std::size_t path_begin(std::string_view uri) noexcept
{
    const std::size_t scheme = uri.find("://");
    const std::size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
    return std::min(uri.find_first_of("/?", authority), uri.size());
}

std::string_view origin_of(std::string_view uri) noexcept
{
    return uri.substr(0, path_begin(uri));
}

// Without the port; an IPv6 address keeps its brackets.
std::string_view host_of(std::string_view uri) noexcept
{
    std::string_view host = origin_of(uri);
    if (const std::size_t scheme = host.find("://"); scheme != std::string_view::npos)
        host.remove_prefix(scheme + 3);
    const std::size_t port =
        host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
    return host.substr(0, std::min(port, host.size()));
}

// Visits the hash of every prefix of `uri` that ends at a boundary of its path: before and behind
// each '/', before the
// '?' and at the end. One pass: the hash of a prefix is chained from the hash of the one before it.
// `visit` returns false to stop. The last hash visited is that of the whole.
template <class Visit> void each_prefix_hash(std::string_view uri, Visit&& visit)
{
    std::size_t at = path_begin(uri);
    std::uint64_t hash = hash_bytes(uri.substr(0, at), salt_of(Scope::prefix));
    if (!visit(hash)) return;
    const std::size_t query = std::min(uri.find('?', at), uri.size());
    while (at < query) {
        const std::size_t end = std::min({uri.find('/', at + 1), query});
        if (end > at + 1 && !visit(hash_bytes("/", hash))) return;
        hash = hash_bytes(uri.substr(at, end - at), hash);
        if (!visit(hash)) return;
        at = end;
    }
    if (query < uri.size()) visit(hash_bytes(uri.substr(query), hash));
}

std::uint64_t prefix_hash(std::string_view prefix)
{
    std::uint64_t whole = 0;
    each_prefix_hash(prefix, [&](std::uint64_t hash) {
        whole = hash;
        return true;
    });
    return whole;
}

std::uint64_t selector_hash(Scope scope, std::string_view selector)
{
    if (scope == Scope::prefix) return prefix_hash(selector);
    if (scope == Scope::tag) return tag_hash(selector);
    return hash_bytes(selector, salt_of(scope));
}

MonoTime deadline_of(const Invalidation& invalidation, MonoTime now)
{
    constexpr Seconds kLongest{10LL * 365 * 24 * 3600}; // keeps the sum within 64 bits
    return now + std::clamp(invalidation.max_stale, Seconds{0}, kLongest);
}

// The soft part of an entry; version 0: none.
struct Soft {
    std::uint64_t version = 0;
    MonoTime deadline;
    std::uint64_t older_version = 0;
    MonoTime older_deadline;
    friend bool operator==(const Soft&, const Soft&) = default;

    void join(std::uint64_t v, MonoTime d)
    {
        if (v == version) {
            deadline = std::min(deadline, d);
            return;
        }
        if (v > version) {
            std::swap(v, version);
            std::swap(d, deadline);
            if (v == 0) return;
        }
        older_deadline = older_version == 0 ? d : std::min(older_deadline, d);
        older_version = std::max(older_version, v);
    }
    [[nodiscard]] Verdict verdict(std::uint64_t fence_version, MonoTime now) const
    {
        if (version <= fence_version) return Verdict::valid;
        const bool over =
            now >= deadline || (older_version > fence_version && now >= older_deadline);
        return over ? Verdict::must_validate : Verdict::soft_stale;
    }
};

// What is known of one selector from `generation` on. Immutable once that generation is published.
struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t generation = 0;
    // What held before. Freed once nobody reads in an earlier generation, and not looked at in a
    // later one.
    const Entry* before = nullptr;
    std::uint64_t hard = 0;     // version; for a local entry: the local sequence
    std::unique_ptr<Soft> soft; // most entries have none

    [[nodiscard]] std::uint64_t newest() const noexcept
    {
        return soft ? std::max(hard, soft->version) : hard;
    }
};

struct EntryHash {
    std::uint64_t operator()(std::uint64_t word) const noexcept
    {
        return reinterpret_cast<const Entry*>(word)->hash;
    }
};

Entry* entry_of(std::uint64_t word) noexcept
{
    return reinterpret_cast<Entry*>(word);
}
std::uint64_t word_of(const Entry* entry) noexcept
{
    return reinterpret_cast<std::uint64_t>(entry);
}

const Entry* as_of(const Entry* entry, std::uint64_t generation) noexcept
{
    while (entry != nullptr && entry->generation > generation)
        entry = entry->before;
    return entry;
}

void free_entries(void* entries)
{
    const std::unique_ptr<std::vector<Entry*>> all(static_cast<std::vector<Entry*>*>(entries));
    for (Entry* entry : *all)
        delete entry;
}

// Entries by the hash of their selector. Read without locks; written under the state's mutex.
class EntryTable
{
  public:
    explicit EntryTable(sync::EpochDomain& epochs) : epochs_(epochs), table_(epochs) {}
    ~EntryTable()
    {
        table_.each([](std::uint64_t word) { delete entry_of(word); });
    }

    [[nodiscard]] const Entry* find(std::uint64_t hash, std::uint64_t generation) const
    {
        return as_of(newest(hash), generation);
    }
    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

    // Applies `change(Entry&)` to what takes effect in `generation`; `change` returns false if it
    // changes nothing. An entry that was replaced goes to `replaced`.
    template <class Change>
    bool update(std::uint64_t hash, std::uint64_t generation, std::vector<Entry*>& replaced,
                Change&& change)
    {
        Entry* const old = newest(hash);
        // Ours, not published yet: readers follow only its `before`.
        if (old != nullptr && old->generation == generation) return change(*old);

        auto fresh = std::make_unique<Entry>();
        fresh->hash = hash;
        fresh->generation = generation;
        fresh->before = old;
        if (old != nullptr) {
            fresh->hard = old->hard;
            if (old->soft) fresh->soft = std::make_unique<Soft>(*old->soft);
        }
        if (!change(*fresh)) return false;
        if (old == nullptr)
            table_.insert(hash, word_of(fresh.release()));
        else {
            table_.replace(hash, word_of(old), word_of(fresh.release()));
            replaced.push_back(old);
        }
        return true;
    }

    // Drops what has nothing newer than `version`.
    void drop_up_to(std::uint64_t version)
    {
        auto dropped = std::make_unique<std::vector<Entry*>>();
        table_.each([&](std::uint64_t word) {
            if (entry_of(word)->newest() <= version) dropped->push_back(entry_of(word));
        });
        if (dropped->empty()) return;
        for (const Entry* entry : *dropped)
            table_.erase(entry->hash, word_of(entry));
        epochs_.retire(dropped.release(), free_entries);
    }

    // The version with half of the entries at or below it; 0 if there are none.
    [[nodiscard]] std::uint64_t median() const
    {
        if (table_.size() == 0) return 0;
        std::vector<std::uint64_t> versions;
        versions.reserve(table_.size());
        table_.each([&](std::uint64_t word) { versions.push_back(entry_of(word)->newest()); });
        const auto middle = versions.begin() + static_cast<std::ptrdiff_t>(versions.size() / 2);
        std::nth_element(versions.begin(), middle, versions.end());
        return *middle;
    }

  private:
    [[nodiscard]] Entry* newest(std::uint64_t hash) const
    {
        return entry_of(
            table_.find(hash, [&](std::uint64_t word) { return entry_of(word)->hash == hash; }));
    }

    sync::EpochDomain& epochs_;
    sync::SlotTable<EntryHash> table_;
};

Verdict stricter(Verdict a, Verdict b) noexcept
{
    return std::max(a, b);
}
static_assert(Verdict::valid < Verdict::soft_stale &&
              Verdict::soft_stale < Verdict::must_validate &&
              Verdict::must_validate < Verdict::removed);
} // namespace

std::uint64_t tag_hash(std::string_view tag) noexcept
{
    return hash_bytes(tag, salt_of(Scope::tag));
}

struct InvalidationState::Impl {
    Impl(sync::EpochDomain& e, const StateLimits& l) : epochs(e), limits(l), versions(e), locals(e)
    {
    }
    ~Impl() { delete soft_all.load(std::memory_order_relaxed); }

    // What is being applied: its generation, and what to free once that is published.
    struct Application {
        std::uint64_t generation;
        bool changed = false;
        std::uint64_t hard_all = 0; // absorbs every older entry
        std::vector<Entry*> replaced;
    };
    [[nodiscard]] Application begin() const
    {
        return {generation.load(std::memory_order_relaxed) + 1, false, 0, {}};
    }
    void publish(Application& application);
    void add(const Invalidation& invalidation, MonoTime now, Application& application);
    void add_hard_all(std::uint64_t version, Application& application);
    void add_soft_all(const Invalidation& invalidation, MonoTime now, Application& application);
    void add_entry(const Invalidation& invalidation, MonoTime now, Application& application);
    void apply(std::span<const Invalidation> barrier, MonoTime now);
    void raise_floor(const Fence& to);
    void keep_within_limits();
    [[nodiscard]] std::size_t entries() const { return versions.size() + locals.size(); }

    [[nodiscard]] bool has(Scope scope) const noexcept
    {
        return present[salt_of(scope)].load(std::memory_order_relaxed);
    }
    // One question to the tables: of `fence`, at `now`, in `generation`.
    struct Question {
        const Subject& subject;
        const Fence& fence;
        MonoTime now;
        std::uint64_t generation;
    };
    [[nodiscard]] Verdict by_selectors(const Question& question) const;

    sync::EpochDomain& epochs;
    const StateLimits limits;
    std::mutex mutex; // writers

    std::atomic<std::uint64_t> generation{1};
    std::atomic<std::uint64_t> version{0};
    std::atomic<std::uint64_t> local{0};
    std::atomic<std::uint64_t> floor_version{0};
    std::atomic<std::uint64_t> floor_local{0};
    std::atomic<std::uint64_t> hard_all{0};
    std::atomic<Entry*> soft_all{nullptr};
    std::atomic<std::size_t> entry_count{0};
    std::atomic<std::uint64_t> forced_floor_raises{0};
    // Was there ever an entry of this scope? Saves the lookups for those that a site does not use.
    std::array<std::atomic<bool>, 8> present{};
    EntryTable versions;
    EntryTable locals; // by URL, with local sequences
};

void InvalidationState::Impl::add_hard_all(std::uint64_t v, Application& application)
{
    if (v <= hard_all.load(std::memory_order_relaxed)) return;
    hard_all.store(v, std::memory_order_release);
    application.hard_all = v;
    application.changed = true;
}

void InvalidationState::Impl::add_soft_all(const Invalidation& invalidation, MonoTime now,
                                           Application& application)
{
    Entry* const old = soft_all.load(std::memory_order_relaxed);
    Soft soft = old == nullptr ? Soft{} : *old->soft;
    const Soft before = soft;
    soft.join(invalidation.version, deadline_of(invalidation, now));
    if (soft == before) return;
    application.changed = true;
    if (old != nullptr && old->generation == application.generation) {
        *old->soft = soft;
        return;
    }
    auto fresh = std::make_unique<Entry>();
    fresh->generation = application.generation;
    fresh->before = old;
    fresh->soft = std::make_unique<Soft>(soft);
    soft_all.store(fresh.release(), std::memory_order_release);
    if (old != nullptr) application.replaced.push_back(old);
}

void InvalidationState::Impl::add_entry(const Invalidation& invalidation, MonoTime now,
                                        Application& application)
{
    const std::uint64_t v = invalidation.version;
    const auto change = [&](Entry& entry) {
        if (invalidation.mode == Mode::hard) {
            if (v <= entry.hard) return false;
            entry.hard = v;
            return true;
        }
        Soft soft = entry.soft ? *entry.soft : Soft{};
        const Soft before = soft;
        soft.join(v, deadline_of(invalidation, now));
        if (soft == before) return false;
        entry.soft = std::make_unique<Soft>(soft);
        return true;
    };
    present[salt_of(invalidation.scope)].store(true, std::memory_order_relaxed);
    const std::uint64_t hash = selector_hash(invalidation.scope, invalidation.selector);
    if (versions.update(hash, application.generation, application.replaced, change))
        application.changed = true;
}

void InvalidationState::Impl::add(const Invalidation& invalidation, MonoTime now,
                                  Application& application)
{
    TIDEMARK_CHECK(invalidation.scope != Scope::pattern);
    const std::uint64_t v = invalidation.version;
    if (v > version.load(std::memory_order_relaxed)) version.store(v, std::memory_order_release);
    if (invalidation.scope == Scope::all && invalidation.mode == Mode::hard)
        return add_hard_all(v, application);
    // Below the floor, or below a hard `all`: whatever it could invalidate is judged by that
    // already.
    if (v <= floor_version.load(std::memory_order_relaxed) ||
        v <= hard_all.load(std::memory_order_relaxed))
        return;
    if (invalidation.scope == Scope::all) return add_soft_all(invalidation, now, application);
    add_entry(invalidation, now, application);
}

void InvalidationState::Impl::publish(Application& application)
{
    entry_count.store(entries(), std::memory_order_relaxed);
    if (!application.changed) return;
    generation.store(application.generation, std::memory_order_release);
    if (!application.replaced.empty()) {
        auto replaced = std::make_unique<std::vector<Entry*>>(std::move(application.replaced));
        epochs.retire(replaced.release(), free_entries);
    }
    if (application.hard_all == 0) return;
    versions.drop_up_to(
        application.hard_all); // hard_all stands: readers look at it behind the table
    entry_count.store(entries(), std::memory_order_relaxed);
}

void InvalidationState::Impl::apply(std::span<const Invalidation> barrier, MonoTime now)
{
    Application application = begin();
    for (const Invalidation& invalidation : barrier)
        add(invalidation, now, application);
    publish(application);
    keep_within_limits();
}

void InvalidationState::Impl::raise_floor(const Fence& to)
{
    const Fence from{floor_version.load(std::memory_order_relaxed),
                     floor_local.load(std::memory_order_relaxed)};
    if (to.version <= from.version && to.local <= from.local) return;
    // Whoever names a floor has heard of it; a fetch that is sent from now on stands above.
    if (to.version > version.load(std::memory_order_relaxed))
        version.store(to.version, std::memory_order_release);
    if (to.local > local.load(std::memory_order_relaxed))
        local.store(to.local, std::memory_order_release);
    // The floor first, then the drop: a reader looks at it behind the tables.
    if (to.version > from.version) {
        floor_version.store(to.version, std::memory_order_release);
        versions.drop_up_to(to.version);
    }
    if (to.local > from.local) {
        floor_local.store(to.local, std::memory_order_release);
        locals.drop_up_to(to.local);
    }
    Application application = begin();
    application.changed = true;
    publish(application);
}

void InvalidationState::Impl::keep_within_limits()
{
    if (entries() <= limits.entries) return;
    forced_floor_raises.fetch_add(1, std::memory_order_relaxed);
    raise_floor({versions.median(), locals.median()});
}

Verdict InvalidationState::Impl::by_selectors(const Question& question) const
{
    const std::string_view uri = question.subject.uri;
    const std::uint64_t fence_version = question.fence.version;
    // What is hard but not above the floor may or may not have been dropped yet: the floor speaks
    // for it.
    const std::uint64_t above =
        std::max(fence_version, floor_version.load(std::memory_order_acquire));
    Verdict worst = Verdict::valid;
    // True to go on.
    const auto ask = [&](std::uint64_t hash) {
        const Entry* entry = versions.find(hash, question.generation);
        if (entry == nullptr) return true;
        if (entry->hard > above)
            worst = Verdict::removed;
        else if (entry->soft)
            worst = stricter(worst, entry->soft->verdict(fence_version, question.now));
        return worst != Verdict::removed;
    };
    const std::uint64_t url = selector_hash(Scope::url, uri);
    const Entry* by_us = locals.find(url, question.generation);
    if (by_us != nullptr && by_us->hard > question.fence.local) return Verdict::removed;
    if (has(Scope::url) && !ask(url)) return worst;
    if (has(Scope::tag))
        for (const std::uint64_t tag : question.subject.tags)
            if (!ask(tag)) return worst;
    if (has(Scope::host) && !ask(selector_hash(Scope::host, host_of(uri)))) return worst;
    if (has(Scope::origin) && !ask(selector_hash(Scope::origin, origin_of(uri)))) return worst;
    if (has(Scope::prefix)) each_prefix_hash(uri, ask);
    const Entry* all = as_of(soft_all.load(std::memory_order_acquire), question.generation);
    if (all != nullptr) worst = stricter(worst, all->soft->verdict(fence_version, question.now));
    return worst;
}

InvalidationState::InvalidationState(sync::EpochDomain& epochs, const StateLimits& limits)
    : impl_(std::make_unique<Impl>(epochs, limits))
{
}
InvalidationState::~InvalidationState() = default;

Fence InvalidationState::fence() const noexcept
{
    return {impl_->version.load(std::memory_order_acquire),
            impl_->local.load(std::memory_order_acquire)};
}

std::uint64_t InvalidationState::generation() const noexcept
{
    return impl_->generation.load(std::memory_order_acquire);
}

void InvalidationState::apply(const Invalidation& invalidation, MonoTime now)
{
    apply(std::span(&invalidation, 1), now);
}

void InvalidationState::apply(std::span<const Invalidation> barrier, MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->apply(barrier, now);
}

std::uint64_t InvalidationState::apply_next(std::span<Invalidation> barrier, MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t next = impl_->version.load(std::memory_order_relaxed) + 1;
    for (Invalidation& invalidation : barrier)
        invalidation.version = next;
    impl_->version.store(next, std::memory_order_release);
    impl_->apply(barrier, now);
    return next;
}

void InvalidationState::apply_local(std::string_view uri)
{
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t sequence = impl_->local.load(std::memory_order_relaxed) + 1;
    impl_->local.store(sequence, std::memory_order_release);
    Impl::Application application = impl_->begin();
    application.changed =
        impl_->locals.update(selector_hash(Scope::url, uri), application.generation,
                             application.replaced, [&](Entry& entry) {
                                 entry.hard = sequence;
                                 return true;
                             });
    impl_->publish(application);
    impl_->keep_within_limits();
}

Verdict InvalidationState::verdict(const Subject& subject, const Fence& fence, MonoTime now) const
{
    return verdict(subject, fence, now, generation());
}

Verdict InvalidationState::verdict(const Subject& subject, const Fence& fence, MonoTime now,
                                   std::uint64_t at, std::uint64_t /*verified_generation*/) const
{
    const Verdict worst = impl_->by_selectors({subject, fence, now, at});
    // Last, because what these two absorb is dropped from the tables after they have risen.
    if (impl_->hard_all.load(std::memory_order_acquire) > fence.version) return Verdict::removed;
    const bool below_floor = fence.version < impl_->floor_version.load(std::memory_order_acquire) ||
                             fence.local < impl_->floor_local.load(std::memory_order_acquire);
    return below_floor ? stricter(worst, Verdict::must_validate) : worst;
}

void InvalidationState::raise_floor(const Fence& floor)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->raise_floor(floor);
}

Fence InvalidationState::floor() const noexcept
{
    return {impl_->floor_version.load(std::memory_order_acquire),
            impl_->floor_local.load(std::memory_order_acquire)};
}

std::size_t InvalidationState::entries() const noexcept
{
    return impl_->entry_count.load(std::memory_order_relaxed);
}

std::uint64_t InvalidationState::forced_floor_raises() const noexcept
{
    return impl_->forced_floor_raises.load(std::memory_order_relaxed);
}
} // namespace tidemark::purge
