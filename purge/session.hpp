#pragma once
#include "core/base/time.hpp"
#include "purge/datagram.hpp"
#include "purge/lease.hpp"

#include <cstdint>
#include <functional>

// What both ends of a link need besides frames.
namespace tidemark::purge
{
// One moment, read once per event: after the event's bytes.
struct Now {
    MonoTime mono;
    BootTime boot;
    WallTime wall;
};

enum class Direction : std::uint8_t { to_edge = 1, to_origin = 2 };

// The datagram keys of a control stream: RFC 8446 §7.5 exporter with kKeyLabel and, as context,
// 1 direction, 2 epoch. In the simulator any function of the two.
inline constexpr char kKeyLabel[] = "EXPORTER-tidemark-datagram";
using KeyExporter = std::function<DatagramKey(Direction, std::uint16_t epoch)>;
} // namespace tidemark::purge
