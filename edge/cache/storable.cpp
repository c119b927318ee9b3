#include "edge/cache/storable.hpp"

#include "core/base/text.hpp"
#include "edge/cache/cache_key.hpp"
#include "edge/cache/hop_by_hop.hpp"
#include "edge/cache/invalidation.hpp"

#include <algorithm>

namespace tidemark::cache
{
namespace
{
using http::FieldId;
using http::Method;

bool has_validator(const http::FieldList& fields) noexcept
{
    return fields.has(FieldId::etag) || fields.has(FieldId::last_modified);
}

// The response says itself for how long it is fresh; a site's override does not count.
bool says_lifetime(const http::FieldList& fields, const ResponseDirectives& directives)
{
    return directives.s_maxage || directives.max_age ||
           (!directives.targeted() && fields.has(FieldId::expires));
}

// RFC 9110 §9.3.3: a POST's answer stands for a later GET only if it says that it is that
// resource's representation.
bool post_answers_get(std::string_view target_uri, const http::ResponseHead& response,
                      const ResponseDirectives& directives)
{
    if (response.status != 200 || !response.fields.has(FieldId::content_location)) return false;
    if (!says_lifetime(response.fields, directives)) return false;
    const KeyRules plain;
    const auto target = normalise_uri(target_uri, plain);
    const auto content = normalise_uri(
        resolve_uri(target_uri, response.fields.first(FieldId::content_location)), plain);
    return target && content && *target == *content;
}

bool method_allows(const RequestFacts& request, std::string_view target_uri,
                   const http::ResponseHead& response, const ResponseDirectives& directives)
{
    if (request.method == Method::post) return post_answers_get(target_uri, response, directives);
    return request.method == Method::get;
}

// Never stored: interim and partial answers, and those to parts of a request that no key holds
// (preconditions, Range, Expect). Beyond 599 there is no status code (RFC 9110 §15).
bool status_allows(std::uint16_t status, const ResponseDirectives& directives) noexcept
{
    if (status < 200 || status > 599) return false;
    if (status == 206 || status == 304) return false;
    if (status == 412 || status == 416 || status == 417) return false;
    return !directives.must_understand || understood(status);
}

// RFC 9111 §3.5.
bool authorization_allows(const ResponseDirectives& directives) noexcept
{
    return directives.is_public || directives.must_revalidate || directives.s_maxage.has_value();
}

// Could it ever be used again? The implicit allowance for errors alone is no reason to keep a
// response.
bool of_use(const http::FieldList& fields, const ResponseDirectives& directives,
            const Freshness& freshness)
{
    if (has_validator(fields)) return true;
    if (freshness.no_cache) return false;
    return freshness.lifetime > Millis{0} || freshness.stale_while_revalidate > Millis{0} ||
           (directives.stale_if_error && freshness.stale_if_error > Millis{0});
}

bool freshness_allows(const http::ResponseHead& response, const ResponseDirectives& directives,
                      const Freshness& freshness, const StoreRules& rules)
{
    if (!freshness.explicit_lifetime && !directives.is_public &&
        !heuristically_cacheable(response.status))
        return false;
    return rules.store_unvalidatable || of_use(response.fields, directives, freshness);
}

bool names(const std::vector<std::string>& fields, std::string_view name)
{
    return std::any_of(fields.begin(), fields.end(),
                       [&](const std::string& field) { return iequals(field, name); });
}

// One client's cookie reaches others only where the response itself says that it may be reused as
// it is (RFC 9111 §7.3).
bool set_cookie_allows(const http::FieldList& fields, const ResponseDirectives& directives,
                       const Freshness& freshness, const StoreRules& rules)
{
    if (!fields.has(FieldId::set_cookie)) return true;
    if (names(directives.private_fields, "set-cookie")) return true;
    if (names(directives.no_cache_fields, "set-cookie")) return true;
    return rules.store_set_cookie && says_lifetime(fields, directives) && !freshness.no_cache &&
           freshness.lifetime > Millis{0};
}
} // namespace

Storable decide_storable(const RequestFacts& request, std::string_view target_uri,
                         const http::ResponseHead& response, const ResponseDirectives& directives,
                         const Freshness& freshness, const StoreRules& rules)
{
    const http::FieldList& fields = response.fields;
    if (request.no_store) return Storable::request;
    if (request.has_body && request.method != Method::post) return Storable::request;
    if (!method_allows(request, target_uri, response, directives)) return Storable::method;
    if (!status_allows(response.status, directives)) return Storable::status;
    // A status that is understood lifts the no-store that stands there for older caches (RFC 9111
    // §5.2.2.3).
    if (directives.no_store && !directives.must_understand) return Storable::no_store;
    if (directives.is_private) return Storable::is_private;
    if (request.authorization && !authorization_allows(directives)) return Storable::authorization;
    if (parse_vary(fields).any) return Storable::vary_any;
    if (!freshness_allows(response, directives, freshness, rules)) return Storable::no_freshness;
    if (!set_cookie_allows(fields, directives, freshness, rules)) return Storable::set_cookie;
    return Storable::yes;
}

std::string_view text_of(Storable s) noexcept
{
    switch (s) {
    case Storable::yes:
        return "yes";
    case Storable::method:
        return "method";
    case Storable::status:
        return "status";
    case Storable::no_store:
        return "no-store";
    case Storable::is_private:
        return "private";
    case Storable::authorization:
        return "authorization";
    case Storable::vary_any:
        return "vary";
    case Storable::no_freshness:
        return "no-freshness";
    case Storable::set_cookie:
        return "set-cookie";
    case Storable::request:
        return "request";
    }
    return "";
}

bool understood(std::uint16_t status) noexcept
{
    // Final status codes of RFC 9110 §15 that a cache may store, and of RFC 6585, RFC 7725.
    if (status >= 200 && status <= 205) return true;
    if (status >= 300 && status <= 308) return status != 304 && status != 306;
    if (status >= 400 && status <= 415) return status != 412;
    if (status >= 500 && status <= 505) return true;
    switch (status) {
    case 421:
    case 422:
    case 426:
    case 428:
    case 429:
    case 431:
    case 451:
    case 511:
        return true;
    default:
        return false;
    }
}

bool stored_field(const http::Field& field, std::string_view connection_value,
                  const ResponseDirectives& directives)
{
    return !is_hop_by_hop(field.id) && !named_by_connection(field, connection_value) &&
           !names(directives.private_fields, field.name) &&
           !names(directives.no_cache_fields, field.name);
}
} // namespace tidemark::cache
