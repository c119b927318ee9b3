#include "bench/demo_site/server.hpp"

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

namespace
{
constexpr const char* kHelp =
    R"(A small web site to try a cache on: harbours and their tides.

Usage: tidemark-demo-site [--listen ADDR:PORT] [--log]

  --listen ADDR:PORT   Where to serve, default 127.0.0.1:8081; port 0 takes any free one
  --log                Print a line for every request
  --help               Print this

Besides its pages (public, max-age=60, with ETag, Last-Modified and Surrogate-Key):
  /slow          answers after two seconds, may be kept
  /counter       may be kept five seconds; stale-while-revalidate
  /private       must not be kept
  /big?bytes=N   N bytes
  /upload        POST: answers length and SHA-256 of what came
)";

int refuse(const std::string& why)
{
    std::fprintf(stderr, "tidemark-demo-site: %s\nTry: tidemark-demo-site --help\n", why.c_str());
    return 2;
}
} // namespace

int main(int argc, char** argv)
{
    using namespace tidemark;
    std::signal(SIGPIPE, SIG_IGN);
    std::string listen = "127.0.0.1:8081";
    demo::ServerOptions options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help" || word == "-h") return std::fputs(kHelp, stdout) < 0;
        if (word == "--log")
            options.log = true;
        else if (word == "--listen" && i + 1 < argc)
            listen = argv[++i];
        else
            return refuse("unknown or incomplete: " + std::string(word));
    }
    const auto where = bench::parse_host_port(listen);
    if (!where) return refuse(where.error());
    const auto address = bench::resolve(*where);
    if (!address) return refuse(address.error());
    const auto listener = bench::listen_on(*address, 0);
    if (!listener) return refuse(listener.error());
    std::printf("listening on %s\n", bench::local_address(*listener).text().c_str());
    std::fflush(stdout);
    demo::Site site;
    demo::serve(*listener, site, options);
}
