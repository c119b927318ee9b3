#pragma once
#include "bench/demo_site/site.hpp"
#include "bench/sockets.hpp"

namespace tidemark::demo
{
struct ServerOptions {
    bool log = false; // a line per request on stdout
};

// Serves HTTP/1.1 until the process ends: a thread for each connection, up to a limit; beyond it
// new ones wait to be accepted. Plain and blocking: an origin to try things on, which can afford to
// read every line twice.
[[noreturn]] void serve(const bench::UniqueFd& listener, Site& site, const ServerOptions& options);
} // namespace tidemark::demo
