#pragma once
#include "core/base/result.hpp"
#include "core/observe/byte_ring.hpp"
#include "core/observe/log_file.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

// The access log: many producers, one thread that writes, and no producer ever waits for a disk.
namespace tidemark::observe
{
struct AccessLogCounters {
    std::uint64_t appended = 0; // calls of append() that were taken
    std::uint64_t dropped = 0;  // and those that were not: the producer's buffer was full
    std::uint64_t written_bytes = 0;
    std::uint64_t lost_bytes = 0; // taken, but the file would not have them
};

class AccessLog
{
  public:
    struct Options {
        std::size_t producers = 1;
        std::size_t buffer_bytes = 1 << 20; // of each producer; a power of two
    };

    // One thread's end of the log, which outlives it.
    class Producer
    {
      public:
        Producer(AccessLog& log, std::size_t buffer_bytes) : log_(log), ring_(buffer_bytes) {}
        // `lines` are whole, each with its '\n'. False: no room; dropped and counted. Never blocks.
        bool append(std::string_view lines) noexcept;
        // Nothing is kept now, so nothing need be formatted.
        [[nodiscard]] bool off() const noexcept
        {
            return log_.off_.load(std::memory_order_relaxed);
        }

      private:
        friend class AccessLog;
        AccessLog& log_;
        ByteRing ring_;
        std::atomic<std::uint64_t> appended_{0};
        std::atomic<std::uint64_t> dropped_{0};
    };

    // Opens `path` for appending and starts the thread: "-" is standard output, "" is off.
    [[nodiscard]] static Result<std::unique_ptr<AccessLog>, std::error_code>
    open(const std::string& path, const Options& options);
    // Flushes and ends the thread. No producer may append any more.
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    [[nodiscard]] Producer& producer(std::size_t index) { return *producers_.at(index); }

    // The following are for one controlling thread. A file that takes nothing for a second is given
    // up by them: what was appended so far is lost and counted.

    // Opens `path` for all that is appended from now on; what was appended before goes to the old
    // file, which on failure stays. Returns when the writer has changed over. (SIGHUP, after the
    // file was renamed; or new settings.)
    [[nodiscard]] Result<void, std::error_code> reopen(const std::string& path);
    // Returns when all that was appended before is written or lost.
    void flush();
    [[nodiscard]] AccessLogCounters counters() const noexcept;

  private:
    enum class Writer : std::uint8_t {
        awake,
        lingering, // lets a batch gather: woken by a buffer half full
        asleep,    // woken by the first line
    };
    enum class Progress : std::uint8_t {
        none,    // nothing to write
        some,    // wrote what there was
        blocked, // the file is full
    };
    AccessLog(std::unique_ptr<LogFile> file, const Options& options);

    // Of the controlling thread and the producers.
    void obey(std::unique_ptr<LogFile> next);
    void wake() noexcept;
    void on_appended(const ByteRing& ring) noexcept;

    // Of the writer.
    void run() noexcept;
    [[nodiscard]] Progress write_all() noexcept;
    [[nodiscard]] bool write_ring(ByteRing& ring) noexcept;
    void give_up(ByteRing& ring) noexcept;
    void give_up_all() noexcept;
    void drain() noexcept;
    void answer_order() noexcept;
    void rest(Progress progress) noexcept;
    [[nodiscard]] bool any_above(std::size_t bytes) const noexcept;

    const int wake_fd_; // an eventfd; readable: look at the order
    std::vector<std::unique_ptr<Producer>> producers_;
    std::atomic<Writer> writer_state_{Writer::awake};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> off_;
    std::atomic<std::uint64_t> written_bytes_{0};
    std::atomic<std::uint64_t> lost_bytes_{0};

    // An order: flush and, if there is one, take the next file.
    std::mutex order_mutex_;
    std::unique_ptr<LogFile> next_file_;
    std::uint64_t ordered_ = 0;
    std::atomic<std::uint64_t> answered_{0};

    std::unique_ptr<LogFile> file_;
    std::size_t current_ = 0;       // the producer whose lines are being written,
    std::size_t current_bytes_ = 0; // and how many bytes of whole lines are left of them
    bool mid_line_ = false;         // a part of a line was written, its rest is still to come,
    bool torn_ = false;             // or was given up: a line end must come first

    std::thread thread_; // last: it begins when all else stands
};
} // namespace tidemark::observe
