#include "edge/worker/subject.hpp"

#include "edge/cache/cache_key.hpp"
#include "edge/cache/uri.hpp"

namespace tidemark::worker
{
std::string_view authority_of_uri(std::string_view uri) noexcept
{
    return cache::split_uri(uri).authority.value_or(std::string_view());
}

purge::Subject SubjectOf::operator()(const store::StoredResponse& record) const
{
    return (*this)(cache::uri_of_key(record.key()), record.tags());
}

purge::Subject SubjectOf::operator()(std::string_view uri,
                                     std::span<const std::uint64_t> tags) const
{
    const serve::Site* site = sites_.match(authority_of_uri(uri));
    if (site != last_site_) {
        last_site_ = site;
        last_hash_ = site == nullptr ? 0 : purge::site_hash(site->settings.label());
    }
    return {uri, tags, last_hash_};
}
} // namespace tidemark::worker
