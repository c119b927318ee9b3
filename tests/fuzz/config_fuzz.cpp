#include "config/edge_config.hpp"
#include "core/base/check.hpp"

#include <algorithm>
#include <cstddef>

// A settings file of any bytes is refused with printable errors, or gives settings that hold
// together. The first line is given to each flag as well.
namespace
{
using namespace tidemark;
using namespace tidemark::config;

void check_errors(const ConfigErrors& errors)
{
    TIDEMARK_CHECK(!errors.empty());
    for (const ConfigError& error : errors) {
        const std::string text = text_of(error);
        TIDEMARK_CHECK(!error.message.empty());
        TIDEMARK_CHECK(std::none_of(text.begin(), text.end(),
                                    [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
    }
}

void check_settings(const EdgeSettings& settings)
{
    TIDEMARK_CHECK(!settings.name.empty());
    TIDEMARK_CHECK(!settings.listen.empty());
    TIDEMARK_CHECK(!settings.sites.empty());
    TIDEMARK_CHECK(settings.limits.max_object_bytes <= settings.memory_bytes / 4);
    TIDEMARK_CHECK(settings.limits.range_fetch_bytes <= settings.limits.max_object_bytes);
    TIDEMARK_CHECK(!settings.admin || settings.admin_allow_remote || is_loopback(*settings.admin));
    for (const SiteSettings& site : settings.sites) {
        TIDEMARK_CHECK(!site.upstreams.empty());
        for (const PathRule& rule : site.paths)
            TIDEMARK_CHECK(!rule.match.empty());
    }
    for (const Address& address : settings.listen)
        TIDEMARK_CHECK(parse_listen_address(text_of(address)) == address);
}

void try_parse(std::string_view toml, const EdgeFlags& flags)
{
    const auto settings = parse_edge(toml, "edge.toml", flags, "host");
    if (settings)
        check_settings(*settings);
    else
        check_errors(settings.error());
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    EdgeFlags flags;
    try_parse(text, flags);

    const std::string line{text.substr(0, text.find('\n'))};
    flags.listen = {line, ":1"};
    flags.upstream = {line, "http://a"};
    flags.admin = flags.workers = flags.memory = flags.name = line;
    flags.access_log = flags.log_level = line;
    try_parse({}, flags);
    flags = EdgeFlags{};
    flags.listen = {":1"};
    flags.upstream = {"http://a"};
    try_parse(text, flags);
    return 0;
}
