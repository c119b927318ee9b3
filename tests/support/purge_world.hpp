#pragma once
#include "edge/follow/follower.hpp"
#include "origin/broadcast/hub.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

// An origin's hub and its edges, joined by links in memory: virtual time, one seed, datagrams that
// get lost, come twice and overtake each other, streams that only get slow, partitions, restarts of
// either side. Performs all actions as the drivers do.
namespace tidemark::test
{
using purge::Now;
using purge::Version;

struct LinkFaults {
    double loss = 0;
    double duplicates = 0;
    Millis delay{1};
    Millis jitter{0};      // more of it: datagrams overtake each other
    bool datagrams = true; // false: blocked
    bool cut = false;      // nothing passes; streams wait
};

// What an edge holds of the messages it was given.
class RememberingApplier final : public follow::Applier
{
  public:
    void apply(std::span<const purge::Message> messages, Now /*now*/) override
    {
        ++calls;
        for (const purge::Message& message : messages)
            applied.insert_or_assign(message.version, message);
    }
    void load(const purge::CompactState& state, Now /*now*/) override { loaded = state; }
    [[nodiscard]] bool erase_loaded(Version /*through*/) override { return erases_loaded; }
    void reset(purge::JournalId /*journal*/, Now /*now*/) override
    {
        ++resets;
        applied.clear();
        loaded = {};
        heard = 0;
    }
    void cap(Version agreed, Now /*now*/) override { capped_at = agreed; }
    void hear(Version version) override { heard = version; }
    void fence_key(const purge::FenceKey& key) override { fence = key; }

    bool erases_loaded = false; // what a snapshot made invalid: the test says when it is done
    std::map<Version, purge::Message> applied;
    purge::CompactState loaded;
    std::optional<Version> capped_at;
    std::optional<purge::FenceKey> fence;
    Version heard = 0;
    unsigned resets = 0;
    unsigned calls = 0;
};

// The durable side of an origin.
struct MemoryJournal {
    journal::JournalStart start;
    std::map<Version, purge::SharedRecord> records; // above start.base
    purge::CompactState compact;                    // of all
    std::map<std::string, purge::RegisteredEdge> edges;

    explicit MemoryJournal(purge::JournalId id = 1) { start.id = id; }

    journal::DurableRecord append(purge::Message message)
    {
        message.version = start.mark() + 1;
        message.journal = start.id;
        Bytes bytes;
        purge::encode_message(message, bytes);
        start.tree.append(message.version, purge::digest_of(bytes));
        compact.apply(message);
        auto record = std::make_shared<const Bytes>(std::move(bytes));
        records.emplace(message.version, record);
        return {message.version, record, std::make_shared<const purge::Message>(message)};
    }
    // Everything so far is only in the snapshot from here on.
    void compact_all()
    {
        records.clear();
        start.base = start.mark();
        Bytes bytes;
        purge::encode_snapshot(compact, bytes);
        start.snapshot = std::make_shared<const Bytes>(std::move(bytes));
        start.snapshot_state = compact.digest();
        start.root_at_base = start.tree.root();
        start.tree.forget_below(purge::full_blocks(start.base));
    }
    void mint(Version above)
    {
        const Version mark = std::max(start.mark(), above);
        start.tree = purge::DigestTree{mark, {start.id, mark}};
        ++start.id;
        compact_all();
    }
    [[nodiscard]] journal::JournalStart begin()
    {
        start.edges.clear();
        for (const auto& [name, edge] : edges)
            start.edges.push_back(edge);
        return start;
    }
};

class PurgeWorld
{
  public:
    struct Edge {
        std::string name;
        follow::FollowerSettings settings;
        LinkFaults faults;
        std::unique_ptr<RememberingApplier> applier = std::make_unique<RememberingApplier>();
        std::unique_ptr<follow::Follower> follower; // null: down
        // its log
        purge::JournalId journal = 0;
        Version through = 0;
        purge::Digest root;
        std::map<Version, Bytes> kept;
        // its link
        std::uint64_t connection = 0; // 0: none
        origin::PeerId peer = 0;
        bool dialling = false;
        bool erases = true; // at once
        std::map<purge::ContentDigest, Bytes> staged;
        std::uint64_t stream_bytes = 0;
    };

