#include "edge/cache/reuse.hpp"

namespace tidemark::cache
{
namespace
{
// RFC 9111 §5.2.1.1, §5.2.1.3: the client wants it younger, or fresh for longer.
bool too_old_for(const RequestDirectives& request, const Freshness& stored, Millis age)
{
    if (request.max_age && age > *request.max_age) return true;
    return request.min_fresh && stored.lifetime - age < *request.min_fresh;
}

// RFC 9111 §5.2.1.2: the client takes it stale, where the response does not forbid that.
bool client_takes_stale(const RequestDirectives& request, const Freshness& stored, Millis age)
{
    if (stored.must_revalidate) return false;
    return request.max_stale_any ||
           (request.max_stale && age < stored.lifetime + *request.max_stale);
}

Reuse reuse_valid(const RequestDirectives& request, const Freshness& stored, Millis age)
{
    if (age < stored.lifetime) return Reuse::serve;
    if (!stored.must_revalidate && age < stored.lifetime + stored.stale_while_revalidate)
        return Reuse::serve_and_validate;
    return client_takes_stale(request, stored, age) ? Reuse::serve : Reuse::validate;
}
} // namespace

Reuse decide_reuse(const RequestDirectives& request, const Freshness& stored, PurgeVerdict purge,
                   WallTime now)
{
    if (purge == PurgeVerdict::removed) return Reuse::fetch;
    if (purge == PurgeVerdict::must_validate) return Reuse::validate;
    if (request.no_cache || stored.no_cache) return Reuse::validate;

    const Millis age = current_age(stored, now);
    if (too_old_for(request, stored, age)) return Reuse::validate;
    const Reuse reuse = reuse_valid(request, stored, age);
    if (purge == PurgeVerdict::valid || reuse == Reuse::validate) return reuse;

    // A soft purge makes it stale, whatever its age.
    return stored.must_revalidate || request.min_fresh ? Reuse::validate
                                                       : Reuse::serve_and_validate;
}

bool stale_on_error_allowed(const Freshness& stored, PurgeVerdict purge, UpstreamError error,
                            WallTime now)
{
    if (purge == PurgeVerdict::removed || purge == PurgeVerdict::must_validate) return false;
    if (stored.no_cache) return false;

    const Millis age = current_age(stored, now);
    if (stored.must_revalidate) return purge == PurgeVerdict::valid && age < stored.lifetime;
    const bool allowed = error == UpstreamError::no_answer || !stored.stale_if_error_implicit;
    return age < stored.lifetime + (allowed ? stored.stale_if_error : Millis{0});
}
} // namespace tidemark::cache
