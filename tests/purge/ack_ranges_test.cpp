#include "purge/ack_ranges.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <cmath>
#include <random>
#include <set>

BOOST_AUTO_TEST_SUITE(ack_ranges)

using namespace tidemark;
using namespace tidemark::purge;

namespace
{
constexpr std::size_t kNoLimit = 1 << 20;

Bytes encoded(const Received& received, std::size_t bytes_max = kNoLimit)
{
    Bytes out;
    ByteWriter to{out};
    encode_gaps(received, to, bytes_max);
    return out;
}
std::optional<Received> decoded(ByteView bytes, Version contiguous)
{
    ByteReader from{bytes};
    const Received received = decode_gaps(from, contiguous);
    if (!from.ok() || from.left() != 0) return std::nullopt;
    return received;
}
ReadFault fault_of(ByteView bytes)
{
    ByteReader from{bytes};
    static_cast<void>(decode_gaps(from, 0));
    return from.fault();
}

// Each of `versions` versions behind `mark` is lost with probability `loss`, in bursts of mean
// length `burst`.
VersionSet after_loss(Version mark, Version versions, double loss, std::mt19937_64& random,
                      double burst = 1)
{
    VersionSet set{mark};
    std::uniform_real_distribution<double> chance;
    bool lost = false;
    for (Version v = mark + 1; v <= mark + versions; ++v) {
        if (burst <= 1)
            lost = chance(random) < loss;
        else
            lost = lost ? chance(random) > 1 / burst : chance(random) < loss / (1 - loss) / burst;
        if (!lost) set.add(v);
    }
    return set;
}
double information_bytes(double versions, double lost)
{
    const double nats =
        std::lgamma(versions + 1) - std::lgamma(lost + 1) - std::lgamma(versions - lost + 1);
    return nats / std::log(2.0) / 8;
}

const auto kAdds = [] {
    return *rc::gen::container<std::vector<Version>>(rc::gen::inRange<Version>(1, 64));
};
} // namespace

