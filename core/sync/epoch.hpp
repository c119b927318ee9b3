#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

// Quiescent-state-based reclamation: readers walk shared structures without locks or reference
// counts; what a writer unlinks is freed only when every participant has since passed a point where
// it held no borrowed pointer. (McKenney & Slingwine 1998; Hart et al. 2007.)
//
// A worker is *online* from the moment its loop wakes until it waits again; going offline costs one
// store. Whoever is offline holds nothing back. A borrowed pointer lives until the borrower's next
// offline(): within one turn of its loop.
namespace tidemark::sync
{
class EpochDomain
{
  public:
    EpochDomain();
    ~EpochDomain(); // every participant has left; frees what is still retired
    EpochDomain(const EpochDomain&) = delete;
    EpochDomain& operator=(const EpochDomain&) = delete;

    // One per thread. Starts offline. Movable, not shared; the destructor leaves the domain.
    class Participant;
    [[nodiscard]] std::unique_ptr<Participant> join();

    // Any thread. `object` was unlinked before this call: no reader that comes online later can
    // find it.
    void retire(void* object, void (*free_it)(void*));
    // Frees what no participant can still see; any thread, cheap when there is nothing to do.
    // Called once per turn by the workers, so that retired objects do not wait for the next writer.
    // `free_it` runs here, without any lock of the domain; it may retire but must not take a lock
    // that a caller of reclaim() holds.
    void reclaim();
    // How many objects wait to be freed (for metrics and tests).
    [[nodiscard]] std::size_t retired() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class EpochDomain::Participant
{
  public:
    ~Participant();
    void online() noexcept; // before the first borrowed pointer of a turn; nothing changes if it is
                            // online already
    void offline() noexcept; // no borrowed pointer is used after this
    [[nodiscard]] bool is_online() const noexcept;

  private:
    friend class EpochDomain;
    Participant() = default;
    struct Slot;
    EpochDomain* domain_ = nullptr;
    Slot* slot_ = nullptr;
};
} // namespace tidemark::sync
