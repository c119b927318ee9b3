#include "core/observe/log_file.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidemark::observe
{
namespace
{
bool is_regular(int fd) noexcept
{
    struct stat status {
    };
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool has_room(int fd) noexcept
{
    pollfd room{fd, POLLOUT, 0};
    return ::poll(&room, 1, 0) > 0;
}
} // namespace

Result<std::unique_ptr<LogFile>, std::error_code> LogFile::open(const std::string& path)
{
    if (path.empty()) return std::unique_ptr<LogFile>{new LogFile(-1, false, false)};
    if (path == "-")
        return std::unique_ptr<LogFile>{
            new LogFile(STDOUT_FILENO, false, is_regular(STDOUT_FILENO))};
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (fd < 0) return fail(std::error_code{errno, std::generic_category()});
    return std::unique_ptr<LogFile>{new LogFile(fd, true, is_regular(fd))};
}

LogFile::~LogFile()
{
    if (owned_) ::close(fd_);
}

std::optional<std::size_t> LogFile::try_write(std::string_view bytes) noexcept
{
    if (off()) return bytes.size();
    // A pipe that polls writable takes PIPE_BUF bytes at once (pipe(7)); standard output is not
    // ours to make non-blocking, others share it.
    if (!regular_ && !has_room(fd_)) return 0;
    const std::size_t most =
        regular_ ? bytes.size() : std::min<std::size_t>(bytes.size(), PIPE_BUF);
    ssize_t written = 0;
    do
        written = ::write(fd_, bytes.data(), most);
    while (written < 0 && errno == EINTR);
    if (written < 0 && errno == EAGAIN) return 0;
    if (written <= 0) return std::nullopt;
    return static_cast<std::size_t>(written);
}
} // namespace tidemark::observe
