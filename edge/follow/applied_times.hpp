#pragma once
#include "core/base/time.hpp"
#include "purge/message.hpp"

#include <array>
#include <cstddef>
#include <optional>

// When this edge applied which of the latest versions. Pure; the control thread's.
namespace tidemark::follow
{
class AppliedTimes
{
  public:
    static constexpr std::size_t kKept = 4'096;

    // Only the first time of a version counts.
    void note(purge::Version version, MonoTime at) noexcept
    {
        Entry& entry = entries_[version % kKept];
        if (version > entry.version) entry = {version, at};
    }
    // Nothing: it was not applied by itself (but maybe within a snapshot), or too long ago.
    [[nodiscard]] std::optional<MonoTime> of(purge::Version version) const noexcept
    {
        const Entry& entry = entries_[version % kKept];
        if (version == 0 || entry.version != version) return std::nullopt;
        return entry.at;
    }
    // Another journal begins: its versions are others.
    void clear() noexcept { entries_ = {}; }

  private:
    struct Entry {
        purge::Version version = 0;
        MonoTime at{};
    };
    std::array<Entry, kKept> entries_{};
};
} // namespace tidemark::follow
