#include "core/base/check.hpp"
#include "edge/cache/directives.hpp"
#include "edge/cache/freshness.hpp"
#include "edge/cache/reuse.hpp"
#include "edge/cache/storable.hpp"

#include <cstddef>
#include <cstdint>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
constexpr WallTime kNow{Millis{784111777000}};
constexpr Seconds kLongest{std::int64_t{1} << 31};

// Each line of the input is the value of the field that its first byte stands for.
http::FieldList fields_of(std::string_view text)
{
    constexpr const char* kNames[] = {"cache-control",
                                      "cdn-cache-control",
                                      "surrogate-control",
                                      "expires",
                                      "date",
                                      "age",
                                      "last-modified",
                                      "vary",
                                      "set-cookie"};
    http::FieldList fields;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (!line.empty())
            fields.add(kNames[static_cast<unsigned char>(line[0]) % std::size(kNames)],
                       line.substr(1));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return fields;
}

void check_seconds(const std::optional<Seconds>& value)
{
    TIDEMARK_CHECK(!value || (*value >= Seconds{0} && *value <= kLongest));
}

void check_response(const http::FieldList& fields)
{
    const ResponseDirectives d = parse_response_directives(fields);
    for (const auto& value : {d.max_age, d.s_maxage, d.stale_while_revalidate, d.stale_if_error})
        check_seconds(value);
    check_seconds(parse_age(fields));

    FreshnessRules rules;
    rules.implicit_stale_on_error = Seconds{60};
    const Freshness f = freshness_of(200, fields, d, {kNow - Millis{5}, kNow}, rules);
    TIDEMARK_CHECK(f.age_zero <= kNow);
    TIDEMARK_CHECK(f.lifetime >= Millis{0});
    TIDEMARK_CHECK(!f.no_cache || f.must_revalidate);
    if (f.must_revalidate) TIDEMARK_CHECK(f.stale_while_revalidate + f.stale_if_error == Millis{0});
    TIDEMARK_CHECK(decide_reuse({}, f, PurgeVerdict::removed, kNow) == Reuse::fetch);

    http::ResponseHead response;
    response.status = 200;
    response.fields = fields;
    const Storable s = decide_storable({}, "http://a/", response, d, f, {});
    if (d.is_private || (d.no_store && !d.must_understand)) TIDEMARK_CHECK(s != Storable::yes);
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const http::FieldList fields = fields_of({reinterpret_cast<const char*>(data), size});
    check_response(fields);
    const RequestDirectives d = parse_request_directives(fields);
    for (const auto& value : {d.max_age, d.min_fresh, d.max_stale})
        check_seconds(value);
    return 0;
}
