#include "sim/network.hpp"

#include <utility>

namespace tidemark::sim
{
namespace
{
constexpr Nanos kBurst{20'000'000};
constexpr Nanos kNanosPerByte{8}; // 1 Gbit/s
constexpr Nanos kRetransmission{200'000'000};
constexpr std::size_t kSmallDatagram = 160; // heartbeats and acks pass a black hole, records do not

constexpr std::size_t index(Way way)
{
    return static_cast<std::size_t>(way);
}
} // namespace

Network::Network(Engine& engine, const Plan& plan)
    : engine_(engine), random_(engine.random.fork()), weather_(plan.weather), jitter_(plan.jitter),
      tcp_suffers_(plan.tcp_suffers), paths_(plan.edges)
{
    for (Path& path : paths_)
        path.delay = random_.between(plan.delay_min, plan.delay_max);
}

// ---- datagrams

// Bursty: the path is dead for times of mean 20 ms, so often that the share is the same.
bool Network::is_lost(Path& path, Way way)
{
    if (weather_.loss <= 0) return false;
    if (!weather_.bursty) return random_.chance(weather_.loss);
    Path::Burst& burst = path.bursts[index(way)];
    while (burst.until <= engine_.now()) {
        burst.bad = !burst.bad;
        const double good =
            static_cast<double>(kBurst.count()) * (1 - weather_.loss) / weather_.loss;
        const Nanos mean = burst.bad ? kBurst : Nanos{static_cast<std::int64_t>(good)};
        burst.until += random_.exponential(mean) + Nanos{1};
    }
    return burst.bad;
}

Nanos Network::journey(const Path& path)
{
    Nanos time = path.delay + random_.between(Nanos{0}, jitter_);
    if (random_.chance(weather_.reordered)) time += random_.between(Nanos{0}, 2 * kBurst);
    return time;
}

void Network::deliver(std::uint32_t edge, Way way, Bytes datagram, Nanos after, std::uint64_t flags)
{
    const auto kind = way == Way::to_edge ? EventKind::edge_datagram : EventKind::hub_datagram;
    engine_.in(after, kind, edge, datagrams_.put(std::move(datagram)), flags);
}

// Whoever stands on the way: sends again what passed before, flips bits, cuts, makes things up.
void Network::inject(std::uint32_t edge, Way way, const Bytes& honest)
{
    Path& path = paths_[edge];
    Bytes forged = honest;
    std::uint64_t flags = kInjected;
    switch (random_.below(4)) {
    case 0: // if the first was lost it is news, and honest
        forged = std::exchange(path.earlier[index(way)], honest);
        flags = 0;
        break;
    case 1: {
        char& hit = forged[random_.index_of(forged)];
        hit = static_cast<char>(hit ^ (1 << random_.below(8)));
        break;
    }
    case 2:
        forged.resize(random_.index_of(forged));
        break;
    default:
        for (std::size_t i = purge::kDatagramFrontBytes; i < forged.size(); ++i)
            forged[i] = static_cast<char>(random_.next());
        break;
    }
    if (forged.empty()) return;
    ++counts_.injected;
    deliver(edge, way, std::move(forged), path.delay + jitter_, flags);
}

void Network::send(std::uint32_t edge, Way way, Bytes datagram)
{
    Path& path = paths_[edge];
    ++counts_.datagrams;
    counts_.datagram_bytes += datagram.size();
    if (random_.chance(weather_.injected)) inject(edge, way, datagram);
    const bool swallowed = path.blackhole && datagram.size() > kSmallDatagram;
    if (path.cut || swallowed || is_lost(path, way)) {
        ++counts_.lost;
        return;
    }
    if (random_.chance(weather_.duplicated)) deliver(edge, way, datagram, journey(path), 0);
    deliver(edge, way, std::move(datagram), journey(path), 0);
}

std::optional<Bytes> Network::receive(std::uint32_t edge, std::uint64_t slot)
{
    Bytes bytes = datagrams_.take(slot);
    if (paths_[edge].cut) return std::nullopt;
    return bytes;
}

Nanos Network::slowest() const
{
    Nanos slowest{0};
    for (const Path& path : paths_)
        slowest = std::max(slowest, path.delay + jitter_);
    return slowest;
}

// ---- streams

std::uint64_t Network::dial(std::uint32_t edge, std::uint64_t edge_life)
{
    Session session;
    session.edge = edge;
    session.secret = random_.next();
    session.edge_life = edge_life;
    sessions_.push_back(std::move(session));
    return sessions_.size() - 1;
}

void Network::announce(std::uint64_t id, Way way, std::size_t bytes)
{
    Session& session = sessions_[id];
    Path& path = paths_[session.edge];
    Session::Pipe& pipe = session.pipes[index(way)];
    Nanos travel = path.delay;
    if (tcp_suffers_ && random_.chance(weather_.loss)) travel += kRetransmission + path.delay;
    pipe.last = std::max(pipe.last, engine_.now() + travel) +
                kNanosPerByte * static_cast<std::int64_t>(bytes);
    engine_.at(pipe.last,
               way == Way::to_edge ? EventKind::stream_to_edge : EventKind::stream_to_hub,
               session.edge, id);
    if (path.cut) path.waiting.push_back(id);
    if (way == Way::to_edge && bytes > 0)
        engine_.at(pipe.last - path.delay, EventKind::stream_left, session.edge, id, bytes);
}

void Network::write(std::uint64_t id, Way way, Bytes bytes)
{
    Session::Pipe& pipe = sessions_[id].pipes[index(way)];
    if (pipe.ended || bytes.empty()) return;
    counts_.stream_bytes += bytes.size();
    const std::size_t size = bytes.size();
    pipe.chunks.push_back({std::move(bytes), false});
    announce(id, way, size);
}

void Network::end(std::uint64_t id, Way way)
{
    Session::Pipe& pipe = sessions_[id].pipes[index(way)];
    if (std::exchange(pipe.ended, true)) return;
    pipe.chunks.push_back({{}, true});
    announce(id, way, 0);
}

std::optional<Chunk> Network::read(std::uint64_t id, Way way)
{
    Session& session = sessions_[id];
    Session::Pipe& pipe = session.pipes[index(way)];
    if (pipe.chunks.empty()) return std::nullopt;
    if (paths_[session.edge].cut) {
        paths_[session.edge].waiting.push_back(id);
        return std::nullopt;
    }
    Chunk chunk = std::move(pipe.chunks.front());
    pipe.chunks.pop_front();
    return chunk;
}

void Network::unread(std::uint64_t id, Way way, Bytes bytes)
{
    Session& session = sessions_[id];
    session.pipes[index(way)].chunks.push_front({std::move(bytes), false});
    engine_.in(random_.between(Nanos{0}, Nanos{2'000'000}),
               way == Way::to_edge ? EventKind::stream_to_edge : EventKind::stream_to_hub,
               session.edge, id);
}

// ---- paths

void Network::cut(std::uint32_t edge)
{
    paths_[edge].cut = true;
}

// What a cut has held comes after a retransmission. Chunks are read in order, whichever event
// fetches them, so there must only be enough events.
void Network::heal(std::uint32_t edge)
{
    Path& path = paths_[edge];
    path.cut = false;
    std::vector<std::uint64_t> waiting = std::exchange(path.waiting, {});
    std::ranges::sort(waiting);
    const auto repeated = std::ranges::unique(waiting);
    waiting.erase(repeated.begin(), repeated.end());
    for (const std::uint64_t id : waiting)
        for (const Way way : {Way::to_edge, Way::to_hub}) {
            Session::Pipe& pipe = sessions_[id].pipes[index(way)];
            pipe.last = std::max(pipe.last, engine_.now() + path.delay);
            for (std::size_t i = 0; i < pipe.chunks.size(); ++i)
                engine_.in(path.delay + random_.between(Nanos{0}, kRetransmission),
                           way == Way::to_edge ? EventKind::stream_to_edge
                                               : EventKind::stream_to_hub,
                           edge, id);
        }
}
} // namespace tidemark::sim
