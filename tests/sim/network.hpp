#pragma once
#include "core/base/bytes.hpp"
#include "sim/engine.hpp"
#include "sim/plan.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

// Datagrams that get lost, late and twice; streams that keep order, stand still and break. Each
// edge has a path of its own to the origin.
namespace tidemark::sim
{
enum class Way : std::uint8_t { to_edge = 0, to_hub = 1 };
inline constexpr std::uint64_t kInjected = 1; // flag of a datagram that no honest node sent so

// What stands on a stream: bytes, or its end.
struct Chunk {
    Bytes bytes;
    bool end = false;
};

// One control stream.
struct Session {
    std::uint32_t edge = 0;
    std::uint64_t secret = 0;
    std::uint32_t peer = 0;     // the hub's number for it, once accepted
    std::uint64_t hub_life = 0; // of which incarnations its ends are
    std::uint64_t edge_life = 0;
    bool open_at_hub = false;
    bool open_at_edge = false;
    struct Pipe {
        std::deque<Chunk> chunks;
        Instant last{};
        bool ended = false; // by its sender
        std::uint64_t unsent = 0;
    };
    std::array<Pipe, 2> pipes;
};

struct TrafficCounts {
    std::uint64_t datagrams = 0;
    std::uint64_t datagram_bytes = 0;
    std::uint64_t lost = 0;
    std::uint64_t injected = 0;
    std::uint64_t stream_bytes = 0;
};

class Network
{
  public:
    Network(Engine& engine, const Plan& plan);

    void set_weather(const Weather& weather) { weather_ = weather; }

    // ---- Datagrams: an event at the other end, or none, or several.
    void send(std::uint32_t edge, Way way, Bytes datagram);
    // What such an event brings; nothing: lost in a partition while on its way.
    [[nodiscard]] std::optional<Bytes> receive(std::uint32_t edge, std::uint64_t slot);

    // ---- Streams
    [[nodiscard]] std::uint64_t dial(std::uint32_t edge, std::uint64_t edge_life);
    [[nodiscard]] Session& session(std::uint64_t id) { return sessions_[id]; }
    void write(std::uint64_t id, Way way, Bytes bytes);
    // The sender's end of this way: the other side hears of it behind all that was written.
    void end(std::uint64_t id, Way way);
    // What comes next; nothing yet, or held by a partition.
    [[nodiscard]] std::optional<Chunk> read(std::uint64_t id, Way way);
    // A bit of a chunk stays for the next read.
    void unread(std::uint64_t id, Way way, Bytes bytes);
    [[nodiscard]] std::uint64_t count() const noexcept { return sessions_.size(); }

    // ---- Paths
    void cut(std::uint32_t edge);
    void heal(std::uint32_t edge);
    [[nodiscard]] bool is_cut(std::uint32_t edge) const { return paths_[edge].cut; }
    void set_blackhole(std::uint32_t edge, bool on) { paths_[edge].blackhole = on; }
    [[nodiscard]] Nanos delay(std::uint32_t edge) const { return paths_[edge].delay; }
    // The most that a datagram which is not lost needs (without reordering).
    [[nodiscard]] Nanos slowest() const;
    [[nodiscard]] const TrafficCounts& counts() const noexcept { return counts_; }

  private:
    struct Path {
        Nanos delay{};
        bool cut = false;
        bool blackhole = false;
        struct Burst {
            bool bad = false;
            Instant until{};
        };
        std::array<Burst, 2> bursts;
        std::vector<std::uint64_t> waiting; // sessions with chunks that a cut holds
        std::array<Bytes, 2> earlier;       // a datagram to replay
    };
    [[nodiscard]] bool is_lost(Path& path, Way way);
    [[nodiscard]] Nanos journey(const Path& path);
    void inject(std::uint32_t edge, Way way, const Bytes& honest);
    void deliver(std::uint32_t edge, Way way, Bytes datagram, Nanos after, std::uint64_t flags);
    void announce(std::uint64_t id, Way way, std::size_t bytes);

    Engine& engine_;
    Random random_;
    Weather weather_;
    Nanos jitter_;
    bool tcp_suffers_;
    std::vector<Path> paths_;
    std::deque<Session> sessions_;
    Slots<Bytes> datagrams_;
    TrafficCounts counts_;
};
} // namespace tidemark::sim
