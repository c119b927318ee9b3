#pragma once
#include "core/base/result.hpp"
#include "purge/message.hpp"

#include <optional>
#include <string>

// A small file beside the journal that says how far it had come: 4 crc32c of what follows, 8 id,
// 8 version. Written after each commit and never synced, so it may lag but never lead. A journal
// that ends before it lost versions that were acknowledged.
namespace tidemark::journal
{
class MarkFile
{
  public:
    struct Mark {
        purge::JournalId id = 0;
        purge::Version version = 0;
    };
    MarkFile() = default;
    ~MarkFile();
    MarkFile(MarkFile&& other) noexcept;
    MarkFile& operator=(MarkFile&& other) noexcept;

    [[nodiscard]] static Result<MarkFile, std::string> open(const std::string& path);
    // Nothing: there was none, or it is damaged.
    [[nodiscard]] std::optional<Mark> read() const;
    void write(const Mark& mark) noexcept; // a failure only makes it lag

  private:
    int descriptor_ = -1;
};

// One daemon per directory: holds DIRECTORY/lock as long as it lives. Makes the directory.
class DirectoryLock
{
  public:
    DirectoryLock() = default;
    ~DirectoryLock();
    DirectoryLock(DirectoryLock&& other) noexcept;
    DirectoryLock& operator=(DirectoryLock&& other) noexcept;
    [[nodiscard]] static Result<DirectoryLock, std::string> take(const std::string& directory);

  private:
    int descriptor_ = -1;
};
} // namespace tidemark::journal
