#include "core/base/crc32c.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

BOOST_AUTO_TEST_SUITE(crc32c_checksum)

using namespace tidemark;

namespace
{
Bytes counting(char from, char step)
{
    Bytes bytes;
    for (int i = 0; i < 32; ++i, from = static_cast<char>(from + step))
        bytes.push_back(from);
    return bytes;
}
} // namespace

// RFC 3720 appendix B.4, and the usual check value.
BOOST_AUTO_TEST_CASE(the_published_values_come_out)
{
    struct Row {
        Bytes bytes;
        std::uint32_t crc;
    };
    const Row rows[] = {
        {Bytes(32, '\0'), 0x8A9136AA},    {Bytes(32, '\xFF'), 0x62A8AB43},
        {counting(0, 1), 0x46DD794E},     {counting(31, -1), 0x113FDB5C},
        {Bytes("123456789"), 0xE3069283}, {Bytes(), 0},
    };
    for (const Row& row : rows) {
        BOOST_TEST(crc32c(row.bytes) == row.crc);
        BOOST_TEST(crc32c_portable(row.bytes) == row.crc);
    }
}

RC_BOOST_PROP(the_instruction_and_the_table_agree, (const std::string& bytes, std::uint32_t before))
{
    RC_ASSERT(crc32c(bytes, before) == crc32c_portable(bytes, before));
}

RC_BOOST_PROP(pieces_give_what_the_whole_gives, (const std::string& a, const std::string& b))
{
    RC_ASSERT(crc32c(b, crc32c(a)) == crc32c(a + b));
}

BOOST_AUTO_TEST_SUITE_END()
