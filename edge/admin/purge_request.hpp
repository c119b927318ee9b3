#pragma once
#include "core/base/result.hpp"
#include "edge/serve/site.hpp"
#include "purge/state.hpp"

#include <string>
#include <string_view>
#include <vector>

// POST /v1/purge: JSON → invalidations. Pure.
//   {"type":"uri"|"uri-prefix"|"origin"|"host"|"group"|"all", "selectors":["…"] (or "groups" for a
//   group),
//    "mode":"hard"|"soft", "max_stale":seconds, "key":"…", "note":"…"}
namespace tidemark::admin
{
// A problem in the client's request (RFC 9457).
struct Problem {
    std::uint16_t status = 400;
    std::string title;
    std::string detail;
    std::string field; // the member at fault; "" for the whole
};

inline constexpr std::size_t kSelectorsMax = 10'000;
inline constexpr std::size_t kSelectorBytesMax = 8 * 1024;

// Selectors in the form that stored responses are known by: URLs through the key rules of the site
// that serves them.
[[nodiscard]] Result<std::vector<purge::Invalidation>, Problem>
parse_purge(std::string_view json, const serve::Sites& sites);
// application/problem+json
[[nodiscard]] std::string problem_json(const Problem& problem);
} // namespace tidemark::admin
