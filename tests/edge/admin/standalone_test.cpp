#include "edge/admin/standalone.hpp"
#include "journal/memory_journal.hpp"
#include "journal/sqlite_journal.hpp"
#include "tests/core/net/running.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::admin
{
namespace
{
std::shared_ptr<const serve::Sites> sites()
{
    config::EdgeSettings settings;
    settings.name = "edge";
    config::SiteSettings site;
    site.upstreams.push_back(config::parse_upstream_url("http://127.0.0.1:3000").value());
    settings.sites.push_back(site);
    return std::make_shared<const serve::Sites>(settings, nullptr);
}

struct Edge {
    net::test::RunningLoop running;
    sync::EpochDomain epochs;
    purge::InvalidationState state{epochs};
    follow::Standing standing;
    std::shared_ptr<const serve::Sites> served = sites();
    std::function<void()> erased;
    int progressed = 0;
    std::unique_ptr<Standalone> authority;

    Edge()
    {
        auto opened = journal::open_in_memory(running.loop, {7, 1000, {}});
        authority = std::make_unique<Standalone>(
            running.loop,
            Standalone::Parts{
                "edge", state, standing, served,
                [this](Version, std::function<void()> done) { erased = std::move(done); },
                [this] { ++progressed; }},
            std::move(opened.journal), std::move(opened.start));
    }
    ~Edge()
    {
        authority->close();
        authority.reset();
        running.idle();
    }
    journal::Appended submit(journal::Draft draft)
    {
        std::optional<Result<journal::Appended, journal::AppendError>> answer;
        authority->submit({std::move(draft)}, [&](auto appended) { answer = std::move(appended); });
        BOOST_TEST(!answer.has_value());
        running.until([&] { return answer.has_value(); });
        BOOST_TEST_REQUIRE(answer->has_value());
        return **answer;
    }
    purge::Verdict verdict(std::string_view uri, std::uint64_t fence)
    {
        auto participant = epochs.join();
        participant->online();
        const auto found = state.verdict({uri, {}}, {fence, 0}, running.loop.mono());
        participant->offline();
        return found;
    }
};

journal::Draft purge_of(std::string uri, bool erase = false)
{
    journal::Draft draft;
    draft.body = purge::Invalidate{
        {{purge::Scope::url, purge::OrderMode::hard, Seconds{0}, std::move(uri)}}, erase};
    return draft;
}
} // namespace

BOOST_AUTO_TEST_SUITE(standalone_authority)

BOOST_FIXTURE_TEST_CASE(a_purge_is_applied_when_it_is_done, Edge)
{
    const auto appended = submit(purge_of("http://H:80/a"));
    BOOST_TEST(appended.drafts.front().version == 1U);
    BOOST_TEST((verdict("http://h/a", 0) == purge::Verdict::removed));
    BOOST_TEST((verdict("http://h/a", 1) == purge::Verdict::valid));
    BOOST_TEST(authority->report(1, true).clean() == 1U);
    BOOST_TEST(authority->report(1, false).edges.front().applied_at.has_value());
    BOOST_TEST(authority->report(2, false).clean() == 0U);
    BOOST_TEST(authority->mark() == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_undone_purge_is_ignored, Edge)
{
    submit(purge_of("http://h/a"));
    journal::Draft undo;
    undo.body = purge::Undo{1};
    submit(undo);
    BOOST_TEST((verdict("http://h/a", 0) == purge::Verdict::valid));
}

BOOST_FIXTURE_TEST_CASE(erased_bytes_are_waited_for, Edge)
{
    submit(purge_of("http://h/a", true));
    BOOST_TEST((verdict("http://h/a", 0) == purge::Verdict::removed));
    BOOST_TEST(authority->report(1, true).clean() == 0U);
    BOOST_TEST(authority->report(1, false).clean() == 1U);
    const int before = progressed;
    erased();
    BOOST_TEST(authority->report(1, true).clean() == 1U);
    BOOST_TEST(progressed == before + 1);
}

BOOST_FIXTURE_TEST_CASE(tokens_of_versions_differ_and_repeat, Edge)
{
    BOOST_TEST(authority->read_token(1) == authority->read_token(1));
    BOOST_TEST(authority->read_token(1) != authority->read_token(2));
    BOOST_TEST(authority->read_token(1).starts_with("v1.0000000000000007."));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