BOOST_AUTO_TEST_CASE(a_contiguous_gap_is_named_in_a_few_bytes)
{
    struct Row {
        Version mark;
        std::uint64_t gap;
        std::uint64_t received_behind;
        std::size_t bytes_max;
    };
    const Row rows[] = {
        {0, 1, 0, 3},
        {7, 10'000, 0, 5},
        {5'000'000, 1'000'000, 0, 6},
        {5'000'000, 1'000'000, 1'000'000, 12},
        {kVersionMax / 2, kSpanMax / 2, 3, 32},
    };
    for (const Row& row : rows) {
        Received received{
            row.mark, row.gap + row.received_behind, {{row.mark + 1, row.mark + row.gap}}};
        const Bytes bytes = encoded(received);
        BOOST_TEST_CONTEXT("a gap of " << row.gap)
        {
            BOOST_TEST(bytes.size() <= row.bytes_max);
            BOOST_TEST((decoded(bytes, row.mark) == received));
        }
    }
}

BOOST_AUTO_TEST_CASE(random_loss_takes_at_most_two_and_a_half_times_its_information)
{
    std::mt19937_64 random{1};
    for (const Version versions : {1000U, 10'000U, 100'000U})
        for (const double loss :
             {0.003, 0.01, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99}) {
            double bytes = 0;
            double bound = 0;
            for (int round = 0; round < 8; ++round) {
                const VersionSet set = after_loss(1000, versions, loss, random);
                const Received received = received_of(set, 1000 + versions);
                std::uint64_t lost = 0;
                for (const VersionRange& gap : received.missing)
                    lost += gap.last - gap.first + 1;
                bytes += static_cast<double>(encoded(received).size());
                bound +=
                    information_bytes(static_cast<double>(versions), static_cast<double>(lost));
            }
            BOOST_TEST_CONTEXT(versions << " versions, loss " << loss)
            BOOST_TEST(bytes <= 2.5 * bound);
        }
}

BOOST_AUTO_TEST_CASE(bursts_take_less_than_as_much_random_loss)
{
    std::mt19937_64 random{2};
    for (const double loss : {0.01, 0.1, 0.3, 0.5}) {
        const auto spread = received_of(after_loss(0, 10'000, loss, random), 10'000);
        const auto bursty = received_of(after_loss(0, 10'000, loss, random, 20), 10'000);
        BOOST_TEST_CONTEXT(loss) BOOST_TEST(encoded(bursty).size() < encoded(spread).size());
    }
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_told_later_oldest_first)
{
    std::mt19937_64 random{3};
    const VersionSet set = after_loss(10, 100'000, 0.4, random);
    const Version mark = set.contiguous();
    const Received whole = received_of(set, 100'010);
    for (const std::size_t bytes_max : {1U, 2U, 3U, 10U, 100U, 1000U}) {
        const Bytes bytes = encoded(whole, bytes_max);
        const auto part = decoded(bytes, mark);
        BOOST_TEST_CONTEXT(bytes_max)
        {
            BOOST_TEST(bytes.size() <= bytes_max);
            BOOST_TEST_REQUIRE(part.has_value());
            BOOST_TEST((*part == received_of(set, mark + part->span)));
            BOOST_TEST(part->span >= (bytes_max < 10 ? 0 : bytes_max * 4));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_no_writer_writes_is_corrupt)
{
    using namespace std::string_view_literals;
    struct Row {
        const char* name;
        std::string_view bytes;
        ReadFault fault;
    };
    const Row rows[] = {
        {"nothing", ""sv, ReadFault::truncated},
        {"an empty span", "\x00"sv, ReadFault::none},
        {"form 3", "\x07\x00"sv, ReadFault::corrupt},
        {"a span above the limit", "\xFF\xFF\xFF\xFF\xFF\xFF\x7F\x00"sv, ReadFault::corrupt},
        {"one of two is missing", "\x08\x00\x02"sv, ReadFault::none},
        {"no end of the list", "\x08\x00"sv, ReadFault::truncated},
        {"a skip behind the span", "\x08\x06"sv, ReadFault::corrupt},
        {"a run of one", "\x10\x01\x01"sv, ReadFault::corrupt},
        {"a run to the end, counted", "\x08\x01\x02"sv, ReadFault::corrupt},
        {"a run behind the end", "\x08\x01\x03"sv, ReadFault::corrupt},
        {"a run to the end of one", "\x04\x01\x00"sv, ReadFault::corrupt},
        {"a run to the end of none", "\x08\x05\x00"sv, ReadFault::corrupt},
        {"runs that touch", "\x10\x00\x00\x04"sv, ReadFault::corrupt},
        {"a bitmap with spare bits", "\x0A\x04"sv, ReadFault::corrupt},
        {"a bitmap cut short", "\x26\x04"sv, ReadFault::truncated},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name) BOOST_TEST((fault_of(row.bytes) == row.fault));
}

BOOST_AUTO_TEST_CASE(a_full_set_takes_what_needs_no_new_range)
{
    VersionSet set{0, 2};
    BOOST_TEST((set.add(3) == VersionSet::Added::fresh));
    BOOST_TEST((set.add(6) == VersionSet::Added::fresh));
    BOOST_TEST((set.add(9) == VersionSet::Added::full));
    BOOST_TEST(!set.contains(9));
    BOOST_TEST((set.add(7) == VersionSet::Added::fresh));
    BOOST_TEST((set.add(1) == VersionSet::Added::fresh));
    BOOST_TEST((set.add(2) == VersionSet::Added::fresh));
    BOOST_TEST(set.contiguous() == 3U);
    BOOST_TEST((set.add(9) == VersionSet::Added::fresh));
}

RC_BOOST_PROP(a_version_set_is_a_set, ())
{
    VersionSet set;
    std::set<Version> model;
    for (const Version version : kAdds()) {
        const bool fresh = model.insert(version).second;
        RC_ASSERT(set.add(version) ==
                  (fresh ? VersionSet::Added::fresh : VersionSet::Added::known));
    }
    const auto through = *rc::gen::inRange<Version>(0, 40);
    set.add_through(through);
    for (Version v = 1; v <= through; ++v)
        model.insert(v);

    Version contiguous = 0;
    while (model.count(contiguous + 1) != 0)
        ++contiguous;
    RC_ASSERT(set.contiguous() == contiguous);
    RC_ASSERT(set.highest() == (model.empty() ? 0 : *model.rbegin()));
    const Received received = received_of(set, 70);
    for (Version v = 1; v <= 70; ++v) {
        RC_ASSERT(set.contains(v) == (model.count(v) != 0));
        RC_ASSERT(received.covers(v) == (model.count(v) != 0));
    }
    RC_ASSERT(!received.covers(71));
    Version before = contiguous;
    for (const auto& [first, last] : set.ranges()) {
        RC_ASSERT(first > before + 1);
        RC_ASSERT(last >= first);
        before = last;
    }
}

RC_BOOST_PROP(what_was_encoded_is_decoded, ())
{
    VersionSet set{*rc::gen::inRange<Version>(0, 10)};
    for (const Version version : kAdds())
        set.add(version);
    const Received received = received_of(set, *rc::gen::inRange<Version>(0, 80));
    const Bytes bytes = encoded(received);
    RC_ASSERT(decoded(bytes, set.contiguous()) == received);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
        RC_ASSERT(fault_of(ByteView{bytes}.substr(0, cut)) == ReadFault::truncated);
}

BOOST_AUTO_TEST_SUITE_END()
