#include "journal/mark_file.hpp"

#include "core/base/bytes.hpp"
#include "core/base/crc32c.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tidemark::journal
{
namespace
{
constexpr std::size_t kMarkBytes = 20;
constexpr std::size_t kChecksumBytes = 4;
constexpr mode_t kOwnerOnly = 0600;

auto refused(const std::string& path)
{
    return fail(path + ": " + std::strerror(errno));
}
} // namespace

MarkFile::~MarkFile()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}
MarkFile::MarkFile(MarkFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
MarkFile& MarkFile::operator=(MarkFile&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

Result<MarkFile, std::string> MarkFile::open(const std::string& path)
{
    MarkFile file;
    file.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
    if (file.descriptor_ < 0) return refused(path);
    return file;
}

std::optional<MarkFile::Mark> MarkFile::read() const
{
    Bytes bytes(kMarkBytes, '\0');
    const ssize_t count = ::pread(descriptor_, bytes.data(), bytes.size(), 0);
    if (count != static_cast<ssize_t>(kMarkBytes)) return std::nullopt;
    ByteReader from{bytes};
    if (from.u32() != crc32c(ByteView{bytes}.substr(kChecksumBytes))) return std::nullopt;
    const purge::JournalId id = from.u64();
    return Mark{id, from.u64()};
}

void MarkFile::write(const Mark& mark) noexcept
{
    Bytes body;
    ByteWriter to{body};
    to.u64(mark.id);
    to.u64(mark.version);
    Bytes bytes;
    ByteWriter{bytes}.u32(crc32c(body));
    bytes += body;
    [[maybe_unused]] const ssize_t count = ::pwrite(descriptor_, bytes.data(), bytes.size(), 0);
}

DirectoryLock::~DirectoryLock()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}
DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1))
{
}
DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept
{
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

Result<DirectoryLock, std::string> DirectoryLock::take(const std::string& directory)
{
    std::error_code failed;
    const bool there = std::filesystem::is_directory(directory, failed);
    const std::filesystem::path parent = std::filesystem::path(directory).parent_path();
    if (!there && !parent.empty()) std::filesystem::create_directories(parent, failed);
    if (!there && ::mkdir(directory.c_str(), 0700) != 0) return refused(directory);
    const std::string path = directory + "/lock";
    DirectoryLock lock;
    lock.descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
    if (lock.descriptor_ < 0) return refused(path);
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? fail(directory + ": another tidemark is using it")
                                    : refused(path);
    return lock;
}
} // namespace tidemark::journal
