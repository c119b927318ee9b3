#include "edge/serve/flight.hpp"
#include "tests/support/stored_response.hpp"

#include <barrier>
#include <boost/test/unit_test.hpp>
#include <condition_variable>
#include <deque>
#include <random>
#include <thread>

// The law of a flight: whoever follows sees exactly the bytes that were appended, and the end, on
// signals alone. Whoever waits without being signalled in time has lost a wake-up.
namespace tidemark::serve
{
namespace
{
using namespace std::chrono_literals;
using test::pattern_bytes;

constexpr auto kDeadline = 20s;

// A worker that does nothing but deliver signals, one thread's.
class FakeWorker final : public Waker
{
  public:
    void wake(std::shared_ptr<Follower> follower) noexcept override
    {
        const std::lock_guard lock(mutex_);
        signalled_.push_back(std::move(follower));
        changed_.notify_one();
    }
    // Waits for signals and delivers them. False: none came in time.
    [[nodiscard]] bool turn()
    {
        std::deque<std::shared_ptr<Follower>> taken;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait_for(lock, kDeadline, [&] { return !signalled_.empty(); }))
                return false;
            taken.swap(signalled_);
        }
        for (const auto& follower : taken)
            follower->deliver();
        return true;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Follower>> signalled_;
};

class Reader final : public Wakeable
{
  public:
    Reader(Flight& flight, std::uint64_t seed)
        : flight_(flight), random_(seed), follower_(std::make_shared<Follower>(worker_, *this))
    {
        flight_.follow(follower_);
        cursor_ = flight_.open();
    }
    ~Reader() { follower_->detach(); }

    // Until the end, or until `leave_after` bytes.
    void run(std::uint64_t leave_after = ~std::uint64_t{0})
    {
        on_wake(); // what was there before it followed
        while (!ended && bytes.size() < leave_after)
            if (!worker_.turn()) {
                lost = true;
                break;
            }
        flight_.leave(*follower_);
    }

    std::string bytes;
    std::optional<FlightPhase> ended;
    bool lost = false;

