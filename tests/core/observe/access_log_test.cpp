#include "core/observe/access_log.hpp"

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <poll.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace tidemark;
using namespace tidemark::observe;

namespace
{
class TempDir
{
  public:
    TempDir()
    {
        std::string name =
            (std::filesystem::temp_directory_path() / "tidemark-log-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    [[nodiscard]] std::string file(const char* name) const { return (path_ / name).string(); }

  private:
    std::filesystem::path path_;
};

std::string read(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::unique_ptr<AccessLog> open_log(const std::string& path, AccessLog::Options options = {})
{
    auto log = AccessLog::open(path, options);
    BOOST_REQUIRE(log.has_value());
    return *std::move(log);
}

// A named pipe whose reader reads only when told: a file that is full for as long as a test wants.
class Pipe
{
  public:
    explicit Pipe(const std::string& path)
    {
        BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        fd_ = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        BOOST_REQUIRE(fd_ >= 0);
    }
    ~Pipe() { close(); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void close()
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    // So many bytes, waiting for each; less if a minute brings none.
    std::string read(std::size_t count)
    {
        std::string all;
        std::array<char, 65536> piece{};
        while (all.size() < count) {
            pollfd ready{fd_, POLLIN, 0};
            if (::poll(&ready, 1, 60'000) != 1) break;
            const ssize_t n = ::read(fd_, piece.data(), std::min(piece.size(), count - all.size()));
            if (n <= 0) break;
            all.append(piece.data(), static_cast<std::size_t>(n));
        }
        return all;
    }

  private:
    int fd_ = -1;
};

std::string numbered_line(std::size_t producer, std::size_t n)
{
    return std::to_string(producer) + " " + std::to_string(n) + " " + std::string(n % 97, 'x') +
           "\n";
}

struct Seen {
    std::map<std::size_t, std::size_t> next; // by producer: one past the last number
    std::size_t lines = 0;
};

// Every line must be whole, and the numbers of each producer must grow.
Seen check_lines(const std::string& text)
{
    Seen seen;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line); ++seen.lines) {
        std::istringstream words{line};
        std::size_t producer = 0;
        std::size_t n = 0;
        words >> producer >> n;
        if (line + "\n" != numbered_line(producer, n)) BOOST_FAIL("not a whole line: " + line);
        if (n < seen.next[producer]) BOOST_FAIL("out of order: " + line);
        seen.next[producer] = n + 1;
    }
    return seen;
}
} // namespace

BOOST_AUTO_TEST_SUITE(access_log)

BOOST_AUTO_TEST_CASE(what_is_appended_is_in_the_file_after_a_flush)
{
    const TempDir dir;
    const auto log = open_log(dir.file("log"));
    BOOST_TEST(log->producer(0).append("one\n"));
    BOOST_TEST(log->producer(0).append("two\n"));
    log->flush();
    BOOST_TEST(read(dir.file("log")) == "one\ntwo\n");
    BOOST_TEST(log->counters().appended == 2U);
    BOOST_TEST(log->counters().written_bytes == 8U);
}

BOOST_AUTO_TEST_CASE(what_is_appended_is_in_the_file_after_the_end)
{
    const TempDir dir;
    open_log(dir.file("log"))->producer(0).append("last words\n");
    BOOST_TEST(read(dir.file("log")) == "last words\n");
}

BOOST_AUTO_TEST_CASE(lines_arrive_without_a_flush)
{
    const TempDir dir;
    Pipe pipe{dir.file("pipe")};
    const auto log = open_log(dir.file("pipe"));
    for (int round = 0; round < 100; ++round) { // the writer is met asleep, lingering and awake
        log->producer(0).append("line\n");
        BOOST_REQUIRE(pipe.read(5) == "line\n");
    }
}

BOOST_AUTO_TEST_CASE(an_existing_file_is_continued)
{
    const TempDir dir;
    std::ofstream{dir.file("log")} << "before\n";
    open_log(dir.file("log"))->producer(0).append("after\n");
    BOOST_TEST(read(dir.file("log")) == "before\nafter\n");
}

BOOST_AUTO_TEST_CASE(many_producers_keep_lines_whole_and_in_order)
{
    constexpr std::size_t kProducers = 4;
    constexpr std::size_t kLines = 20'000;
    const TempDir dir;
    auto log = open_log(dir.file("log"), {kProducers, 1 << 14});
    std::latch start{kProducers};
    std::vector<std::thread> threads;
    for (std::size_t p = 0; p < kProducers; ++p)
        threads.emplace_back([&, p] {
            start.arrive_and_wait();
            for (std::size_t n = 0; n < kLines; ++n)
                log->producer(p).append(numbered_line(p, n));
        });
    for (std::thread& thread : threads)
        thread.join();
    log->flush();
    const AccessLogCounters counters = log->counters();
    log.reset();

    const Seen seen = check_lines(read(dir.file("log")));
    BOOST_TEST(counters.appended + counters.dropped == kProducers * kLines);
    BOOST_TEST(seen.lines == counters.appended);
    BOOST_TEST(counters.lost_bytes == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_buffer_drops_and_counts_and_never_blocks)
{
    constexpr std::size_t kLines = 20'000; // far more than the pipe and the buffer hold
    const TempDir dir;
    Pipe pipe{dir.file("pipe")};
    const auto log = open_log(dir.file("pipe"), {1, 1 << 12});
    std::size_t bytes = 0;
    for (std::size_t n = 0; n < kLines; ++n)
        if (log->producer(0).append(numbered_line(0, n))) bytes += numbered_line(0, n).size();
    const AccessLogCounters counters = log->counters();
    BOOST_TEST(counters.dropped > 0U);
    BOOST_TEST(counters.appended > 0U);
    BOOST_TEST(counters.appended + counters.dropped == kLines);
    BOOST_TEST(check_lines(pipe.read(bytes)).lines == counters.appended);
}

BOOST_AUTO_TEST_CASE(a_line_larger_than_the_buffer_is_dropped)
{
    const TempDir dir;
    const auto log = open_log(dir.file("log"), {1, 64});
    BOOST_TEST(!log->producer(0).append(std::string(65, 'a')));
    BOOST_TEST(log->producer(0).append(std::string(63, 'a') + "\n"));
    log->flush();
    BOOST_TEST(read(dir.file("log")).size() == 64U);
}

BOOST_AUTO_TEST_CASE(after_a_rename_a_reopen_splits_the_log_without_losing_a_line)
{
    const TempDir dir;
    const auto log = open_log(dir.file("log"));
    log->producer(0).append("old\n");
    std::filesystem::rename(dir.file("log"), dir.file("log.1"));
    log->producer(0).append("still old\n");
    BOOST_TEST(log->reopen(dir.file("log")).has_value());
    log->producer(0).append("new\n");
    log->flush();
    BOOST_TEST(read(dir.file("log.1")) == "old\nstill old\n");
    BOOST_TEST(read(dir.file("log")) == "new\n");
}

BOOST_AUTO_TEST_CASE(a_reopen_that_fails_leaves_the_old_file)
{
    const TempDir dir;
    const auto log = open_log(dir.file("log"));
    const auto result = log->reopen(dir.file("no/such/folder"));
    BOOST_REQUIRE(!result.has_value());
    BOOST_TEST((result.error() == std::errc::no_such_file_or_directory));
    log->producer(0).append("here\n");
    log->flush();
    BOOST_TEST(read(dir.file("log")) == "here\n");
}

BOOST_AUTO_TEST_CASE(a_log_that_is_off_takes_lines_and_keeps_none)
{
    const TempDir dir;
    const auto log = open_log("");
    BOOST_TEST(log->producer(0).off());
    for (std::size_t n = 0; n < 100; ++n)
        log->producer(0).append(numbered_line(0, n));
    BOOST_TEST(log->reopen(dir.file("log")).has_value());
    BOOST_TEST(!log->producer(0).off());
    log->producer(0).append("on\n");
    log->flush();
    BOOST_TEST(read(dir.file("log")) == "on\n");
    BOOST_TEST(log->counters().written_bytes == 3U);
}

BOOST_AUTO_TEST_CASE(a_pipe_whose_reader_left_loses_lines_and_counts_them)
{
    const TempDir dir;
    Pipe pipe{dir.file("pipe")};
    const auto log = open_log(dir.file("pipe"));
    pipe.close();
    log->producer(0).append("nobody\n");
    log->flush();
    BOOST_TEST(log->counters().lost_bytes == 7U);
    BOOST_TEST(log->counters().written_bytes == 0U);
}

BOOST_AUTO_TEST_CASE(a_reopen_gives_up_a_pipe_that_nobody_reads)
{
    const TempDir dir;
    Pipe pipe{dir.file("pipe")};
    const auto log = open_log(dir.file("pipe"), {1, 1 << 20});
    std::size_t bytes = 0;
    for (std::size_t n = 0; n < 5'000; ++n) {
        BOOST_REQUIRE(log->producer(0).append(numbered_line(0, n)));
        bytes += numbered_line(0, n).size();
    }
    BOOST_TEST(log->reopen(dir.file("log")).has_value());
    log->producer(0).append("new\n");
    log->flush();
    BOOST_TEST(read(dir.file("log")) == "new\n");
    const AccessLogCounters counters = log->counters();
    BOOST_TEST(counters.lost_bytes > 0U);
    BOOST_TEST(counters.lost_bytes + counters.written_bytes == bytes + 4);
}

BOOST_AUTO_TEST_CASE(a_line_that_was_cut_is_ended_before_the_next)
{
    const TempDir dir;
    Pipe pipe{dir.file("pipe")};
    const auto log = open_log(dir.file("pipe"), {1, 1 << 20});
    const std::string line = std::string(98, 'a') + "\n"; // the pipe takes no whole number of them
    for (int n = 0; n < 5'000; ++n)
        BOOST_REQUIRE(log->producer(0).append(line));
    log->flush(); // gives up
    const std::size_t before = log->counters().written_bytes;
    BOOST_REQUIRE(before % line.size() != 0U);
    BOOST_TEST(pipe.read(before).back() == 'a');
    log->producer(0).append("new\n");
    BOOST_TEST(pipe.read(5) == "\nnew\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_opened_is_an_error)
{
    BOOST_TEST(!AccessLog::open("/nonexistent/log", {}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
