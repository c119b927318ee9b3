#include "core/net/loop.hpp"
#include "core/net/resolver.hpp"
#include "tests/core/net/running.hpp"

#include <csignal>
#include <map>
#include <thread>

namespace tidemark::net
{
namespace
{
using test::RunningLoop;
}

BOOST_AUTO_TEST_SUITE(timer)

BOOST_AUTO_TEST_CASE(it_fires_once_or_repeatedly_until_it_is_stopped)
{
    RunningLoop running;
    int once = 0;
    int often = 0;
    Timer single(running.loop, [&] { ++once; });
    Timer repeated(running.loop, [&] {
        if (++often == 3) repeated.stop();
    });
    single.start(Millis{0});
    repeated.start(Millis{0}, Millis{1});
    running.until([&] { return once == 1 && often == 3; });
    running.loop.run(); // neither keeps the loop alive any more
    BOOST_TEST(once == 1);
    BOOST_TEST(often == 3);
}

BOOST_AUTO_TEST_CASE(it_does_not_fire_before_its_time)
{
    RunningLoop running;
    MonoTime fired{};
    Timer timer(running.loop, [&] { fired = running.loop.mono(); });
    const MonoTime start = running.loop.mono();
    timer.start(Millis{20});
    running.until([&] { return fired != MonoTime{}; });
    BOOST_TEST((fired - start >= Millis{19})); // libuv counts in milliseconds
}

BOOST_AUTO_TEST_CASE(starting_it_again_moves_it)
{
    RunningLoop running;
    int fired = 0;
    Timer timer(running.loop, [&] { ++fired; });
    timer.start(Millis{0});
    timer.start(Millis{3'600'000});
    running.idle();
    BOOST_TEST(fired == 0);
    timer.start(Millis{0});
    running.until([&] { return fired == 1; });
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_when_it_is_due_does_not_fire)
{
    RunningLoop running;
    bool first = false;
    bool second = false;
    std::unique_ptr<Timer> victim;
    Timer killer(running.loop, [&] {
        first = true;
        victim.reset();
    });
    victim = std::make_unique<Timer>(running.loop, [&] { second = true; });
    killer.start(Millis{0});
    victim->start(Millis{0});
    running.until([&] { return first; });
    running.idle();
    BOOST_TEST(!second);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(loop_turns)

BOOST_AUTO_TEST_CASE(a_turn_begins_once_however_much_happens_in_it_and_ends_before_the_wait)
{
    Loop loop;
    std::string events;
    std::unique_ptr<Timer> timers[2];
    loop.set_hooks([&] { events += '('; }, [&] { events += ')'; });
    for (auto& timer : timers)
        timer = std::make_unique<Timer>(loop, [&] { events += 't'; });
    for (const char* expected : {"tt)", "(tt)"}) { // the first turn began with the loop
        events.clear();
        for (auto& timer : timers)
            timer->start(Millis{0});
        loop.run();
        BOOST_TEST(events == expected);
    }
    for (auto& timer : timers)
        timer.reset();
    loop.set_hooks({}, {});
}

BOOST_AUTO_TEST_CASE(time_stands_still_within_a_turn)
{
    RunningLoop running;
    MonoTime before{};
    MonoTime after{};
    Timer timer(running.loop, [&] {
        before = running.loop.mono();
        for (volatile int i = 0; i < 100'000;)
            i = i + 1;
        running.loop.enter();
        after = running.loop.mono();
    });
    timer.start(Millis{2});
    const MonoTime start = running.loop.mono();
    running.until([&] { return after != MonoTime{}; });
    BOOST_TEST((before == after));
    BOOST_TEST((before > start));
    BOOST_TEST((running.loop.wall() > WallTime{Millis{1'500'000'000'000}}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(wakeup)

BOOST_AUTO_TEST_CASE(many_signals_become_one_call)
{
    RunningLoop running;
    int calls = 0;
    Wakeup wakeup(running.loop, [&] { ++calls; });
    running.idle();
    BOOST_TEST(calls == 0);
    for (int i = 0; i < 1'000; ++i)
        wakeup.signal();
    running.until([&] { return calls > 0; });
    running.idle();
    BOOST_TEST(calls == 1);
    wakeup.signal();
    running.until([&] { return calls == 2; });
}

BOOST_AUTO_TEST_CASE(a_signal_whose_wakeup_has_gone_calls_nobody)
{
    RunningLoop running;
    int calls = 0;
    auto wakeup = std::make_unique<Wakeup>(running.loop, [&] { ++calls; });
    wakeup->signal();
    wakeup.reset();
    running.idle();
    BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE(what_was_published_before_a_signal_is_seen_after_the_last_call)
{
    constexpr int kThreads = 3;
    constexpr int kEach = 5'000;
    RunningLoop running;
    std::atomic<int> published{0};
    int seen = 0;
    Wakeup wakeup(running.loop, [&] { seen = published.load(std::memory_order_relaxed); });
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < kEach; ++i) {
                published.fetch_add(1, std::memory_order_relaxed);
                wakeup.signal();
            }
        });
    running.until([&] { return seen == kThreads * kEach; });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mailbox)

BOOST_AUTO_TEST_CASE(values_arrive_in_order_on_the_loop)
{
    RunningLoop running;
    std::string got;
    Mailbox<std::string> mailbox(running.loop, 10, [&](std::string&& value) { got += value; });
    for (const char* value : {"a", "b", "c"})
        BOOST_TEST(mailbox.post(value));
    BOOST_TEST(got == "");
    running.until([&] { return got == "abc"; });
    BOOST_TEST(mailbox.post("d"));
    running.until([&] { return got == "abcd"; });
}

BOOST_AUTO_TEST_CASE(a_full_one_takes_no_more_until_it_is_emptied)
{
    RunningLoop running;
    std::vector<int> got;
    Mailbox<int> mailbox(running.loop, 2, [&](int&& value) { got.push_back(value); });
    BOOST_TEST(mailbox.post(1));
    BOOST_TEST(mailbox.post(2));
    BOOST_TEST(!mailbox.post(3));
    running.until([&] { return got.size() == 2; });
    BOOST_TEST(mailbox.post(4));
    running.until([&] { return got.size() == 3; });
    BOOST_TEST((got == std::vector<int>{1, 2, 4}));
}

BOOST_AUTO_TEST_CASE(a_value_may_be_posted_while_one_is_delivered)
{
    RunningLoop running;
    std::vector<int> got;
    std::unique_ptr<Mailbox<int>> mailbox;
    mailbox = std::make_unique<Mailbox<int>>(running.loop, 2, [&](int&& value) {
        got.push_back(value);
        if (value < 5) BOOST_TEST(mailbox->post(value + 1));
    });
    BOOST_TEST(mailbox->post(1));
    running.until([&] { return got.size() == 5; });
    BOOST_TEST((got == std::vector<int>{1, 2, 3, 4, 5}));
}

BOOST_AUTO_TEST_CASE(one_that_is_destroyed_in_mid_delivery_delivers_no_more)
{
    RunningLoop running;
    int got = 0;
    std::unique_ptr<Mailbox<int>> mailbox;
    mailbox = std::make_unique<Mailbox<int>>(running.loop, 9, [&](int&&) {
        ++got;
        mailbox.reset();
    });
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(mailbox->post(i));
    running.until([&] { return got > 0; });
    running.idle();
    BOOST_TEST(got == 1);
}

BOOST_AUTO_TEST_CASE(each_threads_values_arrive_once_and_in_its_order)
{
    struct Value {
        int thread;
        int number;
    };
    constexpr int kThreads = 3;
    constexpr int kEach = 3'000;
    RunningLoop running;
    std::map<int, int> next;
    int total = 0;
    int wrong = 0;
    Mailbox<Value> mailbox(running.loop, 16, [&](Value&& value) {
        ++total;
        if (next[value.thread]++ != value.number) ++wrong;
    });
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i)
                while (!mailbox.post({t, i}))
                    std::this_thread::yield();
        });
    running.until([&] { return total == kThreads * kEach; });
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(signals)

BOOST_AUTO_TEST_CASE(each_watched_signal_is_told_by_its_number)
{
    RunningLoop running;
    std::vector<int> got;
    const SignalWatcher watcher(running.loop, {SIGUSR1, SIGUSR2},
                                [&](int number) { got.push_back(number); });
    raise(SIGUSR1);
    running.until([&] { return got.size() == 1; });
    raise(SIGUSR2);
    running.until([&] { return got.size() == 2; });
    BOOST_TEST((got == std::vector<int>{SIGUSR1, SIGUSR2}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(resolver)

namespace
{
std::vector<std::string> resolved(const std::string& host)
{
    RunningLoop running;
    int calls = 0;
    std::vector<std::string> texts;
    resolve(running.loop, host, 8080, [&](const std::vector<Address>& found) {
        ++calls;
        for (const Address& address : found)
            texts.push_back(address.text());
    });
    running.until([&] { return calls > 0; });
    running.idle();
    BOOST_TEST(calls == 1);
    return texts;
}
} // namespace

BOOST_AUTO_TEST_CASE(an_ip_address_resolves_to_itself)
{
    BOOST_TEST((resolved("127.0.0.1") == std::vector<std::string>{"127.0.0.1:8080"}));
    BOOST_TEST((resolved("::1") == std::vector<std::string>{"[::1]:8080"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_name_has_no_address)
{
    BOOST_TEST(resolved(std::string(300, 'a')).empty());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::net
