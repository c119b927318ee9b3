#pragma once
#include "core/base/hash.hpp"
#include "purge/scope.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

// Selectors as 64-bit hashes, and the hashes that a URI answers to.
namespace tidemark::purge
{
inline constexpr std::uint64_t salt_of(Scope scope) noexcept
{
    return static_cast<std::uint64_t>(scope);
}

// Where the path of "scheme://authority/path" begins (or the query, or the end).
inline std::size_t path_begin(std::string_view uri) noexcept
{
    const std::size_t scheme = uri.find("://");
    const std::size_t authority = scheme == std::string_view::npos ? 0 : scheme + 3;
    return std::min(uri.find_first_of("/?", authority), uri.size());
}

inline std::string_view origin_of(std::string_view uri) noexcept
{
    return uri.substr(0, path_begin(uri));
}

// Without the port; an IPv6 address keeps its brackets.
inline std::string_view host_of(std::string_view uri) noexcept
{
    std::string_view host = origin_of(uri);
    if (const std::size_t scheme = host.find("://"); scheme != std::string_view::npos)
        host.remove_prefix(scheme + 3);
    const std::size_t port =
        host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
    return host.substr(0, std::min(port, host.size()));
}

// Visits the hash of every prefix of `uri` that ends at a boundary of its path: before and behind
// each '/', before the '?' and at the end. One pass: the hash of a prefix is chained from the hash
// of the one before it. `visit` returns false to stop. The last hash visited is that of the whole.
template <class Visit> void each_prefix_hash(std::string_view uri, Visit&& visit)
{
    std::size_t at = path_begin(uri);
    std::uint64_t hash = hash_bytes(uri.substr(0, at), salt_of(Scope::prefix));
    if (!visit(hash)) return;
    const std::size_t query = std::min(uri.find('?', at), uri.size());
    while (at < query) {
        const std::size_t end = std::min({uri.find('/', at + 1), query});
        if (end > at + 1 && !visit(hash_bytes("/", hash))) return;
        hash = hash_bytes(uri.substr(at, end - at), hash);
        if (!visit(hash)) return;
        at = end;
    }
    if (query < uri.size()) visit(hash_bytes(uri.substr(query), hash));
}

inline std::uint64_t prefix_hash(std::string_view prefix)
{
    std::uint64_t whole = 0;
    each_prefix_hash(prefix, [&](std::uint64_t hash) {
        whole = hash;
        return true;
    });
    return whole;
}

// May an order of this scope be limited to a site?
inline constexpr bool is_per_site(Scope scope) noexcept
{
    return scope == Scope::tag || scope == Scope::pattern || scope == Scope::all;
}

// `hash` of a selector within a site; site 0: of every site.
inline constexpr std::uint64_t within_site(std::uint64_t hash, std::uint64_t site) noexcept
{
    if (site == 0) return hash;
    std::uint64_t mixed = hash ^ (site * 0x9E3779B97F4A7C15ULL);
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93ULL;
    return mixed ^ (mixed >> 32);
}

inline std::uint64_t selector_hash(Scope scope, std::string_view selector, std::uint64_t site = 0)
{
    if (scope == Scope::prefix) return prefix_hash(selector);
    if (scope == Scope::all) selector = {};
    const std::uint64_t hash = hash_bytes(selector, salt_of(scope));
    return is_per_site(scope) ? within_site(hash, site) : hash;
}
} // namespace tidemark::purge
