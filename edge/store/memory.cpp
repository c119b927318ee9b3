#include "edge/store/memory.hpp"

#include "core/base/check.hpp"
#include "core/base/hash.hpp"
#include "core/sync/slot_table.hpp"
#include "edge/store/eviction.hpp"

#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <tuple>
#include <vector>

namespace tidemark::store
{
namespace
{
using Records = std::span<const StoredResponse* const>;

// The stored responses of one key, newest first, where there are several. Immutable: a change makes
// a new one.
struct VariantSet {
    std::size_t count;

    [[nodiscard]] const StoredResponse** begin() noexcept
    {
        return reinterpret_cast<const StoredResponse**>(this + 1);
    }
    [[nodiscard]] Records records() const noexcept
    {
        return {reinterpret_cast<const StoredResponse* const*>(this + 1), count};
    }
    [[nodiscard]] static std::size_t bytes_for(std::size_t count) noexcept
    {
        return sizeof(VariantSet) + count * sizeof(StoredResponse*);
    }
    [[nodiscard]] static VariantSet* make(Records records)
    {
        auto* set = new (::operator new(bytes_for(records.size()))) VariantSet{records.size()};
        std::uninitialized_copy(records.begin(), records.end(), set->begin());
        return set;
    }
    static void destroy(void* set) noexcept { ::operator delete(set); }
};

// A word of the index: a record, or with this bit set a VariantSet.
constexpr std::uint64_t kSetBit = 2;

bool is_set(std::uint64_t word) noexcept
{
    return (word & kSetBit) != 0;
}
VariantSet* set_of(std::uint64_t word) noexcept
{
    return reinterpret_cast<VariantSet*>(word & ~kSetBit);
}
const StoredResponse* record_of(std::uint64_t word) noexcept
{
    return reinterpret_cast<const StoredResponse*>(word);
}
std::uint64_t word_of(Records records)
{
    if (records.size() == 1) return reinterpret_cast<std::uint64_t>(records.front());
    return reinterpret_cast<std::uint64_t>(VariantSet::make(records)) | kSetBit;
}
// `one` keeps a single record's pointer in place.
Records records_of(std::uint64_t word, const StoredResponse*& one) noexcept
{
    if (word == 0) return {};
    if (is_set(word)) return set_of(word)->records();
    one = record_of(word);
    return {&one, 1};
}
const StoredResponse& first_of(std::uint64_t word) noexcept
{
    return is_set(word) ? *set_of(word)->records().front() : *record_of(word);
}

struct WordHash {
    std::uint64_t operator()(std::uint64_t word) const noexcept
    {
        return first_of(word).key_hash();
    }
};
using Index = sync::SlotTable<WordHash>;

std::uint64_t find_key(const Index& index, std::uint64_t hash, std::string_view key)
{
    return index.find(hash, [&](std::uint64_t word) { return first_of(word).key() == key; });
}

bool same_variant(const StoredResponse& a, const StoredResponse& b) noexcept
{
    return a.vary() == b.vary() && a.variant() == b.variant();
}

// A lower version that was sent for later is of another journal, capped or stamped by the app: it
// replaces what was there.
bool supersedes(const purge::Fence& stored, const purge::Fence& offered) noexcept
{
    return stored.local >= offered.local &&
           std::tie(stored.version, stored.local) > std::tie(offered.version, offered.local);
}

struct alignas(64) Shard {
    explicit Shard(sync::EpochDomain& epochs) : index(epochs) {}
    std::mutex mutex; // writers
    Index index;      // readers read it without the mutex
    Eviction eviction;
    std::uint64_t set_bytes = 0;      // of all VariantSets
    std::uint64_t overhead_bytes = 0; // as last charged: index, sets, eviction
};
} // namespace

struct MemoryStore::Impl {
    Impl(const MemoryOptions& o, sync::EpochDomain& e)
        : epochs(e), options(o), budget(o.budget_bytes)
    {
        TIDEMARK_CHECK(std::has_single_bit(o.shards) && o.shards <= 1U << 16 &&
                       o.variants_per_key > 0);
        for (std::uint32_t i = 0; i < o.shards; ++i)
            shards.push_back(std::make_unique<Shard>(e));
        for (const auto& shard : shards)
            settle(*shard);
    }

