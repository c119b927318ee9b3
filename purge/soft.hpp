#pragma once
#include "core/base/time.hpp"
#include "purge/state.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace tidemark::purge
{
// The soft purges of one selector; version 0: none.
struct Soft {
    std::uint64_t version = 0;
    MonoTime deadline;
    std::uint64_t older_version = 0;
    MonoTime older_deadline;
    friend bool operator==(const Soft&, const Soft&) = default;

    void join(std::uint64_t v, MonoTime d)
    {
        if (v == version) {
            deadline = std::min(deadline, d);
            return;
        }
        if (v > version) {
            std::swap(v, version);
            std::swap(d, deadline);
            if (v == 0) return;
        }
        older_deadline = older_version == 0 ? d : std::min(older_deadline, d);
        older_version = std::max(older_version, v);
    }
    [[nodiscard]] Verdict verdict(std::uint64_t fence_version, MonoTime now) const
    {
        if (version <= fence_version) return Verdict::valid;
        const bool over =
            now >= deadline || (older_version > fence_version && now >= older_deadline);
        return over ? Verdict::must_validate : Verdict::soft_stale;
    }
};
} // namespace tidemark::purge
