#pragma once
#include "core/base/bytes.hpp"
#include "purge/frames.hpp"
#include "purge/session.hpp"
#include "sim/plan.hpp"

#include <cstdint>

// Planted bugs, put in between the machines so that production code knows nothing of them. What
// travels is opened with the session's keys, changed as the bug would have it, and sealed again.
// Others sit in the simulated journal (ack before fsync; a restored journal that keeps its id; a
// snapshot without floor) or in the model of an edge (fences; soft over hard).
namespace tidemark::sim
{
class EdgeNode;
class SimJournal;

// Keys as both ends of a session would export them.
[[nodiscard]] purge::KeyExporter exporter_of(std::uint64_t secret);

class Mutator
{
  public:
    Mutator(Plant plant, const SimJournal& journal) : plant_(plant), journal_(journal) {}

    // About to arrive at the edge.
    void on_datagram_to_edge(const EdgeNode& edge, std::uint64_t secret, Bytes& datagram) const;
    void on_stream_to_edge(const EdgeNode& edge, Bytes& bytes) const;
    // About to be written.
    void on_stream_to_hub(const EdgeNode& edge, Bytes& bytes) const;

  private:
    [[nodiscard]] bool changes_heartbeats() const;
    [[nodiscard]] Bytes changed(const EdgeNode& edge, ByteView frames) const;
    void change(const EdgeNode& edge, purge::Heartbeat& heartbeat) const;
    void change(purge::Hello& hello) const;

    Plant plant_;
    const SimJournal& journal_;
};
} // namespace tidemark::sim
