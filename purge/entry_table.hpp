#pragma once
#include "core/sync/slot_table.hpp"
#include "purge/recent_orders.hpp"
#include "purge/soft.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

// What is known of each selector, by the selector's hash. Read without locks; written under the
// state's mutex.
namespace tidemark::purge
{
// What is known of one selector from `generation` on. What readers see of it is immutable once that
// generation is published.
struct Entry {
    std::uint64_t hash = 0;
    std::uint64_t generation = 0;
    // What held before. Freed once nobody reads in an earlier generation, and not looked at in a
    // later one.
    const Entry* before = nullptr;
    std::uint64_t hard = 0;     // version; for a local entry: the local sequence
    std::unique_ptr<Soft> soft; // most entries have none
    // The newest order on it that may still be undone. The writer's alone.
    RecentOrders::Id last_order = RecentOrders::kNone;

    [[nodiscard]] std::uint64_t newest() const noexcept
    {
        return soft ? std::max(hard, soft->version) : hard;
    }
};

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
        const Entry* entry = newest(hash);
        while (entry != nullptr && entry->generation > generation)
            entry = entry->before;
        return entry;
    }

    // Writers only, from here on. Null: none.
    [[nodiscard]] Entry* newest(std::uint64_t hash) const
    {
        return entry_of(
            table_.find(hash, [&](std::uint64_t word) { return entry_of(word)->hash == hash; }));
    }
    // The selector's entry as it will be from `generation` on, which is not published yet; to be
    // changed by the caller. `old` is newest(hash); where another takes its place it goes to
    // `replaced`, to be retired once the generation is published.
    [[nodiscard]] Entry& open(std::uint64_t hash, Entry* old, std::uint64_t generation,
                              std::vector<Entry*>& replaced)
    {
        // Ours already: readers follow only its `before`.
        if (old != nullptr && old->generation == generation) return *old;
        auto owned = std::make_unique<Entry>();
        Entry& fresh = *owned;
        fresh.hash = hash;
        fresh.generation = generation;
        fresh.before = old;
        if (old == nullptr) {
            table_.insert(hash, word_of(owned.release()));
            return fresh;
        }
        fresh.hard = old->hard;
        if (old->soft) fresh.soft = std::make_unique<Soft>(*old->soft);
        fresh.last_order = old->last_order;
        table_.replace(hash, word_of(old), word_of(owned.release()));
        replaced.push_back(old);
        return fresh;
    }
    void retire(std::vector<Entry*>&& entries)
    {
        if (entries.empty()) return;
        epochs_.retire(new std::vector<Entry*>(std::move(entries)), free_entries);
    }

    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

    // What has nothing newer than `version` is to go, by and by: drop_some() does a slice of the
    // work. Nobody may depend on those entries any more.
    void drop_up_to(std::uint64_t version)
    {
        if (version <= drop_up_to_) return;
        drop_up_to_ = version;
        if (!is_dropping()) begin_round();
    }
    [[nodiscard]] bool is_dropping() const noexcept { return cursor_ != Table::kEnd; }
    void drop_some(std::size_t entries)
    {
        if (!is_dropping()) return;
        std::vector<Entry*> dropped;
        cursor_ = table_.visit_from(cursor_, entries, [&](std::uint64_t word) {
            if (entry_of(word)->newest() <= drop_up_to_) dropped.push_back(entry_of(word));
        });
        for (const Entry* entry : dropped)
            table_.erase(entry->hash, word_of(entry));
        retire(std::move(dropped));
        if (!is_dropping() && round_up_to_ < drop_up_to_) begin_round();
    }
    void clear()
    {
        std::vector<Entry*> all;
        all.reserve(table_.size());
        table_.each([&](std::uint64_t word) { all.push_back(entry_of(word)); });
        table_.clear();
        retire(std::move(all));
        drop_up_to_ = 0;
        cursor_ = Table::kEnd;
    }

    // About the version with half of the entries at or below it, from a sample (all, if they are
    // few); 0 if there are none. Hashes are keyed, so any slice of them is as good as another.
    [[nodiscard]] std::uint64_t median() const
    {
        constexpr std::size_t kSample = 4096;
        std::vector<std::uint64_t> versions;
        static_cast<void>(table_.visit_from(
            0, kSample, [&](std::uint64_t word) { versions.push_back(entry_of(word)->newest()); }));
        if (versions.empty()) return 0;
        const auto middle = versions.begin() + static_cast<std::ptrdiff_t>(versions.size() / 2);
        std::nth_element(versions.begin(), middle, versions.end());
        return *middle;
    }

  private:
    [[nodiscard]] static Entry* entry_of(std::uint64_t word) noexcept
    {
        return reinterpret_cast<Entry*>(word);
    }
    [[nodiscard]] static std::uint64_t word_of(const Entry* entry) noexcept
    {
        return reinterpret_cast<std::uint64_t>(entry);
    }
    static void free_entries(void* entries)
    {
        const std::unique_ptr<std::vector<Entry*>> all(static_cast<std::vector<Entry*>*>(entries));
        for (Entry* entry : *all)
            delete entry;
    }
    void begin_round()
    {
        cursor_ = 0;
        round_up_to_ = drop_up_to_;
    }

    struct HashOf {
        std::uint64_t operator()(std::uint64_t word) const noexcept { return entry_of(word)->hash; }
    };
    using Table = sync::SlotTable<HashOf>;

    sync::EpochDomain& epochs_;
    Table table_;
    std::uint64_t drop_up_to_ = 0;
    std::uint64_t round_up_to_ = 0; // drop_up_to_ when the cursor set out
    std::uint64_t cursor_ = Table::kEnd;
};
} // namespace tidemark::purge
