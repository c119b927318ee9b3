#include "purge/state.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

// Random histories, compared among each other and with a model that remembers every purge and looks
// at all of them.
BOOST_AUTO_TEST_SUITE(state_laws)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
constexpr MonoTime kStart{1000s};
constexpr MonoTime kMuchLater = kStart + 1000s;

struct Response {
    std::string uri;
    std::vector<std::string> tags;
    std::string site;
};
const std::vector<Response>& responses()
{
    static const std::vector<Response> all = {
        {"http://h/", {}, "one"},
        {"http://h/a", {"red"}, "one"},
        {"http://h/a/b?c=/d", {"red", "blue"}, "two"},
        {"http://h:81/a", {"blue"}, "one"},
        {"https://h/ab", {}, "two"},
        {"http://g/a/", {"red"}, "two"},
    };
    return all;
}

// By definition, on strings.
bool covers(const Invalidation& i, const Response& response)
{
    const std::string& uri = response.uri;
    const bool per_site =
        i.scope == Scope::tag || i.scope == Scope::pattern || i.scope == Scope::all;
    if (per_site && !i.site.empty() && i.site != response.site) return false;
    const std::size_t slash = uri.find('/', uri.find("://") + 3);
    const std::string origin = uri.substr(0, slash);
    const std::string authority = origin.substr(origin.find("://") + 3);
    switch (i.scope) {
    case Scope::url:
        return uri == i.selector;
    case Scope::tag:
        return std::count(response.tags.begin(), response.tags.end(), i.selector) != 0;
    case Scope::prefix:
        return uri.starts_with(i.selector) &&
               (i.selector.ends_with('/') || uri.size() == i.selector.size() ||
                uri[i.selector.size()] == '/' || uri[i.selector.size()] == '?');
    case Scope::host:
        return authority.substr(0, authority.find(':')) == i.selector;
    case Scope::origin:
        return origin == i.selector;
    case Scope::all:
        return true;
    case Scope::pattern:
        return i.selector == "/a$" ? uri.ends_with("/a") : uri.starts_with("http:");
    }
    return false;
}

rc::Gen<Invalidation> purges()
{
    struct Name {
        Scope scope;
        const char* selector;
        const char* site = "";
    };
    static const std::vector<Name> names = {
        {Scope::url, "http://h/a"},
        {Scope::url, "http://g/a/"},
        {Scope::tag, "red"},
        {Scope::tag, "blue"},
        {Scope::prefix, "http://h/a"},
        {Scope::prefix, "http://h/a/"},
        {Scope::prefix, "http://g/"},
        {Scope::host, "h"},
        {Scope::origin, "http://h"},
        {Scope::origin, "https://h"},
        {Scope::all, ""},
        {Scope::tag, "red", "one"},
        {Scope::all, "", "two"},
        {Scope::pattern, "/a$"}, // covers() knows just these two
        {Scope::pattern, "^http:", "two"},
    };
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<std::uint64_t>(1, 16), rc::gen::elementOf(names),
                       rc::gen::inRange(0, 3), rc::gen::inRange<std::int64_t>(0, 40)),
        [](const std::tuple<std::uint64_t, Name, int, std::int64_t>& t) {
            const auto& [version, name, mode, max_stale] = t;
            return Invalidation{
                version,       name.scope, mode == 0 ? Mode::hard : Mode::soft, Seconds(max_stale),
                name.selector, name.site};
        });
}
using Purges = std::vector<Invalidation>;
rc::Gen<Purges> histories()
{
    return rc::gen::container<Purges>(purges());
}

// Every verdict that there is to ask, in one order.
std::vector<Verdict> verdicts(const InvalidationState& state, std::uint64_t generation)
{
    std::vector<Verdict> all;
    for (const Response& response : responses()) {
        std::vector<std::uint64_t> tags;
        for (const std::string& tag : response.tags)
            tags.push_back(tag_hash(tag));
        for (std::uint64_t version = 0; version <= 16; ++version)
            for (const Seconds after : {0s, 10s, 20s, 1000s})
                all.push_back(state.verdict({response.uri, tags, site_hash(response.site)},
                                            {version, 0}, kStart + after, generation));
    }
    return all;
}
std::vector<Verdict> verdicts(const InvalidationState& state)
{
    return verdicts(state, state.generation());
}

