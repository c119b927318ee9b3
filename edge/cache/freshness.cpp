#include "edge/cache/freshness.hpp"

#include "core/http/date.hpp"

#include <algorithm>

namespace tidemark::cache
{
namespace
{
using http::FieldId;

std::optional<WallTime> date_of(const http::FieldList& fields, FieldId id, WallTime now)
{
    if (!fields.has(id)) return std::nullopt;
    return http::parse_date(fields.first(id), now);
}

// RFC 9111 §4.2.3. The apparent age is counted in whole seconds, as Date is: a response generated
// in this very second is not up to 999 ms old.
Millis corrected_initial_age(const http::FieldList& fields, std::optional<WallTime> date,
                             const ExchangeTimes& times)
{
    const WallTime received{Millis{since_epoch(times.response_received)}};
    const Millis apparent_age = date ? std::max(Millis{0}, received - *date) : Millis{0};
    const Millis response_delay = std::max(Millis{0}, times.response_received - times.request_sent);
    const Millis corrected_age = parse_age(fields).value_or(Seconds{0}) + response_delay;
    return std::max(apparent_age, corrected_age);
}

// Expires − Date; a response without Date counts as generated when it was received (RFC 9110
// §6.6.1). An Expires that is no date lies in the past (RFC 9111 §5.3).
Millis lifetime_of_expires(const http::FieldList& fields, WallTime generated, WallTime now)
{
    const auto expires = date_of(fields, FieldId::expires, now);
    return expires ? std::max(Millis{0}, *expires - generated) : Millis{0};
}

// RFC 9111 §4.2.2.
std::optional<Millis> heuristic_lifetime(std::uint16_t status, const http::FieldList& fields,
                                         const ResponseDirectives& directives, WallTime generated,
                                         WallTime now, const FreshnessRules& rules)
{
    if (!rules.heuristic) return std::nullopt;
    if (!heuristically_cacheable(status) && !directives.is_public) return std::nullopt;
    const auto modified = date_of(fields, FieldId::last_modified, now);
    if (!modified || *modified >= generated) return std::nullopt;
    return std::min<Millis>((generated - *modified) / 10, rules.heuristic_cap);
}

void set_lifetime(Freshness& f, std::uint16_t status, const http::FieldList& fields,
                  const ResponseDirectives& directives, WallTime generated, WallTime now,
                  const FreshnessRules& rules)
{
    f.explicit_lifetime = true;
    if (directives.s_maxage)
        f.lifetime = *directives.s_maxage;
    else if (directives.max_age)
        f.lifetime = *directives.max_age;
    else if (!directives.targeted() && fields.has(FieldId::expires))
        f.lifetime = lifetime_of_expires(fields, generated, now);
    else {
        f.explicit_lifetime = false;
        const auto guess = heuristic_lifetime(status, fields, directives, generated, now, rules);
        f.heuristic = guess.has_value();
        f.lifetime = guess.value_or(Millis{0});
    }
}

// When a stale response may be used (RFC 9111 §4.2.4, RFC 5861). s-maxage means proxy-revalidate
// too (§5.2.2.10), but where an explicit stale-* stands beside it, that is what its author wants (a
// switchable departure).
void set_stale_allowance(Freshness& f, const ResponseDirectives& directives,
                         const FreshnessRules& rules)
{
    const bool says_stale = directives.stale_while_revalidate || directives.stale_if_error;
    const bool s_maxage_forbids =
        directives.s_maxage && !(says_stale && rules.explicit_stale_beside_s_maxage);
    f.must_revalidate =
        f.no_cache || directives.must_revalidate || directives.proxy_revalidate || s_maxage_forbids;
    if (f.must_revalidate) return;

    const Seconds implicit = directives.s_maxage ? Seconds{0} : rules.implicit_stale_on_error;
    f.stale_while_revalidate = directives.stale_while_revalidate.value_or(Seconds{0});
    f.stale_if_error = directives.stale_if_error.value_or(implicit);
    f.stale_if_error_implicit = !directives.stale_if_error.has_value();
}
} // namespace

std::optional<Seconds> parse_age(const http::FieldList& fields)
{
    const std::string_view line = fields.first(http::FieldId::age);
    std::optional<Seconds> age;
    http::each_list_member(line, [&](std::string_view member) {
        age = parse_delta_seconds(member);
        return false; // only the first counts
    });
    return age;
}

bool heuristically_cacheable(std::uint16_t status) noexcept
{
    switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414:
    case 501:
        return true;
    default:
        return false; // 206 too, for a cache that stores no partial content
    }
}

Freshness freshness_of(std::uint16_t status, const http::FieldList& fields,
                       const ResponseDirectives& directives, const ExchangeTimes& times,
                       const FreshnessRules& rules)
{
    const WallTime now = times.response_received;
    const auto date = date_of(fields, FieldId::date, now);
    const Millis initial_age = corrected_initial_age(fields, date, times);
    const WallTime generated = date.value_or(WallTime{Millis{since_epoch(now)}});

    Freshness f;
    f.age_zero = now - initial_age;
    f.no_cache = directives.no_cache;
    if (rules.ttl_override) {
        // Whoever sets a time to live means from now on, however old the response already is.
        f.lifetime = initial_age + *rules.ttl_override;
        f.explicit_lifetime = true;
        f.no_cache = false;
    } else
        set_lifetime(f, status, fields, directives, generated, now, rules);
    set_stale_allowance(f, directives, rules);
    return f;
}
} // namespace tidemark::cache
