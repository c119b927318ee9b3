#pragma once
#include <cstdint>

namespace tidemark::purge
{
// What a selector selects by. The numbers are part of the wire form.
enum class Scope : std::uint8_t {
    url = 1,
    tag = 2,
    prefix = 3,
    host = 4,
    pattern = 5,
    all = 6,
    origin = 7
};
} // namespace tidemark::purge
