#include "origin/content/content_store.hpp"

#include "tests/core/net/running.hpp"
#include "tests/support/packed.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>

using namespace tidemark;
using namespace tidemark::origin;

namespace
{
const std::string kHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";

struct Disk {
    explicit Disk(std::uint64_t content_bytes_max = 1 << 30)
    {
        auto opened = ContentStore::open(running.loop, {dir.path("content"), content_bytes_max});
        BOOST_REQUIRE(opened.has_value());
        store = std::move(*opened);
    }
    [[nodiscard]] Result<StagedContent, ContentError> keep(const std::string& body)
    {
        auto upload = store->begin();
        BOOST_REQUIRE(upload.has_value());
        for (std::size_t at = 0; at < body.size(); at += 64 * 1024)
            BOOST_REQUIRE((*upload)->write(ByteView(body).substr(at, 64 * 1024)).has_value());
        std::optional<Result<StagedContent, ContentError>> kept;
        (*upload)->commit(
            kHead, [&](Result<StagedContent, ContentError> result) { kept = std::move(result); });
        BOOST_TEST(!kept.has_value());
        upload->reset(); // it is the store's affair now
        running.until([&] { return kept.has_value(); });
        return *kept;
    }
    [[nodiscard]] std::string read_whole(const purge::ContentDigest& digest) const
    {
        std::string packed;
        for (;;) {
            const Bytes piece = store->read(digest, packed.size(), 10'000);
            if (piece.empty()) return packed;
            packed.append(piece);
        }
    }
    [[nodiscard]] std::size_t files() const
    {
        std::size_t count = 0;
        for ([[maybe_unused]] const auto& entry :
             std::filesystem::directory_iterator(dir.path("content")))
            ++count;
        return count;
    }

    support::TempDir dir;
    net::test::RunningLoop running;
    std::unique_ptr<ContentStore> store;
};
} // namespace

BOOST_AUTO_TEST_SUITE(content_store)

BOOST_AUTO_TEST_CASE(an_upload_becomes_packed_content_under_its_digest)
{
    Disk disk;
    const std::string body = test::noise(500'000);
    const auto kept = disk.keep(body);
    BOOST_REQUIRE(kept.has_value());
    BOOST_TEST(kept->content_bytes == kHead.size() + body.size());
    BOOST_TEST((kept->digest == test::sha256(kHead + body)));
    const std::string packed = disk.read_whole(kept->digest);
    BOOST_TEST(packed.size() == kept->packed_bytes);
    BOOST_TEST((test::unpacked(packed, 1'000'000) == kHead + body));
    BOOST_TEST(disk.files() == 1U);
    BOOST_TEST(disk.store->read(kept->digest, packed.size(), 10).empty());
    BOOST_TEST(disk.store->read(kept->digest, packed.size() + 1, 10).empty());
    BOOST_TEST(disk.store->read(test::sha256("other"), 0, 10).empty());
}

BOOST_AUTO_TEST_CASE(a_response_without_a_body_is_content)
{
    Disk disk;
    const auto kept = disk.keep("");
    BOOST_REQUIRE(kept.has_value());
    BOOST_TEST(test::unpacked(disk.read_whole(kept->digest), 1'000) == kHead);
}

BOOST_AUTO_TEST_CASE(the_same_content_twice_is_one_file_that_goes_with_its_last_holder)
{
    Disk disk;
    const auto first = disk.keep("body");
    const auto second = disk.keep("body");
    BOOST_REQUIRE(first.has_value());
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST((first->digest == second->digest));
    BOOST_TEST(disk.files() == 1U);
    disk.store->release(first->digest);
    BOOST_TEST(!disk.read_whole(first->digest).empty());
    disk.store->release(first->digest);
    BOOST_TEST(disk.read_whole(first->digest).empty());
    BOOST_TEST(disk.files() == 0U);
    BOOST_TEST(disk.store->packed_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(an_upload_that_is_given_up_leaves_nothing)
{
    Disk disk;
    {
        auto upload = disk.store->begin();
        BOOST_REQUIRE(upload.has_value());
        BOOST_REQUIRE((*upload)->write("half a").has_value());
        BOOST_TEST(disk.files() == 1U);
    }
    BOOST_TEST(disk.files() == 0U);
}

BOOST_AUTO_TEST_CASE(a_body_beyond_the_limit_is_refused)
{
    Disk disk(100);
    auto upload = disk.store->begin();
    BOOST_REQUIRE(upload.has_value());
    BOOST_TEST((*upload)->write(std::string(100, 'x')).has_value());
    const auto written = (*upload)->write("x");
    BOOST_REQUIRE(!written.has_value());
    BOOST_TEST((written.error() == ContentError::too_large));
}

BOOST_AUTO_TEST_CASE(what_a_former_process_left_is_removed)
{
    const support::TempDir dir;
    net::test::RunningLoop running;
    std::filesystem::create_directory(dir.path("content"));
    for (const char* name : {"content/upload-1", "content/upload-2.zst", "content/00ff.zst"})
        static_cast<void>(dir.write(name, "left"));
    static_cast<void>(dir.write("content/readme", "an operator's"));
    BOOST_REQUIRE(ContentStore::open(running.loop, {dir.path("content")}).has_value());
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path("content")))
        names.push_back(entry.path().filename().string());
    BOOST_TEST(names == std::vector<std::string>{"readme"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_made_is_said)
{
    const support::TempDir dir;
    net::test::RunningLoop running;
    const std::string file = dir.write("file", "");
    const auto opened = ContentStore::open(running.loop, {file + "/content"});
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST(opened.error().find(file) == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
