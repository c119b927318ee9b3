#include "app/admin_client.hpp"
#include "app/command_line.hpp"
#include "app/edge_daemon.hpp"
#include "core/net/loop.hpp"

#include <cstdio>
#include <cstdlib>

namespace
{
using namespace tidemark;

int run(const app::Say& say)
{
    std::fputs(say.text.c_str(), say.exit_code == 0 ? stdout : stderr);
    return say.exit_code;
}

int run(const app::CheckCommand& check)
{
    const auto settings = config::load_edge(check.config, {});
    if (settings) {
        std::printf("%s: ok\n", check.config.c_str());
        return 0;
    }
    for (const config::ConfigError& error : settings.error())
        std::fprintf(stderr, "%s\n", config::text_of(error).c_str());
    return 1;
}

int run(const app::EdgeCommand& edge)
{
    return app::run_edge(edge, TIDEMARK_VERSION);
}

int run(const app::PurgeCommand& purge)
{
    return app::run_purge(purge);
}

int run(const app::StatusCommand& status)
{
    return app::run_status(status);
}
} // namespace

int main(int argc, char** argv)
{
    net::ignore_broken_pipes();
    const app::Command command =
        app::parse_command_line(argc, argv, TIDEMARK_VERSION, std::getenv("TIDEMARK_ADMIN"));
    return std::visit([](const auto& one) { return run(one); }, command);
}
