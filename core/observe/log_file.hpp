#pragma once
#include "core/base/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace tidemark::observe
{
// A file, pipe or terminal that lines are appended to. The thread that writes must have SIGPIPE
// blocked or ignored.
class LogFile
{
  public:
    // "-" is standard output, "" takes everything and keeps nothing.
    [[nodiscard]] static Result<std::unique_ptr<LogFile>, std::error_code>
    open(const std::string& path);
    ~LogFile();
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    // How much of `bytes` was written: 0 where a pipe or terminal is full, nothing where writing
    // failed. A regular file blocks as disks do, nothing else ever does.
    [[nodiscard]] std::optional<std::size_t> try_write(std::string_view bytes) noexcept;
    [[nodiscard]] int fd() const noexcept { return fd_; } // to poll for room; -1: off
    [[nodiscard]] bool off() const noexcept { return fd_ < 0; }

  private:
    LogFile(int fd, bool owned, bool regular) : fd_(fd), owned_(owned), regular_(regular) {}
    const int fd_;
    const bool owned_;
    const bool regular_;
};
} // namespace tidemark::observe