    explicit PurgeWorld(std::uint32_t seed, origin::HubSettings hub_settings = {})
        : random_(seed), hub_settings_(hub_settings)
    {
        start_origin();
    }

    // ---- the cast
    Edge& add_edge(const std::string& name, LinkFaults faults = {})
    {
        edges_.push_back(std::make_unique<Edge>());
        Edge& edge = *edges_.back();
        edge.name = edge.settings.name = name;
        edge.settings.instance = random_();
        edge.faults = faults;
        start_edge(edge);
        return edge;
    }
    void stop_edge(Edge& edge)
    {
        break_link(edge);
        edge.follower.reset();
    }
    // Goes on from its log.
    void start_edge(Edge& edge)
    {
        follow::Restored restored;
        restored.journal = edge.journal;
        restored.tree = purge::DigestTree{edge.through, edge.root};
        restored.applied.add_through(edge.through);
        for (const auto& [version, record] : edge.kept) {
            if (version == restored.tree.last() + 1)
                restored.tree.append(version, purge::digest_of(record));
            restored.applied.add(version);
        }
        restored.heard = restored.applied.highest();
        edge.follower =
            std::make_unique<follow::Follower>(edge.settings, std::move(restored), *edge.applier);
        dial(edge);
    }
    void stop_origin()
    {
        for (auto& edge : edges_)
            break_link(*edge);
        hub_.reset();
    }
    void start_origin()
    {
        hub_ = std::make_unique<origin::Hub>(hub_settings_, journal.begin(), random_(), now());
    }
    void restart_origin()
    {
        stop_origin();
        start_origin();
    }
    void break_link(Edge& edge)
    {
        if (edge.connection == 0) return;
        edge.connection = 0;
        if (hub_) hub_->on_closed(edge.peer, now());
        perform_hub();
        if (edge.follower) edge.follower->on_closed(now());
        perform(edge);
        dial(edge);
    }

    // ---- what happens
    Version publish(purge::Message message)
    {
        const auto record = journal.append(std::move(message));
        hub_->on_durable({&record, 1}, now());
        perform_hub();
        return record.version;
    }
    void publish_batch(const std::vector<purge::Message>& messages)
    {
        std::vector<journal::DurableRecord> records;
        for (const purge::Message& message : messages)
            records.push_back(journal.append(message));
        hub_->on_durable(records, now());
        perform_hub();
    }
    void run_for(Nanos duration)
    {
        run_until([] { return false; }, duration);
    }
    // True: `done` became true within `at_most`.
    bool run_until(const std::function<bool()>& done, Nanos at_most)
    {
        const Nanos end = elapsed_ + at_most;
        while (!done()) {
            const auto next = next_moment();
            if (!next || *next > end) {
                elapsed_ = end;
                return done();
            }
            elapsed_ = std::max(elapsed_, *next);
            happen();
        }
        return true;
    }
    void perform_all()
    {
        perform_hub();
        for (auto& edge : edges_)
            if (edge->follower) perform(*edge);
    }

    [[nodiscard]] Now now() const
    {
        return {MonoTime{elapsed_}, BootTime{elapsed_ + std::chrono::hours{1}},
                WallTime{Millis{1'700'000'000'000} + std::chrono::floor<Millis>(elapsed_)}};
    }
    [[nodiscard]] origin::Hub& hub() { return *hub_; }
    [[nodiscard]] bool in_sync(const Edge& edge) const
    {
        return edge.follower && edge.follower->lease_until() > now().boot;
    }
    [[nodiscard]] bool converged(const Edge& edge) const
    {
        return edge.follower && edge.follower->journal() == journal.start.id &&
               edge.follower->contiguous() == journal.start.mark() &&
               edge.follower->root() == journal.start.tree.root();
    }
    [[nodiscard]] bool all_converged() const
    {
        return std::all_of(edges_.begin(), edges_.end(),
                           [&](const auto& edge) { return converged(*edge); });
    }

