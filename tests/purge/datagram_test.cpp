#include "purge/datagram.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <random>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(datagram)

using namespace tidemark;
using namespace tidemark::purge;

namespace
{
constexpr DatagramIdentity kIdentity{0x01020304, 5};

DatagramKey key_of(std::uint8_t seed)
{
    DatagramKey key{};
    key.fill(seed);
    return key;
}
struct Link {
    Sealer sealer{key_of(1), kIdentity};
    Opener opener{key_of(1), kIdentity};

    Bytes seal(ByteView text)
    {
        Bytes out;
        BOOST_REQUIRE(sealer.seal(text, out));
        return out;
    }
    std::optional<DatagramError> open(ByteView datagram)
    {
        const auto result = opener.open(datagram, frames);
        if (result) return std::nullopt;
        BOOST_TEST(frames.empty());
        return result.error();
    }
    Bytes frames;
};
} // namespace

// NIST's GCM test case 14: AES-256, all zero, one block.
BOOST_AUTO_TEST_CASE(the_cipher_is_the_published_one)
{
    Aes256Gcm cipher{DatagramKey{}, Aes256Gcm::Use::seal};
    Bytes out;
    cipher.seal(0, {}, Bytes(16, '\0'), out);
    const unsigned char expected[] = {0xCE, 0xA7, 0x40, 0x3D, 0x4D, 0x60, 0x6B, 0x6E,
                                      0x07, 0x4E, 0xC5, 0xD3, 0xBA, 0xF3, 0x9D, 0x18,
                                      0xD0, 0xD1, 0xC8, 0xA7, 0x99, 0x99, 0x6B, 0xF0,
                                      0x26, 0x5B, 0x98, 0xB5, 0xD4, 0x8A, 0xB9, 0x19};
    BOOST_TEST(out == Bytes(reinterpret_cast<const char*>(expected), sizeof expected));
}

