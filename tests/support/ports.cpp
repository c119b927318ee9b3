#include "tests/support/ports.hpp"

namespace tidemark::support
{
ReservedPort::ReservedPort(Family family)
{
    endpoint_.family = family;
    socket_ = bound_socket(endpoint_, true);
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
