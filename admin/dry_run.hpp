#pragma once
#include "admin/pages.hpp"
#include "admin/purge_request.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

// POST /v1/purge, as far as an origin, a standalone edge and one that follows an origin share it.
namespace tidemark::admin
{
// What an order would hit at one edge: what is stored there and is not invalid already.
struct WouldHit {
    std::string edge;
    std::uint64_t responses = 0;
    std::uint64_t bytes = 0; // of memory
};
// One for each edge that was asked; an origin asks none.
using WouldHitDone = std::function<void(const std::vector<WouldHit>&)>;
// `done` may be called at once, or later, or never once the daemon ends.
using AskWouldHit = std::function<void(const std::vector<journal::Draft>&, WouldHitDone)>;

// Selectors of one request beyond `selectors_max`: 422. Its caller may give all its orders, and
// their actor is the caller; else the answer that refuses it.
[[nodiscard]] Result<PurgeRequest, Response>
admitted_purge(const Pages& pages, const Request& request, std::size_t selectors_max);

// {"dry_run": true, "messages", "would_hit": {"responses", "bytes"} or null where nobody was asked,
//  "edges": [{"name", "responses", "bytes"}]}
[[nodiscard]] Response dry_run_answer(std::size_t messages, const std::vector<WouldHit>& hits);
} // namespace tidemark::admin
