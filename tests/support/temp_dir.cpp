#include "tests/support/temp_dir.hpp"

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <stdlib.h>

namespace tidemark::support
{
TempDir::TempDir()
{
    std::string name = "/tmp/tidemark-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    root_ = name;
}

TempDir::~TempDir()
{
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

std::string TempDir::write(std::string_view name, std::string_view text) const
{
    std::string target = path(name);
    const std::string draft = target + ".new";
    std::ofstream(draft, std::ios::binary) << text;
    std::filesystem::rename(draft, target);
    return target;
}

std::string text_of_file(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
} // namespace tidemark::support
