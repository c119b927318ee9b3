#include "admin/origin_elsewhere.hpp"

#include <algorithm>
#include <array>

namespace tidemark::admin
{
namespace
{
constexpr std::array<std::string_view, 5> kOrigins = {"/v1/purge", "/v1/undo", "/v1/content",
                                                      "/v1/edges", "/v1/journal"};
bool is_origins(std::string_view path)
{
    return std::find(kOrigins.begin(), kOrigins.end(), path) != kOrigins.end() ||
           path.starts_with("/v1/versions/") || path.starts_with("/v1/edges/");
}
} // namespace

Response OriginElsewhere::elsewhere() const
{
    return response_of({409, "This edge follows an origin",
                        "ask the admin endpoint of the origin that it follows: " + origin_, ""});
}

// Before a body is read: it may be large.
std::unique_ptr<BodySink> OriginElsewhere::on_head(const Request& request,
                                                   const Responder& responder)
{
    if (request.path == "/v1/content") responder.answer(elsewhere());
    return nullptr;
}

void OriginElsewhere::handle(Request request, Responder responder)
{
    if (const Page* page = pages_.find(request.path))
        responder.answer(pages_.show(*page, request));
    else if (request.path == "/v1/purge" && request.method == http::Method::post)
        purge(request, responder);
    else if (is_origins(request.path))
        responder.answer(elsewhere());
    else
        responder.answer(pages_.not_found("and at the origin the rest of the API"));
}

// Whatever is wrong with an order is the origin's to say, unless it is said to be a dry run.
void OriginElsewhere::purge(const Request& request, const Responder& responder) const
{
    const auto parsed = parse_purge(request.body);
    if (!parsed || !parsed->dry_run) return responder.answer(elsewhere());
    const auto admitted = admitted_purge(pages_, request, kBatchMax);
    if (!admitted) return responder.answer(admitted.error());
    would_hit_(admitted->drafts,
               [responder, messages = admitted->drafts.size()](const std::vector<WouldHit>& hits) {
                   responder.answer(dry_run_answer(messages, hits));
               });
}
} // namespace tidemark::admin
