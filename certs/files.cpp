#include "certs/files.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tidemark::certs
{
namespace
{
constexpr std::size_t kFileBytesMax = 16 << 20;

class Descriptor
{
  public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] bool ok() const noexcept { return fd_ >= 0; }

  private:
    int fd_;
};

auto failed(const std::string& path, const char* what)
{
    return fail(path + ": " + what + ": " + std::strerror(errno));
}

bool write_all(int fd, std::string_view text) noexcept
{
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// The name itself is in the folder, and the folder must reach the disk too.
bool sync_folder_of(const std::string& path) noexcept
{
    const auto parent = std::filesystem::path(path).parent_path();
    const Descriptor folder(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.ok() && ::fsync(folder.get()) == 0;
}
} // namespace

Result<std::string, std::string> read_file(const std::string& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.ok()) return failed(path, "cannot be read");
    std::string text;
    char piece[16 << 10];
    for (;;) {
        const ssize_t n = ::read(file.get(), piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path, "cannot be read");
        if (n == 0) return text;
        text.append(piece, static_cast<std::size_t>(n));
        if (text.size() > kFileBytesMax) return fail(path + ": is longer than 16MiB");
    }
}

Result<void, std::string> write_file(const std::string& path, std::string_view text, unsigned mode)
{
    const std::string fresh = path + ".new";
    ::unlink(fresh.c_str()); // of a run that was broken off
    const Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!file.ok()) return failed(fresh, "cannot be made");
    if (::fchmod(file.get(), mode) != 0 || !write_all(file.get(), text) ||
        ::fsync(file.get()) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
        auto error = failed(path, "cannot be written");
        ::unlink(fresh.c_str());
        return error;
    }
    if (!sync_folder_of(path)) return failed(path, "cannot be synced");
    return {};
}

Result<FolderLock, std::string> FolderLock::take(const std::string& folder)
{
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed(folder, "cannot be opened");
    FolderLock lock(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
        return fail(folder + ": another process is changing it");
    return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock()
{
    if (fd_ >= 0) ::close(fd_);
}
} // namespace tidemark::certs
