#include "origin/broadcast/hub.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::origin;
using namespace std::chrono_literals;
namespace data = boost::unit_test::data;

namespace
{
constexpr purge::JournalId kJournal = 7;

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
purge::Hello hello_of(const std::string& name, Version contiguous = 0)
{
    purge::Hello hello;
    hello.instance = 1;
    hello.lease = Millis{3'000};
    hello.journal = kJournal;
    hello.contiguous = hello.heard = contiguous;
    hello.name = name;
    return hello;
}
purge::Ack ack_of(Version contiguous, purge::Stamp stamp)
{
    purge::Ack ack;
    ack.stamp = stamp;
    ack.heard = contiguous;
    ack.received.contiguous = contiguous;
    return ack;
}

// A hub, and all it asked for since last asked, sorted by kind.
struct Origin {
    explicit Origin(const HubSettings& settings = {}, journal::JournalStart start = begin())
        : hub(settings, start, 1, now)
    {
        tree = start.tree;
    }
    static journal::JournalStart begin()
    {
        journal::JournalStart start;
        start.id = kJournal;
        return start;
    }
    void pass(Nanos time)
    {
        const MonoTime end = now.mono + time;
        while (true) {
            const auto due = hub.next_due();
            if (!due || *due > end) break;
            move_to(std::max(*due, now.mono));
            hub.on_time(now);
            collect();
        }
        move_to(end);
    }
    void move_to(MonoTime to)
    {
        now.boot += to - now.mono;
        now.wall += std::chrono::floor<Millis>(to - now.mono);
        now.mono = to;
    }
    void collect()
    {
        for (Action& action : hub.take_actions()) {
            if (auto* send = std::get_if<SendStream>(&action)) {
                stream[send->peer] += send->bytes;
                if (reads) hub.on_sent(send->peer, send->bytes.size(), now);
            } else {
                actions.push_back(std::move(action));
            }
        }
        if (reads && !stream.empty()) {
            // What on_sent() set free.
            auto more = hub.take_actions();
            for (Action& action : more) {
                if (auto* send = std::get_if<SendStream>(&action))
                    stream[send->peer] += send->bytes;
                else
                    actions.push_back(std::move(action));
            }
        }
    }
    PeerId connect(const std::string& name)
    {
        const PeerId peer = hub.on_stream(name, "here", key_of, now);
        collect();
        return peer;
    }
    void say(PeerId peer, const purge::Frame& frame)
    {
        hub.on_bytes(peer, encoded(frame), now);
        collect();
    }
    PeerId link(const std::string& name, Version contiguous = 0)
    {
        const PeerId peer = connect(name);
        say(peer, hello_of(name, contiguous));
        if (took<KeepEdge>() > 0) {
            hub.on_edge_kept(name, now);
            collect();
        }
        return peer;
    }
    template <class T> std::vector<T> heard(PeerId peer) // frames of this kind on the stream
    {
        std::vector<T> found;
        ByteView bytes = stream[peer];
        while (auto frame = purge::decode_frame(bytes))
            if (auto* one = std::get_if<T>(&*frame)) found.push_back(*one);
        return found;
    }
    template <class T> std::size_t took() // actions of this kind; they are done with
    {
        const auto end = std::remove_if(actions.begin(), actions.end(), [](const Action& action) {
            return std::holds_alternative<T>(action);
        });
        const auto count = static_cast<std::size_t>(actions.end() - end);
        actions.erase(end, actions.end());
        return count;
    }
    template <class T> const T* last()
    {
        const T* found = nullptr;
        for (const Action& action : actions)
            if (const T* one = std::get_if<T>(&action)) found = one;
        return found;
    }
    void publish(int count, std::size_t bytes = 10)
    {
        std::vector<journal::DurableRecord> records;
        for (int i = 0; i < count; ++i) {
            purge::Message message;
            message.version = tree.last() + 1;
            message.journal = kJournal;
            message.site = "*";
            purge::Order order;
            order.selector = Bytes(bytes, 'x');
            message.body = purge::Invalidate{{order}, false};
            auto record = std::make_shared<Bytes>();
            purge::encode_message(message, *record);
            tree.append(message.version, purge::digest_of(*record));
            records.push_back({message.version, record, nullptr});
        }
        all.insert(all.end(), records.begin(), records.end());
        hub.on_durable(records, now);
        collect();
    }
    // As an edge that has opened the datagrams' way.
    void answer(PeerId peer, const purge::Frame& frame)
    {
        const purge::Welcome welcome = heard<purge::Welcome>(peer).back();
        auto& sealer = sealers
                           .try_emplace(peer, key_of(purge::Direction::to_origin, 1),
                                        purge::DatagramIdentity{welcome.link, 1})
                           .first->second;
        Bytes sealed;
        BOOST_REQUIRE(sealer.seal(encoded(frame), sealed));
        BOOST_REQUIRE((hub.on_datagram(sealed, now) == peer));
        collect();
    }

    Now now{MonoTime{10s}, BootTime{20s}, WallTime{Millis{1'700'000'000'000}}};
    Hub hub;
    purge::DigestTree tree;
    std::vector<journal::DurableRecord> all;
    std::map<PeerId, Bytes> stream;
    std::map<PeerId, purge::Sealer> sealers;
    std::vector<Action> actions;
    bool reads = true; // edges read what is sent to them
};
} // namespace

BOOST_AUTO_TEST_SUITE(hub)

BOOST_AUTO_TEST_CASE(an_edge_is_welcomed_once_its_entry_is_durable)
{
    Origin origin;
    const PeerId peer = origin.connect("a");
    origin.say(peer, hello_of("a"));
    BOOST_TEST(origin.heard<purge::Welcome>(peer).empty());
    BOOST_TEST(origin.took<KeepEdge>() == 1U);
    origin.pass(1s);
    BOOST_TEST(origin.heard<purge::Heartbeat>(peer).empty());
    origin.hub.on_edge_kept("a", origin.now);
    origin.collect();
    BOOST_REQUIRE(origin.heard<purge::Welcome>(peer).size() == 1U);
    BOOST_TEST((origin.heard<purge::Welcome>(peer)[0].lease == Millis{3'000}));
    // The same edge again: nothing is to be kept.
    origin.hub.on_closed(peer, origin.now);
    const PeerId again = origin.connect("a");
    origin.say(again, hello_of("a"));
    BOOST_TEST(origin.took<KeepEdge>() == 0U);
    BOOST_REQUIRE(origin.heard<purge::Welcome>(again).size() == 1U);
    BOOST_TEST(origin.heard<purge::Welcome>(again)[0].link !=
               origin.heard<purge::Welcome>(peer)[0].link);
}

BOOST_AUTO_TEST_CASE(an_entry_that_could_not_be_kept_is_kept_at_the_next_hello)
{
    Origin origin;
    const PeerId peer = origin.connect("a");
    origin.say(peer, hello_of("a"));
    BOOST_TEST(origin.took<KeepEdge>() == 1U);
    origin.hub.on_edge_not_kept("a", origin.now);
    origin.collect();
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    BOOST_TEST(origin.heard<purge::Welcome>(peer).empty());
    origin.hub.on_closed(peer, origin.now);
    const PeerId again = origin.connect("a");
    origin.say(again, hello_of("a"));
    BOOST_TEST(origin.took<KeepEdge>() == 1U);
    origin.hub.on_edge_kept("a", origin.now);
    origin.collect();
    BOOST_TEST(origin.heard<purge::Welcome>(again).size() == 1U);
}

BOOST_AUTO_TEST_CASE(an_edge_that_claims_too_much_mints_no_journal)
{
    Origin origin;
    const PeerId peer = origin.connect("a");
    origin.say(peer, hello_of("a", purge::kVersionMax));
    BOOST_TEST(origin.took<MintJournal>() == 0U);
    BOOST_TEST(origin.heard<purge::Refusal>(peer).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_journal_that_could_not_be_minted_is_asked_for_at_the_next_hello)
{
    Origin origin;
    origin.publish(5);
    const PeerId ahead = origin.link("a", 9);
    BOOST_TEST(origin.took<MintJournal>() == 1U);
    origin.hub.on_mint_failed(origin.now);
    origin.collect();
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    origin.hub.on_closed(ahead, origin.now);
    // Who knows nothing of lost versions is not held up by it.
    BOOST_TEST(origin.heard<purge::Welcome>(origin.link("b", 5)).size() == 1U);
    const PeerId again = origin.link("a", 9);
    BOOST_TEST(origin.took<MintJournal>() == 1U);
    BOOST_TEST(origin.heard<purge::Welcome>(again).empty());
}

struct RefusedCase {
    const char* what;
    purge::Hello hello;
    purge::RefusalReason reason;
    friend std::ostream& operator<<(std::ostream& out, const RefusedCase& c)
    {
        return out << c.what;
    }
};
purge::Hello with_wire(std::uint8_t min, std::uint8_t max)
{
    purge::Hello hello = hello_of("a");
    hello.wire_min = min;
    hello.wire_max = max;
    return hello;
}
const RefusedCase kRefusedCases[] = {
    {"only a later wire version", with_wire(2, 3), purge::RefusalReason::wire_version},
    {"only an earlier wire version", with_wire(0, 0), purge::RefusalReason::wire_version},
    {"another name than the certificate's", hello_of("b"), purge::RefusalReason::unknown_edge},
};
BOOST_DATA_TEST_CASE(a_hello_is_refused_with_a_reason, data::make(kRefusedCases), c)
{
    Origin origin;
    const PeerId peer = origin.connect("a");
    origin.say(peer, c.hello);
    BOOST_REQUIRE(origin.heard<purge::Refusal>(peer).size() == 1U);
    BOOST_TEST((origin.heard<purge::Refusal>(peer)[0].reason == c.reason));
    BOOST_TEST(origin.took<KeepEdge>() == 0U);
    BOOST_TEST(origin.took<Remark>() == 1U);
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    BOOST_TEST(origin.hub.counters().refused_hellos == 1U);
    BOOST_TEST(origin.hub.edges(origin.now).empty());
}

struct OutOfPlaceCase {
    const char* what;
    Bytes bytes;
    bool linked;
    friend std::ostream& operator<<(std::ostream& out, const OutOfPlaceCase& c)
    {
        return out << c.what;
    }
};
const OutOfPlaceCase kOutOfPlaceCases[] = {
    {"an ack before the hello", encoded(ack_of(0, 1)), false},
    {"no frame at all", Bytes("\xFFxyz"), false},
    {"an endless hello", encoded(purge::PushPiece{{}, 0, Bytes(20'000, 'x')}).substr(0, 10'000),
     false},
    {"a second hello", encoded(hello_of("a")), true},
    {"what only an origin says", encoded(purge::Heartbeat{}), true},
    {"rubbish", Bytes(20, '\0'), true},
};
BOOST_DATA_TEST_CASE(a_stream_with_frames_out_of_place_is_closed, data::make(kOutOfPlaceCases), c)
{
    Origin origin;
    const PeerId peer = c.linked ? origin.link("a") : origin.connect("a");
    origin.hub.on_bytes(peer, c.bytes, origin.now);
    origin.collect();
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    BOOST_TEST(origin.hub.counters().bad_frames == 1U);
    origin.say(peer, hello_of("a"));
    BOOST_TEST(origin.took<KeepEdge>() == 0U);
}

BOOST_AUTO_TEST_CASE(a_stream_that_says_nothing_is_closed)
{
    Origin origin;
    origin.connect("a");
    origin.pass(4900ms);
    BOOST_TEST(origin.took<CloseStream>() == 0U);
    origin.pass(200ms);
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    const PeerId linked = origin.link("a");
    origin.pass(9900ms);
    BOOST_TEST(origin.took<CloseStream>() == 0U);
    origin.say(linked, ack_of(0, 1));
    origin.pass(9900ms);
    BOOST_TEST(origin.took<CloseStream>() == 0U);
    origin.pass(200ms);
    BOOST_TEST(origin.took<CloseStream>() == 1U);
}

BOOST_AUTO_TEST_CASE(of_too_many_streams_the_last_is_refused)
{
    HubSettings settings;
    settings.peers_max = 2;
    Origin origin{settings};
    origin.connect("a");
    origin.connect("b");
    BOOST_TEST(origin.took<CloseStream>() == 0U);
    const PeerId third = origin.connect("c");
    BOOST_TEST(origin.took<CloseStream>() == 1U);
    BOOST_TEST(origin.heard<purge::Refusal>(third).size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_lease_is_kept_within_its_limits)
{
    Origin origin;
    for (const auto& [wished, granted] :
         {std::pair{Millis{1}, Millis{500}}, {Millis{3'600'000}, Millis{60'000}}}) {
        const PeerId peer = origin.connect("a");
        purge::Hello hello = hello_of("a");
        hello.lease = wished;
        origin.say(peer, hello);
        origin.hub.on_edge_kept("a", origin.now);
        origin.collect();
        BOOST_TEST((origin.heard<purge::Welcome>(peer).at(0).lease == granted));
        origin.hub.on_closed(peer, origin.now);
    }
}

BOOST_AUTO_TEST_CASE(before_the_first_datagram_of_an_edge_everything_goes_by_stream)
{
    Origin origin;
    const PeerId peer = origin.link("a");
    origin.publish(3);
    origin.pass(1s);
    BOOST_TEST(origin.took<SendDatagram>() == 0U);
    BOOST_TEST(origin.heard<purge::Records>(peer).size() == 3U);
    BOOST_TEST(origin.heard<purge::Heartbeat>(peer).size() == 5U);
    origin.answer(peer, ack_of(3, 1'000));
    BOOST_TEST(origin.took<SendDatagram>() == 1U); // the heartbeat that grants the lease
    const auto before = origin.heard<purge::Records>(peer).size();
    origin.publish(1);
    BOOST_TEST(origin.took<SendDatagram>() == 1U);
    BOOST_TEST(origin.heard<purge::Records>(peer).size() == before);
}

BOOST_AUTO_TEST_CASE(heartbeats_echo_the_greatest_stamp_of_the_session)
{
    Origin origin;
    const PeerId peer = origin.link("a");
    origin.pass(300ms);
    BOOST_TEST(origin.heard<purge::Heartbeat>(peer).back().echo == 0U);
    origin.say(peer, ack_of(0, 900));
    BOOST_TEST(origin.heard<purge::Heartbeat>(peer).back().echo == 900U);
    origin.say(peer, ack_of(0, 700));
    origin.pass(300ms);
    BOOST_TEST(origin.heard<purge::Heartbeat>(peer).back().echo == 900U);
    origin.hub.on_closed(peer, origin.now);
    const PeerId again = origin.link("a");
    origin.pass(300ms);
    BOOST_TEST(origin.heard<purge::Heartbeat>(again).back().echo == 0U);
}

BOOST_AUTO_TEST_CASE(datagrams_that_are_not_authentic_change_nothing)
{
    Origin origin;
    const PeerId peer = origin.link("a");
    const purge::Welcome welcome = origin.heard<purge::Welcome>(peer).at(0);
    purge::Sealer wrong{key_of(purge::Direction::to_edge, 1), {welcome.link, 1}};
    purge::Sealer stranger{key_of(purge::Direction::to_origin, 1), {welcome.link + 1, 1}};
    Bytes sealed;
    BOOST_REQUIRE(wrong.seal(encoded(ack_of(0, 5)), sealed));
    BOOST_TEST(!origin.hub.on_datagram(sealed, origin.now).has_value());
    BOOST_REQUIRE(stranger.seal(encoded(ack_of(0, 5)), sealed));
    BOOST_TEST(!origin.hub.on_datagram(sealed, origin.now).has_value());
    BOOST_TEST(!origin.hub.on_datagram("", origin.now).has_value());
    origin.collect();
    origin.took<Progress>();
    BOOST_TEST(origin.actions.empty());
    BOOST_TEST(origin.hub.counters().unknown_links == 2U);
    BOOST_TEST(
        origin.hub.counters().rejected[static_cast<std::size_t>(purge::DatagramError::forged)] ==
        1U);
    BOOST_TEST(origin.hub.counters().datagrams_received == 0U);
}

BOOST_AUTO_TEST_CASE(an_edge_that_does_not_read_is_not_buffered_for_without_end)
{
    HubSettings settings;
    settings.stream_backlog = 100'000;
    Origin origin{settings};
    origin.reads = false;
    const PeerId peer = origin.link("a");
    for (int i = 0; i < 1000; ++i)
        origin.publish(1, 1000);
    BOOST_TEST(origin.stream[peer].size() < 110'000U);
    // It asks for what it missed when it reads again.
    BOOST_TEST(origin.took<CloseStream>() == 0U);
}

BOOST_AUTO_TEST_CASE(repairs_are_read_in_order_and_wait_for_the_stream)
{
    HubSettings settings;
    settings.stream_window = 3'000;
    Origin origin{settings};
    origin.publish(100, 100);
    origin.reads = false;
    const PeerId peer = origin.link("a");
    purge::RepairRequest request;
    request.received = {10, 80, {{11, 20}, {41, 90}}};
    origin.say(peer, request);
    const auto expect = [&](Version first, Version last) {
        const ReadRecords* read = origin.last<ReadRecords>();
        BOOST_REQUIRE(read != nullptr);
        BOOST_TEST(read->first == first);
        BOOST_TEST(read->last == last);
    };
    const auto answer = [&](Version first, Version last) {
        const std::uint64_t id = origin.last<ReadRecords>()->request;
        origin.took<ReadRecords>();
        std::vector<purge::SharedRecord> records;
        for (Version v = first; v <= last; ++v)
            records.push_back(origin.all[v - 1].record);
        origin.hub.on_records(id, records, origin.now);
        origin.collect();
    };
    expect(11, 20);
    answer(11, 20);
    expect(41, 90);
    answer(41, 60); // as much as the journal gives at once
    BOOST_TEST(origin.last<ReadRecords>() == nullptr);
    origin.hub.on_sent(peer, origin.stream[peer].size(), origin.now);
    origin.collect();
    expect(61, 90);
    answer(61, 90);
    BOOST_TEST(origin.last<ReadRecords>() == nullptr);
    std::size_t records = 0;
    for (const auto& frame : origin.heard<purge::Records>(peer))
        for (ByteView left = frame.records; purge::next_record(left);)
            ++records;
    BOOST_TEST(records == 60U);
}

BOOST_AUTO_TEST_CASE(a_report_tells_who_has_a_version_since_when_and_by_what)
{
    Origin origin;
    const PeerId a = origin.link("a");
    origin.link("b");
    origin.publish(1);
    const WallTime published = origin.now.wall;
    origin.pass(100ms);
    origin.say(a, ack_of(1, 50));
    auto report = origin.hub.report(1, false, origin.now);
    BOOST_REQUIRE(report.edges.size() == 2U);
    BOOST_TEST((report.edges[0].clean == purge::CleanBy::ack));
    BOOST_TEST((report.edges[0].applied_at == published + Millis{100}));
    BOOST_TEST((report.edges[1].clean == purge::CleanBy::nothing));
    BOOST_TEST(origin.took<Progress>() > 0U);
    origin.pass(3s);
    report = origin.hub.report(1, false, origin.now);
    BOOST_TEST((report.edges[1].clean == purge::CleanBy::lease));
    BOOST_TEST(!report.edges[1].applied_at.has_value());
    BOOST_TEST(origin.took<Progress>() > 0U);
    BOOST_TEST(origin.hub.report(1, true, origin.now).clean() == 1U);
    // What is not in the mark is nobody's.
    BOOST_TEST(origin.hub.report(2, false, origin.now).clean() == 0U);
}

BOOST_AUTO_TEST_CASE(received_ranges_beyond_the_mark_count_and_late_acks_do_not)
{
    Origin origin;
    const PeerId peer = origin.link("a");
    origin.publish(10);
    purge::Ack ack = ack_of(2, 100);
    ack.heard = 10;
    ack.received = {2, 8, {{3, 5}}};
    origin.say(peer, ack);
    origin.say(peer, ack_of(1, 90)); // sent earlier
    const auto clean = [&](Version v) { return origin.hub.report(v, true, origin.now).clean(); };
    BOOST_TEST(clean(2) == 1U);
    BOOST_TEST(clean(4) == 0U);
    BOOST_TEST(clean(7) == 1U);
    // An ack of what there is not is nonsense.
    origin.say(peer, ack_of(11, 200));
    BOOST_TEST(clean(4) == 0U);
    BOOST_TEST(origin.hub.counters().bad_frames == 1U);
}

BOOST_AUTO_TEST_CASE(an_edge_ahead_of_the_mark_has_another_journal_minted_and_nothing_is_granted)
{
    Origin origin;
    origin.publish(5);
    const PeerId other = origin.link("b", 5);
    origin.say(other, ack_of(5, 10));
    BOOST_TEST(origin.heard<purge::Heartbeat>(other).back().echo == 10U);
    const PeerId ahead = origin.link("a", 9);
    BOOST_REQUIRE(origin.last<MintJournal>() != nullptr);
    BOOST_TEST(origin.last<MintJournal>()->above == 9U);
    origin.link("c", 8);
    BOOST_TEST(origin.took<MintJournal>() == 1U); // once
    BOOST_TEST(origin.heard<purge::Welcome>(ahead).empty());
    origin.pass(1s);
    BOOST_TEST(origin.heard<purge::Heartbeat>(other).back().echo == 0U);
    journal::JournalStart start;
    start.id = 8;
    start.base = 9;
    start.tree = purge::DigestTree{9, {1, 1}};
    start.snapshot = std::make_shared<const Bytes>("snapshot");
    origin.hub.on_new_journal(start, origin.now);
    origin.collect();
    BOOST_REQUIRE(origin.heard<purge::Welcome>(ahead).size() == 1U);
    BOOST_TEST(origin.heard<purge::Welcome>(ahead)[0].journal == 8U);
    BOOST_TEST(origin.took<CloseStream>() == 1U); // who was linked says hello again
    BOOST_TEST(origin.hub.report(5, true, origin.now).clean() == 0U);
}

BOOST_AUTO_TEST_CASE(snapshots_go_before_records_with_the_root_at_their_base)
{
    journal::JournalStart start = Origin::begin();
    start.base = 10;
    start.root_at_base = {3, 4};
    start.tree = purge::DigestTree{10, start.root_at_base};
    start.snapshot = std::make_shared<const Bytes>(Bytes(150'000, 's'));
    start.snapshot_state = {5, 6};
    Origin origin{{}, start};
    origin.publish(2);
    const PeerId peer = origin.link("a");
    BOOST_TEST(origin.heard<purge::Welcome>(peer)[0].oldest == 11U);
    origin.say(peer, purge::RepairRequest{{0, 12, {{1, 12}}}});
    const auto pieces = origin.heard<purge::SnapshotPiece>(peer);
    BOOST_REQUIRE(pieces.size() == 3U);
    BOOST_TEST(pieces[0].total_bytes == 150'000U);
    BOOST_TEST(pieces[2].offset + pieces[2].bytes.size() == 150'000U);
    BOOST_TEST((pieces[1].root == start.root_at_base));
    BOOST_TEST((pieces[1].state == start.snapshot_state));
    BOOST_REQUIRE(origin.last<ReadRecords>() != nullptr);
    BOOST_TEST(origin.last<ReadRecords>()->first == 11U);
}

BOOST_AUTO_TEST_CASE(a_thousand_edges_cost_five_turns_a_second_each)
{
    Origin origin;
    for (int i = 0; i < 1000; ++i)
        origin.link("edge-" + std::to_string(i));
    origin.stream.clear();
    origin.actions.clear();
    const std::uint64_t before = origin.hub.counters().stream_bytes_sent;
    origin.pass(1s);
    BOOST_TEST(origin.hub.counters().stream_bytes_sent - before < 5 * 1000 * 60U);
    BOOST_TEST(origin.hub.edges(origin.now).size() == 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
