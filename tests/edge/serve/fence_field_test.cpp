#include "edge/serve/fence_field.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

namespace tidemark::serve
{
namespace
{
purge::FenceKey key(std::uint32_t id)
{
    purge::FenceKey made;
    made.id = id;
    made.key.fill(static_cast<std::uint8_t>(id + 1));
    return made;
}
const FencePlace kAsked{FenceKind::request, "Example.org:8080", "/a?b"};
const FencePlace kAnswered{FenceKind::response, "Example.org:8080", "/a?b"};
} // namespace

BOOST_AUTO_TEST_SUITE(fence_field)

RC_BOOST_PROP(a_field_proves_what_it_was_made_for,
              (purge::JournalId journal, purge::Version version))
{
    const purge::KeyRing keys{key(9), key(8)};
    for (const std::uint32_t id : {8U, 9U}) {
        const std::string value = make_fence_field(key(id), {journal, version}, kAsked);
        RC_ASSERT(value.size() <= kFenceFieldBytesMax);
        RC_ASSERT(prove_fence_field(keys, value, kAsked) == (FenceStamp{journal, version}));
    }
    RC_ASSERT(
        !prove_fence_field(keys, make_fence_field(key(7), {journal, version}, kAsked), kAsked));
}

RC_BOOST_PROP(a_field_with_another_byte_proves_nothing, (purge::Version version))
{
    const purge::KeyRing keys{key(1), {}};
    std::string value = make_fence_field(key(1), {3, version}, kAnswered);
    const auto place = *rc::gen::inRange<std::size_t>(0, value.size());
    const auto other = *rc::gen::arbitrary<char>();
    RC_PRE(other != value[place]);
    value[place] = other;
    RC_ASSERT(!prove_fence_field(keys, value, kAnswered));
}

BOOST_AUTO_TEST_CASE(a_field_proves_nothing_elsewhere)
{
    const purge::KeyRing keys{key(1), {}};
    const std::string value = make_fence_field(key(1), {3, 42}, kAsked);
    BOOST_TEST(value.starts_with("42;j=\"0000000000000003\";k=1;m=\""));
    BOOST_TEST(
        prove_fence_field(keys, value, {kAsked.kind, "example.ORG:8080", "/a?b"}).has_value());
    BOOST_TEST(!prove_fence_field(keys, value, kAnswered)); // an echoed request is no answer
    BOOST_TEST(!prove_fence_field(keys, value, {kAsked.kind, "example.org", "/a?b"}));
    BOOST_TEST(!prove_fence_field(keys, value, {kAsked.kind, kAsked.host, "/a?B"}));
    BOOST_TEST(!prove_fence_field(keys, value, {kAsked.kind, "", "/a?b"}));
}

BOOST_AUTO_TEST_CASE(only_the_whole_field_in_its_one_form_is_read)
{
    const purge::KeyRing keys{key(1), {}};
    const std::string value = make_fence_field(key(1), {3, 42}, kAsked);
    for (std::size_t cut = 0; cut < value.size(); ++cut)
        BOOST_TEST(!prove_fence_field(keys, value.substr(0, cut), kAsked));
    BOOST_TEST(!prove_fence_field(keys, value + ";x", kAsked));
    BOOST_TEST(!prove_fence_field(keys, value + ", " + value, kAsked));
    BOOST_TEST(!prove_fence_field(keys, "0" + value, kAsked));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
