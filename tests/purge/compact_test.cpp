#include "purge/compact.hpp"

#include "core/base/crc32c.hpp"
#include "tests/purge/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <algorithm>
#include <random>

BOOST_AUTO_TEST_SUITE(compact)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
Message order_of(Version version, std::string site, Scope scope, std::string selector,
                 OrderMode mode = OrderMode::hard, Seconds max_stale = 0s)
{
    Message message = purge_of(version, {{scope, mode, max_stale, std::move(selector)}});
    message.site = std::move(site);
    return message;
}
Message floor_of(Version version, Version floor)
{
    Message message = purge_of_url(version);
    message.body = Floor{floor};
    return message;
}
CompactState state_of(const std::vector<Message>& messages)
{
    CompactState state;
    for (const Message& message : messages)
        state.apply(message);
    return state;
}
Bytes snapshot_of(const CompactState& state)
{
    Bytes bytes;
    encode_snapshot(state, bytes);
    return bytes;
}
// What a digest from scratch is.
Digest digest_anew(const CompactState& state)
{
    return decode_snapshot(snapshot_of(state)).value().digest();
}

// Few sites and selectors, so that they meet.
std::vector<Message> any_history()
{
    std::vector<Message> history;
    const auto size = *rc::gen::inRange<Version>(0, 40);
    for (Version v = 1; v <= size; ++v) {
        const auto scope = static_cast<Scope>(*rc::gen::inRange(1, 8));
        const auto mode = static_cast<OrderMode>(*rc::gen::inRange(1, 4));
        const std::string selector =
            scope == Scope::all ? "" : std::string(1, *rc::gen::element('p', 'q'));
        const Seconds stale = mode == OrderMode::hard ? 0s : Seconds{*rc::gen::inRange(0, 2)};
        if (*rc::gen::inRange(0, 12) == 0)
            history.push_back(floor_of(v, *rc::gen::inRange<Version>(0, v + 1)));
        else
            history.push_back(order_of(v, *rc::gen::element<std::string>("*", "a", "b"), scope,
                                       selector, mode, stale));
    }
    return history;
}
} // namespace

BOOST_AUTO_TEST_CASE(only_hard_absorbs_and_only_what_it_covers)
{
    const CompactState state = state_of({
        order_of(1, "a", Scope::url, "u"),
        order_of(2, "a", Scope::tag, "t", OrderMode::soft, 30s),
        order_of(3, "b", Scope::url, "u"),
        order_of(4, "a", Scope::all, ""),
        order_of(5, "b", Scope::all, "", OrderMode::soft, 30s),
        order_of(6, "a", Scope::url, "u", OrderMode::refresh),
        order_of(7, "a", Scope::url, "u", OrderMode::refresh, 5s),
    });
    const CompactState::Entries expected = {
        {{"a", Scope::all, ""}, {4, 0}},
        {{"a", Scope::url, "u"}, {6, 7}},
        {{"b", Scope::all, ""}, {0, 5}},
        {{"b", Scope::url, "u"}, {3, 0}},
    };
    BOOST_TEST((state.entries() == expected));
    BOOST_TEST(state.through() == 7U);
}

BOOST_AUTO_TEST_CASE(every_site_is_covered_by_the_star_and_everything_by_the_floor)
{
    CompactState state =
        state_of({order_of(1, "a", Scope::all, ""), order_of(2, "b", Scope::url, "u"),
                  order_of(3, "*", Scope::all, "")});
    BOOST_TEST(state.entries().size() == 1U);
    state.apply(order_of(5, "b", Scope::url, "u"));
    state.apply(floor_of(6, 4));
    BOOST_TEST(state.entries().size() == 1U);
    BOOST_TEST(state.floor() == 4U);
    BOOST_TEST(state.entries().begin()->second.hard == 5U);
}

BOOST_AUTO_TEST_CASE(a_push_is_hard_on_its_uri_and_an_undo_changes_nothing)
{
    Message push = purge_of_url(1);
    push.body = Push{"http://h/p", {}, 10, 0};
    Message undo = purge_of_url(2);
    undo.body = Undo{1};
    const CompactState state = state_of({push, undo});
    const CompactState::Entries expected = {{{"*", Scope::url, "http://h/p"}, {1, 0}}};
    BOOST_TEST((state.entries() == expected));
}

BOOST_AUTO_TEST_CASE(a_snapshot_that_nobody_writes_is_corrupt)
{
    struct Row {
        const char* name;
        Bytes body;
    };
    using namespace std::string_literals;
    const Bytes entry = "\x01*\x01\x01u\x05\x00"s;
    const Row rows[] = {
        {"format 2", "\x02\x09\x00\x00"s},
        {"a floor above all", "\x01\x09\x0A\x00"s},
        {"an entry above all", "\x01\x04\x00\x01"s + entry},
        {"an entry below the floor", "\x01\x09\x05\x01"s + entry},
        {"twice the same", "\x01\x09\x00\x02"s + entry + entry},
        {"no site", "\x01\x09\x00\x01\x00\x01\x01u\x05\x00"s},
        {"scope 0", "\x01\x09\x00\x01\x01*\x00\x01u\x05\x00"s},
        {"no version", "\x01\x09\x00\x01\x01*\x01\x01u\x00\x00"s},
        {"soft below hard", "\x01\x09\x00\x01\x01*\x01\x01u\x05\x04"s},
        {"covered", "\x01\x09\x00\x02"s + entry + "\x01*\x06\x00\x06\x00"s},
        {"hard covered, soft not", "\x01\x09\x00\x02\x01*\x06\x00\x05\x00\x01+\x01\x01u\x04\x08"s},
        {"something left over", "\x01\x09\x00\x01"s + entry + "x"},
    };
    const auto decoded = [](const Bytes& body) {
        Bytes bytes;
        ByteWriter{bytes}.u32(crc32c(body));
        return decode_snapshot(bytes + body);
    };
    BOOST_TEST(decoded("\x01\x09\x00\x01"s + entry).has_value());
    for (const Row& row : rows) {
        const auto state = decoded(row.body);
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST_REQUIRE(!state.has_value());
            BOOST_TEST((state.error() == RecordError::corrupt));
        }
    }
}

RC_BOOST_PROP(order_and_repetition_change_nothing, (std::uint64_t seed))
{
    const std::vector<Message> history = any_history();
    std::vector<Message> shuffled = history;
    shuffled.insert(shuffled.end(), history.begin(), history.end());
    std::mt19937_64 random{seed};
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    const CompactState state = state_of(history);
    const CompactState other = state_of(shuffled);
    RC_ASSERT(state == other);
    RC_ASSERT(state.digest() == other.digest());
}

RC_BOOST_PROP(a_snapshot_gives_the_state_and_its_digest, ())
{
    const CompactState state = state_of(any_history());
    const Bytes bytes = snapshot_of(state);
    const auto decoded = decode_snapshot(bytes);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == state);
    RC_ASSERT(digest_anew(state) == state.digest());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        RC_ASSERT(!decode_snapshot(ByteView{bytes}.substr(0, cut)).has_value());
}

RC_BOOST_PROP(different_states_have_different_digests, ())
{
    const CompactState a = state_of(any_history());
    const CompactState b = state_of(any_history());
    RC_ASSERT((a.digest() == b.digest()) == (a.entries() == b.entries() && a.floor() == b.floor()));
}

BOOST_AUTO_TEST_SUITE_END()
