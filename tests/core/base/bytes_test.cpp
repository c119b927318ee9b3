#include "core/base/bytes.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <vector>

BOOST_AUTO_TEST_SUITE(bytes)

using namespace tidemark;

namespace
{
Bytes varint_of(std::uint64_t value)
{
    Bytes out;
    ByteWriter{out}.varint(value);
    return out;
}
ReadFault fault_of_varint(ByteView bytes)
{
    ByteReader reader{bytes};
    static_cast<void>(reader.varint());
    return reader.fault();
}
} // namespace

BOOST_AUTO_TEST_CASE(integers_are_big_endian)
{
    Bytes out;
    ByteWriter writer{out};
    writer.u8(0x01);
    writer.u16(0x0203);
    writer.u32(0x04050607);
    writer.u64(0x08090A0B0C0D0E0F);
    BOOST_TEST(out == "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F");

    ByteReader reader{out};
    BOOST_TEST(reader.u8() == 0x01);
    BOOST_TEST(reader.u16() == 0x0203);
    BOOST_TEST(reader.u32() == 0x04050607U);
    BOOST_TEST(reader.u64() == 0x08090A0B0C0D0E0FU);
    BOOST_TEST(reader.ok());
    BOOST_TEST(reader.left() == 0U);
}

BOOST_AUTO_TEST_CASE(a_varint_takes_seven_bits_a_byte)
{
    struct Row {
        std::uint64_t value;
        std::size_t bytes;
    };
    const Row rows[] = {{0, 1},          {127, 1},         {128, 2},
                        {16383, 2},      {16384, 3},       {0xFFFFFFFF, 5},
                        {1ULL << 62, 9}, {1ULL << 63, 10}, {~std::uint64_t{0}, 10}};
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.value)
        {
            BOOST_TEST(varint_of(row.value).size() == row.bytes);
            BOOST_TEST(varint_bytes(row.value) == row.bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_varint_that_is_longer_than_needed_or_too_large_is_corrupt)
{
    using namespace std::string_view_literals;
    struct Row {
        const char* name;
        std::string_view bytes;
        ReadFault fault;
    };
    const Row rows[] = {
        {"nothing", ""sv, ReadFault::truncated},
        {"cut", "\x80"sv, ReadFault::truncated},
        {"zero in two bytes", "\x80\x00"sv, ReadFault::corrupt},
        {"one in three bytes", "\x81\x80\x00"sv, ReadFault::corrupt},
        {"the largest", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01"sv, ReadFault::none},
        {"65 bits", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02"sv, ReadFault::corrupt},
        {"eleven bytes", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x01"sv, ReadFault::corrupt},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name) BOOST_TEST((fault_of_varint(row.bytes) == row.fault));
}

BOOST_AUTO_TEST_CASE(the_first_fault_stays_and_reads_behind_it_give_nothing)
{
    ByteReader reader{"\x01\x02\x03"};
    BOOST_TEST(reader.u32() == 0U);
    BOOST_TEST(reader.u8() == 0);
    BOOST_TEST(reader.take(1).empty());
    reader.set_corrupt();
    BOOST_TEST((reader.fault() == ReadFault::truncated));
}

BOOST_AUTO_TEST_CASE(a_length_above_the_limit_is_corrupt_before_it_is_truncated)
{
    ByteReader within{"\x05xy"};
    static_cast<void>(within.text(5));
    BOOST_TEST((within.fault() == ReadFault::truncated));
    ByteReader above{"\x05xy"};
    static_cast<void>(above.text(4));
    BOOST_TEST((above.fault() == ReadFault::corrupt));
}

BOOST_AUTO_TEST_CASE(a_full_writer_leaves_out_whole_values_until_it_is_rewound)
{
    Bytes out;
    ByteWriter writer{out, 6};
    writer.u32(1);
    const std::size_t mark = writer.size();
    writer.u32(2);
    BOOST_TEST(!writer.ok());
    writer.u8(3);
    BOOST_TEST(out.size() == 4U);
    writer.rewind(mark);
    writer.u16(4);
    BOOST_TEST(writer.ok());
    BOOST_TEST(writer.room() == 0U);
}

RC_BOOST_PROP(what_is_written_is_read, (std::uint64_t seed, const std::string& text))
{
    const std::uint64_t value = seed >> (seed % 64);
    Bytes out;
    ByteWriter writer{out};
    writer.varint(value);
    writer.text(text);
    ByteReader reader{out};
    RC_ASSERT(reader.varint() == value);
    RC_ASSERT(reader.text(text.size()) == text);
    RC_ASSERT(reader.ok() && reader.left() == 0);
}

RC_BOOST_PROP(any_cut_is_truncated, (std::uint64_t value))
{
    const Bytes whole = varint_of(value);
    for (std::size_t cut = 0; cut < whole.size(); ++cut)
        RC_ASSERT(fault_of_varint(ByteView{whole}.substr(0, cut)) == ReadFault::truncated);
}

BOOST_AUTO_TEST_SUITE_END()
