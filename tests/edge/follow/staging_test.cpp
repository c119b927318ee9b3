#include "edge/follow/staging.hpp"

#include "tests/core/net/running.hpp"
#include "tests/support/packed.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

using namespace tidemark;
using namespace tidemark::follow;

namespace
{
// Content and how it travels.
struct Parcel {
    explicit Parcel(std::size_t body_bytes, std::uint64_t seed = 1)
        : content("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" +
                  test::noise(body_bytes, seed)),
          packed(test::packed(content)), digest(test::sha256(content))
    {
    }
    [[nodiscard]] StageWanted wanted() const
    {
        return {{digest, content.size(), packed.size(), "http://h/"}};
    }
    [[nodiscard]] StagePiece piece(std::size_t offset, std::size_t bytes) const
    {
        return {digest,         offset,      packed.size(),
                content.size(), "http://h/", packed.substr(offset, bytes)};
    }
    std::string content;
    std::string packed;
    purge::ContentDigest digest;
};

struct Area {
    explicit Area(StagingOptions options = {})
    {
        area.emplace(
            running.loop, std::move(options),
            Staging::Budget{[this](std::uint64_t bytes) {
                                if (reserved + bytes > budget) return false;
                                reserved += bytes;
                                return true;
                            },
                            [this](std::uint64_t bytes) { reserved -= bytes; }},
            [this](const purge::ContentDigest&, std::uint64_t bytes) { have.push_back(bytes); });
    }
    ~Area() { end(); }
    // Handles of a loop are closed in its turns.
    void end()
    {
        area.reset();
        running.idle();
    }
    void until_told(std::size_t times)
    {
        running.until([this, times] { return have.size() >= times; });
    }
    void send(const Parcel& parcel, std::size_t from = 0)
    {
        for (std::size_t at = from; at < parcel.packed.size(); at += 64 * 1024)
            area->piece(parcel.piece(at, 64 * 1024));
    }
    [[nodiscard]] std::unique_ptr<store::Content> take(const Parcel& parcel)
    {
        bool done = false;
        std::unique_ptr<store::Content> taken;
        area->take(parcel.digest, parcel.content.size(),
                   [&](std::unique_ptr<store::Content> content) {
                       taken = std::move(content);
                       done = true;
                   });
        running.until([&] { return done; });
        return taken;
    }

    net::test::RunningLoop running;
    std::uint64_t budget = 1 << 30;
    std::uint64_t reserved = 0;
    std::vector<std::uint64_t> have; // as told to the origin
    std::optional<Staging> area;
};

std::string whole(const store::Content& content)
{
    std::string bytes = content.head;
    for (const store::Slice& slice : content.body)
        bytes.append(slice.view());
    return bytes;
}

// In memory, and in files.
struct Where {
    bool files;
    friend std::ostream& operator<<(std::ostream& out, const Where& where)
    {
        return out << (where.files ? "files" : "memory");
    }
};
const Where kBoth[] = {{false}, {true}};
StagingOptions options_for(const Where& where, const support::TempDir& dir)
{
    StagingOptions options;
    if (where.files) options.directory = dir.path("staged");
    return options;
}
} // namespace

BOOST_AUTO_TEST_SUITE(staging)