    // The top 16 bits: the index uses those below.
    [[nodiscard]] std::size_t shard_number(std::uint64_t hash) const noexcept
    {
        return static_cast<std::size_t>(hash >> 48) & (shards.size() - 1);
    }

    // All of these with the shard's mutex held.
    [[nodiscard]] Insert link(Shard& shard, StoredRef record, bool in_any_case);
    [[nodiscard]] bool unlink(Shard& shard, std::uint64_t hash, const StoredResponse& record);
    void publish(Shard& shard, std::uint64_t hash, std::uint64_t old_word, Records now);
    void drop(const StoredResponse& record);
    void settle(Shard& shard);

    // Without any mutex held.
    [[nodiscard]] bool make_room(std::size_t first_shard);
    [[nodiscard]] bool evict_one(Shard& shard);
    [[nodiscard]] bool over_budget() const noexcept
    {
        return used.load(std::memory_order_relaxed) > budget.load(std::memory_order_relaxed);
    }

    sync::EpochDomain& epochs;
    const MemoryOptions options;
    std::atomic<std::uint64_t> budget;
    std::atomic<std::uint64_t> used{0}; // records, reserved and overhead
    std::atomic<std::uint64_t> records{0};
    std::atomic<std::uint64_t> record_bytes{0};
    std::atomic<std::uint64_t> reserved_bytes{0};
    std::atomic<std::uint64_t> index_bytes{0};
    std::atomic<std::uint64_t> inserted{0};
    std::atomic<std::uint64_t> evicted{0};
    std::atomic<std::uint64_t> erased{0};
    std::atomic<std::size_t> next_shard{0}; // where reserve() evicts first
    std::vector<std::unique_ptr<Shard>> shards;
};

// Charges what the shard's structures have grown by, or gives back what they have shrunk by (the
// difference wraps).
void MemoryStore::Impl::settle(Shard& shard)
{
    const std::uint64_t now = shard.index.bytes() + shard.set_bytes + shard.eviction.bytes();
    const std::uint64_t difference = now - shard.overhead_bytes;
    shard.overhead_bytes = now;
    if (difference == 0) return;
    used.fetch_add(difference, std::memory_order_relaxed);
    index_bytes.fetch_add(difference, std::memory_order_relaxed);
}

// Puts `now` in the place of `old_word` (0: there was none). Readers see the one or the other.
void MemoryStore::Impl::publish(Shard& shard, std::uint64_t hash, std::uint64_t old_word,
                                Records now)
{
    if (now.empty())
        shard.index.erase(hash, old_word);
    else if (old_word == 0)
        shard.index.insert(hash, word_of(now));
    else
        shard.index.replace(hash, old_word, word_of(now));
    if (now.size() > 1) shard.set_bytes += VariantSet::bytes_for(now.size());
    if (old_word == 0 || !is_set(old_word)) return;
    shard.set_bytes -= VariantSet::bytes_for(set_of(old_word)->count);
    epochs.retire(set_of(old_word), VariantSet::destroy);
}

// The record is out of the index and out of its queue.
void MemoryStore::Impl::drop(const StoredResponse& record)
{
    const std::uint64_t cost = record.cost_bytes();
    used.fetch_sub(cost, std::memory_order_relaxed);
    record_bytes.fetch_sub(cost, std::memory_order_relaxed);
    records.fetch_sub(1, std::memory_order_relaxed);
    epochs.retire(const_cast<StoredResponse*>(&record),
                  [](void* p) { static_cast<StoredResponse*>(p)->release(); });
}

MemoryStore::Insert MemoryStore::Impl::link(Shard& shard, StoredRef owned, bool in_any_case)
{
    const std::uint64_t hash = owned->key_hash();
    const std::uint64_t old_word = find_key(shard.index, hash, owned->key());
    const StoredResponse* one = nullptr;
    const StoredResponse* replaced = nullptr;
    std::vector<const StoredResponse*> now{owned.get()};
    for (const StoredResponse* other : records_of(old_word, one)) {
        if (same_variant(*other, *owned))
            replaced = other;
        else
            now.push_back(other);
    }
    if (replaced != nullptr && !in_any_case && supersedes(replaced->fence(), owned->fence()))
        return Insert::superseded;

    StoredResponse& record = *owned.release(); // the index's reference from here on
    const std::uint64_t cost = record.cost_bytes();
    const StoredResponse* oldest = nullptr;
    if (now.size() > options.variants_per_key) {
        oldest = now.back();
        now.pop_back();
    }
    publish(shard, hash, old_word, now);
    used.fetch_add(cost, std::memory_order_relaxed);
    record_bytes.fetch_add(cost, std::memory_order_relaxed);
    records.fetch_add(1, std::memory_order_relaxed);
    inserted.fetch_add(1, std::memory_order_relaxed);
    if (replaced != nullptr) {
        shard.eviction.replace(const_cast<StoredResponse&>(*replaced), replaced->cost_bytes(),
                               record, cost);
        drop(*replaced);
    } else
        shard.eviction.insert(record, hash, cost);
    if (oldest != nullptr) {
        shard.eviction.erase(const_cast<StoredResponse&>(*oldest), oldest->cost_bytes());
        evicted.fetch_add(1, std::memory_order_relaxed);
        drop(*oldest);
    }
    return Insert::stored;
}

// Out of the index; false: it is not there (any more).
bool MemoryStore::Impl::unlink(Shard& shard, std::uint64_t hash, const StoredResponse& record)
{
    const std::uint64_t old_word = find_key(shard.index, hash, record.key());
    const StoredResponse* one = nullptr;
    std::vector<const StoredResponse*> now;
    bool found = false;
    for (const StoredResponse* other : records_of(old_word, one)) {
        if (other == &record)
            found = true;
        else
            now.push_back(other);
    }
    if (found) publish(shard, hash, old_word, now);
    return found;
}

bool MemoryStore::Impl::evict_one(Shard& shard)
{
    const std::lock_guard lock(shard.mutex);
    StoredResponse* record = shard.eviction.victim();
    if (record == nullptr) return false;
    const bool was_stored = unlink(shard, record->key_hash(), *record);
    TIDEMARK_CHECK(was_stored);
    evicted.fetch_add(1, std::memory_order_relaxed);
    drop(*record);
    settle(shard);
    return true;
}

// One from the first shard, then one from each in turn, so that a large response does not empty a
// single shard.
bool MemoryStore::Impl::make_room(std::size_t first_shard)
{
    std::size_t barren = 0;
    bool any = false;
    for (std::size_t i = first_shard; over_budget() && barren < shards.size(); ++i) {
        const bool got = evict_one(*shards[i & (shards.size() - 1)]);
        barren = got ? 0 : barren + 1;
        any = any || got;
    }
    if (any) epochs.reclaim();
    return !over_budget();
}

MemoryStore::MemoryStore(const MemoryOptions& options, sync::EpochDomain& epochs)
    : impl_(std::make_unique<Impl>(options, epochs))
{
}

MemoryStore::~MemoryStore()
{
    for (const auto& shard : impl_->shards)
        shard->index.each([](std::uint64_t word) {
            const StoredResponse* one = nullptr;
            for (const StoredResponse* record : records_of(word, one))
                record->release();
            if (is_set(word)) VariantSet::destroy(set_of(word));
        });
}

std::span<const StoredResponse* const> MemoryStore::variants(std::uint64_t key_hash,
                                                             std::string_view key,
                                                             const StoredResponse*& one) const
{
    const Shard& shard = *impl_->shards[impl_->shard_number(key_hash)];
    return records_of(find_key(shard.index, key_hash, key), one);
}

MemoryStore::Insert MemoryStore::insert(StoredRef record, bool in_any_case)
{
    const std::size_t number = impl_->shard_number(record->key_hash());
    const std::uint64_t taken = impl_->reserved_bytes.load(std::memory_order_relaxed);
    if (record->cost_bytes() + taken > impl_->budget.load(std::memory_order_relaxed))
        return Insert::no_room;
    Insert result = Insert::no_room;
    {
        Shard& shard = *impl_->shards[number];
        const std::lock_guard lock(shard.mutex);
        result = impl_->link(shard, std::move(record), in_any_case);
        impl_->settle(shard);
    }
    return impl_->make_room(number) ? result : Insert::no_room;
}

void MemoryStore::erase(const StoredResponse& record)
{
    const std::uint64_t hash = record.key_hash();
    Shard& shard = *impl_->shards[impl_->shard_number(hash)];
    const std::lock_guard lock(shard.mutex);
    if (!impl_->unlink(shard, hash, record)) return;
    shard.eviction.erase(const_cast<StoredResponse&>(record), record.cost_bytes());
    impl_->erased.fetch_add(1, std::memory_order_relaxed);
    impl_->drop(record);
    impl_->settle(shard);
}

std::size_t MemoryStore::erase_key(std::uint64_t key_hash, std::string_view key)
{
    Shard& shard = *impl_->shards[impl_->shard_number(key_hash)];
    const std::lock_guard lock(shard.mutex);
    const std::uint64_t word = find_key(shard.index, key_hash, key);
    if (word == 0) return 0;
    const StoredResponse* one = nullptr;
    const Records found = records_of(word, one);
    const std::vector<const StoredResponse*> records(found.begin(), found.end());
    impl_->publish(shard, key_hash, word, {});
    for (const StoredResponse* record : records) {
        shard.eviction.erase(const_cast<StoredResponse&>(*record), record->cost_bytes());
        impl_->drop(*record);
    }
    impl_->erased.fetch_add(records.size(), std::memory_order_relaxed);
    impl_->settle(shard);
    return records.size();
}

bool MemoryStore::reserve(std::uint64_t bytes)
{
    const std::uint64_t budget = impl_->budget.load(std::memory_order_relaxed);
    const std::uint64_t taken = impl_->reserved_bytes.load(std::memory_order_relaxed);
    if (bytes > budget || taken > budget - bytes) return false;
    impl_->reserved_bytes.fetch_add(bytes, std::memory_order_relaxed);
    impl_->used.fetch_add(bytes, std::memory_order_relaxed);
    if (!impl_->over_budget()) return true;
    if (impl_->make_room(impl_->next_shard.fetch_add(1, std::memory_order_relaxed))) return true;
    unreserve(bytes);
    return false;
}

void MemoryStore::unreserve(std::uint64_t bytes) noexcept
{
    impl_->used.fetch_sub(bytes, std::memory_order_relaxed);
    impl_->reserved_bytes.fetch_sub(bytes, std::memory_order_relaxed);
}

std::uint64_t MemoryStore::sweep(std::uint64_t cursor, std::size_t count,
                                 const std::function<bool(const StoredResponse&)>& keep)
{
    // Shard number above, position in the shard's index below; Index::kEnd needs 33 bits.
    constexpr unsigned kPositionBits = 40;
    std::size_t number = static_cast<std::size_t>(cursor >> kPositionBits);
    std::uint64_t position = cursor & ((std::uint64_t{1} << kPositionBits) - 1);
    std::vector<const StoredResponse*> rejected; // erased outside the walk; borrowed for this turn
    std::size_t visited = 0;
    while (number < impl_->shards.size() && visited < count) {
        const auto visit = [&](std::uint64_t word) {
            const StoredResponse* one = nullptr;
            for (const StoredResponse* record : records_of(word, one)) {
                ++visited;
                if (!keep(*record)) rejected.push_back(record);
            }
        };
        position = impl_->shards[number]->index.visit_from(position, count - visited, visit);
        if (position < Index::kEnd) continue;
        position = 0;
        ++number;
    }
    for (const StoredResponse* record : rejected)
        erase(*record);
    return number == impl_->shards.size() ? 0 : (std::uint64_t{number} << kPositionBits) | position;
}

MemoryCounters MemoryStore::counters() const
{
    const auto read = [](const std::atomic<std::uint64_t>& counter) {
        return counter.load(std::memory_order_relaxed);
    };
    return {read(impl_->records),     read(impl_->record_bytes), read(impl_->reserved_bytes),
            read(impl_->index_bytes), read(impl_->inserted),     read(impl_->evicted),
            read(impl_->erased)};
}

void MemoryStore::set_budget(std::uint64_t bytes)
{
    impl_->budget.store(bytes, std::memory_order_relaxed);
    static_cast<void>(impl_->make_room(0));
}
} // namespace tidemark::store
