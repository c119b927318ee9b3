#include "purge/message.hpp"

#include "core/base/crc32c.hpp"
#include "tests/purge/messages.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <functional>

BOOST_AUTO_TEST_SUITE(message)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
Result<Message, RecordError> decode(ByteView bytes)
{
    return decode_message(bytes);
}

// What someone who knows the checksum could write.
Bytes with_checksum(Bytes record)
{
    Bytes checksum;
    ByteWriter{checksum}.u32(crc32c(ByteView{record}.substr(4)));
    return record.replace(0, 4, checksum);
}
} // namespace

BOOST_AUTO_TEST_CASE(the_layout_is_the_one_in_the_header)
{
    Message message = purge_of_url(0x0102, "http://h/");
    message.issued_at = WallTime{Millis{0x0304}};
    message.key = "k";
    std::get<Invalidate>(message.body).erase = true;
    const Bytes record = record_of(message);
    ByteReader reader{record};
    BOOST_TEST(reader.u32() == crc32c(ByteView{record}.substr(4)));
    BOOST_TEST(reader.u32() == record.size());
    BOOST_TEST(reader.u64() == 0x0102U);
    BOOST_TEST(reader.u64() == kJournal);
    BOOST_TEST(reader.u64() == 0x0304U);
    using namespace std::string_view_literals;
    BOOST_TEST(reader.rest() == "\x01\x01\x01\x01*\x01k\x00\x00\x01\x01\x01\x00\x09http://h/"sv);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_down_is_named)
{
    struct Row {
        const char* name;
        MessageFault fault;
        std::function<void(Message&)> change;
    };
    const auto order = [](Message& m) -> Order& { return std::get<Invalidate>(m.body).orders[0]; };
    const Row rows[] = {
        {"version 0", MessageFault::no_version, [](Message& m) { m.version = 0; }},
        {"journal 0", MessageFault::no_journal, [](Message& m) { m.journal = 0; }},
        {"1969", MessageFault::issued_before_1970,
         [](Message& m) { m.issued_at = WallTime{-1ms}; }},
        {"no site", MessageFault::site, [](Message& m) { m.site.clear(); }},
        {"long site", MessageFault::site, [](Message& m) { m.site.assign(256, 's'); }},
        {"long key", MessageFault::key, [](Message& m) { m.key.assign(256, 'k'); }},
        {"long actor", MessageFault::actor, [](Message& m) { m.actor.assign(256, 'a'); }},
        {"long note", MessageFault::note, [](Message& m) { m.note.assign(1025, 'n'); }},
        {"no order", MessageFault::no_order, [](Message& m) { m.body = Invalidate{}; }},
        {"4097 orders", MessageFault::too_many_orders,
         [](Message& m) {
             std::get<Invalidate>(m.body).orders.resize(kOrdersMax + 1,
                                                        {Scope::all, OrderMode::hard, 0s, ""});
         }},
        {"no selector", MessageFault::selector, [&](Message& m) { order(m).selector.clear(); }},
        {"all with selector", MessageFault::selector,
         [&](Message& m) { order(m).scope = Scope::all; }},
        {"long selector", MessageFault::selector,
         [&](Message& m) { order(m).selector.assign(kSelectorBytesMax + 1, 'u'); }},
        {"scope 8", MessageFault::selector,
         [&](Message& m) { order(m).scope = static_cast<Scope>(8); }},
        {"mode 4", MessageFault::max_stale,
         [&](Message& m) { order(m).mode = static_cast<OrderMode>(4); }},
        {"hard and stale", MessageFault::max_stale, [&](Message& m) { order(m).max_stale = 1s; }},
        {"stale for years", MessageFault::max_stale,
         [&](Message& m) {
             order(m).mode = OrderMode::soft;
             order(m).max_stale = kMaxStaleMax + 1s;
         }},
        {"push without uri", MessageFault::selector, [](Message& m) { m.body = Push{}; }},
        {"push as of itself", MessageFault::as_of,
         [](Message& m) {
             m.body = Push{"http://h/a", {}, 1, m.version};
         }},
        {"undo of nothing", MessageFault::undone, [](Message& m) { m.body = Undo{0}; }},
        {"undo of itself", MessageFault::undone, [](Message& m) { m.body = Undo{m.version}; }},
        {"floor above itself", MessageFault::floor,
         [](Message& m) { m.body = Floor{m.version + 1}; }},
        {"more than a MiB", MessageFault::too_large,
         [](Message& m) {
             std::get<Invalidate>(m.body).orders.resize(
                 100, {Scope::url, OrderMode::hard, 0s, std::string(kSelectorBytesMax, 'u')});
         }},
    };
    BOOST_TEST(!fault_of(purge_of_url(7)));
    for (const Row& row : rows) {
        Message message = purge_of_url(7);
        row.change(message);
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST_REQUIRE(fault_of(message).has_value());
            BOOST_TEST((*fault_of(message) == row.fault));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_record_is_corrupt_where_a_field_is_wrong_though_the_checksum_is_right)
{
    struct Row {
        const char* name;
        std::size_t offset;
        char value;
    };
    const Row rows[] = {
        {"version 0", 15, '\0'}, {"before 1970", 24, '\x80'}, {"format 2", 32, '\2'},
        {"kind 0", 33, '\0'},    {"kind 5", 33, '\5'},        {"unknown flag", 34, '\2'},
        {"scope 8", 41, '\x08'}, {"mode 0", 42, '\0'},        {"hard and stale", 43, '\1'},
        {"no orders", 40, '\0'}, {"two orders", 40, '\2'},    {"short selector", 44, '\1'},
    };
    const Bytes good = record_of(purge_of_url(7, "http://h/"));
    BOOST_TEST_REQUIRE(decode(with_checksum(good)).has_value());
    for (const Row& row : rows) {
        Bytes bad = good;
        bad[row.offset] = row.value;
        BOOST_TEST_CONTEXT(row.name)
        {
            const auto decoded = decode(with_checksum(bad));
            BOOST_TEST_REQUIRE(!decoded.has_value());
            BOOST_TEST((decoded.error() == RecordError::corrupt));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_length_outside_the_limits_is_corrupt_without_waiting_for_the_bytes)
{
    for (const std::uint32_t size : {0U, 35U, std::uint32_t{kRecordBytesMax} + 1, ~0U}) {
        Bytes front;
        ByteWriter writer{front};
        writer.u32(0);
        writer.u32(size);
        BOOST_TEST_CONTEXT(size) BOOST_TEST((decode(front).error() == RecordError::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(records_follow_one_another)
{
    const Bytes both = record_of(purge_of_url(1)) + record_of(purge_of_url(2));
    ByteView left = both;
    BOOST_TEST(decode_message(left)->version == 1U);
    ByteView same = left;
    BOOST_TEST(next_record(same)->version == 2U);
    BOOST_TEST(decode_message(left)->version == 2U);
    BOOST_TEST(left.empty());
    BOOST_TEST((decode_message(left).error() == RecordError::truncated));
}

RC_BOOST_PROP(what_was_encoded_is_decoded, ())
{
    const Message message = *any_message();
    RC_ASSERT(!fault_of(message));
    const Bytes record = record_of(message);
    ByteView left = record;
    const auto decoded = decode_message(left);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == message);
    RC_ASSERT(left.empty());
    RC_ASSERT(record_of(*decoded) == record);
}

RC_BOOST_PROP(any_cut_is_truncated_and_takes_nothing, ())
{
    const Bytes record = record_of(*any_message());
    const auto cut = *rc::gen::inRange<std::size_t>(0, record.size());
    const ByteView whole = ByteView{record}.substr(0, cut);
    ByteView left = whole;
    const auto decoded = decode_message(left);
    RC_ASSERT(!decoded && decoded.error() == RecordError::truncated);
    RC_ASSERT(left.data() == whole.data() && left.size() == whole.size());
}

RC_BOOST_PROP(a_flipped_bit_never_gives_a_message, ())
{
    Bytes record = record_of(*any_message());
    const auto bit = *rc::gen::inRange<std::size_t>(0, record.size() * 8);
    record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << bit % 8));
    RC_ASSERT(!decode(record).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
