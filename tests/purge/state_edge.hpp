#pragma once
#include "purge/state.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A state and the verbs that the tests of it speak in.
namespace tidemark::purge
{
inline constexpr MonoTime kStart{Seconds{1000}};
inline constexpr std::string_view kPage = "http://h:8080/a/b?c";

struct Edge {
    Edge() : Edge(StateLimits{}) {}
    explicit Edge(const StateLimits& limits) : state(epochs, limits) {}

    sync::EpochDomain epochs;
    InvalidationState state;

    Verdict ask(std::string_view uri, Fence fence, MonoTime now = kStart,
                const std::vector<std::string>& tags = {}, std::string_view site = {}) const
    {
        std::vector<std::uint64_t> hashes;
        for (const std::string& tag : tags)
            hashes.push_back(tag_hash(tag));
        return state.verdict({uri, hashes, site_hash(site)}, fence, now);
    }
    void hard(Scope scope, std::string selector, std::uint64_t version, std::string site = {})
    {
        state.apply({version, scope, Mode::hard, Seconds{0}, std::move(selector), std::move(site)},
                    kStart);
    }
    void soft(Scope scope, std::string selector, std::uint64_t version, Seconds max_stale,
              MonoTime now = kStart, std::string site = {})
    {
        state.apply({version, scope, Mode::soft, max_stale, std::move(selector), std::move(site)},
                    now);
    }
};
} // namespace tidemark::purge
