#include "edge/serve/flight.hpp"

#include "core/base/check.hpp"

#include <algorithm>
#include <cstring>

namespace tidemark::serve
{
namespace
{
constexpr std::uint32_t kFirstChunkBytes = 4 * 1024;
constexpr std::uint32_t kChunkBytesMax = 64 * 1024;
} // namespace

void Follower::signal() noexcept
{
    if (!signalled_.exchange(true, std::memory_order_acq_rel)) worker_.wake(shared_from_this());
}

void Follower::deliver() noexcept
{
    // Cleared before anything is read: whatever is published from here on signals again. Read and
    // written at once, so that what was published before a signal that found it set is seen too.
    signalled_.exchange(false, std::memory_order_acq_rel);
    if (target_ != nullptr) target_->on_wake();
}

// One chunk of a body. A reference to a node keeps everything behind it; `next` owns one.
struct Flight::Node {
    store::ChunkRef chunk;
    std::atomic<std::uint32_t> filled{0};
    std::atomic<Node*> next{nullptr};
    std::atomic<std::uint32_t> refs{1};
};

void Flight::drop(Node* node) noexcept
{
    // A loop, for a list may be as long as a body is large.
    while (node != nullptr && node->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        Node* next = node->next.load(std::memory_order_acquire);
        delete node;
        node = next;
    }
}

Flight::Flight(Start start) : start_(std::move(start))
{
    first_ = new Node;
    last_ = first_;
    last_->refs.fetch_add(1, std::memory_order_relaxed); // the owner's, beside first_'s
}

Flight::~Flight()
{
    drop(first_);
    drop(last_);
}

void Flight::signal_all()
{
    const std::lock_guard lock(mutex_);
    for (const auto& follower : followers_)
        follower->signal();
}

void Flight::publish_head(FlightHead head)
{
    head_ = std::move(head);
    phase_.store(FlightPhase::streaming, std::memory_order_release);
    signal_all();
}

void Flight::append(std::string_view bytes)
{
    appended_ += bytes.size();
    while (!bytes.empty()) {
        const std::uint32_t filled = last_->filled.load(std::memory_order_relaxed);
        const std::uint32_t room = last_->chunk ? last_->chunk->capacity_bytes - filled : 0;
        if (room == 0) {
            const std::uint64_t left =
                head_.body_bytes ? *head_.body_bytes - (appended_ - bytes.size()) : 0;
            std::uint64_t wanted =
                std::max<std::uint64_t>({bytes.size(), left, filled * 2ULL, kFirstChunkBytes});
            if (head_.body_bytes) wanted = std::max<std::uint64_t>(bytes.size(), left);
            auto* node = new Node;
            node->chunk = store::ChunkRef::make(
                static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, kChunkBytesMax)));
            node->refs.store(2,
                             std::memory_order_relaxed); // `next` of the one before, and the owner
            Node* before = last_;
            before->next.store(node, std::memory_order_release);
            last_ = node;
            drop(before);
            continue;
        }
        const std::size_t n = std::min<std::size_t>(room, bytes.size());
        std::memcpy(last_->chunk->data() + filled, bytes.data(), n);
        last_->filled.store(filled + static_cast<std::uint32_t>(n), std::memory_order_release);
        bytes.remove_prefix(n);
    }
}

void Flight::publish()
{
    signal_all();
}

void Flight::complete(std::string trailer_lines, store::StoredRef record)
{
    trailer_lines_ = std::move(trailer_lines);
    record_ = std::move(record);
    phase_.store(FlightPhase::complete, std::memory_order_release);
    signal_all();
}

void Flight::replace(store::StoredRef record, std::string_view detail,
                     std::uint16_t upstream_status)
{
    record_ = std::move(record);
    detail_ = detail;
    upstream_status_ = upstream_status;
    phase_.store(FlightPhase::replaced, std::memory_order_release);
    signal_all();
}

void Flight::fail(FlightFailure failure)
{
    failure_ = failure;
    phase_.store(FlightPhase::failed, std::memory_order_release);
    signal_all();
}

void Flight::send_elsewhere()
{
    phase_.store(FlightPhase::elsewhere, std::memory_order_release);
    signal_all();
}

void Flight::cut()
{
    phase_.store(FlightPhase::cut, std::memory_order_release);
    signal_all();
}

void Flight::stop_keeping()
{
    Node* first = nullptr;
    {
        const std::lock_guard lock(mutex_);
        keeping_ = false;
        std::swap(first, first_);
    }
    drop(first);
}

std::vector<store::Slice> Flight::slices() const
{
    TIDEMARK_CHECK(keeping_);
    std::vector<store::Slice> slices;
    for (const Node* node = first_; node != nullptr;
         node = node->next.load(std::memory_order_acquire)) {
        const std::uint32_t filled = node->filled.load(std::memory_order_relaxed);
        if (filled != 0) slices.push_back({node->chunk, 0, filled});
    }
    return slices;
}

std::uint64_t Flight::slowest_bytes() const
{
    const std::lock_guard lock(mutex_);
    std::uint64_t slowest = appended_;
    for (const auto& follower : followers_)
        slowest = std::min(slowest, follower->consumed_bytes.load(std::memory_order_seq_cst));
    return slowest;
}

