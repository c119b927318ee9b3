#include "core/observe/access_log.hpp"

#include "core/base/check.hpp"

#include <csignal>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace tidemark::observe
{
namespace
{
constexpr int kLingerMillis = 20;   // a line is in the file that soon
constexpr int kGiveUpMillis = 1000; // a file that takes nothing for so long is given up by an order

// Counters with one writer: no locked instruction.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t n) noexcept
{
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

// Signals are for the other threads: a writer to a closed pipe gets an error instead.
template <class Start> std::thread without_signals(Start start)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread{start};
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}
} // namespace

Result<std::unique_ptr<AccessLog>, std::error_code> AccessLog::open(const std::string& path,
                                                                    const Options& options)
{
    return LogFile::open(path).map([&](std::unique_ptr<LogFile> file) {
        return std::unique_ptr<AccessLog>{new AccessLog(std::move(file), options)};
    });
}

AccessLog::AccessLog(std::unique_ptr<LogFile> file, const Options& options)
    : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), off_(file->off()), file_(std::move(file))
{
    TIDEMARK_CHECK(options.producers > 0);
    if (wake_fd_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
    for (std::size_t i = 0; i < options.producers; ++i)
        producers_.push_back(std::make_unique<Producer>(*this, options.buffer_bytes));
    thread_ = without_signals([this] { run(); });
}

AccessLog::~AccessLog()
{
    stopping_.store(true);
    wake();
    thread_.join();
    ::close(wake_fd_);
}

bool AccessLog::Producer::append(std::string_view lines) noexcept
{
    const bool fits = ring_.put(lines);
    add(fits ? appended_ : dropped_, 1);
    if (fits) log_.on_appended(ring_);
    return fits;
}

// Both sides publish before they look (sequentially consistent): either this producer sees that the
// writer rests, or the writer sees these bytes before it does.
void AccessLog::on_appended(const ByteRing& ring) noexcept
{
    const Writer state = writer_state_.load();
    if (state == Writer::awake) return;
    if (state == Writer::lingering && ring.used() <= ring.capacity() / 2) return;
    if (writer_state_.exchange(Writer::awake) != Writer::awake) wake();
}

void AccessLog::wake() noexcept
{
    const std::uint64_t one = 1;
    // It fails only where the count is full, and then the writer is woken anyway.
    static_cast<void>(!::write(wake_fd_, &one, sizeof one));
}

void AccessLog::obey(std::unique_ptr<LogFile> next)
{
    std::uint64_t mine = 0;
    {
        const std::lock_guard lock{order_mutex_};
        next_file_ = std::move(next);
        mine = ++ordered_;
    }
    wake();
    for (auto done = answered_.load(); done < mine; done = answered_.load())
        answered_.wait(done);
}

Result<void, std::error_code> AccessLog::reopen(const std::string& path)
{
    return LogFile::open(path).map([&](std::unique_ptr<LogFile> file) { obey(std::move(file)); });
}

void AccessLog::flush()
{
    obey(nullptr);
}

AccessLogCounters AccessLog::counters() const noexcept
{
    AccessLogCounters sum;
    for (const auto& producer : producers_) {
        sum.appended += producer->appended_.load(std::memory_order_relaxed);
        sum.dropped += producer->dropped_.load(std::memory_order_relaxed);
    }
    sum.written_bytes = written_bytes_.load(std::memory_order_relaxed);
    sum.lost_bytes = lost_bytes_.load(std::memory_order_relaxed);
    return sum;
}

void AccessLog::run() noexcept
{
    while (!stopping_.load()) {
        rest(write_all());
        answer_order();
    }
    drain();
}

// One round over the producers, each from where its lines began to the last that was there when its
// turn came.
AccessLog::Progress AccessLog::write_all() noexcept
{
    bool wrote = false;
    for (std::size_t turn = 0; turn < producers_.size(); ++turn) {
        ByteRing& ring = producers_[current_]->ring_;
        if (current_bytes_ == 0) current_bytes_ = ring.used();
        wrote = wrote || current_bytes_ > 0;
        while (current_bytes_ > 0)
            if (!write_ring(ring)) return Progress::blocked;
        current_ = (current_ + 1) % producers_.size();
    }
    return wrote ? Progress::some : Progress::none;
}

// Writes a piece of the current producer's lines. False: the file is full.
bool AccessLog::write_ring(ByteRing& ring) noexcept
{
    if (torn_) {
        const auto mended = file_->try_write("\n");
        if (!mended) give_up(ring);
        if (!mended || *mended == 0) return !mended;
        torn_ = false;
    }
    const std::string_view piece = ring.peek()[0].substr(0, current_bytes_);
    const auto written = file_->try_write(piece);
    if (!written) give_up(ring);
    if (!written || *written == 0) return !written;

    if (!file_->off()) add(written_bytes_, *written);
    mid_line_ = piece[*written - 1] != '\n';
    ring.take(*written);
    current_bytes_ -= *written;
    return true;
}

void AccessLog::give_up(ByteRing& ring) noexcept
{
    torn_ = torn_ || mid_line_;
    mid_line_ = false;
    add(lost_bytes_, current_bytes_);
    ring.take(current_bytes_);
    current_bytes_ = 0;
}

void AccessLog::give_up_all() noexcept
{
    for (std::size_t turn = 0; turn < producers_.size(); ++turn) {
        ByteRing& ring = producers_[current_]->ring_;
        current_bytes_ = ring.used();
        give_up(ring);
        current_ = (current_ + 1) % producers_.size();
    }
}

// Everything that was there at the call is written or given up. The first round may begin amid a
// producer's lines, with newer ones behind those it still counts: hence the second.
void AccessLog::drain() noexcept
{
    for (int rounds = 0; rounds < 2;) {
        if (write_all() != Progress::blocked) {
            ++rounds;
            continue;
        }
        pollfd room{file_->fd(), POLLOUT, 0};
        if (::poll(&room, 1, kGiveUpMillis) == 0) return give_up_all();
    }
}

void AccessLog::answer_order() noexcept
{
    std::unique_ptr<LogFile> next;
    std::uint64_t order = 0;
    {
        const std::lock_guard lock{order_mutex_};
        if (ordered_ == answered_.load()) return;
        order = ordered_;
        next = std::move(next_file_);
    }
    drain();
    if (next) {
        off_.store(next->off());
        file_ = std::move(next);
        torn_ = mid_line_ = false;
    }
    answered_.store(order);
    answered_.notify_all();
}

bool AccessLog::any_above(std::size_t bytes) const noexcept
{
    for (const auto& producer : producers_)
        if (producer->ring_.used() > bytes) return true;
    return false;
}

void AccessLog::rest(Progress progress) noexcept
{
    pollfd events[] = {{wake_fd_, POLLIN, 0}, {file_->fd(), POLLOUT, 0}};
    const bool blocked = progress == Progress::blocked;
    if (!blocked) {
        const bool linger = progress == Progress::some;
        writer_state_.store(linger ? Writer::lingering : Writer::asleep);
        const std::size_t enough = linger ? producers_.front()->ring_.capacity() / 2 : 0;
        if (!any_above(enough)) ::poll(events, 1, linger ? kLingerMillis : -1);
    } else
        ::poll(events, 2, -1);
    writer_state_.store(Writer::awake);
    std::uint64_t count = 0;
    static_cast<void>(!::read(wake_fd_, &count, sizeof count));
}
} // namespace tidemark::observe
