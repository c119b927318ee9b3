#include "edge/store/eviction.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <bit>

namespace tidemark::store
{
namespace
{
constexpr std::uint64_t kSmallShare = 10;   // the small queue may hold 1/10 of the bytes
constexpr std::uint8_t kUsesToStay = 2;     // this often used in the small queue: to the main one
constexpr std::size_t kGhostsPerRecord = 2; // 1/2 of a fingerprint for each stored response
constexpr std::size_t kQueueBlockBytes =
    528; // of std::deque in libstdc++: 512 and the allocator's overhead
constexpr std::size_t kQueueBlockRecords = 64;

std::uint32_t print_of(std::uint64_t hash) noexcept
{
    const auto print = static_cast<std::uint32_t>(hash >> 16);
    return print == 0 ? 1 : print;
}
} // namespace

std::uint32_t* GhostList::bucket(std::uint32_t print) noexcept
{
    const std::size_t buckets = prints_.size() / kWays;
    return prints_.data() + (print & (buckets - 1)) * kWays;
}

void GhostList::push(std::uint32_t print) noexcept
{
    std::uint32_t* ways = bucket(print);
    std::copy_backward(ways, ways + kWays - 1, ways + kWays);
    ways[0] = print;
}

void GhostList::resize(std::size_t entries)
{
    const std::size_t wanted = entries == 0 ? 0 : std::max(kWays, std::bit_ceil(entries));
    if (wanted == prints_.size()) return;
    const std::vector<std::uint32_t> old =
        std::exchange(prints_, std::vector<std::uint32_t>(wanted));
    if (wanted == 0) return;
    for (std::size_t bucket = 0; bucket < old.size(); bucket += kWays)
        for (std::size_t way = kWays; way-- > 0;) // oldest first
            if (old[bucket + way] != 0) push(old[bucket + way]);
}

void GhostList::add(std::uint64_t hash)
{
    if (!prints_.empty()) push(print_of(hash));
}

bool GhostList::take(std::uint64_t hash)
{
    if (prints_.empty()) return false;
    const std::uint32_t print = print_of(hash);
    std::uint32_t* ways = bucket(print);
    std::uint32_t* found = std::find(ways, ways + kWays, print);
    if (found == ways + kWays) return false;
    std::copy(found + 1, ways + kWays, found);
    ways[kWays - 1] = 0;
    return true;
}

void RecordQueue::push(StoredResponse& record, std::uint64_t cost)
{
    const auto number = static_cast<std::uint32_t>(first_ + records_.size()) & ~kMarkBit;
    record.set_place(number | mark_);
    records_.push_back(&record);
    record_bytes_ += cost;
}

StoredResponse* RecordQueue::front() const noexcept
{
    return records_.empty() ? nullptr : records_.front(); // leading holes are dropped at once
}

std::size_t RecordQueue::index_of(const StoredResponse& record) const noexcept
{
    const std::size_t index = (record.place() - first_) & ~kMarkBit;
    TIDEMARK_CHECK(index < records_.size() && records_[index] == &record);
    return index;
}

void RecordQueue::erase(StoredResponse& record, std::uint64_t cost)
{
    records_[index_of(record)] = nullptr;
    ++holes_;
    record_bytes_ -= cost;
    drop_leading_holes();
    if (holes_ > kQueueBlockRecords && holes_ > records_.size() / 2) close_holes();
}

void RecordQueue::replace(StoredResponse& old, std::uint64_t old_cost, StoredResponse& now,
                          std::uint64_t cost)
{
    records_[index_of(old)] = &now;
    now.set_place(old.place());
    record_bytes_ += cost - old_cost;
}

void RecordQueue::drop_leading_holes()
{
    while (!records_.empty() && records_.front() == nullptr) {
        records_.pop_front();
        first_ = (first_ + 1) & ~kMarkBit;
        --holes_;
    }
}

void RecordQueue::close_holes()
{
    std::deque<StoredResponse*> closed;
    for (StoredResponse* record : records_) {
        if (record == nullptr) continue;
        record->set_place(((first_ + static_cast<std::uint32_t>(closed.size())) & ~kMarkBit) |
                          mark_);
        closed.push_back(record);
    }
    records_.swap(closed);
    holes_ = 0;
}

std::size_t RecordQueue::bytes() const noexcept
{
    const std::size_t blocks = records_.size() / kQueueBlockRecords + 1;
    return blocks * (kQueueBlockBytes + 2 * sizeof(void*));
}

void Eviction::insert(StoredResponse& record, std::uint64_t hash, std::uint64_t cost)
{
    (ghosts_.take(hash) ? main_ : small_).push(record, cost);
}

void Eviction::replace(StoredResponse& old, std::uint64_t old_cost, StoredResponse& now,
                       std::uint64_t cost)
{
    now.set_uses(old.uses());
    queue_of(old).replace(old, old_cost, now, cost);
}

void Eviction::erase(StoredResponse& record, std::uint64_t cost)
{
    queue_of(record).erase(record, cost);
}

StoredResponse* Eviction::victim()
{
    const std::uint64_t all = small_.record_bytes() + main_.record_bytes();
    StoredResponse* record = nullptr;
    if (small_.record_bytes() > all / kSmallShare) record = victim_of_small();
    if (record == nullptr) record = victim_of_main();
    if (record == nullptr) record = victim_of_small();
    return record;
}

// Null if all of them moved on.
StoredResponse* Eviction::victim_of_small()
{
    while (StoredResponse* record = small_.front()) {
        const std::uint64_t cost = record->cost_bytes();
        small_.erase(*record, cost);
        if (record->uses() < kUsesToStay) {
            remember(*record);
            return record;
        }
        record->set_uses(0);
        main_.push(*record, cost);
    }
    return nullptr;
}

// Each pass of a record costs it one use, so this ends unless readers keep touching everything:
// then the oldest goes.
StoredResponse* Eviction::victim_of_main()
{
    std::size_t passes = main_.size() * StoredResponse::kUsesMax;
    while (StoredResponse* record = main_.front()) {
        const std::uint64_t cost = record->cost_bytes();
        main_.erase(*record, cost);
        const std::uint8_t uses = record->uses();
        if (uses == 0 || passes-- == 0) return record;
        record->set_uses(static_cast<std::uint8_t>(uses - 1));
        main_.push(*record, cost);
    }
    return nullptr;
}

void Eviction::remember(const StoredResponse& record)
{
    const std::size_t wanted = (small_.size() + main_.size()) / kGhostsPerRecord;
    if (wanted > ghosts_.capacity() || wanted * 4 < ghosts_.capacity()) ghosts_.resize(wanted);
    ghosts_.add(record.key_hash());
}
} // namespace tidemark::store
