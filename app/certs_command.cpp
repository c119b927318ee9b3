#include "app/certs_command.hpp"

#include "certs/authority.hpp"

#include <cstdio>
#include <ctime>

namespace tidemark::app
{
namespace
{
using Action = CertsCommand::Action;

Result<void, std::string> change(const CertsCommand& command, WallTime now)
{
    const std::string& folder = command.folder;
    switch (command.action) {
    case Action::init:
        return certs::init(folder, command.names, now);
    case Action::add:
        return certs::add(folder, command.names, now);
    case Action::renew:
        return command.names.empty() ? certs::renew_all(folder, now)
                                     : certs::renew(folder, command.names, now);
    case Action::revoke:
        return certs::revoke(folder, command.names.front(), now);
    case Action::show:
        break;
    }
    return {};
}

std::string day_of(WallTime time)
{
    const std::time_t seconds = since_epoch(time).count();
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[32];
    const std::size_t bytes = std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return {text, bytes};
}

std::string state_of(const certs::Issued& one, WallTime now)
{
    std::string state = one.revoked ? "revoked" : one.expires < now ? "expired" : "valid";
    if (one.replaced) state += ", replaced";
    return state;
}

int failed(const std::string& why)
{
    std::fprintf(stderr, "tidemark certs: %s\n", why.c_str());
    return 1;
}

int show(const std::string& folder, WallTime now)
{
    const auto issued = certs::list(folder);
    if (!issued) return failed(issued.error());
    std::printf("%-20s %-8s %-34s %-11s %s\n", "NAME", "ROLE", "SERIAL", "EXPIRES", "STATE");
    for (const certs::Issued& one : *issued)
        std::printf("%-20s %-8s %-34s %-11s %s\n", one.name.c_str(), one.role.c_str(),
                    one.serial.c_str(), day_of(one.expires).c_str(), state_of(one, now).c_str());
    return 0;
}

void say_done(const CertsCommand& command)
{
    const char* folder = command.folder.c_str();
    if (command.action == Action::init)
        std::printf("made a CA in %s, with the origin's certificate and those of %zu edge(s)\n"
                    "give each edge ca.pem, crl.pem and its own two files; keep ca.key to "
                    "yourself\n",
                    folder, command.names.size());
    else if (command.action == Action::revoke)
        std::printf("revoked \"%s\" in %s/crl.pem; the origin needs the new list\n",
                    command.names.front().c_str(), folder);
    else
        std::printf("written to %s\n", folder);
}
} // namespace

int run_certs(const CertsCommand& command, WallTime now)
{
    if (command.action == Action::show) return show(command.folder, now);
    if (const auto done = change(command, now); !done) return failed(done.error());
    say_done(command);
    return 0;
}
} // namespace tidemark::app
