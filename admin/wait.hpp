#pragma once
#include "admin/problem.hpp"
#include "admin/query.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "purge/report.hpp"

#include <optional>
#include <string_view>

// How long and for how many edges a client waits. Pure.
namespace tidemark::admin
{
struct Wait {
    enum class For : std::uint8_t { share, count };
    For what = For::share;
    std::uint64_t number = 100; // percent of the registered edges, or so many edges
    Millis timeout{30'000};

    [[nodiscard]] bool met(const purge::VersionReport& report) const;
};
inline constexpr Seconds kWaitMax{600};

// `Prefer: wait=N` (RFC 7240): all edges, N seconds. ?wait=all|N%|N (edges), ?timeout=seconds (else
// that of Prefer, else 30). Nothing: the client does not wait. An unknown preference is ignored, as
// RFC 7240 has it; a parameter that cannot be read is a problem.
[[nodiscard]] Result<std::optional<Wait>, Problem> wait_of(std::string_view prefer,
                                                           const Parameters& parameters);
} // namespace tidemark::admin
