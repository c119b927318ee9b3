#pragma once
#include "core/base/time.hpp"
#include "purge/digest.hpp"
#include "purge/frames.hpp"
#include "purge/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What is known of the edges: what /v1/versions and /v1/edges show.
namespace tidemark::purge
{
enum class CleanBy : std::uint8_t {
    nothing, // it may still serve what the version made old
    ack,     // it said that it has applied it (with erase: that the bytes are gone)
    lease,   // it has not, but can hold no lease from before the version any more
};

// One edge and one version.
struct EdgeOnVersion {
    std::string name;
    CleanBy clean = CleanBy::nothing;
    std::optional<WallTime> applied_at; // the origin's clock, when the ack came; not kept for ever
};
struct VersionReport {
    Version version = 0;
    std::vector<EdgeOnVersion> edges; // registered ones, by name
    // Of both versions: only who is clean of each is clean. `other` was made in the same turn.
    void join(const VersionReport& other)
    {
        for (std::size_t i = 0; i < edges.size() && i < other.edges.size(); ++i)
            if (other.edges[i].clean == CleanBy::nothing) edges[i].clean = CleanBy::nothing;
    }
    [[nodiscard]] std::size_t clean() const noexcept
    {
        std::size_t count = 0;
        for (const EdgeOnVersion& edge : edges)
            if (edge.clean != CleanBy::nothing) ++count;
        return count;
    }
};

struct EdgeReport {
    std::string name;
    bool connected = false;
    bool datagrams = false; // answers by datagram, not only on the stream
    bool leaving = false;
    Adrift adrift = Adrift::revalidate;
    bool only_acks_count = false;
    Millis lease{0};
    Version contiguous = 0; // acknowledged
    Version heard = 0;
    double loss = 0; // of datagrams to it, as estimated
    std::uint64_t backlog = 0;
    std::optional<Millis> since_heard; // of anything authentic
    std::string address;               // of its stream; for people
};
} // namespace tidemark::purge