BOOST_DATA_TEST_CASE(pieces_become_content_that_a_push_takes_at_once,
                     boost::unit_test::data::make(kBoth), where)
{
    const support::TempDir dir;
    Area area(options_for(where, dir));
    const Parcel parcel(300'000);
    area.area->wanted(parcel.wanted());
    BOOST_TEST(area.have == std::vector<std::uint64_t>{0}, boost::test_tools::per_element());
    area.send(parcel);
    area.until_told(2);
    BOOST_TEST(area.have.back() == parcel.packed.size());
    BOOST_TEST(area.area->head_of(parcel.digest).starts_with("HTTP/1.1 200"));
    BOOST_TEST(area.reserved == parcel.content.size());
    bool at_once = false;
    area.area->take(parcel.digest, parcel.content.size(),
                    [&](std::unique_ptr<store::Content> content) {
                        at_once = true;
                        BOOST_REQUIRE(content != nullptr);
                        BOOST_TEST((whole(*content) == parcel.content));
                    });
    BOOST_TEST(at_once);
    BOOST_TEST(area.reserved == 0U);
    BOOST_TEST(area.area->contents() == 0U);
    BOOST_TEST(area.area->packed_bytes() == 0U);
}

BOOST_DATA_TEST_CASE(a_broken_off_transfer_goes_on_where_it_stands,
                     boost::unit_test::data::make(kBoth), where)
{
    const support::TempDir dir;
    Area area(options_for(where, dir));
    const Parcel parcel(300'000);
    area.area->wanted(parcel.wanted());
    area.area->piece(parcel.piece(0, 100'000));
    area.area->wanted(parcel.wanted()); // offered again after a break
    BOOST_TEST(area.have.back() == 100'000U);
    area.area->piece(parcel.piece(0, 100'000)); // does not follow
    BOOST_TEST(area.area->counters().out_of_order == 1U);
    area.area->piece(parcel.piece(100'000, parcel.packed.size()));
    area.until_told(3);
    BOOST_TEST(area.have.back() == parcel.packed.size());
    BOOST_TEST((whole(*area.take(parcel)) == parcel.content));
}

BOOST_AUTO_TEST_CASE(a_restarted_edge_goes_on_too)
{
    const support::TempDir dir;
    const StagingOptions options = options_for({true}, dir);
    const Parcel half(300'000, 1);
    const Parcel full(200'000, 2);
    {
        Area before(options);
        before.area->wanted(half.wanted());
        before.area->piece(half.piece(0, 120'000));
        before.area->wanted(full.wanted());
        before.send(full);
        before.until_told(3);
    }
    Area after(options);
    BOOST_TEST(after.area->contents() == 2U);
    after.area->wanted(half.wanted());
    BOOST_TEST(after.have.back() == 120'000U);
    after.send(half, 120'000);
    after.until_told(2);
    BOOST_TEST((whole(*after.take(half)) == half.content));
    // Its push may come without another offer.
    BOOST_TEST((whole(*after.take(full)) == full.content));
    BOOST_TEST(std::filesystem::is_empty(options.directory));
}

BOOST_DATA_TEST_CASE(what_proves_wrong_is_asked_for_again_twice_at_most,
                     boost::unit_test::data::make(kBoth), where)
{
    const support::TempDir dir;
    Area area(options_for(where, dir));
    const Parcel parcel(10'000);
    Parcel wrong = parcel;
    wrong.packed[5'000] = static_cast<char>(wrong.packed[5'000] ^ 1);
    area.area->wanted(parcel.wanted());
    for (std::size_t attempt = 1; attempt <= 3; ++attempt) {
        area.send(wrong);
        area.running.until([&] { return area.area->counters().wrong == attempt; });
        if (attempt < 3) BOOST_TEST(area.have.size() == attempt + 1);
    }
    const std::vector<std::uint64_t> expected{0, 0, 0};
    BOOST_TEST(area.have == expected, boost::test_tools::per_element());
    BOOST_TEST(area.area->contents() == 0U);
    BOOST_TEST(area.reserved == 0U);
    BOOST_TEST((area.take(parcel) == nullptr));
}

BOOST_AUTO_TEST_CASE(content_beyond_the_limits_is_refused)
{
    StagingOptions options;
    options.contents_max = 2;
    options.packed_bytes_max = 50'000;
    options.content_bytes_max = 40'000;
    Area area(options);
    const Parcel large(45'000, 1);
    const Parcel first(30'000, 2);
    const Parcel second(30'000, 3);
    const Parcel small(1'000, 4);
    const Parcel third(1'000, 5);
    for (const Parcel* one : {&large, &first, &second, &small, &third})
        area.area->wanted(one->wanted());
    BOOST_TEST(area.have.size() == 2U); // first and small
    BOOST_TEST(area.area->counters().refused == 3U);
    BOOST_TEST(area.area->contents() == 2U);
}

BOOST_AUTO_TEST_CASE(without_room_in_memory_it_is_staged_but_a_push_finds_nothing)
{
    const support::TempDir dir;
    Area area(options_for({true}, dir));
    area.budget = 1'000;
    const Parcel parcel(10'000);
    area.area->wanted(parcel.wanted());
    area.send(parcel);
    area.until_told(2);
    BOOST_TEST(area.have.back() == parcel.packed.size());
    BOOST_TEST((area.take(parcel) == nullptr));
    BOOST_TEST(area.area->contents() == 0U);
}

BOOST_AUTO_TEST_CASE(what_is_not_unpacked_ahead_is_unpacked_when_the_push_comes)
{
    const support::TempDir dir;
    StagingOptions options = options_for({true}, dir);
    options.ready_bytes_max = 1'000;
    Area area(options);
    const Parcel parcel(10'000);
    area.area->wanted(parcel.wanted());
    area.send(parcel);
    area.until_told(2);
    BOOST_TEST(area.reserved == 0U);
    BOOST_TEST((whole(*area.take(parcel)) == parcel.content));
    BOOST_TEST(area.reserved == 0U);
}

BOOST_AUTO_TEST_CASE(a_push_that_comes_during_the_check_waits_for_it)
{
    Area area;
    const Parcel parcel(300'000);
    area.area->wanted(parcel.wanted());
    area.send(parcel);
    BOOST_TEST((whole(*area.take(parcel)) == parcel.content));
}

BOOST_AUTO_TEST_CASE(a_push_of_what_is_not_here_or_not_whole_finds_nothing)
{
    Area area;
    const Parcel parcel(300'000);
    BOOST_TEST((area.take(parcel) == nullptr));
    area.area->wanted(parcel.wanted());
    area.area->piece(parcel.piece(0, 1'000));
    BOOST_TEST((area.take(parcel) == nullptr));
    area.area->wanted(parcel.wanted());
    BOOST_TEST(area.have.back() == 1'000U); // it grows on all the same
}

BOOST_AUTO_TEST_CASE(strange_files_in_its_directory_are_left_alone_and_bad_content_is_found_out)
{
    const support::TempDir dir;
    const StagingOptions options = options_for({true}, dir);
    const Parcel parcel(1'000);
    {
        Area before(options);
        before.area->wanted(parcel.wanted());
        before.send(parcel);
        before.until_told(2);
    }
    for (const auto& entry : std::filesystem::directory_iterator(options.directory))
        std::ofstream(entry.path(), std::ios::binary) << std::string(parcel.packed.size(), 'x');
    std::ofstream(options.directory + "/notes.txt") << "mine";
    Area after(options);
    BOOST_TEST(after.area->contents() == 1U);
    BOOST_TEST((after.take(parcel) == nullptr));
    BOOST_TEST(after.area->counters().wrong == 1U);
    BOOST_TEST(std::filesystem::exists(options.directory + "/notes.txt"));
}

BOOST_AUTO_TEST_SUITE_END()
