#include "origin/content/push_desk.hpp"

#include "tests/core/net/running.hpp"
#include "tests/support/packed.hpp"
#include "tests/support/temp_dir.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

using namespace tidemark;
using namespace tidemark::origin;

namespace
{
// The daemon's middle, as a push sees it.
struct Middle final : PushOwner {
    void offer(const purge::PushOffer& one) override { offers.push_back(one); }
    void withdraw(const purge::ContentDigest&) override { ++withdrawn; }
    std::vector<std::string> connected_edges() const override { return edges; }
    purge::Version push_mark() const override { return mark; }
    void append_push(journal::Draft draft, admin::Authority::Submitted done) override
    {
        drafts.push_back(std::move(draft));
        journal::Appended appended;
        appended.drafts.push_back({++mark, false});
        done(std::move(appended));
    }
    std::vector<std::string> edges;
    purge::Version mark = 40;
    std::vector<purge::PushOffer> offers;
    std::vector<journal::Draft> drafts;
    int withdrawn = 0;
};

struct Daemon {
    explicit Daemon(std::uint64_t content_bytes_max = 1 << 20)
        : store(ContentStore::open(running.loop, {dir.path("content"), content_bytes_max}).value())
    {
        desk.emplace(running.loop, *store, PushSettings{Millis{50}, Millis{50}}, middle);
    }
    ~Daemon()
    {
        desk.reset();
        running.idle();
    }
    void commit(std::unique_ptr<admin::Authority::Upload> upload,
                std::optional<purge::Version> as_of = std::nullopt)
    {
        upload->commit("http://h/a", "Cache-Control: max-age=60\r\n", as_of, {},
                       [this](Result<journal::Appended, journal::AppendError> result) {
                           answer = result ? result->drafts.front().version : 0;
                       });
    }
    [[nodiscard]] const purge::Push& pushed() const
    {
        return std::get<purge::Push>(middle.drafts.back().body);
    }

    support::TempDir dir;
    net::test::RunningLoop running;
    Middle middle;
    std::unique_ptr<ContentStore> store;
    std::optional<PushDesk> desk;
    std::optional<purge::Version> answer;
};
} // namespace

BOOST_AUTO_TEST_SUITE(push_desk)

BOOST_AUTO_TEST_CASE(an_upload_is_staged_then_issued_as_of_when_it_began)
{
    Daemon daemon;
    daemon.middle.edges = {"x"};
    auto upload = daemon.desk->begin_upload();
    BOOST_REQUIRE(upload != nullptr);
    daemon.middle.mark = 45; // other versions came meanwhile
    BOOST_TEST(upload->write("body"));
    daemon.commit(std::move(upload));
    daemon.running.until([&] { return !daemon.middle.offers.empty(); });
    BOOST_TEST(daemon.middle.drafts.empty());
    const purge::PushOffer offer = daemon.middle.offers.front();
    const Bytes packed = daemon.desk->read_content(offer.digest, 0, 1'000);
    BOOST_TEST(packed.size() == offer.packed_bytes);
    BOOST_TEST(test::unpacked(packed, 1'000) ==
               "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\nbody");
    daemon.desk->on_staged("x", offer.digest);
    BOOST_REQUIRE(daemon.middle.drafts.size() == 1U);
    BOOST_TEST(daemon.pushed().as_of == 40U);
    BOOST_TEST(daemon.answer.value() == 46U);
}

BOOST_AUTO_TEST_CASE(after_the_time_set_it_is_issued_without_the_slow_ones_and_withdrawn_later)
{
    Daemon daemon;
    daemon.middle.edges = {"x"};
    daemon.commit(daemon.desk->begin_upload());
    daemon.running.until([&] { return daemon.answer.has_value(); });
    BOOST_TEST(daemon.desk->counters().without == 1U);
    daemon.running.until([&] { return daemon.middle.withdrawn == 1; });
    BOOST_TEST(daemon.store->packed_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(content_reflects_no_more_than_what_is_durable)
{
    Daemon daemon;
    daemon.commit(daemon.desk->begin_upload(), 1'000);
    daemon.running.until([&] { return daemon.answer.has_value(); });
    BOOST_TEST(daemon.pushed().as_of == 40U);
}

BOOST_AUTO_TEST_CASE(too_large_an_upload_says_so)
{
    Daemon daemon(10);
    const auto upload = daemon.desk->begin_upload();
    BOOST_TEST(!upload->write("more than ten bytes"));
    BOOST_TEST((upload->why() == admin::Authority::Upload::Fault::too_large));
    BOOST_TEST(daemon.desk->counters().refused == 1U);
}

BOOST_AUTO_TEST_CASE(nothing_is_answered_after_the_end)
{
    Daemon daemon;
    daemon.commit(daemon.desk->begin_upload());
    daemon.desk->close();
    BOOST_TEST((daemon.desk->begin_upload() == nullptr));
    int turns = 0;
    net::Timer timer(daemon.running.loop, [&] { ++turns; });
    timer.start(Millis{1}, Millis{1});
    daemon.running.until([&] { return turns > 20; });
    BOOST_TEST(!daemon.answer.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
