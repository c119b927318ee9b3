#pragma once
#include "bench/relay/relay.hpp"
#include "bench/sockets.hpp"

#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <tuple>
#include <vector>

namespace tidemark::bench::relay
{
class Door;
class Flow;

struct Datagram {
    MonoTime due;
    std::uint64_t order; // of equals, the first sent is the first to arrive
    Door* door;
    std::shared_ptr<Flow> flow;
    Way way;
    std::string bytes;
};
struct Later {
    bool operator()(const Datagram& a, const Datagram& b) const
    {
        return std::tie(a.due, a.order) > std::tie(b.due, b.order);
    }
};

// What all doors share. Everything under `mutex`, which the thread leaves only to wait.
struct Shared {
    UniqueFd epoll;
    std::uint16_t target = 0;
    std::size_t stream_window = 0;
    std::mutex mutex;
    MonoTime now{}; // of this turn
    std::uint64_t sent = 0;
    std::priority_queue<Datagram, std::vector<Datagram>, Later> on_their_way;
    std::vector<std::shared_ptr<Flow>> closed_flows; // events of this turn may point at them
};
} // namespace tidemark::bench::relay
