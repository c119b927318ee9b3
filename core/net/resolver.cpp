#include "core/net/resolver.hpp"

#include <memory>
#include <netdb.h>

namespace tidemark::net
{
namespace
{
struct Lookup {
    uv_getaddrinfo_t request{};
    Loop* loop = nullptr;
    std::uint16_t port = 0;
    std::function<void(std::vector<Address>)> done;
};

void on_resolved(uv_getaddrinfo_t* request, int status, addrinfo* found)
{
    const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
    lookup->loop->enter();
    std::vector<Address> addresses;
    if (status == 0) {
        for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
            Address address = Address::from(at->ai_addr);
            address.set_port(lookup->port);
            addresses.push_back(std::move(address));
        }
        uv_freeaddrinfo(found);
    }
    lookup->done(std::move(addresses));
}
} // namespace

void resolve(Loop& loop, const std::string& host, std::uint16_t port,
             std::function<void(std::vector<Address>)> done)
{
    auto lookup = std::make_unique<Lookup>();
    lookup->loop = &loop;
    lookup->port = port;
    lookup->done = std::move(done);
    lookup->request.data = lookup.get();
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = AF_UNSPEC;
    if (uv_getaddrinfo(loop.raw(), &lookup->request, &on_resolved, host.c_str(), nullptr, &hints) ==
        0) {
        static_cast<void>(lookup.release()); // on_resolved owns it now
        return;
    }
    lookup->done({});
}
} // namespace tidemark::net
