#include "purge/read_token.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace tidemark::purge
{
namespace
{
FenceKey key(std::uint32_t id)
{
    FenceKey made;
    made.id = id;
    made.key.fill(static_cast<std::uint8_t>(id * 7));
    return made;
}
} // namespace

BOOST_AUTO_TEST_SUITE(read_token)

RC_BOOST_PROP(a_token_proves_what_it_was_made_for, (JournalId journal, Version version))
{
    const KeyRing keys{key(2), key(1)};
    for (const std::uint32_t id : {1U, 2U}) {
        const std::string token = make_read_token(key(id), journal, version);
        RC_ASSERT(token.size() <= kReadTokenBytesMax);
        RC_ASSERT(prove_read_token(keys, token) == (ReadToken{journal, version}));
    }
    RC_ASSERT(!prove_read_token(keys, make_read_token(key(3), journal, version)));
}

RC_BOOST_PROP(a_token_with_another_byte_proves_nothing, (JournalId journal, Version version))
{
    const KeyRing keys{key(1), {}};
    std::string token = make_read_token(key(1), journal, version);
    const auto place = *rc::gen::inRange<std::size_t>(0, token.size());
    const auto other = *rc::gen::arbitrary<char>();
    RC_PRE(other != token[place]);
    token[place] = other;
    RC_ASSERT(!prove_read_token(keys, token));
}

BOOST_AUTO_TEST_CASE(a_key_of_the_same_id_is_not_enough)
{
    FenceKey other = key(1);
    other.key[31] ^= 1;
    BOOST_TEST(!prove_read_token({key(1), {}}, make_read_token(other, 5, 6)));
}

BOOST_AUTO_TEST_CASE(only_the_whole_token_in_its_one_form_is_read)
{
    const KeyRing keys{key(1), {}};
    const std::string token = make_read_token(key(1), 0x1234, 42);
    BOOST_TEST(token.starts_with("v42.0000000000001234.1."));
    for (std::size_t cut = 0; cut < token.size(); ++cut)
        BOOST_TEST(!prove_read_token(keys, token.substr(0, cut)));
    for (const std::string& wrong : {token + "0", " " + token, "V" + token.substr(1),
                                     "v042" + token.substr(3), "v+42" + token.substr(3)})
        BOOST_TEST(!prove_read_token(keys, wrong));
}

BOOST_AUTO_TEST_CASE(the_mac_is_hmac_sha256_cut_to_sixteen_bytes)
{
    // As openssl dgst -mac HMAC says.
    FenceKey zero;
    std::string hex;
    append_hex(hex, mac_of(zero, "tidemark"));
    BOOST_TEST(hex == "4addc7fd5f8bca28f2fa2a4554884f6f");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::purge
