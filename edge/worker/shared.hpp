#pragma once
#include "core/sync/epoch.hpp"
#include "edge/follow/standing.hpp"
#include "edge/serve/flight.hpp"
#include "edge/serve/site.hpp"
#include "edge/store/memory.hpp"
#include "edge/worker/address_counts.hpp"
#include "edge/worker/descriptors.hpp"
#include "purge/state.hpp"

#include <atomic>
#include <cstdint>

// What all workers and the control thread share. Each part says in its own header who may do what.
namespace tidemark::worker
{
struct Shared {
    sync::EpochDomain epochs;
    purge::InvalidationState purges;
    follow::Standing standing;
    store::MemoryStore store;
    serve::FlightTable flights;
    serve::KeyMemory keys;
    std::atomic<std::uint32_t> connections{0}; // from clients, all workers
    AddressCounts addresses;
    DescriptorShares descriptors; // set before the workers begin
    std::atomic<bool> draining{false};
    // Another node of ours has asked: from then on the store keeps what only such are sent.
    std::atomic<bool> has_peers{false};

    explicit Shared(const store::MemoryOptions& memory) : purges(epochs), store(memory, epochs) {}
};
} // namespace tidemark::worker
