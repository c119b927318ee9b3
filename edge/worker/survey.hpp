#pragma once
#include "core/net/loop.hpp"
#include "edge/serve/site.hpp"
#include "edge/worker/shared.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>

// A dry run: counts what orders would hit, in slices on the control thread, one survey after the
// other. Nothing is changed.
namespace tidemark::worker
{
struct Surveyed {
    std::uint64_t responses = 0;
    std::uint64_t bytes = 0; // StoredResponse::cost_bytes
};

class Survey
{
  public:
    using Done = std::function<void(const Surveyed&)>;
    // `sites` is the control thread's: it changes on reload.
    Survey(net::Loop& loop, Shared& shared, const std::shared_ptr<const serve::Sites>& sites);
    ~Survey(); // no `done` after this
    Survey(const Survey&) = delete;
    Survey& operator=(const Survey&) = delete;

    // What is stored, not removed already, and covered by any of these, whatever their versions.
    // `done` comes in a later turn.
    void count(std::span<const purge::Invalidation> orders, Done done);

  private:
    struct One;
    void step();
    void walk(One& one);

    net::Loop& loop_;
    Shared& shared_;
    const std::shared_ptr<const serve::Sites>& sites_;
    std::unique_ptr<sync::EpochDomain::Participant> participant_;
    std::deque<std::unique_ptr<One>> waiting_;
    net::Wakeup again_;
};
} // namespace tidemark::worker