bool hard_all(const Invalidation& i)
{
    return i.scope == Scope::all && i.mode == Mode::hard && i.site.empty();
}

// Each soft purge keeps its own deadline here; the floor speaks for all at or below it, but a hard
// `all` stands.
Verdict model_verdict(const Purges& history, std::uint64_t floor, const Response& response,
                      std::uint64_t fence, MonoTime now)
{
    Verdict worst = fence < floor ? Verdict::must_validate : Verdict::valid;
    for (const Invalidation& i : history) {
        if (i.version <= fence || !covers(i, response)) continue;
        const bool stands = hard_all(i);
        if (i.version <= floor && !stands) continue;
        Verdict one = Verdict::removed;
        if (i.mode == Mode::soft)
            one = now >= kStart + i.max_stale ? Verdict::must_validate : Verdict::soft_stale;
        worst = std::max(worst, one);
    }
    return worst;
}
std::vector<Verdict> model_verdicts(const Purges& history, std::uint64_t floor)
{
    std::vector<Verdict> all;
    for (const Response& response : responses())
        for (std::uint64_t version = 0; version <= 16; ++version)
            for (const Seconds after : {0s, 10s, 20s, 1000s})
                all.push_back(model_verdict(history, floor, response, version, kStart + after));
    return all;
}

bool between(Verdict v)
{
    return v == Verdict::soft_stale || v == Verdict::must_validate;
}
// The same, or as strict and stricter only within what is neither valid nor removed.
bool as_strict(const std::vector<Verdict>& got, const std::vector<Verdict>& wanted)
{
    return std::equal(
        got.begin(), got.end(), wanted.begin(), wanted.end(),
        [](Verdict g, Verdict w) { return g == w || (between(g) && between(w) && g > w); });
}

struct Edge {
    explicit Edge(const StateLimits& limits = {}) : state(epochs, limits) {}
    sync::EpochDomain epochs;
    InvalidationState state;
    void apply(const Purges& history)
    {
        for (const Invalidation& i : history)
            state.apply(i, kStart);
    }
};
} // namespace

RC_BOOST_PROP(any_order_gives_the_same_verdicts, (unsigned seed))
{
    Purges history = *histories();
    Edge one;
    one.apply(history);
    std::shuffle(history.begin(), history.end(), std::mt19937(seed));
    Edge other;
    other.apply(history);
    RC_ASSERT(verdicts(one.state) == verdicts(other.state));
}

RC_BOOST_PROP(any_order_gives_the_same_verdicts_with_a_floor_and_a_hard_all, (unsigned seed))
{
    // A floor is an element of the history like others, marked by an empty url.
    Purges history = *histories();
    const auto floor = *rc::gen::inRange<std::uint64_t>(1, 16);
    history.push_back({floor, Scope::url, Mode::hard, 0s, ""});
    const auto apply = [](Edge& edge, const Purges& all) {
        for (const Invalidation& i : all) {
            if (i.scope == Scope::url && i.selector.empty())
                edge.state.raise_floor({i.version, 0});
            else
                edge.state.apply(i, kStart);
            edge.epochs.reclaim();
        }
    };
    Edge one;
    apply(one, history);
    std::shuffle(history.begin(), history.end(), std::mt19937(seed));
    Edge other;
    apply(other, history);
    const auto a = verdicts(one.state);
    const auto b = verdicts(other.state);
    RC_ASSERT(std::equal(a.begin(), a.end(), b.begin(), b.end(), [](Verdict x, Verdict y) {
        return x == y || (between(x) && between(y));
    }));
}

RC_BOOST_PROP(applying_twice_equals_applying_once, ())
{
    const Purges history = *histories();
    Edge edge;
    edge.apply(history);
    const auto once = verdicts(edge.state);
    const std::uint64_t generation = edge.state.generation();
    for (const Invalidation& i : history)
        edge.state.apply(i, kMuchLater);
    RC_ASSERT(verdicts(edge.state) == once);
    RC_ASSERT(edge.state.generation() == generation);
}