    MemoryJournal journal;
    std::map<purge::ContentDigest, Bytes> content; // at the origin
    std::vector<origin::Staged> staged;
    std::vector<std::string> remarks;
    std::vector<std::string> closings; // why streams were closed, by either side
    unsigned progress = 0;
    unsigned mints = 0;

  private:
    struct Event {
        Nanos at;
        std::uint64_t order;
        std::function<void()> what;
        bool operator>(const Event& other) const
        {
            return std::tie(at, order) > std::tie(other.at, other.order);
        }
    };

    void at(Nanos when, std::function<void()> what)
    {
        events_.push({std::max(when, elapsed_), ++order_, std::move(what)});
    }
    [[nodiscard]] std::optional<Nanos> next_moment() const
    {
        std::optional<Nanos> next;
        const auto sooner = [&](std::optional<MonoTime> due) {
            if (!due) return;
            const Nanos when = std::max(due->time_since_epoch(), elapsed_);
            next = next ? std::min(*next, when) : when;
        };
        if (!events_.empty()) next = events_.top().at;
        if (hub_) sooner(hub_->next_due());
        for (const auto& edge : edges_)
            if (edge->follower) sooner(edge->follower->next_due());
        return next;
    }
    void happen()
    {
        while (!events_.empty() && events_.top().at <= elapsed_) {
            const auto what = events_.top().what;
            events_.pop();
            what();
        }
        const auto is_due = [&](std::optional<MonoTime> due) {
            return due && due->time_since_epoch() <= elapsed_;
        };
        if (hub_ && is_due(hub_->next_due())) hub_->on_time(now());
        perform_hub();
        for (auto& edge : edges_) {
            if (!edge->follower) continue;
            if (is_due(edge->follower->next_due())) edge->follower->on_time(now());
            perform(*edge);
        }
    }

