#include "edge/upstream/health.hpp"

#include <atomic>
#include <barrier>
#include <boost/test/unit_test.hpp>
#include <map>
#include <thread>

namespace tidemark::upstream
{
namespace
{
using namespace std::chrono_literals;

constexpr MonoTime kStart{Nanos{std::int64_t{1'000'000} * 1'000'000}};
constexpr Millis kRetryAfter{5'000};

std::shared_ptr<Upstream> upstream(const std::string& name)
{
    return std::make_shared<Upstream>(name, name, 2, kRetryAfter);
}

void take_down(Upstream& one, MonoTime now = kStart)
{
    one.health.failed(now);
    one.health.failed(now);
}

// How often each of `members` is picked in `n` requests.
std::map<std::string, int> picks(UpstreamGroup& group, int n, MonoTime now = kStart,
                                 const Upstream* except = nullptr)
{
    std::map<std::string, int> counts;
    for (int i = 0; i < n; ++i)
        ++counts[group.pick(now, except)->name];
    return counts;
}
using Counts = std::map<std::string, int>;
} // namespace

BOOST_AUTO_TEST_SUITE(health)

BOOST_AUTO_TEST_CASE(an_upstream_is_up_until_it_fails_several_times_in_a_row)
{
    Health health(3, kRetryAfter);
    BOOST_TEST(health.admits(kStart));
    BOOST_TEST(!health.failed(kStart));
    BOOST_TEST(!health.failed(kStart));
    BOOST_TEST(health.up(kStart));
    BOOST_TEST(health.admits(kStart));
    BOOST_TEST(health.failed(kStart)); // this one changed the verdict
    BOOST_TEST(!health.up(kStart));
    BOOST_TEST(!health.admits(kStart));
    BOOST_TEST(!health.failed(kStart)); // down already
}

BOOST_AUTO_TEST_CASE(a_success_between_failures_starts_the_count_again)
{
    Health health(3, kRetryAfter);
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST(!health.failed(kStart));
        BOOST_TEST(!health.failed(kStart));
        BOOST_TEST(!health.succeeded());
    }
    BOOST_TEST(health.up(kStart));
}

BOOST_AUTO_TEST_CASE(a_resting_upstream_is_tried_by_one_request_per_retry_time)
{
    Health health(1, kRetryAfter);
    health.failed(kStart);
    BOOST_TEST(!health.admits(kStart + kRetryAfter - 1ns));
    BOOST_TEST(health.admits(kStart + kRetryAfter));
    BOOST_TEST(!health.admits(kStart + kRetryAfter));
    BOOST_TEST(!health.admits(kStart + 2 * kRetryAfter - 1ns));
    BOOST_TEST(health.admits(kStart + 2 * kRetryAfter)); // the one before never came back
    BOOST_TEST(!health.up(kStart + 2 * kRetryAfter));
}

BOOST_AUTO_TEST_CASE(a_failed_try_prolongs_the_rest)
{
    Health health(1, kRetryAfter);
    health.failed(kStart);
    const MonoTime tried = kStart + kRetryAfter;
    BOOST_TEST(health.admits(tried));
    BOOST_TEST(!health.failed(tried + 1s));
    BOOST_TEST(!health.admits(tried + kRetryAfter));
    BOOST_TEST(health.admits(tried + 1s + kRetryAfter));
}

BOOST_AUTO_TEST_CASE(a_successful_try_ends_the_rest_for_everybody)
{
    Health health(2, kRetryAfter);
    health.failed(kStart);
    health.failed(kStart);
    BOOST_TEST(health.succeeded());
    BOOST_TEST(!health.succeeded());
    BOOST_TEST(health.up(kStart));
    BOOST_TEST(health.admits(kStart));
    BOOST_TEST(health.admits(kStart));
    BOOST_TEST(!health.failed(kStart)); // counted from one again
    BOOST_TEST(health.up(kStart));
}

BOOST_AUTO_TEST_CASE(rules_of_a_new_configuration_count_from_then_on)
{
    Health health(3, kRetryAfter);
    health.set_rules(1, Millis{100});
    BOOST_TEST(health.failed(kStart));
    BOOST_TEST(!health.admits(kStart + 99ms));
    BOOST_TEST(health.admits(kStart + 100ms));
}

BOOST_AUTO_TEST_CASE(of_many_threads_one_gets_to_try_a_resting_upstream)
{
    constexpr int kThreads = 4;
    constexpr int kRounds = 200;
    Health health(1, kRetryAfter);
    health.failed(kStart);
    std::vector<std::atomic<int>> admitted(kRounds);
    std::barrier round(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                round.arrive_and_wait();
                if (health.admits(kStart + (i + 1) * kRetryAfter))
                    ++admitted[static_cast<std::size_t>(i)];
            }
        });
    threads.clear();
    for (const auto& count : admitted)
        BOOST_TEST(count.load() == 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(upstream_group)

BOOST_AUTO_TEST_CASE(members_take_turns)
{
    UpstreamGroup group({upstream("a"), upstream("b"), upstream("c")});
    std::string order;
    for (int i = 0; i < 6; ++i)
        order += group.pick(kStart)->name;
    BOOST_TEST(order == "abcabc");
}

BOOST_AUTO_TEST_CASE(a_member_that_is_down_is_skipped)
{
    UpstreamGroup group({upstream("a"), upstream("b"), upstream("c")});
    take_down(*group.members()[1]);
    const Counts counts = picks(group, 30);
    BOOST_TEST(!counts.contains("b"));
    BOOST_TEST(counts.at("a") + counts.at("c") == 30);
    BOOST_TEST(counts.at("a") >= 10);
    BOOST_TEST(counts.at("c") >= 10);
}

BOOST_AUTO_TEST_CASE(a_member_that_is_down_gets_one_request_when_its_rest_is_over)
{
    UpstreamGroup group({upstream("a"), upstream("b")});
    take_down(*group.members()[0]);
    BOOST_TEST((picks(group, 10, kStart + kRetryAfter) == Counts{{"a", 1}, {"b", 9}}));
    BOOST_TEST(group.members()[0]->health.succeeded());
    BOOST_TEST((picks(group, 10, kStart + kRetryAfter) == Counts{{"a", 5}, {"b", 5}}));
}

BOOST_AUTO_TEST_CASE(a_request_goes_elsewhere_than_where_it_just_failed)
{
    UpstreamGroup group({upstream("a"), upstream("b")});
    BOOST_TEST((picks(group, 10, kStart, group.members()[0].get()) == Counts{{"b", 10}}));
    take_down(*group.members()[1]); // even to one that rests: somebody has to find out
    BOOST_TEST((picks(group, 10, kStart, group.members()[0].get()) == Counts{{"b", 10}}));
}

BOOST_AUTO_TEST_CASE(an_exception_does_not_use_up_the_try_of_a_resting_member)
{
    UpstreamGroup group({upstream("a"), upstream("b")});
    take_down(*group.members()[0]);
    const MonoTime later = kStart + kRetryAfter;
    BOOST_TEST((picks(group, 4, later, group.members()[0].get()) == Counts{{"b", 4}}));
    BOOST_TEST(picks(group, 4, later)["a"] == 1);
}

BOOST_AUTO_TEST_CASE(when_all_are_down_all_are_still_asked_in_turn)
{
    UpstreamGroup group({upstream("a"), upstream("b")});
    take_down(*group.members()[0]);
    take_down(*group.members()[1]);
    BOOST_TEST((picks(group, 10) == Counts{{"a", 5}, {"b", 5}}));
}

BOOST_AUTO_TEST_CASE(a_single_member_is_always_taken)
{
    UpstreamGroup group({upstream("a")});
    take_down(*group.members()[0]);
    BOOST_TEST((picks(group, 3) == Counts{{"a", 3}}));
    BOOST_TEST((picks(group, 3, kStart, group.members()[0].get()) == Counts{{"a", 3}}));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::upstream
