#pragma once
#include "core/net/address.hpp"
#include "core/net/loop.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tidemark::net
{
// Looks `host` up on libuv's own threads and calls `done` once on the loop, with no address if
// there is none. An IP address (without brackets) resolves to itself.
void resolve(Loop& loop, const std::string& host, std::uint16_t port,
             std::function<void(std::vector<Address>)> done);
} // namespace tidemark::net
