#pragma once
#include "core/base/check.hpp"
#include "core/sync/epoch.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

// A hash table of pointers for readers that never wait: open addressing in 8-byte slots, 16 bits of
// the hash beside 48 bits of pointer, so that a probe that misses seldom leaves the array.
//
// Readers: any thread that is online in the epoch domain. Writers take turns under a lock of the
// owner's. An entry never moves within its array; growing copies all into a new array, publishes
// that and retires the old one: a reader that is under way in the old array sees what stood there
// when it started.
//
// The table owns its array, not what the words point to. `HashOf` gives the hash of a word:
// std::uint64_t(Word).
namespace tidemark::sync
{
template <class HashOf> class SlotTable
{
  public:
    using Word = std::uint64_t; // a pointer, low bits free for marks; not 0, not 1, below 2^48

    explicit SlotTable(EpochDomain& epochs) : epochs_(epochs) {}
    ~SlotTable() { Array::destroy(array_.load(std::memory_order_relaxed)); }
    SlotTable(const SlotTable&) = delete;
    SlotTable& operator=(const SlotTable&) = delete;

    // The first word under `hash` for which `match(word)` holds; 0: none.
    template <class Match> [[nodiscard]] Word find(std::uint64_t hash, Match&& match) const
    {
        const Array* array = array_.load(std::memory_order_acquire);
        if (array == nullptr) return 0;
        const std::uint64_t tag = tag_of(hash);
        for (std::size_t i = array->home(hash);; i = array->next(i)) {
            const std::uint64_t slot = array->slots()[i].load(std::memory_order_acquire);
            if (slot == kEmpty) return 0;
            if (slot == kErased || slot >> kWordBits != tag) continue;
            if (match(slot & kWordMask)) return slot & kWordMask;
        }
    }

    // Visits about `count` words, in order of the lower half of their hashes from `from` (0 … 2^32)
    // on; returns where to continue, kEnd after the last. An entry that stays in the table is
    // visited once per round, even if the array is replaced between two calls.
    static constexpr std::uint64_t kEnd = std::uint64_t{1} << 32;
    template <class Visit>
    [[nodiscard]] std::uint64_t visit_from(std::uint64_t from, std::size_t count,
                                           Visit&& visit) const;

    // Every word. Writers only.
    template <class Visit> void each(Visit&& visit) const
    {
        const Array* array = array_.load(std::memory_order_relaxed);
        if (array == nullptr) return;
        for (std::size_t i = 0; i < array->capacity; ++i) {
            // What the words point to lies anywhere: fetch some in advance rather than wait for
            // each.
            if (i + kAhead < array->capacity)
                __builtin_prefetch(reinterpret_cast<const void*>(
                    array->slots()[i + kAhead].load(std::memory_order_relaxed) & kWordMask));
            const std::uint64_t slot = array->slots()[i].load(std::memory_order_relaxed);
            if (slot != kEmpty && slot != kErased) visit(slot & kWordMask);
        }
    }

    // Writers only, from here on. `word` is not in the table.
    void insert(std::uint64_t hash, Word word)
    {
        TIDEMARK_CHECK(word > kErased && word <= kWordMask);
        const Array* array = array_.load(std::memory_order_relaxed);
        if (array == nullptr || (used_ + 1) * 5 > array->capacity * 4) rebuild(live_ + 1);
        put(*array_.load(std::memory_order_relaxed), hash, word);
        ++live_;
    }
    // Puts `now` in the place of `old`, which is in the table; both have this hash.
    void replace(std::uint64_t hash, Word old, Word now)
    {
        TIDEMARK_CHECK(now > kErased && now <= kWordMask);
        Array& array = *array_.load(std::memory_order_relaxed);
        array.slots()[slot_of(array, hash, old)].store(slot_value(hash, now),
                                                       std::memory_order_release);
    }
    // Removes `word`, which is in the table.
    void erase(std::uint64_t hash, Word word)
    {
        Array& array = *array_.load(std::memory_order_relaxed);
        clear(array, slot_of(array, hash, word));
        --live_;
        if (live_ == 0 || (array.capacity > kSmall && live_ * 4 < array.capacity)) rebuild(live_);
    }

    // Removes every word at once.
    void clear()
    {
        live_ = 0;
        rebuild(0);
    }

    [[nodiscard]] std::size_t size() const noexcept { return live_; }
    [[nodiscard]] std::size_t bytes() const noexcept
    {
        const Array* array = array_.load(std::memory_order_relaxed);
        return array == nullptr ? 0 : Array::bytes_for(array->capacity) + kMallocBytes;
    }

  private:
    static constexpr unsigned kWordBits = 48;
    static constexpr std::uint64_t kWordMask = (std::uint64_t{1} << kWordBits) - 1;
    static constexpr std::uint64_t kEmpty = 0;
    static constexpr std::uint64_t kErased = 1;
    static constexpr std::size_t kSmall = 64;
    static constexpr std::size_t kAhead = 16;
    static constexpr std::size_t kMallocBytes = 16;

    static std::uint64_t low(std::uint64_t hash) noexcept { return hash & 0xFFFFFFFF; }
    static std::uint64_t tag_of(std::uint64_t hash) noexcept { return (hash >> 32) & 0xFFFF; }
    static std::uint64_t slot_value(std::uint64_t hash, Word word) noexcept
    {
        return (tag_of(hash) << kWordBits) | word;
    }

    struct Array {
        std::size_t capacity;

        [[nodiscard]] std::atomic<std::uint64_t>* slots() noexcept
        {
            return reinterpret_cast<std::atomic<std::uint64_t>*>(this + 1);
        }
        [[nodiscard]] const std::atomic<std::uint64_t>* slots() const noexcept
        {
            return reinterpret_cast<const std::atomic<std::uint64_t>*>(this + 1);
        }
        // Monotone in the lower half of the hash: the order of the slots is the order of the
        // hashes, up to probing.
        [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept
        {
            return static_cast<std::size_t>((low(hash) * capacity) >> 32);
        }
        [[nodiscard]] std::size_t next(std::size_t i) const noexcept
        {
            return i + 1 == capacity ? 0 : i + 1;
        }
        [[nodiscard]] static std::size_t bytes_for(std::size_t capacity) noexcept
        {
            return sizeof(Array) + capacity * sizeof(std::atomic<std::uint64_t>);
        }
        [[nodiscard]] static Array* make(std::size_t capacity)
        {
            auto* array = new (::operator new(bytes_for(capacity))) Array{capacity};
            for (std::size_t i = 0; i < capacity; ++i)
                new (array->slots() + i) std::atomic<std::uint64_t>(kEmpty);
            return array;
        }
        static void destroy(void* array) noexcept { ::operator delete(array); }
    };

    void put(Array& array, std::uint64_t hash, Word word)
    {
        std::size_t i = array.home(hash);
        std::uint64_t slot = array.slots()[i].load(std::memory_order_relaxed);
        while (slot != kEmpty && slot != kErased) {
            i = array.next(i);
            slot = array.slots()[i].load(std::memory_order_relaxed);
        }
        if (slot == kEmpty) ++used_;
        array.slots()[i].store(slot_value(hash, word), std::memory_order_release);
    }

    [[nodiscard]] static std::size_t slot_of(Array& array, std::uint64_t hash, Word word)
    {
        for (std::size_t i = array.home(hash);; i = array.next(i)) {
            const std::uint64_t slot = array.slots()[i].load(std::memory_order_relaxed);
            TIDEMARK_CHECK(slot != kEmpty); // the word is not in the table
            if (slot == slot_value(hash, word)) return i;
        }
    }

    // An erased mark keeps the probes going; before an empty slot nothing needs it, nor the marks
    // before it.
    void clear(Array& array, std::size_t i)
    {
        auto* slots = array.slots();
        slots[i].store(kErased, std::memory_order_release);
        if (slots[array.next(i)].load(std::memory_order_relaxed) != kEmpty) return;
        while (slots[i].load(std::memory_order_relaxed) == kErased) {
            slots[i].store(kEmpty, std::memory_order_release);
            --used_;
            i = i == 0 ? array.capacity - 1 : i - 1;
        }
    }

    // Two thirds full after it, without erased marks; the next one at four fifths.
    void rebuild(std::size_t entries)
    {
        Array* old = array_.load(std::memory_order_relaxed);
        Array* fresh = nullptr;
        used_ = 0;
        if (entries != 0) {
            fresh = Array::make(std::max<std::size_t>(8, entries + entries / 2));
            each([&](Word word) { put(*fresh, HashOf{}(word), word); });
        }
        array_.store(fresh, std::memory_order_release);
        if (old != nullptr) epochs_.retire(old, [](void* array) { Array::destroy(array); });
    }

    EpochDomain& epochs_;
    std::atomic<Array*> array_{nullptr};
    std::size_t live_ = 0;
    std::size_t used_ = 0; // slots that are not empty: live and erased
};

template <class HashOf>
template <class Visit>
std::uint64_t SlotTable<HashOf>::visit_from(std::uint64_t from, std::size_t count,
                                            Visit&& visit) const
{
    const Array* array = array_.load(std::memory_order_acquire);
    if (array == nullptr || from >= kEnd) return kEnd;
    std::size_t visited = 0;
    // `wrapped`: behind the end of the array, where only entries whose home is near the end belong
    // to this round.
    const auto at = [&](std::uint64_t slot, std::size_t i, bool wrapped) {
        if (slot == kErased) return;
        const Word word = slot & kWordMask;
        const std::uint64_t hash = HashOf{}(word);
        if (low(hash) < from || (array->home(hash) > i) != wrapped) return;
        ++visited;
        visit(word);
    };
    for (std::size_t i = array->home(from); i < array->capacity; ++i) {
        const std::uint64_t slot = array->slots()[i].load(std::memory_order_acquire);
        if (slot != kEmpty)
            at(slot, i, false);
        else if (visited >= count) // what stands behind an empty slot has its home behind it, too
            return (((static_cast<std::uint64_t>(i) + 1) << 32) + array->capacity - 1) /
                   array->capacity;
    }
    for (std::size_t i = 0; i < array->capacity; ++i) {
        const std::uint64_t slot = array->slots()[i].load(std::memory_order_acquire);
        if (slot == kEmpty) break;
        at(slot, i, true);
    }
    return kEnd;
}
} // namespace tidemark::sync
