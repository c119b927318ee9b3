#pragma once
#include "core/sync/epoch.hpp"
#include "purge/pattern.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
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
    ~PatternList() { delete items_.load(std::memory_order_relaxed); }
    PatternList(const PatternList&) = delete;
    PatternList& operator=(const PatternList&) = delete;

    // Visits those that became stricter after `verified_generation`; `visit` returns false to stop.
    template <class Visit> void each_since(std::uint64_t verified_generation, Visit&& visit) const
    {
        const Items* items = items_.load(std::memory_order_acquire);
        if (items == nullptr) return;
        for (auto item = items->rbegin(); item != items->rend(); ++item)
            if (item->since <= verified_generation || !visit(*item)) return;
    }

    // Writers only, from here on.
    void put(Item item)
    {
        Items fresh;
        fresh.reserve(size() + 1);
        for (const Item& old : all())
            if (old.hash != item.hash || text_of(*old.pattern) != text_of(*item.pattern))
                fresh.push_back(old);
        fresh.push_back(std::move(item));
        publish(std::move(fresh));
    }
    template <class Predicate> void drop_if(Predicate&& drop)
    {
        if (std::none_of(all().begin(), all().end(), drop)) return;
        Items fresh;
        std::copy_if(all().begin(), all().end(), std::back_inserter(fresh),
                     [&](const Item& item) { return !drop(item); });
        publish(std::move(fresh));
    }
    [[nodiscard]] const Items& all() const
    {
        static const Items kNone;
        const Items* items = items_.load(std::memory_order_relaxed);
        return items == nullptr ? kNone : *items;
    }
    [[nodiscard]] std::size_t size() const { return all().size(); }

  private:
    void publish(Items fresh)
    {
        const Items* now = fresh.empty() ? nullptr : new Items(std::move(fresh));
        const Items* old = items_.exchange(now, std::memory_order_acq_rel);
        if (old == nullptr) return;
        epochs_.retire(const_cast<Items*>(old),
                       [](void* items) { delete static_cast<Items*>(items); });
    }

    sync::EpochDomain& epochs_;
    std::atomic<const Items*> items_{nullptr};
};
} // namespace tidemark::purge
