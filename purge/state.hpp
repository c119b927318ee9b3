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
// join-semilattice: for each (site, scope, selector) the greatest hard version and, apart from it,
// the greatest soft version with its earliest deadline, and all older soft versions as one: the
// greatest of them with the earliest of their deadlines. (With a single deadline a page that is
// purged softly every minute would never again have any allowance.) Applying a purge is O(1)
// however many stored responses it covers; applying it twice or in any order gives the same state.
// (Where the floor or a hard `all` passes between soft versions of one selector, the order may
// decide between soft_stale and must_validate, nothing else.)
//
// A prefix matches whole path segments: "http://h/a" covers /a, /a/… and /a?…, not /ab; one that
// ends with '/' covers everything under it, not /a itself. A pattern is an RE2 expression, searched
// for anywhere in the URI's bytes (anchor it with ^ and $); '.' is any byte.
//
// Sites: tag, pattern and all may be limited to one site. The other scopes name their host in the
// selector; a site changes nothing there.
//
// Undo: what was applied stays single for an undo window, so undo(v) leaves what would be there had
// v never come. A collapsed order can no longer be taken back. Readers pay nothing for it: the
// writer keeps the recent orders beside the tables and puts together anew what an undo touches.
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
    // scheme://host[:port]; an RE2 expression
    std::string selector;
    std::string site{}; // its label; "" or "*": every site
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
    // site_hash() of the site it belongs to; 0: unknown. Of an unknown site's subjects whatever a
    // site-limited order newer than the fence could cover must be validated: everything for scope
    // all, what has any tag for scope tag, what matches (as if it were of that site) for patterns.
    std::uint64_t site = 0;
};
[[nodiscard]] std::uint64_t tag_hash(std::string_view tag) noexcept;
// 0 for "" and "*", which are no single site; never 0 for another label.
[[nodiscard]] std::uint64_t site_hash(std::string_view label) noexcept;

struct StateLimits {
    // Of all scopes together; beyond it hard `all`s collapse early, then the floor rises.
    std::size_t entries = 4'000'000;
    // Beyond it the floor rises to the oldest pattern's version, which goes.
    std::size_t patterns = 1000;
    // How long an order can be undone, and how many of the last can: beyond it the oldest collapse
    // first.
    Seconds undo_window{600};
    std::size_t undo_entries = 1'000'000;
    // Versions that were undone and may still arrive; beyond it the lowest are forgotten.
    std::size_t undone = 65'536;
    // Beyond it the two oldest caps become one, with the earlier's version up to the later's time.
    std::size_t caps = 16;
};

// Readers on any thread that is online in `epochs`, without waiting. (RE2 guards its automaton's
// cache by a lock of its own, shared while it need not grow.) Writers take turns under one mutex of
// the state. Publication: entries first, then the generation (release). A reader loads generation()
// (acquire) before verdict().
//
// An entry names the generation in which it takes effect and leads to what stood in its place
// before; whoever reads in an earlier generation uses that. So the one store of the generation
// publishes a whole barrier, or an undo. What is the same for every stored response and only ever
// makes a verdict stricter does not wait for it: the floor, caps, and a collapsed hard `all`.
//
// Every MonoTime given is of one clock.
class InvalidationState
{
  public:
    InvalidationState(sync::EpochDomain& epochs, const StateLimits& limits = {});
    ~InvalidationState();

    // ---- Fences

    // The fence for an upstream request that is sent now: the greatest version *heard* of (by any
    // apply, whether or not it changed anything, by hear() or raise_floor()) and the local
    // sequence.
    [[nodiscard]] Fence fence() const noexcept;
    // A version that was issued but is not applied yet (a heartbeat's mark). Raises fence().version
    // and nothing else.
    void hear(std::uint64_t version);
    // Takes the next local sequence without invalidating anything, and without a new generation:
    // requests sent from now on have a fence whose local part is at least the returned one. For
    // marking the passing of time. Never waits for a writer.
    std::uint64_t tick();
    // Rises with every application that could change a verdict. A stored response that was found
    // valid in generation g is valid as long as generation() == g: that comparison is all a hit
    // pays.
    [[nodiscard]] std::uint64_t generation() const noexcept;

