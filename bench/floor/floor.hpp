#pragma once
#include <cstdint>
#include <string>

// `tidemark-bench floor`: what answering a request costs when nothing is done for it. One thread,
// one epoll set, one recv and one send; the head is not parsed, only its end is looked for, and the
// answer is always the same bytes. A server that does more can only be slower; how much slower is
// what the comparison with it shows.
namespace tidemark::bench
{
struct FloorOptions {
    std::string listen; // ADDRESS:PORT; port 0: any free one, which the first line on stdout names
    std::uint64_t body_bytes = 1024;
};

// Serves until a signal ends the process. Returns 2 if it cannot listen.
[[nodiscard]] int run_floor(const FloorOptions& options);
} // namespace tidemark::bench
