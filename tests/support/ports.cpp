#include "tests/support/ports.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace tidemark::support
{
namespace
{
bool free_for_udp(std::uint16_t port)
{
    const FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
}
} // namespace

ReservedPort::ReservedPort(Family family)
{
    endpoint_.family = family;
    socket_ = bound_socket(endpoint_, true);
}

ReservedPort ReservedPort::free_for_udp_too()
{
    constexpr int kTries = 100;
    for (int i = 0; i < kTries; ++i) {
        ReservedPort port;
        if (free_for_udp(port.endpoint().port)) return port;
    }
    throw std::runtime_error("no port is free for TCP and UDP both");
}

BlackHole::BlackHole()
{
    listener_ = listen_on(endpoint_, 0);
    for (FileDescriptor& filler : fillers_) {
        try {
            filler = Socket::connect(endpoint_, soon(std::chrono::milliseconds(200))).release();
        } catch (const Timeout&) {
            return; // the queue is full
        }
    }
    throw std::runtime_error("a queue that never fills");
}
} // namespace tidemark::support