BOOST_AUTO_TEST_CASE(the_front_is_the_one_in_the_header)
{
    Link link;
    static_cast<void>(link.seal("a"));
    const Bytes datagram = link.seal("frames");
    BOOST_TEST(datagram.size() == kDatagramFrontBytes + 6 + kTagBytes);
    ByteReader from{datagram};
    BOOST_TEST(from.u8() == 1);
    BOOST_TEST(from.u16() == 5);
    BOOST_TEST(from.u32() == 0x01020304U);
    BOOST_TEST(from.u64() == 2U);
    BOOST_TEST((link_of(datagram) == 0x01020304U));
    BOOST_TEST(!link_of("short").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_sealed_opens_once)
{
    Link link;
    const Bytes datagram = link.seal("frames");
    BOOST_TEST(!link.open(datagram).has_value());
    BOOST_TEST(link.frames == "frames");
    BOOST_TEST((link.open(datagram) == DatagramError::replayed));
    BOOST_TEST(link.opener.rejected(DatagramError::replayed) == 1U);
    BOOST_TEST(link.opener.opened() == 1U);
}

BOOST_AUTO_TEST_CASE(what_does_not_belong_is_rejected_with_its_reason)
{
    struct Row {
        const char* name;
        DatagramError why;
        Bytes (*change)(Bytes);
    };
    const Row rows[] = {
        {"nothing", DatagramError::size, [](Bytes) { return Bytes(); }},
        {"no frames", DatagramError::size, [](Bytes d) { return d.substr(0, 31); }},
        {"too long", DatagramError::size, [](Bytes d) { return d + Bytes(1200, 'x'); }},
        {"version 2", DatagramError::version, [](Bytes d) { return "\2" + d.substr(1); }},
        {"another epoch", DatagramError::epoch, [](Bytes d) { return d.replace(2, 1, "\6"); }},
        {"another link", DatagramError::link, [](Bytes d) { return d.replace(6, 1, "\5"); }},
        {"another number", DatagramError::forged, [](Bytes d) { return d.replace(14, 1, "\7"); }},
        {"number 0", DatagramError::forged, [](Bytes d) { return d.replace(14, 1, 1, '\0'); }},
        {"cut", DatagramError::forged, [](Bytes d) { return d.substr(0, d.size() - 1); }},
        {"longer", DatagramError::forged, [](Bytes d) { return d + "x"; }},
    };
    for (const Row& row : rows) {
        Link link;
        const Bytes datagram = link.seal("frames");
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST((link.open(row.change(datagram)) == row.why));
            BOOST_TEST(link.opener.rejected(row.why) == 1U);
            BOOST_TEST(link.opener.highest() == 0U);
            // Nothing has changed: the true one still opens.
            BOOST_TEST(!link.open(datagram).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(another_key_or_direction_does_not_open)
{
    Sealer other{key_of(2), kIdentity};
    Bytes datagram;
    BOOST_TEST_REQUIRE(other.seal("frames", datagram));
    Link link;
    BOOST_TEST((link.open(datagram) == DatagramError::forged));
}

BOOST_AUTO_TEST_CASE(two_epochs_open_and_an_older_one_does_not)
{
    Link link;
    const Bytes first = link.seal("first");
    const Bytes first_too = link.seal("first too");
    link.opener.add_epoch(6, key_of(6));
    Sealer second{key_of(6), {kIdentity.link, 6}};
    Bytes datagram;
    BOOST_TEST_REQUIRE(second.seal("second", datagram));
    BOOST_TEST(!link.open(first).has_value());
    BOOST_TEST(!link.open(datagram).has_value());
    BOOST_TEST(link.frames == "second");
    link.opener.add_epoch(7, key_of(7));
    BOOST_TEST((link.open(first_too) == DatagramError::epoch));
    BOOST_TEST((link.open(datagram) == DatagramError::replayed));
}

RC_BOOST_PROP(a_flipped_bit_opens_nothing, (const std::string& text))
{
    Link link;
    const Bytes datagram = link.seal(text + "x");
    Bytes damaged = datagram;
    const auto bit = *rc::gen::inRange<std::size_t>(0, datagram.size() * 8);
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    RC_ASSERT(link.open(damaged).has_value());
    RC_ASSERT(!link.open(datagram).has_value());
    RC_ASSERT(link.frames == text + "x");
}

RC_BOOST_PROP(a_window_is_a_set_of_what_came, ())
{
    ReplayWindow window;
    std::set<std::uint64_t> came;
    std::uint64_t near = 1;
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(-1100, 1300))) {
        near = step < 0 && static_cast<std::uint64_t>(-step) >= near
                   ? 1
                   : near + static_cast<std::uint64_t>(step);
        const std::uint64_t highest = came.empty() ? 0 : *came.rbegin();
        auto expected =
            came.count(near) != 0 ? ReplayWindow::Place::seen : ReplayWindow::Place::fresh;
        if (near + ReplayWindow::kSize <= highest) expected = ReplayWindow::Place::too_old;
        RC_ASSERT(window.place_of(near) == expected);
        if (expected != ReplayWindow::Place::fresh) continue;
        window.mark(near);
        came.insert(near);
        RC_ASSERT(window.highest() == *came.rbegin());
    }
}

// Over several rounds of the ring, with gaps: every number in the window and those beside it.
RC_BOOST_PROP(a_window_holds_the_last_1024_numbers_exactly, (std::uint64_t seed))
{
    std::mt19937_64 random{seed};
    ReplayWindow window;
    std::set<std::uint64_t> came;
    std::uint64_t number = 1;
    for (int i = 0; i < 3000; ++i, number += 1 + random() % 3) {
        window.mark(number);
        came.insert(number);
        if (i % 500 != 499) continue;
        for (std::uint64_t n = number + 2; n > 0 && n + 1200 > number; --n) {
            auto expected =
                came.count(n) != 0 ? ReplayWindow::Place::seen : ReplayWindow::Place::fresh;
            if (n + ReplayWindow::kSize <= number) expected = ReplayWindow::Place::too_old;
            RC_ASSERT(window.place_of(n) == expected);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
