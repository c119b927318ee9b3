#include "bench/command_line.hpp"

#include <csignal>
#include <cstdio>

namespace
{
using namespace tidemark::bench;

// One overload per subcommand.
int run(const LoadOptions& options)
{
    return run_load(options);
}
int run(const FloorOptions& options)
{
    return run_floor(options);
}
int run(const PurgeOptions& options)
{
    return run_purge(options);
}
int run(const CommandLineEnd& end)
{
    std::fputs(end.text.c_str(), end.code == 0 ? stdout : stderr);
    return end.code;
}
} // namespace

int main(int argc, char** argv)
{
    std::signal(SIGPIPE, SIG_IGN);
    return std::visit([](const auto& command) { return run(command); },
                      parse_command_line(argc, argv));
}
