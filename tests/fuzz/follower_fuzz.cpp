#include "core/base/check.hpp"
#include "edge/follow/follower.hpp"

#include <algorithm>

// Arbitrary bytes on the control stream, before the welcome and after it, and as datagrams: the
// follower never crashes; datagrams that are not authentic change nothing; only whole, checked
// records of the journal are applied, and what is acknowledged was applied.
using namespace tidemark;

namespace
{
purge::DatagramKey key_of(purge::Direction direction, std::uint16_t epoch)
{
    purge::DatagramKey key{};
    key[0] = static_cast<std::uint8_t>(direction);
    key[1] = static_cast<std::uint8_t>(epoch);
    return key;
}
purge::Now at(std::int64_t millis)
{
    return {MonoTime{Millis{millis}}, BootTime{Millis{millis}}, WallTime{Millis{millis}}};
}
struct Applied final : follow::Applier {
    void apply(std::span<const purge::Message> messages, purge::Now /*now*/) override
    {
        for (const purge::Message& message : messages)
            TIDEMARK_CHECK(!purge::fault_of(message));
        ++changes;
    }
    void load(const purge::CompactState& /*state*/, purge::Now /*now*/) override { ++changes; }
    void reset(purge::JournalId /*journal*/, purge::Now /*now*/) override { ++changes; }
    void cap(purge::Version /*agreed*/, purge::Now /*now*/) override { ++changes; }
    void hear(purge::Version /*version*/) override { ++changes; }
    void fence_key(const purge::FenceKey& /*key*/) override { ++changes; }
    unsigned changes = 0;
};
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 1) return 0;
    const ByteView bytes{reinterpret_cast<const char*>(data), size};
    Applied applied;
    follow::FollowerSettings settings;
    settings.name = "a";
    follow::Restored restored;
    restored.journal = 0x7469646D61726B31;
    restored.tree = purge::DigestTree{};
    for (purge::Version v = 1; v <= 600; ++v)
        restored.tree.append(v, {v, v});
    restored.applied.add_through(600);
    follow::Follower follower{settings, std::move(restored), applied};
    follower.on_connected(key_of, at(1000));
    if ((bytes[0] & 1) != 0) {
        purge::Welcome welcome;
        welcome.journal = 0x7469646D61726B31;
        welcome.mark = 600;
        welcome.link = 9;
        welcome.epoch = 1;
        Bytes frame;
        ByteWriter to{frame};
        purge::encode_frame(welcome, to);
        follower.on_bytes(frame, at(1001));
        TIDEMARK_CHECK(follower.linked());
    }
    const std::size_t step = 1 + static_cast<std::uint8_t>(bytes[0]);
    std::int64_t now = 1002;
    for (std::size_t i = 1; i < bytes.size(); i += step, ++now) {
        const ByteView piece = bytes.substr(i, step);
        static_cast<void>(follower.take_actions());
        const unsigned before = applied.changes;
        follower.on_datagram(piece, at(now));
        TIDEMARK_CHECK(applied.changes == before && follower.take_actions().empty());
        follower.on_bytes(piece, at(now));
        follower.on_time(at(now));
    }
    follower.on_time(at(now + 10'000));
    TIDEMARK_CHECK(follower.heard() >= follower.contiguous());
    follower.on_closed(at(now + 10'001));
    return 0;
}