RC_BOOST_PROP(one_by_one_equals_a_barrier, ())
{
    const Purges history = *histories();
    Edge one;
    one.apply(history);
    Edge other;
    other.state.apply(history, kStart);
    other.epochs.reclaim();
    RC_ASSERT(verdicts(one.state) == verdicts(other.state));
    RC_ASSERT(one.state.fence() == other.state.fence());
}

RC_BOOST_PROP(it_agrees_with_a_model_that_looks_at_every_purge, ())
{
    const Purges history = *histories();
    Edge edge;
    edge.apply(history);
    RC_ASSERT(as_strict(verdicts(edge.state), model_verdicts(history, 0)));

    const auto floor = *rc::gen::inRange<std::uint64_t>(1, 16);
    edge.state.raise_floor({floor, 0});
    edge.epochs.reclaim();
    RC_ASSERT(as_strict(verdicts(edge.state), model_verdicts(history, floor)));
}

RC_BOOST_PROP(a_single_soft_purge_per_selector_keeps_its_exact_deadline, ())
{
    Purges history;
    for (const Invalidation& i : *histories())
        if (std::none_of(history.begin(), history.end(), [&](const Invalidation& other) {
                return i.mode == Mode::soft && other.mode == Mode::soft && i.scope == other.scope &&
                       i.selector == other.selector && i.site == other.site;
            }))
            history.push_back(i);
    Edge edge;
    edge.apply(history);
    RC_ASSERT(verdicts(edge.state) == model_verdicts(history, 0));
}

RC_BOOST_PROP(a_full_table_never_makes_anything_valid_again, ())
{
    const Purges history = *histories();
    sync::EpochDomain epochs;
    InvalidationState small(epochs, {.entries = 3});
    for (const Invalidation& i : history) {
        small.apply(i, kStart);
        RC_ASSERT(small.entries() <= 3U);
    }
    const auto got = verdicts(small);
    const auto wanted = model_verdicts(history, 0);
    for (std::size_t i = 0; i < got.size(); ++i)
        RC_ASSERT(wanted[i] == Verdict::valid || got[i] != Verdict::valid);
}

// What an edge is told, one after another.
struct Step {
    enum { order, undo, age, cap } what;
    Invalidation invalidation; // the order; or the version of an undo or a cap
};
using Steps = std::vector<Step>;
Invalidation undo_of(std::uint64_t version)
{
    Invalidation named;
    named.version = version;
    return named;
}
void take(InvalidationState& state, const Step& step, MonoTime now)
{
    switch (step.what) {
    case Step::order:
        return state.apply(step.invalidation, kStart);
    case Step::undo:
        return static_cast<void>(state.undo(step.invalidation.version, now));
    case Step::age:
        return state.age(now);
    case Step::cap:
        return state.cap(step.invalidation.version, now);
    }
}
Steps steps_of(const Purges& history)
{
    Steps steps;
    for (const Invalidation& i : history)
        steps.push_back({Step::order, i});
    return steps;
}
// Some versions to undo; what is left of the history without them goes to `rest`.
std::set<std::uint64_t> undone_of(const Purges& history, Purges& rest)
{
    const auto undone =
        *rc::gen::container<std::set<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 16));
    for (const Invalidation& i : history)
        if (!undone.contains(i.version)) rest.push_back(i);
    return undone;
}

RC_BOOST_PROP(what_is_undone_is_as_if_it_had_never_come_whatever_the_order, (unsigned seed))
{
    const Purges history = *histories();
    Purges rest;
    Steps steps = steps_of(history);
    for (const std::uint64_t v : undone_of(history, rest))
        steps.push_back({Step::undo, undo_of(v)});
    const Steps once = steps;
    steps.insert(steps.end(), once.begin(), once.end()); // all of it twice
    std::shuffle(steps.begin(), steps.end(), std::mt19937(seed));
    Edge edge;
    for (const Step& step : steps) {
        take(edge.state, step, kStart);
        edge.epochs.reclaim();
    }
    Edge without;
    without.apply(rest);
    RC_ASSERT(verdicts(edge.state) == verdicts(without.state));
    RC_ASSERT(as_strict(verdicts(edge.state), model_verdicts(rest, 0)));
}

