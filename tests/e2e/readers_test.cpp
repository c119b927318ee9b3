#include "tests/e2e/fleet.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

// Readers at every edge, an author who changes pages and purges them, and a network that loses,
// delays and cuts: whoever asks after a 200 reads what was written before that purge, or newer.
using namespace tidemark::e2e;
using namespace std::chrono_literals;

namespace
{
constexpr int kPages = 6;
constexpr auto kDuration = 6s;

struct Shared {
    static inline std::unique_ptr<Fleet> fleet;
    Shared()
    {
        const std::vector<std::string> lease{"--lease", "500ms"};
        FleetPlan plan{{{"near", lease},
                        {"shield", lease},
                        {"outer", lease, "shield = true\nupstreams = [\"EDGE(shield)\"]"}}};
        plan.relayed = true;
        fleet = std::make_unique<Fleet>(plan);
    }
    ~Shared() { fleet.reset(); }
};
const Fleet& fleet()
{
    return *Shared::fleet;
}

std::string target_of(int page)
{
    return "/read/" + std::to_string(page);
}
std::string tag_of(int page)
{
    return "read-" + std::to_string(page);
}

// What each page says at the app, and the least that anybody may still read.
struct Book {
    std::array<std::atomic<int>, kPages> written{};
    std::array<std::atomic<int>, kPages> purged{};
    std::atomic<bool> over = false;
    std::atomic<int> reads = 0;
    std::atomic<int> hits = 0;
    std::mutex mutex;
    std::vector<std::string> old; // what nobody should have read

    void serve(FakeOrigin& app)
    {
        for (int page = 0; page < kPages; ++page)
            app.on(target_of(page), [this, page](Exchange& x) {
                const std::string now =
                    std::to_string(written[static_cast<std::size_t>(page)].load());
                // Slow, so that purges overtake it, and different each time.
                std::this_thread::sleep_for(std::chrono::milliseconds(x.nth() * 7 % 20));
                const Fields fields{{"Cache-Control", "max-age=600"},
                                    {"Cache-Tag", tag_of(page)},
                                    {"ETag", "\"" + now + "\""}};
                if (x.request().value("If-None-Match") == "\"" + now + "\"")
                    x.answer(304, fields);
                else
                    x.answer(200, fields, now);
            });
    }
};

class Reader
{
  public:
    Reader(Book& book, std::string edge, unsigned seed)
        : thread_([&book, edge = std::move(edge), seed] { read(book, edge, seed); })
    {
    }
    ~Reader() { thread_.join(); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

  private:
    static void read(Book& book, const std::string& edge, unsigned seed)
    {
        std::mt19937 random(seed);
        try {
            std::optional<RawClient> client;
            while (!book.over) {
                if (!client) client.emplace(fleet().edge(edge).at());
                const int page = static_cast<int>(random() % kPages);
                const int least = book.purged[static_cast<std::size_t>(page)];
                fleet().send_get(*client, target_of(page));
                const Message answer = client->read_response();
                if (answer.value("Connection") == "close") client.reset();
                ++book.reads;
                if (from_store(answer)) ++book.hits;
                if (answer.status() == 200 && std::stoi(answer.body) >= least) continue;
                const std::lock_guard lock(book.mutex);
                book.old.push_back(edge + " answered " + std::to_string(answer.status()) + " " +
                                   answer.body + " where " + std::to_string(least) +
                                   " was purged: " + answer.value("Cache-Status"));
            }
        } catch (const std::exception& error) {
            const std::lock_guard lock(book.mutex);
            book.old.push_back(edge + ": " + error.what());
        }
    }
    std::thread thread_;
};

std::string body_for(int page, unsigned long how)
{
    switch (how) {
    case 0:
        return purge_body("group", {tag_of(page)});
    case 1:
        return R"({"barrier":[)" + purge_of(target_of(page)) + "," + purge_of("/elsewhere") + "]}";
    case 2:
        return purge_body("pattern", {"read/" + std::to_string(page)});
    default:
        return purge_of(target_of(page));
    }
}
} // namespace

BOOST_AUTO_TEST_SUITE(readers, *boost::unit_test::fixture<Shared>())

BOOST_AUTO_TEST_CASE(nobody_reads_what_was_purged_before_he_asked)
{
    constexpr unsigned kSeed = 20261124;
    Book book;
    book.serve(Shared::fleet->app);
    tidemark::bench::PathConditions bad;
    bad.loss = 0.2;
    bad.delay = 1ms;
    bad.jitter = 4ms;
    bad.duplicate = 0.1;
    fleet().relay().set(bad);
    int purges = 0;
    {
        std::deque<Reader> readers;
        for (unsigned i = 0; i < 2; ++i)
            for (const char* edge : {"near", "shield", "outer"})
                readers.emplace_back(book, edge, kSeed + readers.size());
        std::mt19937 random(kSeed);
        const auto until = Clock::now() + kDuration;
        for (int i = 1; Clock::now() < until; ++i) {
            const auto page = random() % kPages;
            std::optional<Cut> cut;
            if (random() % 20 == 0)
                cut.emplace(fleet(), std::array{"near", "shield", "outer"}.at(random() % 3));
            book.written[page] = i;
            const Message answer =
                fleet().origin.purge(body_for(static_cast<int>(page), random() % 5), 20);
            if (answer.status() == 200) book.purged[page] = i;
            BOOST_TEST(answer.status() == 200, answer.body);
            ++purges;
        }
        book.over = true;
    }
    fleet().relay().set({});
    for (const std::string& what : book.old)
        BOOST_ERROR(what);
    BOOST_TEST_MESSAGE(book.reads << " reads, " << book.hits << " hits, " << purges << " purges");
    BOOST_TEST(purges > 20);
    BOOST_TEST(book.reads > 500);
    BOOST_TEST(book.hits > 50); // or nothing was at stake
}

BOOST_AUTO_TEST_SUITE_END()