    // ---- links
    void dial(Edge& edge)
    {
        if (edge.dialling) return;
        edge.dialling = true;
        at(elapsed_ + Millis{50}, [this, &edge] {
            edge.dialling = false;
            if (!edge.follower) return;
            if (!hub_ || edge.faults.cut) return dial(edge);
            connect(edge);
        });
    }
    void connect(Edge& edge)
    {
        const std::uint64_t connection = edge.connection = ++connections_;
        const auto keys = [connection](purge::Direction direction, std::uint16_t epoch) {
            purge::DatagramKey key{};
            key[0] = static_cast<std::uint8_t>(direction);
            key[1] = static_cast<std::uint8_t>(epoch);
            for (unsigned i = 0; i < 8; ++i)
                key[2 + i] = static_cast<std::uint8_t>(connection >> 8 * i);
            return key;
        };
        clear_at_[connection] = {};
        edge.peer = hub_->on_stream(edge.name, "memory", keys, now());
        perform_hub();
        edge.follower->on_connected(keys, now());
        perform(edge);
    }
    Nanos delay_of(const Edge& edge)
    {
        const auto jitter = std::chrono::nanoseconds{edge.faults.jitter}.count();
        return edge.faults.delay +
               Nanos{jitter == 0 ? 0
                                 : static_cast<std::int64_t>(random_() % 1'000'000'000U) * jitter /
                                       1'000'000'000};
    }
    // In order; waits while the link is cut; in pieces of any size.
    void stream(Edge& edge, bool to_edge, Bytes bytes)
    {
        Nanos& clear = clear_at_[edge.connection][to_edge ? 1 : 0];
        clear = std::max(clear, elapsed_ + delay_of(edge));
        at(clear, [this, &edge, to_edge, connection = edge.connection, bytes = std::move(bytes)] {
            deliver(edge, to_edge, connection, bytes);
        });
    }
    void deliver(Edge& edge, bool to_edge, std::uint64_t connection, const Bytes& bytes)
    {
        if (edge.connection != connection) return;
        auto& held = held_[connection][to_edge ? 1 : 0];
        held += bytes;
        if (edge.faults.cut)
            return at(elapsed_ + Millis{20}, [this, &edge, to_edge, connection] {
                deliver(edge, to_edge, connection, {});
            });
        const Bytes all = std::exchange(held, {});
        for (std::size_t done = 0; done < all.size() && edge.connection == connection;) {
            const std::size_t size =
                std::min<std::size_t>(1 + random_() % 70'000, all.size() - done);
            const ByteView piece = ByteView{all}.substr(done, size);
            done += size;
            if (to_edge) {
                if (edge.follower) edge.follower->on_bytes(piece, now());
                if (hub_) hub_->on_sent(edge.peer, size, now());
            } else if (hub_) {
                hub_->on_bytes(edge.peer, piece, now());
            }
            perform_hub();
            if (edge.follower) perform(edge);
        }
    }
    bool chance(double share)
    {
        return share > 0 && std::uniform_real_distribution<>{}(random_) < share;
    }
    void datagram(Edge& edge, bool to_edge, const Bytes& sealed)
    {
        datagram_bytes_ += sealed.size();
        const int copies = chance(edge.faults.duplicates) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            if (!edge.faults.datagrams || edge.faults.cut || chance(edge.faults.loss)) continue;
            at(elapsed_ + delay_of(edge), [this, &edge, to_edge, sealed] {
                if (edge.faults.cut) return;
                if (!to_edge && hub_)
                    hub_->on_datagram(sealed, now());
                else if (to_edge && edge.follower)
                    edge.follower->on_datagram(sealed, now());
                perform_hub();
                if (edge.follower) perform(edge);
            });
        }
    }
    // Either side closes: both see the end, after what was sent before.
    void closing(Edge& edge, const std::string& why)
    {
        closings.push_back(why);
        at(elapsed_ + edge.faults.delay * 2, [this, &edge, connection = edge.connection] {
            if (edge.connection == connection) break_link(edge);
        });
    }

    // ---- actions
    Edge* edge_of(origin::PeerId peer)
    {
        for (auto& edge : edges_)
            if (edge->connection != 0 && edge->peer == peer) return edge.get();
        return nullptr;
    }
    void perform_hub()
    {
        if (performing_hub_ || !hub_) return;
        performing_hub_ = true;
        for (auto actions = hub_->take_actions(); !actions.empty(); actions = hub_->take_actions())
            for (origin::Action& action : actions)
                std::visit([&](auto& a) { perform(a); }, action);
        performing_hub_ = false;
    }
    void perform(origin::SendStream& a)
    {
        if (Edge* edge = edge_of(a.peer)) stream(*edge, true, std::move(a.bytes));
    }
    void perform(origin::SendDatagram& a)
    {
        if (Edge* edge = edge_of(a.peer)) datagram(*edge, true, a.sealed);
    }
    void perform(origin::CloseStream& a)
    {
        if (Edge* edge = edge_of(a.peer)) closing(*edge, a.why);
    }
    void perform(origin::KeepEdge& a)
    {
        journal.edges[a.edge.name] = a.edge;
        later([this, name = a.edge.name] { hub_->on_edge_kept(name, now()); });
    }
    void perform(origin::DropEdge& a) { journal.edges.erase(a.name); }
    void perform(origin::ReadRecords& a)
    {
        std::vector<purge::SharedRecord> found;
        std::size_t bytes = 0;
        for (auto at = journal.records.lower_bound(a.first);
             at != journal.records.end() && at->first <= a.last && bytes < a.bytes_max; ++at) {
            found.push_back(at->second);
            bytes += at->second->size();
        }
        later([this, found, request = a.request] { hub_->on_records(request, found, now()); });
    }
    void perform(origin::MintJournal& a)
    {
        ++mints;
        later([this, above = a.above] {
            journal.mint(above);
            hub_->on_new_journal(journal.begin(), now());
        });
    }
    void perform(origin::ReadContent& a)
    {
        const Bytes piece = content[a.digest].substr(a.offset, a.bytes_max);
        later([this, piece, request = a.request] { hub_->on_content(request, piece, now()); });
    }
    void perform(origin::Staged& a) { staged.push_back(a); }
    void perform(origin::Progress&) { ++progress; }
    void perform(origin::Remark& a) { remarks.push_back(a.text); }
    // What the journal does takes a moment.
    void later(std::function<void()> what)
    {
        at(elapsed_ + Millis{1}, [this, what = std::move(what), hub = hub_.get()] {
            if (hub_.get() != hub) return;
            what();
            perform_hub();
        });
    }

    void perform(Edge& edge)
    {
        for (follow::Action& action : edge.follower->take_actions())
            std::visit([&](auto& a) { perform(edge, a); }, action);
    }
    void perform(Edge& edge, follow::SendStream& a)
    {
        edge.stream_bytes += a.bytes.size();
        if (edge.connection != 0) stream(edge, false, std::move(a.bytes));
    }
    void perform(Edge& edge, follow::SendDatagram& a) { datagram(edge, false, a.sealed); }
    void perform(Edge& edge, follow::CloseStream& a) { closing(edge, a.why); }
    void perform(Edge& edge, follow::KeepRecords& a)
    {
        ByteView bytes = a.records;
        while (const auto record = purge::next_record(bytes)) {
            edge.kept.insert_or_assign(record->version, Bytes{record->bytes});
            if (edge.erases) later_on(edge, record->version);
        }
    }
    void later_on(Edge& edge, Version version)
    {
        at(elapsed_ + Millis{5}, [this, &edge, version] {
            if (edge.follower) edge.follower->on_erased(version, now());
        });
    }
    void perform(Edge& edge, follow::KeepSnapshot& a)
    {
        edge.kept.erase(edge.kept.begin(), edge.kept.upper_bound(a.through));
        edge.through = a.through;
        edge.root = a.root;
    }
    void perform(Edge& edge, follow::KeepJournal& a)
    {
        edge.kept.clear();
        edge.journal = a.journal;
        edge.through = 0;
        edge.root = {};
    }
    void perform(Edge& edge, follow::StagePiece& a)
    {
        Bytes& bytes = edge.staged[a.digest];
        if (bytes.size() == a.offset) bytes += a.bytes;
        if (bytes.size() < a.packed_bytes) return;
        at(elapsed_ + Millis{1}, [this, &edge, digest = a.digest] {
            if (edge.follower) edge.follower->on_staged(digest, edge.staged[digest].size(), now());
        });
    }
    void perform(Edge& edge, follow::StageWanted& a)
    {
        at(elapsed_ + Millis{1}, [this, &edge, digest = a.offer.digest] {
            if (edge.follower) edge.follower->on_staged(digest, edge.staged[digest].size(), now());
        });
    }
    void perform(Edge& /*edge*/, follow::Remark& a) { remarks.push_back(a.text); }

  public:
    [[nodiscard]] std::uint64_t datagram_bytes() const noexcept { return datagram_bytes_; }

  private:
    std::mt19937 random_;
    origin::HubSettings hub_settings_;
    Nanos elapsed_{0};
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t order_ = 0;
    std::uint64_t connections_ = 0;
    std::map<std::uint64_t, std::array<Nanos, 2>> clear_at_;
    std::map<std::uint64_t, std::array<Bytes, 2>> held_;
    std::uint64_t datagram_bytes_ = 0;
    bool performing_hub_ = false;
    std::vector<std::unique_ptr<Edge>> edges_;
    std::unique_ptr<origin::Hub> hub_;
};
} // namespace tidemark::test