RC_BOOST_PROP(a_barrier_that_is_undone_is_gone_in_one_generation, ())
{
    const Purges history = *histories();
    Purges barrier = *histories();
    for (Invalidation& i : barrier)
        i.version = 20;
    Edge edge;
    const auto self = edge.epochs.join();
    self->online();
    edge.apply(history);
    const auto before = verdicts(edge.state);
    edge.state.apply(barrier, kStart);
    const std::uint64_t generation = edge.state.generation();
    const auto in_force = verdicts(edge.state);
    RC_ASSERT(edge.state.undo(20, kStart));
    edge.epochs.reclaim();
    RC_ASSERT(edge.state.generation() <= generation + 1);
    RC_ASSERT(verdicts(edge.state) == before);
    RC_ASSERT(verdicts(edge.state, generation) == in_force);
}

RC_BOOST_PROP(tight_limits_and_ageing_never_make_anything_valid_again, (unsigned seed))
{
    const Purges history = *histories();
    Purges rest;
    Steps steps = steps_of(history);
    for (const std::uint64_t v : undone_of(history, rest))
        steps.push_back({Step::undo, undo_of(v)});
    steps.resize(steps.size() + 3, {Step::age, {}});
    std::shuffle(steps.begin(), steps.end(), std::mt19937(seed));
    sync::EpochDomain epochs;
    InvalidationState state(epochs, {.entries = 5,
                                     .patterns = 1,
                                     .undo_window = 10s,
                                     .undo_entries = *rc::gen::inRange<std::size_t>(0, 6),
                                     .undone = 3});
    MonoTime now = kStart;
    for (const Step& step : steps) {
        take(state, step, now += 4s);
        epochs.reclaim();
        RC_ASSERT(state.patterns() <= 1U);
    }
    const auto got = verdicts(state);
    const auto wanted = model_verdicts(rest, 0);
    for (std::size_t i = 0; i < got.size(); ++i)
        RC_ASSERT(wanted[i] == Verdict::valid || got[i] != Verdict::valid);
}

RC_BOOST_PROP(an_undo_that_says_gone_is_right_whatever_has_collapsed, ())
{
    const Purges history = *histories();
    Edge edge{{.undo_entries = *rc::gen::inRange<std::size_t>(0, 6)}};
    edge.apply(history);
    std::set<std::uint64_t> gone;
    for (std::uint64_t v = 1; v < 16; ++v)
        if (edge.state.undo(v, kStart)) gone.insert(v);
    const auto got = verdicts(edge.state);
    // At least that: some of the others may be gone too.
    Purges rest;
    for (const Invalidation& i : history)
        if (!gone.contains(i.version)) rest.push_back(i);
    const auto most = model_verdicts(rest, 0);
    for (std::size_t i = 0; i < got.size(); ++i)
        RC_ASSERT(most[i] != Verdict::valid || got[i] == Verdict::valid);
}

RC_BOOST_PROP(a_fence_counts_as_the_lowest_cap_since_it_was_taken, ())
{
    const Purges history = *histories();
    const auto caps =
        *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(0, 18));
    const auto taken_at = *rc::gen::inRange<std::size_t>(0, caps.size() + 1);
    const bool few = *rc::gen::arbitrary<bool>();
    Edge edge{{.caps = few ? std::size_t{2} : std::size_t{100}}};
    edge.apply(history);
    edge.state.hear(16);
    std::uint64_t counts_as = 16;
    Fence fence = edge.state.fence();
    for (std::size_t i = 0; i < caps.size(); ++i) {
        if (i == taken_at) fence = edge.state.fence();
        edge.state.cap(caps[i], kStart);
        if (i >= taken_at) counts_as = std::min(counts_as, caps[i]);
    }
    if (taken_at == caps.size()) fence = edge.state.fence();
    for (const Response& response : responses()) {
        std::vector<std::uint64_t> tags;
        for (const std::string& tag : response.tags)
            tags.push_back(tag_hash(tag));
        const Verdict got =
            edge.state.verdict({response.uri, tags, site_hash(response.site)}, fence, kStart);
        const Verdict wanted = model_verdict(history, 0, response, counts_as, kStart);
        if (few)
            RC_ASSERT(wanted == Verdict::valid || got != Verdict::valid);
        else
            RC_ASSERT(as_strict({got}, {wanted}));
    }
}

BOOST_AUTO_TEST_SUITE_END()
