#include "edge/follow/follower.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/purge/messages.hpp"
#include "tests/support/purge_world.hpp"

using namespace tidemark;
using namespace tidemark::follow;
using namespace std::chrono_literals;
using purge::kJournal;
using purge::purge_of_url;
using purge::record_of;
namespace data = boost::unit_test::data;

namespace
{
purge::DatagramKey key_of(purge::Direction direction, std::uint16_t epoch)
{
    purge::DatagramKey key{};
    key[0] = static_cast<std::uint8_t>(direction);
    key[1] = static_cast<std::uint8_t>(epoch);
    return key;
}
Bytes encoded(const purge::Frame& frame)
{
    Bytes bytes;
    ByteWriter to{bytes};
    purge::encode_frame(frame, to);
    return bytes;
}
Bytes records_of(Version first, Version last)
{
    Bytes records;
    for (Version v = first; v <= last; ++v)
        records += record_of(purge_of_url(v));
    return records;
}
purge::Digest root_at(Version version)
{
    purge::Digest root;
    for (Version v = 1; v <= version; ++v)
        root += purge::digest_of(record_of(purge_of_url(v)));
    return root;
}
purge::Welcome welcome_of(Version mark)
{
    purge::Welcome welcome;
    welcome.journal = kJournal;
    welcome.mark = mark;
    welcome.lease = Millis{3'000};
    welcome.link = 9;
    welcome.epoch = 1;
    return welcome;
}

// A follower whose origin is the test, and all it asked for since last asked.
struct EdgeEnd {
    EdgeEnd() : EdgeEnd(Restored()) {}
    explicit EdgeEnd(Restored restored) : follower(settings(), std::move(restored), applier) {}
    static FollowerSettings settings()
    {
        FollowerSettings settings;
        settings.name = "a";
        return settings;
    }

    void connect(Version mark = 0)
    {
        sealer = {key_of(purge::Direction::to_edge, 1), {9, 1}};
        opener = {key_of(purge::Direction::to_origin, 1), {9, 1}};
        follower.on_connected(key_of, now);
        collect();
        hear(welcome_of(mark));
    }
    void hear(const purge::Frame& frame) { hear_bytes(encoded(frame)); }
    void hear_bytes(ByteView bytes)
    {
        follower.on_bytes(bytes, now);
        collect();
    }
    void datagram(ByteView frames)
    {
        Bytes sealed;
        BOOST_REQUIRE(sealer.seal(frames, sealed));
        follower.on_datagram(sealed, now);
        collect();
    }
    void pass(Nanos time)
    {
        const MonoTime end = now.mono + time;
        for (auto due = follower.next_due(); due && *due <= end; due = follower.next_due()) {
            move_to(std::max(*due, now.mono));
            follower.on_time(now);
            collect();
            if (closed) break;
        }
        move_to(end);
    }
    void move_to(MonoTime to)
    {
        now.boot += to - now.mono;
        now.mono = to;
    }
    void collect()
    {
        for (Action& action : follower.take_actions()) {
            if (const auto* send = std::get_if<SendStream>(&action))
                stream += send->bytes;
            else if (const auto* send_datagram = std::get_if<SendDatagram>(&action))
                open(send_datagram->sealed);
            else if (std::holds_alternative<CloseStream>(action))
                closed = true;
            else
                actions.push_back(std::move(action));
        }
    }
    void open(const Bytes& sealed)
    {
        Bytes frames;
        BOOST_REQUIRE(opener.open(sealed, frames).has_value());
        datagrams += frames;
    }
    template <class T> static std::vector<T> frames_in(ByteView bytes)
    {
        std::vector<T> found;
        while (auto frame = purge::decode_frame(bytes))
            if (auto* one = std::get_if<T>(&*frame)) found.push_back(*one);
        return found;
    }
    [[nodiscard]] std::vector<purge::Ack> acks() const { return frames_in<purge::Ack>(datagrams); }
    template <class T> [[nodiscard]] std::size_t asked() const
    {
        return static_cast<std::size_t>(
            std::count_if(actions.begin(), actions.end(),
                          [](const Action& action) { return std::holds_alternative<T>(action); }));
    }
    // As the origin: renews the lease if the edge is in step.
    void beat(Version mark, std::optional<purge::Digest> root = {})
    {
        const purge::Stamp echo = acks().empty() ? 0 : acks().back().stamp;
        datagram(encoded(
            purge::Heartbeat{kJournal, mark, root ? *root : root_at(mark), echo, Millis{3'000}}));
    }
    [[nodiscard]] bool in_sync() const { return follower.lease_until() > now.boot; }

    Now now{MonoTime{10s}, BootTime{20s}, WallTime{Millis{1'700'000'000'000}}};
    test::RememberingApplier applier;
    Follower follower;
    purge::Sealer sealer{key_of(purge::Direction::to_edge, 1), {9, 1}};
    purge::Opener opener{key_of(purge::Direction::to_origin, 1), {9, 1}};
    Bytes stream;
    Bytes datagrams;
    std::vector<Action> actions;
    bool closed = false;
};
} // namespace

BOOST_AUTO_TEST_SUITE(follower)

BOOST_AUTO_TEST_CASE(it_says_hello_with_what_it_holds)
{
    Restored restored;
    restored.journal = kJournal;
    restored.tree = purge::DigestTree{3, root_at(3)};
    restored.applied.add_through(3);
    restored.applied.add(7);
    restored.heard = 8;
    EdgeEnd edge{std::move(restored)};
    edge.follower.on_connected(key_of, edge.now);
    edge.collect();
    const auto hello = EdgeEnd::frames_in<purge::Hello>(edge.stream);
    BOOST_REQUIRE(hello.size() == 1U);
    BOOST_TEST(hello[0].name == "a");
    BOOST_TEST(hello[0].journal == kJournal);
    BOOST_TEST(hello[0].contiguous == 3U);
    BOOST_TEST(hello[0].heard == 8U);
    BOOST_TEST((hello[0].root == root_at(3)));
    BOOST_TEST(edge.applier.heard == 8U);
}

BOOST_AUTO_TEST_CASE(a_welcome_is_answered_by_datagram_at_once)
{
    EdgeEnd edge;
    edge.connect();
    BOOST_TEST(edge.follower.linked());
    BOOST_TEST(edge.acks().size() == 1U);
    BOOST_TEST(edge.applier.resets == 1U);
    BOOST_TEST(edge.asked<KeepJournal>() == 1U);
}

BOOST_AUTO_TEST_CASE(what_comes_in_one_call_is_applied_at_once_and_acknowledged_once)
{
    EdgeEnd edge;
    edge.connect();
    const Bytes two =
        encoded(purge::Records{records_of(1, 5)}) + encoded(purge::Records{records_of(6, 9)});
    edge.hear_bytes(two);
    BOOST_TEST(edge.applier.calls == 1U);
    BOOST_TEST(edge.applier.applied.size() == 9U);
    BOOST_TEST(edge.asked<KeepRecords>() == 1U);
    BOOST_TEST(edge.acks().size() == 2U);
    BOOST_TEST(edge.acks().back().received.contiguous == 9U);
    BOOST_TEST((edge.follower.root() == root_at(9)));
}

BOOST_AUTO_TEST_CASE(order_does_not_matter_and_duplicates_are_acknowledged_too)
{
    EdgeEnd edge;
    edge.connect();
    for (const Version v : {5U, 2U, 1U, 4U})
        edge.datagram(encoded(purge::Records{records_of(v, v)}));
    BOOST_TEST(edge.follower.contiguous() == 2U);
    BOOST_TEST(edge.acks().back().received.covers(5));
    BOOST_TEST(!edge.acks().back().received.covers(3));
    const std::size_t before = edge.acks().size();
    edge.datagram(encoded(purge::Records{records_of(5, 5)}));
    BOOST_TEST(edge.acks().size() == before + 1);
    BOOST_TEST(edge.follower.counters().repeated_records == 1U);
    edge.datagram(encoded(purge::Records{records_of(3, 3)}));
    BOOST_TEST(edge.follower.contiguous() == 5U);
    BOOST_TEST((edge.follower.root() == root_at(5)));
    BOOST_TEST(edge.applier.applied.size() == 5U);
}

BOOST_AUTO_TEST_CASE(records_of_another_journal_are_dropped)
{
    EdgeEnd edge;
    edge.connect();
    purge::Message foreign = purge_of_url(1);
    foreign.journal = 5;
    edge.hear(purge::Records{record_of(foreign)});
    BOOST_TEST(edge.applier.applied.empty());
    BOOST_TEST(edge.follower.counters().foreign_records == 1U);
    BOOST_TEST(!edge.closed);
}

BOOST_AUTO_TEST_CASE(a_lease_needs_everything_up_to_the_mark)
{
    EdgeEnd edge;
    edge.connect();
    edge.beat(0);
    BOOST_TEST(edge.in_sync());
    edge.pass(1s);
    edge.beat(3);
    BOOST_TEST((edge.follower.lease_until() <= BootTime{23s}));
    edge.datagram(encoded(purge::Records{records_of(1, 2)}));
    BOOST_TEST((edge.follower.lease_until() <= BootTime{23s}));
    edge.datagram(encoded(purge::Records{records_of(3, 3)}));
    edge.beat(3);
    BOOST_TEST((edge.follower.lease_until() > BootTime{23s}));
    BOOST_TEST(edge.applier.heard == 3U);
}

// Its versions may be those of a journal that was restored, and whose numbers were given again.
BOOST_AUTO_TEST_CASE(a_lease_needs_digests_that_have_agreed_in_this_session)
{
    Restored restored;
    restored.journal = kJournal;
    restored.tree = purge::DigestTree{3, root_at(3)};
    restored.applied.add_through(3);
    EdgeEnd edge{std::move(restored)};
    edge.connect(2);
    edge.beat(2); // of an earlier version than what it holds: not to be compared
    BOOST_TEST(!edge.in_sync());
    edge.beat(4);
    BOOST_TEST(!edge.in_sync());
    edge.datagram(encoded(purge::Records{records_of(4, 4)}));
    BOOST_TEST(edge.in_sync());
}

BOOST_AUTO_TEST_CASE(a_heartbeat_that_echoes_what_was_not_sent_proves_nothing)
{
    EdgeEnd edge;
    edge.connect();
    const purge::Stamp later = purge::stamp_of(edge.now.boot + 1h);
    edge.datagram(encoded(purge::Heartbeat{kJournal, 0, {}, later, Millis{3'000}}));
    edge.datagram(encoded(purge::Heartbeat{5, 0, {}, edge.acks().back().stamp, Millis{3'000}}));
    BOOST_TEST(!edge.in_sync());
    BOOST_TEST(edge.follower.counters().impossible_heartbeats == 2U);
}

BOOST_AUTO_TEST_CASE(a_gap_is_named_by_datagram_and_then_asked_for_on_the_stream)
{
    EdgeEnd edge;
    edge.connect();
    edge.datagram(encoded(purge::Records{records_of(2, 3)}));
    BOOST_TEST(EdgeEnd::frames_in<purge::Nack>(edge.datagrams).empty());
    edge.pass(200ms);
    const auto nacks = EdgeEnd::frames_in<purge::Nack>(edge.datagrams);
    BOOST_REQUIRE(nacks.size() == 1U);
    BOOST_TEST(!nacks[0].received.covers(1));
    BOOST_TEST(EdgeEnd::frames_in<purge::RepairRequest>(edge.stream).empty());
    edge.pass(150ms);
    BOOST_TEST(EdgeEnd::frames_in<purge::RepairRequest>(edge.stream).size() == 1U);
    // Nothing comes of it: once more, not more often.
    edge.hear(purge::FenceKey{});
    edge.pass(900ms);
    BOOST_TEST(EdgeEnd::frames_in<purge::RepairRequest>(edge.stream).size() == 1U);
    edge.pass(200ms);
    BOOST_TEST(EdgeEnd::frames_in<purge::RepairRequest>(edge.stream).size() == 2U);
    edge.hear(purge::Records{records_of(1, 1)});
    edge.pass(1500ms);
    BOOST_TEST(EdgeEnd::frames_in<purge::RepairRequest>(edge.stream).size() == 2U);
}

BOOST_AUTO_TEST_CASE(while_no_datagram_comes_it_acknowledges_on_the_stream_too)
{
    EdgeEnd edge;
    edge.connect();
    edge.hear(purge::Records{records_of(1, 1)});
    const auto streamed = [&] { return EdgeEnd::frames_in<purge::Ack>(edge.stream).size(); };
    BOOST_TEST(streamed() == 2U);
    edge.beat(1);
    edge.hear(purge::Records{records_of(2, 2)});
    BOOST_TEST(streamed() == 2U);
    edge.pass(1100ms);
    edge.hear(purge::Records{records_of(3, 3)});
    BOOST_TEST(streamed() == 3U);
}

BOOST_AUTO_TEST_CASE(digests_that_differ_end_the_lease_at_once)
{
    EdgeEnd edge;
    edge.connect();
    edge.hear(purge::Records{records_of(1, 3)});
    edge.beat(3);
    BOOST_TEST(edge.in_sync());
    edge.beat(3, purge::Digest{1, 2});
    BOOST_TEST(!edge.in_sync());
    BOOST_TEST(edge.follower.counters().mismatches == 1U);
    // No heartbeat renews it until the digests agree.
    edge.beat(3, purge::Digest{1, 2});
    BOOST_TEST(!edge.in_sync());
    // In three versions there is no full block to compare: the last one is fetched again.
    const auto requests = EdgeEnd::frames_in<purge::RepairRequest>(edge.stream);
    const auto queries = EdgeEnd::frames_in<purge::DigestQuery>(edge.stream);
    BOOST_TEST(requests.size() + queries.size() == 1U);
}

struct SnapshotCase {
    const char* what;
    std::function<void(purge::SnapshotPiece&)> change;
    friend std::ostream& operator<<(std::ostream& out, const SnapshotCase& c)
    {
        return out << c.what;
    }
};
const SnapshotCase kSnapshotCases[] = {
    {"of another state", [](purge::SnapshotPiece& piece) { piece.state.low ^= 1; }},
    {"of another journal", [](purge::SnapshotPiece& piece) { ++piece.journal; }},
    {"that stands for less than it holds", [](purge::SnapshotPiece& piece) { piece.through = 2; }},
    {"without its beginning",
     [](purge::SnapshotPiece& piece) {
         piece.offset = 1;
         piece.bytes.remove_prefix(1);
     }},
    {"larger than any",
     [](purge::SnapshotPiece& piece) { piece.total_bytes = purge::kSnapshotBytesMax + 1; }},
};
struct Snapshot {
    Snapshot()
    {
        purge::CompactState state;
        for (Version v = 1; v <= 5; ++v)
            state.apply(purge_of_url(v, "http://h/" + std::to_string(v)));
        purge::encode_snapshot(state, bytes);
        piece = {kJournal, 5, {1, 2}, state.digest(), bytes.size(), 0, bytes};
    }
    Bytes bytes;
    purge::SnapshotPiece piece;
};
BOOST_DATA_TEST_CASE(a_wrong_snapshot_is_refused, data::make(kSnapshotCases), c)
{
    Snapshot snapshot;
    c.change(snapshot.piece);
    EdgeEnd edge;
    edge.connect(5);
    edge.hear(snapshot.piece);
    BOOST_TEST(edge.closed);
    BOOST_TEST(edge.applier.loaded.entries().empty());
    BOOST_TEST(edge.follower.contiguous() == 0U);
    BOOST_TEST(edge.follower.counters().bad_frames == 1U);
}
// A restored backup may have given again what was only heard of, and no digest could tell.
BOOST_AUTO_TEST_CASE(fences_above_what_is_held_are_capped_when_a_session_begins)
{
    EdgeEnd edge;
    edge.connect();
    edge.hear(purge::Records{records_of(1, 5)});
    edge.beat(7);
    BOOST_TEST(edge.follower.heard() == 7U);
    edge.follower.on_closed(edge.now);
    BOOST_TEST(!edge.applier.capped_at.has_value());
    edge.connect(7);
    BOOST_TEST(edge.applier.capped_at.value_or(0) == 5U);
}

BOOST_AUTO_TEST_CASE(a_session_caps_nothing_where_all_that_was_heard_of_is_held)
{
    EdgeEnd edge;
    edge.connect();
    edge.hear(purge::Records{records_of(1, 5)});
    edge.beat(5);
    edge.follower.on_closed(edge.now);
    edge.connect(5);
    BOOST_TEST(!edge.applier.capped_at.has_value());
}

// The fences on disk may be of versions that the log does not know.
BOOST_AUTO_TEST_CASE(the_first_session_after_a_start_caps_fences_at_what_the_log_holds)
{
    Restored restored;
    restored.journal = kJournal;
    restored.tree = purge::DigestTree{3, root_at(3)};
    restored.applied.add_through(3);
    restored.heard = 3;
    EdgeEnd edge{std::move(restored)};
    edge.connect(3);
    BOOST_TEST(edge.applier.capped_at.value_or(0) == 3U);
}

BOOST_AUTO_TEST_CASE(a_snapshot_stands_for_all_up_to_it)
{
    const Snapshot snapshot;
    EdgeEnd edge;
    edge.connect(5);
    edge.datagram(encoded(purge::Records{records_of(6, 7)}));
    purge::SnapshotPiece piece = snapshot.piece;
    piece.bytes = piece.bytes.substr(0, 10);
    edge.hear(piece);
    BOOST_TEST(edge.follower.contiguous() == 0U);
    piece.bytes = snapshot.piece.bytes.substr(10);
    piece.offset = 10;
    edge.hear(piece);
    BOOST_TEST(!edge.closed);
    BOOST_TEST(edge.follower.contiguous() == 7U);
    BOOST_TEST(edge.applier.loaded.entries().size() == 5U);
    BOOST_TEST(edge.asked<KeepSnapshot>() == 1U);
    const purge::Digest behind =
        purge::digest_of(record_of(purge_of_url(6))) + purge::digest_of(record_of(purge_of_url(7)));
    BOOST_TEST((edge.follower.root() == purge::Digest{1, 2} + behind));
}

// Some of what it stands for may have asked for bytes to be erased.
BOOST_AUTO_TEST_CASE(a_snapshot_is_acknowledged_once_what_it_made_invalid_is_erased)
{
    const Snapshot snapshot;
    EdgeEnd edge;
    edge.applier.erases_loaded = true;
    edge.connect(5);
    edge.hear(snapshot.piece);
    edge.hear(purge::Heartbeat{kJournal, 5, {1, 2}, 0, Millis{3'000}});
    BOOST_TEST(edge.follower.contiguous() == 5U);
    BOOST_TEST(edge.acks().back().received.contiguous == 0U);
    edge.follower.on_erased(5, edge.now);
    edge.collect();
    BOOST_TEST(edge.acks().back().received.contiguous == 5U);
}

BOOST_AUTO_TEST_CASE(an_origin_of_which_nothing_is_heard_is_given_up)
{
    EdgeEnd edge;
    edge.follower.on_connected(key_of, edge.now);
    edge.collect();
    edge.pass(4900ms);
    BOOST_TEST(!edge.closed);
    edge.pass(200ms);
    BOOST_TEST(edge.closed);

    EdgeEnd linked;
    linked.connect();
    linked.pass(1900ms);
    linked.beat(0);
    linked.pass(1900ms);
    BOOST_TEST(!linked.closed);
    linked.pass(200ms);
    BOOST_TEST(linked.closed);
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_not_authentic_change_nothing)
{
    EdgeEnd edge;
    edge.connect();
    const std::size_t acks = edge.acks().size();
    purge::Sealer wrong{key_of(purge::Direction::to_origin, 1), {9, 1}};
    Bytes sealed;
    BOOST_REQUIRE(wrong.seal(encoded(purge::Records{records_of(1, 1)}), sealed));
    edge.follower.on_datagram(sealed, edge.now);
    edge.collect();
    Bytes once;
    BOOST_REQUIRE(edge.sealer.seal(encoded(purge::Heartbeat{kJournal, 0, {}, 0, {}}), once));
    edge.follower.on_datagram(once, edge.now);
    edge.collect();
    BOOST_TEST(edge.acks().size() == acks + 1);
    edge.follower.on_datagram(once, edge.now); // replayed
    edge.collect();
    BOOST_TEST(edge.acks().size() == acks + 1);
    BOOST_TEST(edge.applier.applied.empty());
    const auto& rejected = edge.follower.counters().rejected;
    BOOST_TEST(rejected[static_cast<std::size_t>(purge::DatagramError::forged)] == 1U);
    BOOST_TEST(rejected[static_cast<std::size_t>(purge::DatagramError::replayed)] == 1U);
    BOOST_TEST(!edge.closed);
}

struct StreamCase {
    const char* what;
    Bytes bytes;
    friend std::ostream& operator<<(std::ostream& out, const StreamCase& c)
    {
        return out << c.what;
    }
};
const StreamCase kStreamCases[] = {
    {"rubbish", Bytes(8, '\0')},
    {"what only edges say", encoded(purge::Nack{})},
    {"records that are none", encoded(purge::Records{Bytes(100, 'x')})},
    {"a welcome of another link", encoded([] {
         purge::Welcome welcome = welcome_of(0);
         welcome.link = 10;
         welcome.epoch = 2;
         return welcome;
     }())},
    {"a refusal after the welcome", encoded(purge::Refusal{})},
};
BOOST_DATA_TEST_CASE(a_stream_with_frames_out_of_place_is_closed, data::make(kStreamCases), c)
{
    EdgeEnd edge;
    edge.connect();
    edge.hear_bytes(c.bytes);
    BOOST_TEST(edge.closed);
    BOOST_TEST(edge.follower.counters().bad_frames == 1U);
}

BOOST_AUTO_TEST_CASE(content_is_staged_from_where_it_stands)
{
    EdgeEnd edge;
    edge.connect();
    purge::PushOffer offer;
    offer.digest[3] = 1;
    offer.packed_bytes = 10;
    offer.uri = "http://h/a";
    edge.hear(offer);
    BOOST_TEST(edge.asked<StageWanted>() == 1U);
    edge.follower.on_staged(offer.digest, 4, edge.now);
    edge.collect();
    const auto have = EdgeEnd::frames_in<purge::PushHave>(edge.stream);
    BOOST_REQUIRE(have.size() == 1U);
    BOOST_TEST(have[0].packed_bytes == 4U);
    edge.hear(purge::PushPiece{offer.digest, 4, "abc"});
    edge.hear(purge::PushPiece{offer.digest, 7, "def"});
    BOOST_TEST(edge.asked<StagePiece>() == 2U);
    edge.hear(purge::PushPiece{offer.digest, 4, "abc"});
    BOOST_TEST(edge.closed);
}

BOOST_AUTO_TEST_SUITE_END()
