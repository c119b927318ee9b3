#include "edge/admin/applied_page.hpp"

#include "admin/query.hpp"
#include "core/base/text.hpp"

#include <optional>

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;
using purge::Version;

struct Range {
    Version first = 1;
    Version last = 0; // nothing
};

Problem bad_range(const char* field)
{
    return {400, "Bad request",
            "give first and last together, as version numbers, at most " +
                std::to_string(kAppliedMost) + " versions",
            field};
}

Result<Range, Problem> range_in(std::string_view query)
{
    const auto parameters = Parameters::parse(query);
    if (!parameters) return fail(bad_range(""));
    if (auto unknown = parameters->unknown({"first", "last"})) return fail(*unknown);
    const std::string* const first = parameters->find("first");
    const std::string* const last = parameters->find("last");
    if (first == nullptr && last == nullptr) return Range{};
    if (first == nullptr || last == nullptr) return fail(bad_range(first ? "last" : "first"));
    const auto from = parse_decimal(*first);
    const auto to = parse_decimal(*last);
    if (!from || *from == 0) return fail(bad_range("first"));
    if (!to || *to < *from || *to - *from >= kAppliedMost) return fail(bad_range("last"));
    return Range{*from, *to};
}
} // namespace

Page applied_page(const follow::AppliedTimes& times, std::function<Version()> through)
{
    const auto show = [&times, through = std::move(through)](const Request& request) {
        const auto range = range_in(request.query);
        if (!range) return refusal(range.error());
        Json list = Json::array();
        // Counted from first, because last may be the greatest there is.
        for (Version n = 0; range->last != 0 && n <= range->last - range->first; ++n)
            if (const auto at = times.of(range->first + n))
                list.push_back({{"version", range->first + n},
                                {"monotonic_ns", at->time_since_epoch().count()}});
        const Json body = {{"through", through()}, {"times", std::move(list)}};
        Response response;
        response.body = body.dump() + "\n";
        return response;
    };
    return {"/v1/applied", show};
}
} // namespace tidemark::admin
