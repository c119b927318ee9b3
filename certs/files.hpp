#pragma once
#include "core/base/result.hpp"

#include <string>
#include <string_view>

namespace tidemark::certs
{
// The whole of a file of at most 16 MiB.
[[nodiscard]] Result<std::string, std::string> read_file(const std::string& path);
// Replaces `path` in one step and durably; whoever reads it sees the old text or the new one.
[[nodiscard]] Result<void, std::string> write_file(const std::string& path, std::string_view text,
                                                   unsigned mode);

// Held by the one process that changes a folder.
class FolderLock
{
  public:
    [[nodiscard]] static Result<FolderLock, std::string> take(const std::string& folder);
    FolderLock(FolderLock&& other) noexcept;
    ~FolderLock();
    FolderLock& operator=(FolderLock&&) = delete;

  private:
    explicit FolderLock(int fd) noexcept : fd_(fd) {}
    int fd_;
};
} // namespace tidemark::certs