    // ---- Orders

    // Why this is not a pattern that can be applied: an RE2 message, too long (4096 bytes) or too
    // large when compiled (1 MiB). For whoever reads an order: refuse it there. apply() of such a
    // pattern raises the floor to its version, which covers more (see bad_patterns()).
    [[nodiscard]] static std::optional<std::string> pattern_fault(std::string_view pattern);

    // `now`: when a soft purge's max_stale starts to run (its first application; a repetition
    // changes nothing; one of 0 must be validated at once), and an order's undo window. Applying a
    // snapshot's selectors as orders, in any number of barriers, gives the state it was made of.
    void apply(const Invalidation& invalidation, MonoTime now);
    // Several at once, one generation: no reader sees half of it.
    void apply(std::span<const Invalidation> barrier, MonoTime now);
    // Takes the next version of a local counter and applies it (an edge without an origin). Returns
    // the version.
    std::uint64_t apply_next(std::span<Invalidation> barrier, MonoTime now);
    // An unsafe method's doing: takes the next local sequence for this one URI.
    void apply_local(std::string_view uri);

    // Verdicts ignore `version` from now on: what only it made invalid and is still stored is valid
    // again. Also ahead of it: applied later, it changes nothing. True if its effect is now
    // certainly gone; false if it had or may have collapsed (then what collapsed stays), or is at
    // or below the floor. Not taken back: what it meant for subjects of an unknown site, and the
    // floor an unusable pattern raised.
    bool undo(std::uint64_t version, MonoTime now);
    // Collapses what has left the undo window (to within a second), and does a slice of the
    // clearing up that a risen floor or a collapsed hard `all` left. Called about once a second.
    void age(MonoTime now);

    // ---- Verdicts

    [[nodiscard]] Verdict verdict(const Subject& subject, const Fence& fence, MonoTime now) const;
    // The same as of `generation`, which the caller loaded in this turn (online ever since):
    // several verdicts under one generation see the same barriers. `verified_generation`: one in
    // which this subject with this fence was found valid (0: none). Only patterns that took effect
    // later are tried on it.
    [[nodiscard]] Verdict verdict(const Subject& subject, const Fence& fence, MonoTime now,
                                  std::uint64_t generation,
                                  std::uint64_t verified_generation = 0) const;

    // ---- Floors and timelines

    // Everything with a fence version (or local sequence) below the floor must be validated;
    // entries, patterns and undo marks at or below it are dropped. Raised by a sweeper once no
    // valid stored response stands below, or when the table is full.
    void raise_floor(const Fence& floor);
    // Every fence taken before this call counts as min(its version, `agreed_version`) from now on:
    // what was applied above that is not to be trusted. O(1); a new generation.
    void cap(std::uint64_t agreed_version, MonoTime now);
    // Another journal begins, its versions start anywhere: entries, patterns, floor version, undo
    // marks and the version heard of go; whatever has a fence taken before must be validated, and
    // its version counts as 0. At no moment is an old fence judged by the emptied tables alone.
    void reset(MonoTime now);

    // ---- What there is

    [[nodiscard]] Fence floor() const noexcept;
    [[nodiscard]] std::size_t entries() const noexcept; // patterns included
    [[nodiscard]] std::size_t patterns() const noexcept;
    [[nodiscard]] std::size_t undo_entries() const noexcept; // orders that can still be undone
    // How often a table was full and the floor rose by itself (for metrics).
    [[nodiscard]] std::uint64_t forced_floor_raises() const noexcept;
    // How many patterns came that could not be used.
    [[nodiscard]] std::uint64_t bad_patterns() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};
} // namespace tidemark::purge