  private:
    void on_wake() noexcept override
    {
        const FlightPhase phase = flight_.phase(); // before the body: what it promises is there
        if (phase == FlightPhase::waiting) return;
        for (store::Slice slice = take(); slice.chunk; slice = take()) {
            bytes += slice.view();
            follower_->consumed_bytes.store(cursor_->offset_bytes(), std::memory_order_seq_cst);
            flight_.consumed();
        }
        if (phase != FlightPhase::streaming) ended = phase;
    }
    store::Slice take() { return cursor_->next(1 + random_() % 100'000); }

    Flight& flight_;
    std::minstd_rand random_;
    FakeWorker worker_;
    std::shared_ptr<Follower> follower_;
    std::optional<BodyCursor> cursor_;
};

// Sends a body in pieces of random sizes; in a window of `window` bytes if that is not 0.
class Sender final : public Wakeable
{
  public:
    Sender(Flight& flight, std::uint64_t seed, std::uint64_t window = 0)
        : flight_(flight), random_(seed), window_(window),
          owner_(std::make_shared<Follower>(worker_, *this))
    {
        flight_.set_owner(owner_);
    }
    ~Sender()
    {
        flight_.set_owner(nullptr);
        owner_->detach();
    }
    [[nodiscard]] bool send(std::string_view body)
    {
        while (!body.empty()) {
            const std::size_t bytes = std::min<std::size_t>(1 + random_() % 30'000, body.size());
            flight_.append(body.substr(0, bytes));
            body.remove_prefix(bytes);
            if (random_() % 3 != 0) continue; // one signal for many
            flight_.publish();
            if (window_ != 0 && !wait_for_room()) return false;
        }
        flight_.publish();
        return true;
    }

  private:
    void on_wake() noexcept override {}
    bool wait_for_room()
    {
        const auto full = [&] {
            return flight_.appended_bytes() - flight_.slowest_bytes() > window_;
        };
        while (full()) {
            flight_.set_throttled(true);
            if (full() && !worker_.turn()) return false;
            flight_.set_throttled(false);
        }
        return true;
    }
    Flight& flight_;
    std::minstd_rand random_;
    std::uint64_t window_;
    FakeWorker worker_;
    std::shared_ptr<Follower> owner_;
};

void check_whole(const Reader& reader, std::string_view body, FlightPhase end)
{
    BOOST_TEST(!reader.lost);
    BOOST_TEST((reader.bytes == body));
    BOOST_TEST((reader.ended == end));
}
} // namespace

BOOST_AUTO_TEST_SUITE(flight_threads)

BOOST_AUTO_TEST_CASE(every_follower_sees_exactly_the_bytes_and_the_end)
{
    for (std::uint64_t seed = 1; seed <= 24; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            const bool whole = seed % 3 != 0;
            const std::string body = pattern_bytes(seed * 37'123 % 700'000);
            Flight flight({});
            std::vector<std::unique_ptr<Reader>> readers;
            for (std::uint64_t i = 0; i < 3; ++i)
                readers.push_back(std::make_unique<Reader>(flight, seed * 10 + i));
            std::unique_ptr<Reader> late;
            {
                std::vector<std::jthread> threads;
                for (auto& reader : readers)
                    threads.emplace_back([&one = *reader] { one.run(); });
                threads.emplace_back([&] { // comes in mid-body, wherever that is
                    late = std::make_unique<Reader>(flight, seed);
                    late->run();
                });
                Sender sender(flight, seed);
                flight.publish_head({});
                BOOST_TEST(sender.send(body));
                whole ? flight.complete("", nullptr) : flight.cut();
            }
            const FlightPhase end = whole ? FlightPhase::complete : FlightPhase::cut;
            for (const auto& reader : readers)
                check_whole(*reader, body, end);
            check_whole(*late, body, end);
        }
}

BOOST_AUTO_TEST_CASE(in_a_window_a_slow_follower_holds_the_owner_and_neither_sleeps_for_ever)
{
    for (std::uint64_t seed = 1; seed <= 12; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed)
        {
            const std::string body = pattern_bytes(900'000);
            Flight flight({});
            std::vector<std::unique_ptr<Reader>> readers;
            for (std::uint64_t i = 0; i < 3; ++i)
                readers.push_back(std::make_unique<Reader>(flight, seed * 10 + i));
            bool sent = false;
            {
                std::vector<std::jthread> threads;
                threads.emplace_back([&] { readers[0]->run(); });
                threads.emplace_back([&] { readers[1]->run(); });
                threads.emplace_back([&] { readers[2]->run(200'000); }); // leaves in mid-body
                Sender sender(flight, seed, 64 * 1024);
                flight.publish_head({});
                flight.stop_keeping();
                sent = sender.send(body);
                flight.complete("", nullptr);
            }
            BOOST_TEST(sent);
            check_whole(*readers[0], body, FlightPhase::complete);
            check_whole(*readers[1], body, FlightPhase::complete);
            BOOST_TEST(!readers[2]->lost);
            BOOST_TEST(body.starts_with(readers[2]->bytes));
        }
}

BOOST_AUTO_TEST_CASE(of_those_who_come_at_once_exactly_one_leads)
{
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kRounds = 300;
    FlightTable table;
    std::vector<std::atomic<int>> leaders(kRounds);
    std::vector<std::atomic<Flight*>> flights(kRounds);
    std::atomic<int> strangers{0};
    std::barrier round(kThreads);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < kRounds; ++i) {
                round.arrive_and_wait();
                Flight::Start start;
                start.key_hash = i % 7;
                start.key = std::to_string(i);
                const auto joined = table.join(
                    std::move(start), [](const Flight&) { return true; }, nullptr);
                if (joined.leads) {
                    ++leaders[i];
                    flights[i] = joined.flight.get();
                }
                round.arrive_and_wait();
                if (flights[i] != joined.flight.get()) ++strangers;
                if (joined.leads) table.remove(*joined.flight);
            }
        });
    threads.clear();
    for (const auto& count : leaders)
        BOOST_TEST(count.load() == 1);
    BOOST_TEST(strangers.load() == 0);
    BOOST_TEST(table.size() == 0U);
}

BOOST_AUTO_TEST_CASE(while_flights_come_and_go_a_key_never_has_two)
{
    constexpr int kKeys = 3;
    FlightTable table;
    std::atomic<int> flying[kKeys] = {};
    std::atomic<int> twice{0};
    std::atomic<int> led{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 5'000; ++i) {
                const int key = (i + t) % kKeys;
                Flight::Start start;
                start.key = std::to_string(key);
                const auto joined = table.join(
                    std::move(start), [](const Flight&) { return true; }, nullptr);
                if (!joined.leads) continue;
                ++led;
                if (flying[key].fetch_add(1) != 0) ++twice;
                flying[key].fetch_sub(1); // before another may lead
                table.remove(*joined.flight);
            }
        });
    threads.clear();
    BOOST_TEST(twice.load() == 0);
    BOOST_TEST(led.load() > 0);
    BOOST_TEST(table.size() == 0U);
}

BOOST_AUTO_TEST_CASE(key_memory_never_mixes_two_keys_up)
{
    constexpr WallTime kNow{Millis{784'111'777'000}};
    constexpr std::uint64_t kOther = std::uint64_t{1} << 40; // the same place, another key
    KeyMemory memory;
    std::atomic<int> wrong{0};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&, t] {
            const bool first = t == 0;
            const std::uint64_t hash = first ? 7 : 7 | kOther;
            const auto kind = first ? KeyMemory::Kind::uncacheable : KeyMemory::Kind::large;
            for (int i = 0; i < 20'000; ++i) {
                memory.remember(hash, kind, kNow + 60s);
                const auto found = memory.recall(hash, kNow);
                if (found != kind && found != KeyMemory::Kind::none) ++wrong;
                if (i % 5 == 0) memory.forget(hash);
            }
        });
    threads.clear();
    BOOST_TEST(wrong.load() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::serve
