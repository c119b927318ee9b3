#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace tidemark::support
{
// A directory of its own, gone with all it holds when this goes. Short enough for unix socket
// paths.
class TempDir
{
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] std::string path(std::string_view name) const { return (root_ / name).string(); }
    // Writes a file; what was there is replaced in one step, as an editor does it.
    [[nodiscard]] std::string write(std::string_view name, std::string_view text) const;

  private:
    std::filesystem::path root_;
};

// Everything in the file, "" if there is none.
[[nodiscard]] std::string text_of_file(const std::string& path);
} // namespace tidemark::support
