#include "purge/state.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <random>
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
};
const std::vector<Response>& responses()
{
    static const std::vector<Response> all = {
        {"http://h/", {}},
        {"http://h/a", {"red"}},
        {"http://h/a/b?c=/d", {"red", "blue"}},
        {"http://h:81/a", {"blue"}},
        {"https://h/ab", {}},
        {"http://g/a/", {"red"}},
    };
    return all;
}

// By definition, on strings.
bool covers(const Invalidation& i, const Response& response)
{
    const std::string& uri = response.uri;
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
        break;
    }
    return false;
}

rc::Gen<Invalidation> purges()
{
    struct Name {
        Scope scope;
        const char* selector;
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
    };
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange<std::uint64_t>(1, 16), rc::gen::elementOf(names),
                       rc::gen::inRange(0, 3), rc::gen::inRange<std::int64_t>(0, 40)),
        [](const std::tuple<std::uint64_t, Name, int, std::int64_t>& t) {
            const auto& [version, name, mode, max_stale] = t;
            return Invalidation{version, name.scope, mode == 0 ? Mode::hard : Mode::soft,
                                Seconds(max_stale), name.selector};
        });
}
using Purges = std::vector<Invalidation>;
rc::Gen<Purges> histories()
{
    return rc::gen::container<Purges>(purges());
}

// Every verdict that there is to ask, in one order.
std::vector<Verdict> verdicts(const InvalidationState& state)
{
    std::vector<Verdict> all;
    for (const Response& response : responses()) {
        std::vector<std::uint64_t> tags;
        for (const std::string& tag : response.tags)
            tags.push_back(tag_hash(tag));
        for (std::uint64_t version = 0; version <= 16; ++version)
            for (const Seconds after : {0s, 10s, 20s, 1000s})
                all.push_back(state.verdict({response.uri, tags}, {version, 0}, kStart + after));
    }
    return all;
}

// Each soft purge keeps its own deadline here; the floor speaks for all at or below it, but a hard
// `all` stands.
Verdict model_verdict(const Purges& history, std::uint64_t floor, const Response& response,
                      std::uint64_t fence, MonoTime now)
{
    Verdict worst = fence < floor ? Verdict::must_validate : Verdict::valid;
    for (const Invalidation& i : history) {
        if (i.version <= fence || !covers(i, response)) continue;
        const bool stands = i.scope == Scope::all && i.mode == Mode::hard;
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
    sync::EpochDomain epochs;
    InvalidationState state{epochs};
    void apply(const Purges& history)
    {
        for (const Invalidation& i : history)
            state.apply(i, kStart);
    }
};

bool hard_all(const Invalidation& i)
{
    return i.scope == Scope::all && i.mode == Mode::hard;
}
} // namespace

RC_BOOST_PROP(any_order_gives_the_same_verdicts, (unsigned seed))
{
    Purges history = *histories();
    std::erase_if(history, hard_all); // with it: see the next law
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
    Purges history = *histories();
    std::erase_if(history, hard_all); // as in the first law
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
                       i.selector == other.selector;
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

BOOST_AUTO_TEST_SUITE_END()
