#include "admin/dry_run.hpp"

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;

std::size_t selectors_of(const PurgeRequest& request)
{
    std::size_t count = 0;
    for (const journal::Draft& draft : request.drafts)
        if (const auto* purge = std::get_if<purge::Invalidate>(&draft.body))
            count += purge->orders.size();
    return count;
}
} // namespace

Result<PurgeRequest, Response> admitted_purge(const Pages& pages, const Request& request,
                                              std::size_t selectors_max)
{
    const auto grant = pages.admit(request);
    if (!grant) return fail(refusal(grant.error()));
    auto parsed = parse_purge(request.body);
    if (!parsed) return fail(response_of(parsed.error()));
    if (selectors_of(*parsed) > selectors_max)
        return fail(response_of({422, "Too many selectors",
                                 "at most " + std::to_string(selectors_max) + " in one request",
                                 "selectors"}));
    for (journal::Draft& draft : parsed->drafts) {
        if (const auto problem = grant->refuses(draft)) return fail(refusal(*problem));
        draft.actor = grant->actor();
    }
    return std::move(*parsed);
}

Response dry_run_answer(std::size_t messages, const std::vector<WouldHit>& hits)
{
    Json body = {{"dry_run", true}, {"messages", messages}, {"edges", Json::array()}};
    WouldHit sum;
    for (const WouldHit& one : hits) {
        sum.responses += one.responses;
        sum.bytes += one.bytes;
        body["edges"].push_back(
            {{"name", one.edge}, {"responses", one.responses}, {"bytes", one.bytes}});
    }
    if (hits.empty()) {
        body["would_hit"] = nullptr;
        body["detail"] = "an origin stores no responses: ask the admin endpoint of an edge";
    } else {
        body["would_hit"] = {{"responses", sum.responses}, {"bytes", sum.bytes}};
    }
    return {200,
            "application/json",
            body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n",
            {}};
}
} // namespace tidemark::admin