void Flight::leave_behind_below(std::uint64_t bytes)
{
    const std::lock_guard lock(mutex_);
    const auto keeps_up = [&](const std::shared_ptr<Follower>& follower) {
        return follower->consumed_bytes.load(std::memory_order_seq_cst) >= bytes;
    };
    const auto slow = std::stable_partition(followers_.begin(), followers_.end(), keeps_up);
    if (slow == followers_.begin()) return;
    for (auto one = slow; one != followers_.end(); ++one) {
        (*one)->left_behind.store(true, std::memory_order_relaxed);
        (*one)->signal();
    }
    followers_.erase(slow, followers_.end());
}

std::size_t Flight::followers() const
{
    const std::lock_guard lock(mutex_);
    return followers_.size();
}

void Flight::set_owner(std::shared_ptr<Follower> owner)
{
    const std::lock_guard lock(mutex_);
    owner_ = std::move(owner);
}

void Flight::follow(std::shared_ptr<Follower> follower)
{
    const std::lock_guard lock(mutex_);
    followers_.push_back(std::move(follower));
}

void Flight::leave(const Follower& follower)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(followers_, [&](const auto& one) { return one.get() == &follower; });
    if (owner_) owner_->signal();
}

std::optional<BodyCursor> Flight::open() const
{
    const std::lock_guard lock(mutex_);
    if (first_ == nullptr) return std::nullopt;
    first_->refs.fetch_add(1, std::memory_order_relaxed);
    return BodyCursor(first_);
}

void Flight::consumed() noexcept
{
    if (!throttled_.load(std::memory_order_seq_cst)) return;
    const std::lock_guard lock(mutex_);
    if (owner_) owner_->signal();
}

BodyCursor::BodyCursor(BodyCursor&& other) noexcept
    : node_(std::exchange(other.node_, nullptr)), in_node_(other.in_node_), offset_(other.offset_)
{
}

BodyCursor& BodyCursor::operator=(BodyCursor&& other) noexcept
{
    std::swap(node_, other.node_);
    std::swap(in_node_, other.in_node_);
    std::swap(offset_, other.offset_);
    return *this;
}

BodyCursor::~BodyCursor()
{
    Flight::drop(node_);
}

store::Slice BodyCursor::next(std::uint64_t max_bytes)
{
    for (;;) {
        // `next` first: a node that has a successor is full, so its length read afterwards is
        // final.
        Flight::Node* next = node_->next.load(std::memory_order_acquire);
        const std::uint32_t filled = node_->filled.load(std::memory_order_acquire);
        if (in_node_ < filled) {
            const auto bytes =
                static_cast<std::uint32_t>(std::min<std::uint64_t>(filled - in_node_, max_bytes));
            store::Slice slice{node_->chunk, in_node_, bytes};
            in_node_ += bytes;
            offset_ += bytes;
            return slice;
        }
        if (next == nullptr) return {};
        next->refs.fetch_add(1, std::memory_order_relaxed);
        Flight::drop(std::exchange(node_, next));
        in_node_ = 0;
    }
}

FlightTable::Joined FlightTable::join(Flight::Start start,
                                      const std::function<bool(const Flight&)>& joinable,
                                      const std::shared_ptr<Follower>& follower)
{
    Shard& shard = shard_of(start.key_hash);
    const std::lock_guard lock(shard.mutex);
    auto& flights = shard.flights[start.key_hash];
    for (const auto& flight : flights) {
        if (flight->start().key != start.key || !joinable(*flight)) continue;
        if (follower) flight->follow(follower);
        return {flight, false};
    }
    auto flight = std::make_shared<Flight>(std::move(start));
    if (follower) flight->follow(follower);
    flights.push_back(flight);
    return {std::move(flight), true};
}

void FlightTable::remove(const Flight& flight)
{
    Shard& shard = shard_of(flight.start().key_hash);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.flights.find(flight.start().key_hash);
    if (found == shard.flights.end()) return;
    std::erase_if(found->second, [&](const auto& one) { return one.get() == &flight; });
    if (found->second.empty()) shard.flights.erase(found);
}

std::size_t FlightTable::size() const
{
    std::size_t total = 0;
    for (const Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        for (const auto& [hash, flights] : shard.flights)
            total += flights.size();
    }
    return total;
}

// A slot: 30 bits of the hash that are not the slot's place, 32 bits of expiry in seconds, 2 bits
// of kind.
KeyMemory::KeyMemory() : slots_(new std::atomic<std::uint64_t>[kSlots]()) {}

void KeyMemory::remember(std::uint64_t key_hash, Kind kind, WallTime until) noexcept
{
    const auto seconds = static_cast<std::uint64_t>(since_epoch(until).count()) & 0xffffffffULL;
    slots_[key_hash % kSlots].store((key_hash >> 34) << 34 | seconds << 2 |
                                        static_cast<std::uint64_t>(kind),
                                    std::memory_order_relaxed);
}

void KeyMemory::forget(std::uint64_t key_hash) noexcept
{
    std::atomic<std::uint64_t>& slot = slots_[key_hash % kSlots];
    if (slot.load(std::memory_order_relaxed) >> 34 == key_hash >> 34)
        slot.store(0, std::memory_order_relaxed);
}

KeyMemory::Kind KeyMemory::recall(std::uint64_t key_hash, WallTime now) const noexcept
{
    const std::uint64_t slot = slots_[key_hash % kSlots].load(std::memory_order_relaxed);
    if (slot == 0 || slot >> 34 != key_hash >> 34) return Kind::none;
    const std::uint64_t until = (slot >> 2) & 0xffffffffULL;
    if (until < static_cast<std::uint64_t>(since_epoch(now).count())) return Kind::none;
    return static_cast<Kind>(slot & 3);
}
} // namespace tidemark::serve
