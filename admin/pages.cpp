#include "admin/pages.hpp"

namespace tidemark::admin
{
namespace
{
// A browser says of which site the page is that asks (Fetch standard, §3.2). A page that somebody
// on this machine looks at is from this machine too, but not its own to give orders.
bool from_other_site(const Request& request)
{
    const std::string_view origin = request.field("origin");
    const std::size_t scheme = origin.find("://");
    return !origin.empty() &&
           (scheme == std::string_view::npos || origin.substr(scheme + 3) != request.field("host"));
}
} // namespace

const Page* Pages::find(std::string_view path) const
{
    for (const Page& page : pages_)
        if (page.path == path) return &page;
    return nullptr;
}

Result<Grant, Problem> Pages::admit(const Request& request) const
{
    if (from_other_site(request))
        return fail(Problem{403, "Forbidden", "pages of other sites may not ask", "Origin"});
    return tokens_.admit(request.field("authorization"), request.peer.is_loopback());
}

Result<Grant, Problem> Pages::admit(const Request& request, TokenScope scope) const
{
    auto grant = admit(request);
    if (!grant || grant->has(scope)) return grant;
    return fail(Problem{403, "Forbidden", "this token lacks the scope that this needs", ""});
}

Response Pages::show(const Page& page, const Request& request) const
{
    if (!reads(request.method)) return method_not_allowed("GET, HEAD");
    if (page.open) return page.show(request);
    const auto grant = admit(request, TokenScope::read);
    return grant ? page.show(request) : refusal(grant.error());
}

Response Pages::not_found(std::string_view further) const
{
    std::string there = "there are ";
    for (const Page& page : pages_)
        there += page.path + ", ";
    there += further;
    return response_of({404, "Not found", std::move(there), ""});
}

Response method_not_allowed(std::string allowed)
{
    Response response = response_of({405, "Method not allowed", "use " + allowed, ""});
    response.fields.emplace_back("Allow", std::move(allowed));
    return response;
}

Response refusal(const Problem& problem)
{
    Response response = response_of(problem);
    if (problem.status == 401)
        response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"tidemark\"");
    return response;
}
} // namespace tidemark::admin
