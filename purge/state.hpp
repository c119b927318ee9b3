#pragma once
#include "core/base/time.hpp"
#include "core/sync/epoch.hpp"
#include "purge/scope.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// Applied invalidations, and the verdict they give on a stored response's fence. A
// join-semilattice: for each (scope, selector) the greatest hard version and, apart from it, the
// greatest soft version with its earliest deadline, and all older soft versions as one: the
// greatest of them with the earliest of their deadlines. (With a single deadline a page that is
// purged softly every minute would never again have any allowance.) Applying a purge is O(1)
// however many stored responses it covers; applying it twice or in any order gives the same state.
// (Where the floor or a hard `all` passes between soft versions of one selector, the order may
// decide between soft_stale and must_validate, nothing else.)
//
// A prefix matches whole path segments: "http://h/a" covers /a, /a/… and /a?…, not /ab; one that
// ends with '/' covers everything under it, not /a itself.
//
// Selectors are kept as 64-bit hashes under a seed of the process: two that collide invalidate too
// much, never too little.
namespace tidemark::purge
{
// Where a stored response stands among the versions: the greatest version heard of, and the local
// sequence, when its upstream request was *sent*. Invalidations that an edge makes by itself
// (unsafe methods) take the local sequence.
struct Fence {
    std::uint64_t version = 0;
    std::uint64_t local = 0;
    friend bool operator==(const Fence&, const Fence&) = default;
};

enum class Mode : std::uint8_t { hard, soft };

struct Invalidation {
    std::uint64_t version = 0;
    Scope scope = Scope::url;
    Mode mode = Mode::hard;
    Seconds max_stale{0}; // soft: how long after its application it may be served while validating
    // Normalised: an effective request URI; a tag; a URI prefix; a host in lower case;
    // scheme://host[:port]
    std::string selector;
};

enum class Verdict : std::uint8_t {
    valid,
    soft_stale,    // soft, within max_stale
    must_validate, // soft and past it, or below the floor
    removed,       // hard
};

// What a stored response is known by.
struct Subject {
    std::string_view uri;                // effective request URI: scheme://host[:port]/path?query
    std::span<const std::uint64_t> tags; // tag_hash() of each tag
};
[[nodiscard]] std::uint64_t tag_hash(std::string_view tag) noexcept;

struct StateLimits {
    std::size_t entries =
        4'000'000; // url, tag, prefix, host and origin entries together; beyond it the floor rises
};

// Readers on any thread that is online in `epochs`, without locks. Writers take turns under one
// mutex of the state. Publication: entries first, then the generation (release). A reader loads
// generation() (acquire) before verdict().
//
// An entry names the generation in which it takes effect and leads to what stood in its place
// before; whoever reads in an earlier generation uses that. So the one store of the generation
// publishes a whole barrier. Two things do not wait for it, because they are the same for every
// stored response and only ever make a verdict stricter: a hard `all` and the floor.
class InvalidationState
{
  public:
    InvalidationState(sync::EpochDomain& epochs, const StateLimits& limits = {});
    ~InvalidationState();

    // The fence for an upstream request that is sent now.
    [[nodiscard]] Fence fence() const noexcept;
    // Rises with every application that could change a verdict. A stored response that was found
    // valid in generation g is valid as long as generation() == g: that comparison is all a hit
    // pays.
    [[nodiscard]] std::uint64_t generation() const noexcept;

    // Patterns are not supported yet: whoever reads an order asks this and refuses it; apply()
    // takes none (checked).
    [[nodiscard]] static constexpr bool supports(Scope scope) noexcept
    {
        return scope != Scope::pattern;
    }

    // `now`: when a soft purge's max_stale starts to run (its first application; a repetition
    // changes nothing).
    void apply(const Invalidation& invalidation, MonoTime now);
    // Several at once, one generation: no reader sees half of it.
    void apply(std::span<const Invalidation> barrier, MonoTime now);
    // Takes the next version of a local counter and applies it (an edge without an origin). Returns
    // the version.
    std::uint64_t apply_next(std::span<Invalidation> barrier, MonoTime now);
    // An unsafe method's doing: takes the next local sequence for this one URI.
    void apply_local(std::string_view uri);

    [[nodiscard]] Verdict verdict(const Subject& subject, const Fence& fence, MonoTime now) const;
    // The same as of `generation`, which the caller loaded in this turn (online ever since):
    // several verdicts under one generation see the same barriers.
    [[nodiscard]] Verdict verdict(const Subject& subject, const Fence& fence, MonoTime now,
                                  std::uint64_t generation) const;

    // Everything with a fence version (or local sequence) below the floor must be validated;
    // entries at or below it are dropped. Raised by a sweeper once no valid stored response stands
    // below, or when the table is full.
    void raise_floor(const Fence& floor);
    [[nodiscard]] Fence floor() const noexcept;
    [[nodiscard]] std::size_t entries() const noexcept;
    // How often the table was full and the floor rose by itself (for metrics).
    [[nodiscard]] std::uint64_t forced_floor_raises() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::purge
