#pragma once
#include "purge/message.hpp"
#include "purge/state.hpp"

#include <string>
#include <vector>

// Messages, and what they come to where selectors need no mapping.
namespace tidemark::worker::test
{
inline std::vector<purge::Invalidation> invalidations_of(const purge::Message& message)
{
    std::vector<purge::Invalidation> out;
    if (const auto* push = std::get_if<purge::Push>(&message.body))
        out.push_back(
            {message.version, purge::Scope::url, purge::Mode::hard, Seconds{0}, push->uri});
    if (const auto* body = std::get_if<purge::Invalidate>(&message.body))
        for (const purge::Order& order : body->orders) {
            const bool soft = order.max_stale > Seconds{0};
            out.push_back({message.version, order.scope,
                           soft ? purge::Mode::soft : purge::Mode::hard, order.max_stale,
                           order.selector, message.site});
        }
    return out;
}

inline purge::Message order_of(purge::Version version, purge::Scope scope, std::string selector,
                               purge::OrderMode mode = purge::OrderMode::hard,
                               Seconds max_stale = Seconds{0})
{
    purge::Message message;
    message.version = version;
    message.journal = 1;
    message.site = "*";
    message.body = purge::Invalidate{{{scope, mode, max_stale, std::move(selector)}}, false};
    return message;
}
} // namespace tidemark::worker::test
