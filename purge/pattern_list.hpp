#pragma once
#include "core/sync/epoch.hpp"
#include "purge/pattern.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

// The expressions of the patterns that are applied; what was ordered of each stands in the entry
// under its hash. Read without locks, as a whole; written under the state's mutex, as a new whole.
namespace tidemark::purge
{
class PatternList
{
  public:
    struct Item {
        Pattern pattern;
        std::uint64_t hash;  // of its entry
        std::uint64_t site;  // site_hash; 0: every site
        std::uint64_t since; // the generation in which its entry last became stricter
    };
    using Items = std::vector<Item>; // by rising `since`

    explicit PatternList(sync::EpochDomain& epochs) : epochs_(epochs) {}
    ~PatternList() { delete list_.load(std::memory_order_relaxed); }
    PatternList(const PatternList&) = delete;
    PatternList& operator=(const PatternList&) = delete;

    // Visits those that, as of `generation`, became stricter after `verified_generation`; `visit`
    // returns false to stop.
    template <class Visit>
    void each_since(std::uint64_t verified_generation, std::uint64_t generation,
                    Visit&& visit) const
    {
        const List* list = list_.load(std::memory_order_acquire);
        while (list != nullptr && list->generation > generation)
            list = list->before;
        if (list == nullptr) return;
        for (auto item = list->items.rbegin(); item != list->items.rend(); ++item)
            if (item->since <= verified_generation || !visit(*item)) return;
    }

    // Writers only, from here on. What changes with `generation`, which is not published yet, is
    // seen from then on; retire_superseded() follows its publication.
    void put(Item item, std::uint64_t generation)
    {
        Items fresh;
        fresh.reserve(size() + 1);
        for (const Item& old : all())
            if (old.hash != item.hash || text_of(*old.pattern) != text_of(*item.pattern))
                fresh.push_back(old);
        fresh.push_back(std::move(item));
        replace(std::move(fresh), generation);
    }
    template <class Predicate> void drop_if(Predicate&& drop, std::uint64_t generation)
    {
        if (std::none_of(all().begin(), all().end(), drop)) return;
        replace(without(drop), generation);
    }
    void retire_superseded()
    {
        for (const List* list : superseded_)
            retire(list);
        superseded_.clear();
    }
    // In every generation: whatever these say is said by something that is looked at behind them.
    template <class Predicate> void drop_covered_if(Predicate&& drop)
    {
        if (std::none_of(all().begin(), all().end(), drop)) return;
        const List* old = list_.load(std::memory_order_relaxed);
        list_.store(new List{old->generation, old->before, without(drop)},
                    std::memory_order_release);
        retire(old);
    }
    [[nodiscard]] const Items& all() const
    {
        static const Items kNone;
        const List* list = list_.load(std::memory_order_relaxed);
        return list == nullptr ? kNone : list->items;
    }
    [[nodiscard]] std::size_t size() const { return all().size(); }

  private:
    // As of `generation`; before it, `before` holds (see Entry).
    struct List {
        std::uint64_t generation;
        const List* before;
        Items items;
    };

    template <class Predicate> [[nodiscard]] Items without(Predicate&& drop) const
    {
        Items kept;
        std::copy_if(all().begin(), all().end(), std::back_inserter(kept),
                     [&](const Item& item) { return !drop(item); });
        return kept;
    }
    void replace(Items items, std::uint64_t generation)
    {
        const List* old = list_.load(std::memory_order_relaxed);
        const bool is_ours = old != nullptr && old->generation == generation;
        list_.store(new List{generation, is_ours ? old->before : old, std::move(items)},
                    std::memory_order_release);
        if (old != nullptr) superseded_.push_back(old);
    }
    void retire(const List* list)
    {
        epochs_.retire(const_cast<List*>(list),
                       [](void* object) { delete static_cast<List*>(object); });
    }

    sync::EpochDomain& epochs_;
    std::atomic<const List*> list_{nullptr};
    std::vector<const List*> superseded_;
};
} // namespace tidemark::purge
