#include "app/admin_client.hpp"
#include "app/certs_command.hpp"
#include "app/command_line.hpp"
#include "app/edge_daemon.hpp"
#include "app/journal_command.hpp"
#include "app/origin_daemon.hpp"
#include "app/token_command.hpp"
#include "config/check.hpp"
#include "core/net/loop.hpp"

#include <chrono>
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
    const auto kind = config::check_file(check.config);
    if (kind) {
        std::printf("%s: ok\n", check.config.c_str());
        return 0;
    }
    for (const config::ConfigError& error : kind.error())
        std::fprintf(stderr, "%s\n", config::text_of(error).c_str());
    return 1;
}

int run(const app::EdgeCommand& edge)
{
    return app::run_edge(edge, TIDEMARK_VERSION);
}

int run(const app::OriginCommand& origin)
{
    return app::run_origin(origin, TIDEMARK_VERSION);
}

int run(const app::PurgeCommand& purge)
{
    return app::run_purge(purge);
}

int run(const app::PushCommand& push)
{
    return app::run_push(push);
}

int run(const app::UndoCommand& undo)
{
    return app::run_undo(undo);
}

int run(const app::JournalCommand& journal)
{
    return app::run_journal(journal);
}

int run(const app::StatusCommand& status)
{
    return app::run_status(status);
}

int run(const app::CertsCommand& certs)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return app::run_certs(certs, WallTime{std::chrono::duration_cast<Millis>(now)});
}

int run(const app::TokenHashCommand&)
{
    return app::run_token_hash();
}

} // namespace

int main(int argc, char** argv)
{
    net::ignore_broken_pipes();
    const app::Command command =
        app::parse_command_line(argc, argv, TIDEMARK_VERSION,
                                {std::getenv("TIDEMARK_ADMIN"), std::getenv("TIDEMARK_TOKEN")});
    return std::visit([](const auto& one) { return run(one); }, command);
}
