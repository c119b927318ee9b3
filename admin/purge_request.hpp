#pragma once
#include "admin/problem.hpp"
#include "core/base/result.hpp"
#include "journal/journal.hpp"

#include <string_view>
#include <vector>

// POST /v1/purge: JSON → drafts. Pure.
//   {"type":"uri"|"uri-prefix"|"origin"|"host"|"group"|"pattern"|"all",
//    "selectors":["…"] (or "groups" for a group), "mode":"hard"|"soft"|"refresh",
//    "max_stale":seconds, "site":"…", "key":"…", "note":"…", "purge":true (erase the bytes too)}
// is one message, whose selectors take effect at once. {"barrier":[{"type",…,"mode",…},…],
// "site","key","note","purge"} is one message of several orders. {"batch":[…objects of both
// kinds…]} is several messages, accepted together. "dry_run":true goes with each, outermost.
// Selectors are checked for their form and travel as received.
namespace tidemark::admin
{
struct PurgeRequest {
    std::vector<journal::Draft> drafts;
    bool dry_run = false;
    [[nodiscard]] bool erases() const;
};

inline constexpr std::size_t kBatchMax = 10'000;

[[nodiscard]] Result<PurgeRequest, Problem> parse_purge(std::string_view json);

// http or https, an authority, nothing that cannot stand in a URI.
[[nodiscard]] bool is_absolute_uri(std::string_view text);
[[nodiscard]] std::string_view type_name(purge::Scope scope);
[[nodiscard]] std::optional<purge::Scope> scope_of_type(std::string_view name);
// "host" of scheme://host[:port]/…, or of host[:port]; in lower case.
[[nodiscard]] std::string host_of(std::string_view uri_or_authority);
} // namespace tidemark::admin
