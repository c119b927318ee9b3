#include "edge/serve/flight.hpp"
#include "tests/support/stored_response.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::serve
{
namespace
{
using namespace std::chrono_literals;
using test::pattern_bytes;

// Follows on no loop at all: counts what reaches it.
class Bystander final : public Waker, public Wakeable
{
  public:
    void wake(std::shared_ptr<Follower> follower) noexcept override
    {
        ++signals;
        last = std::move(follower);
    }
    void on_wake() noexcept override { ++wakes; }
    std::shared_ptr<Follower> make() { return std::make_shared<Follower>(*this, *this); }

    int signals = 0;
    int wakes = 0;
    std::shared_ptr<Follower> last;
};

std::string read_all(BodyCursor& cursor, std::uint64_t at_most = 1 << 20)
{
    std::string out;
    for (store::Slice slice = cursor.next(at_most); slice.chunk; slice = cursor.next(at_most))
        out += slice.view();
    return out;
}

std::string text_of(const std::vector<store::Slice>& slices)
{
    std::string out;
    for (const store::Slice& slice : slices)
        out += slice.view();
    return out;
}

Flight::Start start_of(std::uint64_t hash, std::string key)
{
    Flight::Start start;
    start.key_hash = hash;
    start.key = std::move(key);
    return start;
}
} // namespace

BOOST_AUTO_TEST_SUITE(flight_body)

BOOST_AUTO_TEST_CASE(whoever_comes_late_gets_all_of_a_body_that_is_kept)
{
    Flight flight({});
    std::string sent;
    static constexpr std::size_t kSizes[] = {1, 4095, 1, 5000, 0, 100'000, 70'000, 3};
    for (const std::size_t size : kSizes) {
        const std::string piece = pattern_bytes(size, sent.size());
        flight.append(piece);
        sent += piece;
        auto late = flight.open();
        BOOST_TEST_REQUIRE(late.has_value());
        BOOST_TEST((read_all(*late) == sent));
        BOOST_TEST(late->offset_bytes() == sent.size());
    }
    flight.complete("", nullptr);
    auto last = flight.open();
    BOOST_TEST((read_all(*last, 7) == sent));
    BOOST_TEST((text_of(flight.slices()) == sent));
    BOOST_TEST(flight.appended_bytes() == sent.size());
}

BOOST_AUTO_TEST_CASE(a_cursor_takes_no_more_than_it_is_asked_for_and_goes_on_where_it_stood)
{
    Flight flight({});
    auto cursor = flight.open();
    BOOST_TEST(!cursor->next(10).chunk);
    flight.append("abcdef");
    BOOST_TEST(cursor->next(4).view() == "abcd");
    BOOST_TEST(cursor->offset_bytes() == 4U);
    BOOST_TEST(cursor->next(4).view() == "ef");
    BOOST_TEST(!cursor->next(4).chunk);
    flight.append("gh");
    BodyCursor moved = std::move(*cursor);
    BOOST_TEST(moved.next(4).view() == "gh");
    BOOST_TEST(moved.offset_bytes() == 8U);
}

BOOST_AUTO_TEST_CASE(a_declared_length_takes_one_chunk_of_that_size)
{
    Flight flight({});
    FlightHead head;
    head.body_bytes = 10'000;
    flight.publish_head(std::move(head));
    flight.append(pattern_bytes(10));
    flight.append(pattern_bytes(9'990, 10));
    const auto slices = flight.slices();
    BOOST_TEST_REQUIRE(slices.size() == 1U);
    BOOST_TEST(slices[0].chunk->capacity_bytes == 10'000U);
    BOOST_TEST((slices[0].view() == pattern_bytes(10'000)));
}

BOOST_AUTO_TEST_CASE(a_body_beyond_its_declared_length_is_still_kept_whole)
{
    Flight flight({});
    FlightHead head;
    head.body_bytes = 3;
    flight.publish_head(std::move(head));
    flight.append("abc");
    flight.append("defg");
    BOOST_TEST(text_of(flight.slices()) == "abcdefg");
}

BOOST_AUTO_TEST_CASE(in_a_window_what_the_slowest_has_passed_is_freed)
{
    Flight flight({});
    auto slow = flight.open();
    auto fast = flight.open();
    flight.stop_keeping();
    BOOST_TEST(!flight.keeping());
    BOOST_TEST(!flight.open().has_value()); // its start may be gone
    flight.append(pattern_bytes(64 * 1024));
    store::Slice first = fast->next(1 << 20);
    BOOST_TEST(first.bytes == 64U * 1024);
    flight.append(pattern_bytes(64 * 1024, 64 * 1024));
    BOOST_TEST(fast->next(1 << 20).bytes == 64U * 1024); // fast has left the first chunk
    BOOST_TEST(first.chunk->refs.load() == 2U);          // … which slow still needs
    BOOST_TEST(slow->next(1 << 20).bytes == 64U * 1024);
    BOOST_TEST(first.chunk->refs.load() == 2U); // not passed yet: it stands in it
    BOOST_TEST(slow->next(1).bytes == 1U);
    BOOST_TEST(first.chunk->refs.load() == 1U); // ours alone
}

BOOST_AUTO_TEST_CASE(in_a_window_that_nobody_follows_every_full_chunk_is_freed)
{
    Flight flight({});
    flight.append(pattern_bytes(64 * 1024));
    store::Slice first = flight.slices().front();
    BOOST_TEST(first.chunk->refs.load() == 2U);
    flight.stop_keeping();
    BOOST_TEST(first.chunk->refs.load() == 2U); // the owner may have room in it
    flight.append("more");
    BOOST_TEST(first.chunk->refs.load() == 1U);
}

BOOST_AUTO_TEST_CASE(a_very_long_window_is_freed_without_deep_recursion)
{
    auto flight = std::make_unique<Flight>(Flight::Start{});
    auto cursor = flight->open();
    const std::string piece(4096, 'x');
    for (int i = 0; i < 20'000; ++i)
        flight->append(piece);
    flight.reset();
    std::uint64_t bytes = cursor->next(1).bytes;
    BOOST_TEST(bytes == 1U);
    cursor.reset();
}

BOOST_AUTO_TEST_CASE(a_cursor_outlives_its_flight)
{
    auto flight = std::make_unique<Flight>(Flight::Start{});
    auto cursor = flight->open();
    flight->append("abc");
    flight->append(pattern_bytes(10'000));
    flight.reset();
    BOOST_TEST(read_all(*cursor) == "abc" + pattern_bytes(10'000));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(flight_phases)

BOOST_AUTO_TEST_CASE(every_end_is_signalled_with_what_it_promises)
{
    struct Row {
        const char* name;
        void (*end)(Flight&);
        FlightPhase phase;
    };
    const Row rows[] = {
        {"head", [](Flight& f) { f.publish_head({}); }, FlightPhase::streaming},
        {"complete", [](Flight& f) { f.complete("X: 1\r\n", nullptr); }, FlightPhase::complete},
        {"failed",
         [](Flight& f) {
             f.fail({504, "late"});
         },
         FlightPhase::failed},
        {"elsewhere", [](Flight& f) { f.send_elsewhere(); }, FlightPhase::elsewhere},
        {"cut", [](Flight& f) { f.cut(); }, FlightPhase::cut},
        {"replaced", [](Flight& f) { f.replace(test::stored_response({}, {"abc"}), "stale", 503); },
         FlightPhase::replaced},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            Bystander bystander;
            Flight flight({});
            flight.follow(bystander.make());
            BOOST_TEST((flight.phase() == FlightPhase::waiting));
            row.end(flight);
            BOOST_TEST((flight.phase() == row.phase));
            BOOST_TEST(bystander.signals == 1);
        }
    Flight flight({});
    rows[1].end(flight);
    BOOST_TEST(flight.trailer_lines() == "X: 1\r\n");
    rows[2].end(flight);
    BOOST_TEST(flight.failure().status == 504);
    BOOST_TEST(flight.failure().detail == "late");
    rows[5].end(flight);
    BOOST_TEST(flight.record()->body_piece(0) == "abc");
    BOOST_TEST(flight.replaced_detail() == "stale");
    BOOST_TEST(flight.upstream_status() == 503);
}

BOOST_AUTO_TEST_CASE(signals_are_coalesced_until_they_are_delivered)
{
    Bystander bystander;
    Flight flight({});
    const auto follower = bystander.make();
    flight.follow(follower);
    flight.append("a");
    BOOST_TEST(bystander.signals == 0); // append alone says nothing
    flight.publish();
    flight.publish();
    flight.publish();
    BOOST_TEST(bystander.signals == 1);
    BOOST_TEST(bystander.wakes == 0);
    follower->deliver();
    BOOST_TEST(bystander.wakes == 1);
    flight.publish();
    BOOST_TEST(bystander.signals == 2);
    follower->detach();
    follower->deliver();
    BOOST_TEST(bystander.wakes == 1); // its target has gone
}

BOOST_AUTO_TEST_CASE(who_left_is_told_nothing_and_the_owner_hears_of_it)
{
    Bystander bystander;
    Bystander owner;
    Flight flight({});
    const auto follower = bystander.make();
    flight.follow(follower);
    flight.set_owner(owner.make());
    flight.leave(*follower);
    BOOST_TEST(owner.signals == 1);
    flight.complete("", nullptr);
    BOOST_TEST(bystander.signals == 0);
    BOOST_TEST(flight.followers() == 0U);
    flight.set_owner(nullptr);
    flight.leave(*follower);
    BOOST_TEST(owner.signals == 1);
}

BOOST_AUTO_TEST_CASE(the_slowest_follower_is_the_measure_of_the_window)
{
    Bystander bystander;
    Flight flight({});
    flight.append("abcdef");
    BOOST_TEST(flight.slowest_bytes() == 6U); // nobody follows
    const auto a = bystander.make();
    const auto b = bystander.make();
    flight.follow(a);
    flight.follow(b);
    BOOST_TEST(flight.followers() == 2U);
    BOOST_TEST(flight.slowest_bytes() == 0U);
    a->consumed_bytes = 5;
    b->consumed_bytes = 2;
    BOOST_TEST(flight.slowest_bytes() == 2U);
    flight.leave(*b);
    BOOST_TEST(flight.slowest_bytes() == 5U);
}

BOOST_AUTO_TEST_CASE(an_owner_hears_of_consumption_only_while_it_is_throttled)
{
    Bystander owner;
    Flight flight({});
    flight.consumed();
    const auto follower = owner.make();
    flight.set_owner(follower);
    flight.consumed();
    BOOST_TEST(owner.signals == 0);
    flight.set_throttled(true);
    flight.consumed();
    BOOST_TEST(owner.signals == 1);
    follower->deliver();
    flight.set_throttled(false);
    flight.consumed();
    BOOST_TEST(owner.signals == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(flight_table)

namespace
{
const auto kAny = [](const Flight&) { return true; };
const auto kNone = [](const Flight&) { return false; };
} // namespace

BOOST_AUTO_TEST_CASE(the_first_leads_and_the_others_join)
{
    FlightTable table;
    Bystander bystander;
    const auto first = table.join(start_of(1, "k"), kAny, bystander.make());
    BOOST_TEST(first.leads);
    BOOST_TEST(first.flight->start().key == "k");
    const auto second = table.join(start_of(1, "k"), kAny, bystander.make());
    BOOST_TEST(!second.leads);
    BOOST_TEST(second.flight == first.flight);
    BOOST_TEST(first.flight->followers() == 2U);
    BOOST_TEST(!table.join(start_of(1, "k"), kAny, nullptr).leads);
    BOOST_TEST(first.flight->followers() == 2U);
    BOOST_TEST(table.size() == 1U);
}

BOOST_AUTO_TEST_CASE(keys_with_one_hash_stay_apart)
{
    FlightTable table;
    const auto a = table.join(start_of(1, "a"), kAny, nullptr);
    const auto b = table.join(start_of(1, "b"), kAny, nullptr);
    BOOST_TEST(b.leads);
    BOOST_TEST(a.flight != b.flight);
    table.remove(*a.flight);
    BOOST_TEST(table.join(start_of(1, "b"), kAny, nullptr).flight == b.flight);
    BOOST_TEST(table.join(start_of(1, "a"), kAny, nullptr).leads);
}

BOOST_AUTO_TEST_CASE(a_flight_that_does_not_suit_gets_a_neighbour)
{
    FlightTable table;
    const auto a = table.join(start_of(1, "k"), kAny, nullptr);
    const auto b = table.join(start_of(1, "k"), kNone, nullptr);
    BOOST_TEST(b.leads);
    BOOST_TEST(table.size() == 2U);
    const auto found = table.join(
        start_of(1, "k"), [&](const Flight& flight) { return &flight != a.flight.get(); }, nullptr);
    BOOST_TEST(found.flight == b.flight);
}

BOOST_AUTO_TEST_CASE(what_is_removed_can_no_longer_be_joined_but_goes_on)
{
    FlightTable table;
    Bystander bystander;
    const auto old = table.join(start_of(1, "k"), kAny, bystander.make());
    table.remove(*old.flight);
    table.remove(*old.flight); // again changes nothing
    BOOST_TEST(table.size() == 0U);
    const auto next = table.join(start_of(1, "k"), kAny, nullptr);
    BOOST_TEST(next.leads);
    BOOST_TEST(next.flight != old.flight);
    table.remove(*old.flight); // nor does it take the new one away
    BOOST_TEST(table.size() == 1U);
    old.flight->complete("", nullptr);
    BOOST_TEST(bystander.signals == 1);
}

BOOST_AUTO_TEST_CASE(flights_of_all_shards_are_counted)
{
    FlightTable table;
    for (std::uint64_t i = 0; i < 64; ++i)
        static_cast<void>(table.join(start_of(i << 58, "k"), kAny, nullptr));
    BOOST_TEST(table.size() == 64U);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(key_memory)

namespace
{
using Kind = KeyMemory::Kind;
constexpr WallTime kNow{Millis{784'111'777'000}};
// Bits of a hash: where it stands, what tells it from others there, what does neither.
constexpr std::uint64_t kPlace = 0xffff;
constexpr std::uint64_t kNeither = std::uint64_t{1} << 20;
constexpr std::uint64_t kTelling = std::uint64_t{1} << 40;
} // namespace

BOOST_AUTO_TEST_CASE(a_kind_is_recalled_until_its_time_is_over)
{
    KeyMemory memory;
    BOOST_TEST((memory.recall(7, kNow) == Kind::none));
    memory.remember(7, Kind::uncacheable, kNow + 60s);
    memory.remember(8, Kind::large, kNow + 60s);
    BOOST_TEST((memory.recall(7, kNow) == Kind::uncacheable));
    BOOST_TEST((memory.recall(8, kNow) == Kind::large));
    BOOST_TEST((memory.recall(7, kNow + 60s) == Kind::uncacheable));
    BOOST_TEST((memory.recall(7, kNow + 61s) == Kind::none));
    memory.remember(7, Kind::large, kNow + 120s); // the last word counts
    BOOST_TEST((memory.recall(7, kNow + 61s) == Kind::large));
}

BOOST_AUTO_TEST_CASE(every_hash_can_be_remembered)
{
    KeyMemory memory;
    for (const std::uint64_t hash : {std::uint64_t{0}, kPlace, ~std::uint64_t{0}, kTelling}) {
        BOOST_TEST((memory.recall(hash, kNow) == Kind::none));
        memory.remember(hash, Kind::large, kNow + 1s);
        BOOST_TEST((memory.recall(hash, kNow) == Kind::large));
    }
}

BOOST_AUTO_TEST_CASE(what_is_forgotten_is_gone_and_nothing_else)
{
    KeyMemory memory;
    memory.remember(7, Kind::uncacheable, kNow + 60s);
    memory.forget(7 | kTelling); // stands in the same place
    memory.forget(8);
    BOOST_TEST((memory.recall(7, kNow) == Kind::uncacheable));
    memory.forget(7);
    BOOST_TEST((memory.recall(7, kNow) == Kind::none));
}

BOOST_AUTO_TEST_CASE(two_in_one_place_are_told_apart_and_the_later_stays)
{
    KeyMemory memory;
    memory.remember(7, Kind::uncacheable, kNow + 60s);
    BOOST_TEST((memory.recall(7 | kTelling, kNow) == Kind::none));
    memory.remember(7 | kTelling, Kind::large, kNow + 60s);
    BOOST_TEST((memory.recall(7, kNow) == Kind::none));
    BOOST_TEST((memory.recall(7 | kTelling, kNow) == Kind::large));
}

// Lossy on purpose: such a pair costs one of them its place in the queue, never a wrong answer.
BOOST_AUTO_TEST_CASE(hashes_that_differ_in_the_bits_between_are_taken_for_one)
{
    KeyMemory memory;
    memory.remember(7, Kind::large, kNow + 60s);
    BOOST_TEST((memory.recall(7 | kNeither, kNow) == Kind::large));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
