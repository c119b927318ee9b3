#pragma once
#include "core/net/background.hpp"
#include "edge/follow/follower.hpp"
#include "edge/store/content.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

// Content that comes before its push: pieces in order, checked when whole, kept until the push
// takes it. With a directory in files, <digest in hex>.zst.part and .zst, so that a transfer goes
// on after a break or a restart; without one in memory. On the control thread; fsync, unpacking and
// digesting run elsewhere.
namespace tidemark::follow
{
struct StagingOptions {
    std::string directory; // "": in memory
    std::size_t contents_max = 64;
    std::uint64_t packed_bytes_max = 1ULL << 30;  // of all
    std::uint64_t content_bytes_max = 1ULL << 30; // of one
    // Unpacked ahead of the push, of all: a push of what is ready is served from its first moment.
    // What is beyond is unpacked when the push comes.
    std::uint64_t ready_bytes_max = 64ULL << 20;
    Millis keep{600'000};       // untouched and not taken: removed
    std::uint32_t attempts = 3; // a transfer that proves wrong is asked for again from its start
};

struct StagingCounters {
    std::uint64_t staged = 0;
    std::uint64_t wrong = 0;        // whole, but not what was announced: dropped
    std::uint64_t refused = 0;      // no room, or too large
    std::uint64_t out_of_order = 0; // pieces that did not follow: dropped
    std::uint64_t io_errors = 0;
    std::uint64_t expired = 0;
    std::uint64_t taken = 0;
};

class Staging
{
  public:
    // Follower::on_staged, then OriginLink::perform: so much is there. Also called from inside
    // wanted() and piece().
    using OnStaged = std::function<void(const purge::ContentDigest&, std::uint64_t packed_bytes)>;
    // Unpacked content takes its bytes of the memory budget until it is taken: MemoryStore's
    // reserve() and unreserve().
    struct Budget {
        std::function<bool(std::uint64_t bytes)> reserve;
        std::function<void(std::uint64_t bytes)> unreserve;
    };
    Staging(net::Loop& loop, StagingOptions options, Budget budget, OnStaged on_staged);
    ~Staging();
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;

    // LinkOwner::stage_wanted, stage_piece.
    void wanted(const StageWanted& order);
    void piece(const StagePiece& order);

    // The head of what is staged, until it is taken; "" if it is not known.
    [[nodiscard]] std::string_view head_of(const purge::ContentDigest& digest) const;
    // The content, and it is staged no more. `done` is called at once if it is ready, else later
    // (not after this object is gone); without content if it is not here, wrong, or there is no
    // room. It is no longer reserved.
    using Taken = std::function<void(std::unique_ptr<store::Content>)>;
    void take(const purge::ContentDigest& digest, std::uint64_t content_bytes, Taken done);

    [[nodiscard]] const StagingCounters& counters() const noexcept;
    [[nodiscard]] std::uint64_t packed_bytes() const noexcept;
    [[nodiscard]] std::size_t contents() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::follow
