#include "config/edge_config.hpp"
#include "config/origin_config.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace tidemark::config
{
namespace
{
// Letters, digits, '-', '.' and '_' of the host's name; a name must be a token (RFC 9110 §5.6.2).
std::string host_name()
{
    std::array<char, 256> buffer{};
    if (::gethostname(buffer.data(), buffer.size() - 1) != 0) return "tidemark";
    std::string name;
    for (const char* c = buffer.data(); *c != '\0' && name.size() < 64; ++c)
        name +=
            std::isalnum(static_cast<unsigned char>(*c)) != 0 || *c == '.' || *c == '_' ? *c : '-';
    return name.empty() ? "tidemark" : name;
}

auto unreadable(const std::string& path, std::string why)
{
    return fail(ConfigErrors{{path, 0, 0, std::move(why), {}, {}}});
}

Result<std::string, ConfigErrors> read_file(const std::string& path)
{
    struct stat status {
    };
    if (::stat(path.c_str(), &status) != 0)
        return unreadable(path, std::string{"cannot be read: "} + std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return unreadable(path, "cannot be read: it is no regular file");

    std::ifstream file{path, std::ios::binary};
    std::string text(kConfigBytesMax + 1, '\0');
    if (!file) return unreadable(path, std::string{"cannot be read: "} + std::strerror(errno));
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (file.bad()) return unreadable(path, "cannot be read to its end");
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kConfigBytesMax) return unreadable(path, "is longer than 4MiB");
    return text;
}
} // namespace

Result<EdgeSettings, ConfigErrors> load_edge(const std::optional<std::string>& path,
                                             const EdgeFlags& flags)
{
    if (!path) return parse_edge({}, {}, flags, host_name());
    return read_file(*path).and_then(
        [&](const std::string& text) { return parse_edge(text, *path, flags, host_name()); });
}

Result<OriginSettings, ConfigErrors> load_origin(const std::optional<std::string>& path,
                                                 const OriginFlags& flags)
{
    if (!path) return parse_origin({}, {}, flags);
    return read_file(*path).and_then(
        [&](const std::string& text) { return parse_origin(text, *path, flags); });
}
} // namespace tidemark::config
