#include "edge/admin/lone_pushes.hpp"
#include "edge/admin/standalone.hpp"
#include "journal/memory_journal.hpp"
#include "journal/sqlite_journal.hpp"
#include "tests/core/net/running.hpp"

#include <boost/test/unit_test.hpp>
#include <optional>

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

struct Edge : private StandaloneOwner {
    net::test::RunningLoop running;
    sync::EpochDomain epochs;
    purge::InvalidationState state{epochs};
    follow::Standing standing;
    std::shared_ptr<const serve::Sites> served = sites();
    std::function<void()> erased;
    int progressed = 0;
    std::vector<std::string> asked; // of the owner, in order
    store::MemoryStore store{store::MemoryOptions{}, epochs};
    std::unique_ptr<Standalone> authority;
    std::optional<LonePushes> pushes;

    Edge()
    {
        auto opened = journal::open_in_memory(running.loop, {7, 1000, {}});
        authority = std::make_unique<Standalone>(
            running.loop, Standalone::Parts{"edge", state, standing, served, *this},
            std::move(opened.journal), std::move(opened.start));
        pushes.emplace(running.loop,
                       LonePushes::Parts{store, 1'000'000, [this] { return authority->mark(); },
                                         [this](auto drafts, auto done) {
                                             authority->submit(std::move(drafts), std::move(done));
                                         }});
    }
    virtual ~Edge()
    {
        pushes.reset();
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

  private:
    void before_apply(std::span<const purge::Message> messages) override
    {
        asked.push_back("before " + std::to_string(messages.front().version));
    }
    void on_refresh(const purge::Message& message) override
    {
        asked.push_back("refresh " + std::to_string(message.version));
    }
    void on_push(const purge::Message& message) override
    {
        pushed = std::get<purge::Push>(message.body);
        head = pushes->head_of(pushed.digest);
        content = pushes->take(pushed.digest);
        asked.push_back("push " + std::to_string(message.version));
    }
    void on_applied(Version version) override
    {
        asked.push_back("applied " + std::to_string(version));
    }
    void erase(Version, std::function<void()> done) override { erased = std::move(done); }
    void on_progress() override { ++progressed; }
    std::unique_ptr<Authority::Upload> begin_upload() override { return pushes->begin(); }
    void would_hit(const std::vector<journal::Draft>&, WouldHitDone done) override
    {
        done({{"edge", 1, 2}});
    }

  public:
    purge::Push pushed;
    std::string head;
    std::unique_ptr<store::Content> content;
    Result<journal::Appended, journal::AppendError>
    push(const std::string& body, std::optional<Version> as_of = {}, const std::string& key = "")
    {
        auto upload = authority->begin_upload();
        BOOST_TEST_REQUIRE(upload->write(body));
        journal::Draft draft;
        draft.key = key;
        std::optional<Result<journal::Appended, journal::AppendError>> answer;
        upload->commit("http://h/a", "Cache-Control: max-age=60\r\n", as_of, draft,
                       [&](auto appended) { answer = std::move(appended); });
        upload.reset();
        BOOST_TEST(!answer.has_value());
        running.until([&] { return answer.has_value(); });
        return *answer;
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

BOOST_FIXTURE_TEST_CASE(what_an_order_asks_of_the_edge_comes_when_it_is_applied, Edge)
{
    journal::Draft draft;
    draft.body = purge::Invalidate{
        {{purge::Scope::url, purge::OrderMode::refresh, Seconds{0}, "http://h/a"}}, false};
    submit(draft);
    const std::vector<std::string> expected = {"before 1", "refresh 1", "applied 1"};
    BOOST_TEST(asked == expected, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_push_is_in_memory_until_its_version_is_applied, Edge)
{
    submit(purge_of("http://h/b"));
    asked.clear();
    const std::string body(150'000, 'x');
    const auto appended = push(body);
    BOOST_TEST(appended->drafts.front().version == 2U);
    const std::vector<std::string> expected = {"before 2", "push 2", "applied 2"};
    BOOST_TEST(asked == expected, boost::test_tools::per_element());
    BOOST_TEST(pushed.uri == "http://h/a");
    BOOST_TEST(pushed.as_of == 1U);
    BOOST_TEST(head == "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n\r\n");
    BOOST_TEST(pushed.content_bytes == head.size() + body.size());
    BOOST_TEST_REQUIRE(content != nullptr);
    std::string got;
    for (const store::Slice& slice : content->body)
        got += slice.view();
    BOOST_TEST((got == body));
    BOOST_TEST(content->body_bytes == body.size());
    BOOST_TEST(store.counters().reserved_bytes == 0U);
    BOOST_TEST(pushes->held() == 0U);
    BOOST_TEST((verdict("http://h/a", 1) == purge::Verdict::removed));
}

BOOST_FIXTURE_TEST_CASE(a_push_says_at_most_what_is_durable_and_at_least_what_it_is_told, Edge)
{
    submit(purge_of("http://h/b"));
    submit(purge_of("http://h/b"));
    BOOST_TEST(push("1", 1).has_value());
    BOOST_TEST(pushed.as_of == 1U);
    BOOST_TEST(push("2", 99).has_value());
    BOOST_TEST(pushed.as_of == 3U);
}

BOOST_FIXTURE_TEST_CASE(a_repeated_push_leaves_nothing_behind, Edge)
{
    BOOST_TEST(push("1", 0, "k").has_value());
    content.reset();
    const auto again = push("1", 0, "k");
    BOOST_TEST_REQUIRE(again.has_value());
    BOOST_TEST(again->drafts.front().repeated);
    BOOST_TEST(content == nullptr);
    BOOST_TEST(pushes->held() == 0U);
    BOOST_TEST(store.counters().reserved_bytes == 0U);
}

BOOST_FIXTURE_TEST_CASE(content_larger_than_what_is_stored_is_refused, Edge)
{
    const auto upload = authority->begin_upload();
    BOOST_TEST(upload->write(std::string(1'000'000, 'x')));
    BOOST_TEST(!upload->write("x"));
    BOOST_TEST((upload->why() == Authority::Upload::Fault::too_large));
    BOOST_TEST(pushes->counters().refused == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_upload_that_breaks_off_gives_its_memory_back, Edge)
{
    auto upload = authority->begin_upload();
    BOOST_TEST(upload->write(std::string(500'000, 'x')));
    BOOST_TEST(store.counters().reserved_bytes == 500'000U);
    upload.reset();
    BOOST_TEST(store.counters().reserved_bytes == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
