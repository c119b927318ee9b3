#include "purge/state.hpp"

#include "core/base/check.hpp"
#include "purge/entry_table.hpp"
#include "purge/fence_caps.hpp"
#include "purge/pattern_list.hpp"
#include "purge/recent_orders.hpp"
#include "purge/selector.hpp"
#include "purge/soft.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace tidemark::purge
{
namespace
{
// How many entries one call looks at for dropping, under the mutex: at once, once a second, and
// with every order while some are left.
constexpr std::size_t kFirstDropSlice = 4096;
constexpr std::size_t kAgeDropSlice = 16'384;
constexpr std::size_t kOrderDropSlice = 32;
// How many orders one age() collapses.
constexpr std::size_t kAgeSlice = 65'536;
// How far back a repeated order is looked for. One that is not found is remembered twice, which
// costs memory and nothing else.
constexpr int kRepetitionDepth = 64;

// An order as the tables take it.
struct Order {
    Scope scope;
    Mode mode;
    std::uint64_t hash;
    std::uint64_t site;
    std::uint64_t version;
    MonoTime deadline; // of a soft one
    Pattern pattern;
};

std::uint64_t site_of(const Invalidation& invalidation)
{
    return is_per_site(invalidation.scope) ? site_hash(invalidation.site) : 0;
}

MonoTime deadline_of(const Invalidation& invalidation, MonoTime now)
{
    constexpr Seconds kLongest{10LL * 365 * 24 * 3600}; // keeps the sum within 64 bits
    return now + std::clamp(invalidation.max_stale, Seconds{0}, kLongest);
}

std::uint32_t second_of(MonoTime now)
{
    const auto seconds = std::chrono::floor<Seconds>(now.time_since_epoch()).count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

// What is ordered of one selector, taken together.
struct Marks {
    std::uint64_t hard = 0;
    Soft soft; // version 0: none

    static Marks of(const Entry& entry) { return {entry.hard, entry.soft ? *entry.soft : Soft{}}; }
    static Marks before(const RecentOrders::Order& order)
    {
        return {order.hard_before, order.soft ? order.soft->before : Soft{}};
    }
    void join(const RecentOrders::Order& order)
    {
        if (order.mode == Mode::hard)
            hard = std::max(hard, order.version);
        else
            soft.join(order.version, order.soft->deadline);
    }
    void store(Entry& entry) const
    {
        entry.hard = hard;
        entry.soft = soft.version == 0 ? nullptr : std::make_unique<Soft>(soft);
    }
    friend bool operator==(const Marks&, const Marks&) = default;
};

void raise(std::atomic<std::uint64_t>& to_raise, std::uint64_t to)
{
    std::uint64_t now = to_raise.load(std::memory_order_relaxed);
    while (now < to && !to_raise.compare_exchange_weak(now, to, std::memory_order_acq_rel,
                                                       std::memory_order_relaxed)) {
    }
}

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

std::uint64_t site_hash(std::string_view label) noexcept
{
    if (label.empty() || label == "*") return 0;
    constexpr std::uint64_t kSiteSalt = 0x73697465; // no scope's
    const std::uint64_t hash = hash_bytes(label, kSiteSalt);
    return hash == 0 ? 1 : hash;
}

struct InvalidationState::Impl {
    Impl(sync::EpochDomain& e, const StateLimits& l)
        : epochs(e), limits(l), patterns(e), versions(e), locals(e)
    {
    }
    ~Impl() { delete caps.load(std::memory_order_relaxed); }

    // What is being applied: its generation, and what to free once that is published.
    struct Application {
        std::uint64_t generation;
        bool changed = false;
        std::vector<Entry*> replaced;
    };
    [[nodiscard]] Application begin() const
    {
        return {generation.load(std::memory_order_relaxed) + 1, false, {}};
    }
    void publish(Application& application);

    void apply(std::span<const Invalidation> barrier, std::span<const Pattern> compiled,
               MonoTime now);
    void add(const Invalidation& invalidation, const Pattern& pattern, MonoTime now,
             Application& application);
    void add_order(const Order& order, Application& application);
    void note(const Order& order);

    void remember(const Order& order, Entry& entry);
    [[nodiscard]] bool is_repetition(const Order& order, const Entry& entry);
    void collapse_oldest();
    void collapse_hard_all();
    void rebuild(std::uint64_t hash, Application& application);
    bool undo(std::uint64_t version);

    void raise_floor(const Fence& to);
    void raise_floor_version(std::uint64_t to);
    [[nodiscard]] bool is_covered(const PatternList::Item& item, std::uint64_t by) const;
    void drop_covered();
    [[nodiscard]] std::uint64_t newest_hard_all_up_to(std::uint64_t version);
    void drop_some(std::size_t entries);
    void keep_within_limits();
    void keep_patterns_within_limits();
    void count();
    void publish_caps(const FenceCaps& fresh);
    void reset();
    [[nodiscard]] std::size_t entries() const { return versions.size() + locals.size(); }

    // Was there ever an entry of this scope, for every site or for a single one? Saves the lookups
    // for those that nobody uses.
    [[nodiscard]] std::atomic<bool>& present_flag(Scope scope, bool of_one_site) noexcept
    {
        return present[salt_of(scope) + (of_one_site ? 8 : 0)];
    }
    [[nodiscard]] bool has(Scope scope, bool of_one_site = false) const noexcept
    {
        return present[salt_of(scope) + (of_one_site ? 8 : 0)].load(std::memory_order_relaxed);
    }
    // One question to the tables: of `fence` (capped), at `now`, in `generation`.
    struct Question {
        const Subject& subject;
        Fence fence;
        MonoTime now;
        std::uint64_t generation;
        std::uint64_t verified_generation;
    };
    // What one reader finds, selector by selector.
    struct Finding {
        const Impl& impl;
        const Question& question;
        std::uint64_t above;
        Verdict worst = Verdict::valid;
        bool ask(std::uint64_t hash); // true: go on
    };
    [[nodiscard]] Verdict by_selectors(const Question& question) const;
    [[nodiscard]] bool ask_tags(Finding& finding) const;
    [[nodiscard]] bool ask_site(Finding& finding) const;
    void ask_patterns(Finding& finding) const;

    sync::EpochDomain& epochs;
    const StateLimits limits;
    const std::uint64_t all_hash = selector_hash(Scope::all, {});
    std::mutex mutex; // writers

    std::atomic<std::uint64_t> generation{1};
    std::atomic<std::uint64_t> version{0}; // heard of
    std::atomic<std::uint64_t> local{0};
    std::atomic<std::uint64_t> floor_version{0};
    std::atomic<std::uint64_t> floor_local{0};
    std::atomic<std::uint64_t> hard_all{0}; // the greatest that has collapsed
    // The greatest versions of site-limited orders, for subjects of an unknown site.
    std::atomic<std::uint64_t> site_tags{0};
    std::atomic<std::uint64_t> site_alls{0};
    std::atomic<const FenceCaps*> caps{nullptr};
    std::array<std::atomic<bool>, 16> present{};
    PatternList patterns;
    EntryTable versions;
    EntryTable locals; // by URL, with local sequences

    // The writer's alone.
    RecentOrders recent;
    std::set<std::uint64_t> undone;
    std::uint64_t collapsed_through = 0; // the greatest version that can no longer be undone
    std::uint32_t second = 0;            // now; never runs backwards

    std::atomic<std::size_t> entry_count{0};
    std::atomic<std::size_t> pattern_count{0};
    std::atomic<std::size_t> recent_count{0};
    std::atomic<std::uint64_t> forced_floor_raises{0};
    std::atomic<std::uint64_t> bad_patterns{0};
};

// ---- Applying

void InvalidationState::Impl::apply(std::span<const Invalidation> barrier,
                                    std::span<const Pattern> compiled, MonoTime now)
{
    second = std::max(second, second_of(now));
    Application application = begin();
    std::size_t next_pattern = 0;
    for (const Invalidation& invalidation : barrier) {
        const bool is_pattern = invalidation.scope == Scope::pattern;
        add(invalidation, is_pattern ? compiled[next_pattern++] : nullptr, now, application);
    }
    publish(application);
    keep_within_limits();
}

void InvalidationState::Impl::add(const Invalidation& invalidation, const Pattern& pattern,
                                  MonoTime now, Application& application)
{
    const std::uint64_t v = invalidation.version;
    raise(version, v);
    if (!undone.empty() && undone.contains(v)) return;
    // Below a hard `all`: whatever it could invalidate is judged by that already.
    if (v <= hard_all.load(std::memory_order_relaxed)) return;
    const std::uint64_t site = site_of(invalidation);
    if (v <= floor_version.load(std::memory_order_relaxed)) {
        // The floor speaks for it, but for a hard `all`, which says more.
        if (invalidation.scope != Scope::all || invalidation.mode != Mode::hard || site != 0)
            return;
        hard_all.store(v, std::memory_order_release);
        application.changed = true;
        return;
    }
    if (invalidation.scope == Scope::pattern && pattern == nullptr) {
        bad_patterns.fetch_add(1, std::memory_order_relaxed);
        raise_floor_version(v);
        application.changed = true;
        return;
    }
    add_order({invalidation.scope, invalidation.mode,
               selector_hash(invalidation.scope, invalidation.selector, site), site, v,
               deadline_of(invalidation, now), pattern},
              application);
}

void InvalidationState::Impl::add_order(const Order& order, Application& application)
{
    Entry* const old = versions.newest(order.hash);
    const Marks before = old == nullptr ? Marks{} : Marks::of(*old);
    Marks after = before;
    if (order.mode == Mode::hard)
        after.hard = std::max(after.hard, order.version);
    else
        after.soft.join(order.version, order.deadline);
    if (after == before) {
        // Behind what stands there. Only an undo can bring it out.
        if (!is_repetition(order, *old)) remember(order, *old);
        return;
    }
    Entry& entry = versions.open(order.hash, old, application.generation, application.replaced);
    remember(order, entry);
    entry.hard = after.hard;
    if (order.mode == Mode::soft) entry.soft = std::make_unique<Soft>(after.soft);
    application.changed = true;
    note(order);
    if (order.scope == Scope::pattern)
        patterns.put({order.pattern, order.hash, order.site, application.generation},
                     application.generation);
}

// For the readers' short cuts.
void InvalidationState::Impl::note(const Order& order)
{
    std::atomic<bool>& flag = present_flag(order.scope, order.site != 0);
    if (!flag.load(std::memory_order_relaxed)) flag.store(true, std::memory_order_relaxed);
    if (order.site == 0) return;
    if (order.scope == Scope::tag) raise(site_tags, order.version);
    if (order.scope == Scope::all) raise(site_alls, order.version);
}

void InvalidationState::Impl::publish(Application& application)
{
    count();
    if (!application.changed) return;
    generation.store(application.generation, std::memory_order_release);
    versions.retire(std::move(application.replaced));
    patterns.retire_superseded();
}

void InvalidationState::Impl::count()
{
    entry_count.store(entries(), std::memory_order_relaxed);
    pattern_count.store(patterns.size(), std::memory_order_relaxed);
    recent_count.store(recent.size(), std::memory_order_relaxed);
}

// ---- Undoing

// Before `order` is joined to `entry`.
void InvalidationState::Impl::remember(const Order& order, Entry& entry)
{
    std::unique_ptr<RecentOrders::SoftPart> soft;
    if (order.mode == Mode::soft || entry.soft)
        soft = std::make_unique<RecentOrders::SoftPart>(
            RecentOrders::SoftPart{order.deadline, entry.soft ? *entry.soft : Soft{}});
    entry.last_order = recent.push({order.version, order.hash, entry.last_order, entry.hard,
                                    std::move(soft), second, order.mode, false});
    while (recent.size() > limits.undo_entries)
        collapse_oldest();
}

// `order` changes nothing on `entry`: was it applied before?
bool InvalidationState::Impl::is_repetition(const Order& order, const Entry& entry)
{
    if (order.mode == Mode::hard && order.version == entry.hard) return true;
    if (order.mode == Mode::soft && order.version == entry.soft->version) return true;
    RecentOrders::Id id = entry.last_order;
    for (int depth = 0; depth < kRepetitionDepth; ++depth) {
        const RecentOrders::Order* one = recent.find(id);
        if (one == nullptr) return false;
        if (one->version == order.version && one->mode == order.mode) return true;
        id = one->previous;
    }
    return false;
}

// The oldest order, and what of its version was applied with it: half a barrier cannot be undone.
void InvalidationState::Impl::collapse_oldest()
{
    const std::uint64_t v = recent.front().version;
    do {
        const RecentOrders::Order& order = recent.front();
        if (!order.undone) {
            collapsed_through = std::max(collapsed_through, v);
            if (order.hash == all_hash && order.mode == Mode::hard &&
                v > hard_all.load(std::memory_order_relaxed)) {
                hard_all.store(v, std::memory_order_release);
                versions.drop_up_to(v); // readers look at hard_all behind the table
            }
        }
        recent.pop_front();
    } while (!recent.empty() && recent.front().version == v);
}

// The newest hard `all` and all that is older, ahead of time.
void InvalidationState::Impl::collapse_hard_all()
{
    const Entry* all = versions.newest(all_hash);
    if (all == nullptr) return;
    const std::uint64_t v = all->hard;
    while (!recent.empty() && hard_all.load(std::memory_order_relaxed) < v)
        collapse_oldest();
    drop_covered();
}

// Puts a selector's entry together from what its oldest recent order found there and from the
// orders since that are not undone.
void InvalidationState::Impl::rebuild(std::uint64_t hash, Application& application)
{
    Entry* const old = versions.newest(hash);
    if (old == nullptr) return;
    std::vector<RecentOrders::Id> chain;
    for (RecentOrders::Id id = old->last_order; recent.find(id) != nullptr;
         id = recent.find(id)->previous)
        chain.push_back(id);
    if (chain.empty()) return;
    Marks marks = Marks::before(*recent.find(chain.back()));
    RecentOrders::Id last = RecentOrders::kNone;
    for (auto id = chain.rbegin(); id != chain.rend(); ++id) {
        RecentOrders::Order& order = *recent.find(*id);
        if (order.undone) continue;
        order.previous = last;
        order.hard_before = marks.hard;
        if (order.soft)
            order.soft->before = marks.soft;
        else
            TIDEMARK_CHECK(marks.soft.version == 0); // nothing soft comes by leaving orders out
        marks.join(order);
        last = *id;
    }
    old->last_order = last;
    if (marks == Marks::of(*old)) return;
    marks.store(versions.open(hash, old, application.generation, application.replaced));
    application.changed = true;
}

bool InvalidationState::Impl::undo(std::uint64_t v)
{
    if (v <= floor_version.load(std::memory_order_relaxed)) return false;
    undone.insert(v);
    if (undone.size() > limits.undone) undone.erase(undone.begin());
    std::vector<std::uint64_t> hashes;
    recent.each_of(v, [&](RecentOrders::Order& order) {
        if (order.undone) return;
        order.undone = true;
        hashes.push_back(order.hash);
    });
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    Application application = begin();
    for (const std::uint64_t hash : hashes)
        rebuild(hash, application);
    if (application.changed)
        patterns.drop_if([&](const PatternList::Item& item) { return is_covered(item, 0); },
                         application.generation);
    publish(application);
    return v > collapsed_through;
}

// ---- Floors and limits

void InvalidationState::Impl::raise_floor(const Fence& to)
{
    const Fence from{floor_version.load(std::memory_order_relaxed),
                     floor_local.load(std::memory_order_relaxed)};
    if (to.version <= from.version && to.local <= from.local) return;
    // Whoever names a floor has heard of it; a fetch that is sent from now on stands above.
    raise(version, to.version);
    raise(local, to.local);
    // The floor first, then the drop: a reader looks at it behind the tables.
    raise_floor_version(to.version);
    raise(floor_local, to.local);
    locals.drop_up_to(to.local);
    drop_covered();
    Application application = begin();
    application.changed = true;
    publish(application);
}

void InvalidationState::Impl::raise_floor_version(std::uint64_t to)
{
    // It speaks for all that is not above it but a hard `all`, which says more.
    raise(hard_all, newest_hard_all_up_to(to));
    raise(floor_version, to);
    undone.erase(undone.begin(), undone.upper_bound(to));
}

bool InvalidationState::Impl::is_covered(const PatternList::Item& item, std::uint64_t by) const
{
    const Entry* entry = versions.newest(item.hash);
    return entry == nullptr || entry->newest() <= by;
}

// Drops what the floor or a collapsed hard `all` speaks for; the first slice of it, if it is much.
void InvalidationState::Impl::drop_covered()
{
    const std::uint64_t covered = std::max(floor_version.load(std::memory_order_relaxed),
                                           hard_all.load(std::memory_order_relaxed));
    patterns.drop_covered_if(
        [&](const PatternList::Item& item) { return is_covered(item, covered); });
    versions.drop_up_to(covered);
    drop_some(kFirstDropSlice);
}

std::uint64_t InvalidationState::Impl::newest_hard_all_up_to(std::uint64_t v)
{
    const Entry* all = versions.newest(all_hash);
    if (all == nullptr) return 0;
    std::uint64_t newest = all->hard <= v ? all->hard : 0;
    for (RecentOrders::Id id = all->last_order; const RecentOrders::Order* one = recent.find(id);
         id = one->previous) {
        if (one->mode == Mode::hard && one->version <= v) newest = std::max(newest, one->version);
        if (one->hard_before <= v) newest = std::max(newest, one->hard_before);
    }
    return newest;
}

void InvalidationState::Impl::drop_some(std::size_t some)
{
    versions.drop_some(some);
    locals.drop_some(some);
    count();
}

void InvalidationState::Impl::keep_within_limits()
{
    keep_patterns_within_limits();
    if (versions.is_dropping() || locals.is_dropping()) drop_some(kOrderDropSlice);
    const auto is_fine = [&] {
        return entries() <= limits.entries || versions.is_dropping() || locals.is_dropping();
    };
    if (is_fine()) return;
    collapse_hard_all();
    if (is_fine()) return;
    forced_floor_raises.fetch_add(1, std::memory_order_relaxed);
    raise_floor({versions.median(), locals.median()});
}

void InvalidationState::Impl::keep_patterns_within_limits()
{
    if (patterns.size() <= limits.patterns) return;
    drop_covered();
    while (patterns.size() > limits.patterns) {
        std::uint64_t oldest = UINT64_MAX;
        for (const PatternList::Item& item : patterns.all())
            oldest = std::min(oldest, versions.newest(item.hash)->newest());
        forced_floor_raises.fetch_add(1, std::memory_order_relaxed);
        raise_floor({oldest, 0});
    }
}

// ---- Timelines

void InvalidationState::Impl::publish_caps(const FenceCaps& fresh)
{
    const FenceCaps* old = caps.exchange(new FenceCaps(fresh), std::memory_order_acq_rel);
    if (old != nullptr)
        epochs.retire(const_cast<FenceCaps*>(old),
                      [](void* object) { delete static_cast<FenceCaps*>(object); });
}

void InvalidationState::Impl::reset()
{
    Application application = begin();
    application.changed = true;
    // The version before the local sequence: whoever reads the new sequence for a fence reads no
    // old version with it.
    version.store(0, std::memory_order_release);
    const std::uint64_t now = local.fetch_add(1, std::memory_order_acq_rel) + 1;
    // What judges old fences before what is emptied; a reader looks at floor_local last.
    publish_caps(FenceCaps{}.with(now, 0, application.generation, limits.caps));
    raise(floor_local, now);
    floor_version.store(0, std::memory_order_release);
    hard_all.store(0, std::memory_order_release);
    site_tags.store(0, std::memory_order_release);
    site_alls.store(0, std::memory_order_release);
    patterns.drop_covered_if([](const PatternList::Item&) { return true; });
    versions.clear();
    locals.clear();
    recent.clear();
    undone.clear();
    collapsed_through = 0;
    publish(application);
}

// ---- Reading

bool InvalidationState::Impl::Finding::ask(std::uint64_t hash)
{
    const Entry* entry = impl.versions.find(hash, question.generation);
    if (entry == nullptr) return true;
    if (entry->hard > above)
        worst = Verdict::removed;
    else if (entry->soft)
        worst = stricter(worst, entry->soft->verdict(question.fence.version, question.now));
    return worst != Verdict::removed;
}

bool InvalidationState::Impl::ask_tags(Finding& finding) const
{
    const Subject& subject = finding.question.subject;
    if (has(Scope::tag))
        for (const std::uint64_t tag : subject.tags)
            if (!finding.ask(tag)) return false;
    if (!has(Scope::tag, true) || subject.tags.empty()) return true;
    if (subject.site == 0) {
        if (site_tags.load(std::memory_order_acquire) > finding.question.fence.version)
            finding.worst = stricter(finding.worst, Verdict::must_validate);
        return true;
    }
    for (const std::uint64_t tag : subject.tags)
        if (!finding.ask(within_site(tag, subject.site))) return false;
    return true;
}

bool InvalidationState::Impl::ask_site(Finding& finding) const
{
    if (has(Scope::all) && !finding.ask(all_hash)) return false;
    if (!has(Scope::all, true)) return true;
    const Subject& subject = finding.question.subject;
    if (subject.site != 0) return finding.ask(within_site(all_hash, subject.site));
    if (site_alls.load(std::memory_order_acquire) > finding.question.fence.version)
        finding.worst = stricter(finding.worst, Verdict::must_validate);
    return true;
}

void InvalidationState::Impl::ask_patterns(Finding& finding) const
{
    const Question& question = finding.question;
    const auto may_matter = [&](const PatternList::Item& item) {
        if (item.site != 0 && question.subject.site != 0 && item.site != question.subject.site)
            return false;
        const Entry* entry = versions.find(item.hash, question.generation);
        return entry != nullptr && entry->newest() > finding.above;
    };
    patterns.each_since(question.verified_generation, question.generation,
                        [&](const PatternList::Item& item) {
                            // The look-up first: it costs less than the match.
                            if (!may_matter(item) || !matches(*item.pattern, question.subject.uri))
                                return true;
                            return finding.ask(item.hash);
                        });
}

Verdict InvalidationState::Impl::by_selectors(const Question& question) const
{
    const std::string_view uri = question.subject.uri;
    const std::uint64_t url = selector_hash(Scope::url, uri);
    const Entry* by_us = locals.find(url, question.generation);
    if (by_us != nullptr && by_us->hard > question.fence.local) return Verdict::removed;
    // What is not above the floor may or may not have been dropped yet: the floor speaks for it.
    const std::uint64_t above =
        std::max(question.fence.version, floor_version.load(std::memory_order_acquire));
    Finding finding{*this, question, above};
    const auto ask = [&](std::uint64_t hash) { return finding.ask(hash); };
    if (has(Scope::url) && !ask(url)) return finding.worst;
    if (!ask_tags(finding) || !ask_site(finding)) return finding.worst;
    if (has(Scope::host) && !ask(selector_hash(Scope::host, host_of(uri)))) return finding.worst;
    if (has(Scope::origin) && !ask(selector_hash(Scope::origin, origin_of(uri))))
        return finding.worst;
    if (has(Scope::prefix)) each_prefix_hash(uri, ask);
    if (finding.worst != Verdict::removed) ask_patterns(finding);
    return finding.worst;
}

// ---- The calls

InvalidationState::InvalidationState(sync::EpochDomain& epochs, const StateLimits& limits)
    : impl_(std::make_unique<Impl>(epochs, limits))
{
}
InvalidationState::~InvalidationState() = default;

Fence InvalidationState::fence() const noexcept
{
    // The local sequence first: see reset().
    const std::uint64_t local = impl_->local.load(std::memory_order_acquire);
    return {impl_->version.load(std::memory_order_acquire), local};
}

void InvalidationState::hear(std::uint64_t version)
{
    const std::lock_guard lock(impl_->mutex);
    raise(impl_->version, version);
}

std::uint64_t InvalidationState::tick()
{
    return impl_->local.fetch_add(1, std::memory_order_acq_rel) + 1;
}

std::uint64_t InvalidationState::generation() const noexcept
{
    return impl_->generation.load(std::memory_order_acquire);
}

std::optional<std::string> InvalidationState::pattern_fault(std::string_view pattern)
{
    std::string fault;
    if (compile_pattern(pattern, fault) != nullptr) return std::nullopt;
    return fault;
}

namespace
{
// Outside the mutex: it may take a while.
std::vector<Pattern> compiled(std::span<const Invalidation> barrier)
{
    std::vector<Pattern> patterns;
    std::string fault;
    for (const Invalidation& invalidation : barrier)
        if (invalidation.scope == Scope::pattern)
            patterns.push_back(compile_pattern(invalidation.selector, fault));
    return patterns;
}
} // namespace

void InvalidationState::apply(const Invalidation& invalidation, MonoTime now)
{
    apply(std::span(&invalidation, 1), now);
}

void InvalidationState::apply(std::span<const Invalidation> barrier, MonoTime now)
{
    const std::vector<Pattern> patterns = compiled(barrier);
    const std::lock_guard lock(impl_->mutex);
    impl_->apply(barrier, patterns, now);
}

std::uint64_t InvalidationState::apply_next(std::span<Invalidation> barrier, MonoTime now)
{
    const std::vector<Pattern> patterns = compiled(barrier);
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t next = impl_->version.load(std::memory_order_relaxed) + 1;
    for (Invalidation& invalidation : barrier)
        invalidation.version = next;
    raise(impl_->version, next);
    impl_->apply(barrier, patterns, now);
    return next;
}

void InvalidationState::apply_local(std::string_view uri)
{
    const std::uint64_t hash = selector_hash(Scope::url, uri);
    const std::lock_guard lock(impl_->mutex);
    const std::uint64_t sequence = impl_->local.fetch_add(1, std::memory_order_acq_rel) + 1;
    Impl::Application application = impl_->begin();
    Entry* const old = impl_->locals.newest(hash);
    impl_->locals.open(hash, old, application.generation, application.replaced).hard = sequence;
    application.changed = true;
    impl_->publish(application);
    impl_->keep_within_limits();
}

bool InvalidationState::undo(std::uint64_t version, MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->second = std::max(impl_->second, second_of(now));
    return impl_->undo(version);
}

void InvalidationState::age(MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    Impl& impl = *impl_;
    impl.second = std::max(impl.second, second_of(now));
    const auto is_over = [&](const RecentOrders::Order& order) {
        return impl.second - order.applied_second > impl.limits.undo_window.count();
    };
    const std::size_t enough = impl.recent.size() - std::min(impl.recent.size(), kAgeSlice);
    while (!impl.recent.empty() && impl.recent.size() > enough && is_over(impl.recent.front()))
        impl.collapse_oldest();
    impl.drop_covered();
    impl.drop_some(kAgeDropSlice);
}

Verdict InvalidationState::verdict(const Subject& subject, const Fence& fence, MonoTime now) const
{
    return verdict(subject, fence, now, generation());
}

Verdict InvalidationState::verdict(const Subject& subject, const Fence& fence, MonoTime now,
                                   std::uint64_t at, std::uint64_t verified_generation) const
{
    Fence counted = fence;
    if (const FenceCaps* caps = impl_->caps.load(std::memory_order_acquire); caps != nullptr) {
        counted.version = caps->version_of(fence);
        // A lower fence is covered by patterns that the higher one had no need to be matched with.
        if (verified_generation < caps->generation()) verified_generation = 0;
    }
    const Verdict worst = impl_->by_selectors({subject, counted, now, at, verified_generation});
    // Last, because what these absorb is dropped from the tables after they have risen; and of
    // these the local floor last, because a reset raises it before it lowers the others.
    if (impl_->hard_all.load(std::memory_order_acquire) > counted.version) return Verdict::removed;
    if (counted.version < impl_->floor_version.load(std::memory_order_acquire) ||
        counted.local < impl_->floor_local.load(std::memory_order_acquire))
        return stricter(worst, Verdict::must_validate);
    return worst;
}

void InvalidationState::raise_floor(const Fence& floor)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->raise_floor(floor);
}

void InvalidationState::cap(std::uint64_t agreed_version, MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->second = std::max(impl_->second, second_of(now));
    Impl::Application application = impl_->begin();
    application.changed = true;
    const std::uint64_t local = impl_->local.fetch_add(1, std::memory_order_acq_rel) + 1;
    const FenceCaps* old = impl_->caps.load(std::memory_order_relaxed);
    impl_->publish_caps(
        (old == nullptr ? FenceCaps{} : *old)
            .with(local, agreed_version, application.generation, impl_->limits.caps));
    impl_->publish(application);
}

void InvalidationState::reset(MonoTime now)
{
    const std::lock_guard lock(impl_->mutex);
    impl_->second = std::max(impl_->second, second_of(now));
    impl_->reset();
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

std::size_t InvalidationState::patterns() const noexcept
{
    return impl_->pattern_count.load(std::memory_order_relaxed);
}

std::size_t InvalidationState::undo_entries() const noexcept
{
    return impl_->recent_count.load(std::memory_order_relaxed);
}

std::uint64_t InvalidationState::forced_floor_raises() const noexcept
{
    return impl_->forced_floor_raises.load(std::memory_order_relaxed);
}

std::uint64_t InvalidationState::bad_patterns() const noexcept
{
    return impl_->bad_patterns.load(std::memory_order_relaxed);
}
} // namespace tidemark::purge
