#include "config/check.hpp"
#include "config/edge_config.hpp"
#include "config/origin_config.hpp"
#include "config/table_reader.hpp"

#include <algorithm>
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

FileKind kind_of(std::string_view toml)
{
    const auto table = parse_toml(toml, {});
    if (!table) return FileKind::edge;
    const auto has = [&](std::string_view key) { return table->contains(key); };
    constexpr std::array<std::string_view, 4> kOrigins = {"link", "retention", "heartbeat",
                                                          "lease_max"};
    constexpr std::array<std::string_view, 2> kEdges = {"site", "listen"};
    return std::ranges::any_of(kOrigins, has) && std::ranges::none_of(kEdges, has)
               ? FileKind::origin
               : FileKind::edge;
}

Result<FileKind, ConfigErrors> check_file(const std::string& path)
{
    return read_file(path).and_then([&](const std::string& text) -> Result<FileKind, ConfigErrors> {
        if (kind_of(text) == FileKind::origin)
            return parse_origin(text, path, {}).map([](const auto&) { return FileKind::origin; });
        return parse_edge(text, path, {}, host_name()).map([](const auto&) {
            return FileKind::edge;
        });
    });
}
} // namespace tidemark::config
