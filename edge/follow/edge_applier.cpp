#include "edge/follow/edge_applier.hpp"

#include "edge/follow/applied.hpp"

#include <algorithm>

namespace tidemark::follow
{
void EdgeApplier::apply(std::span<const purge::Message> messages, Now now)
{
    // Under one generation all together: cheaper than one each, and no reader is worse off.
    owner_.before_apply(messages);
    invalidations_.clear();
    for (const purge::Message& message : messages) {
        append_invalidations(invalidations_, message, *sites_);
        state_.hear(message.version);
    }
    if (!invalidations_.empty()) state_.apply(invalidations_, now.mono);
    for (const purge::Message& message : messages) {
        times_.note(message.version, now.mono);
        take(message, now);
    }
}

void EdgeApplier::take(const purge::Message& message, Now now)
{
    if (const auto* undo = std::get_if<purge::Undo>(&message.body)) {
        static_cast<void>(state_.undo(undo->undone, now.mono));
    } else if (const auto* floor = std::get_if<purge::Floor>(&message.body)) {
        state_.raise_floor({floor->floor, 0});
    } else if (std::holds_alternative<purge::Push>(message.body)) {
        owner_.on_push(message);
    } else {
        const auto& order = std::get<purge::Invalidate>(message.body);
        if (order.erase) owner_.on_erase(message.version);
        const bool refresh = std::ranges::any_of(order.orders, [](const purge::Order& one) {
            return one.mode == purge::OrderMode::refresh;
        });
        if (refresh) owner_.on_refresh(message);
    }
}

void EdgeApplier::load(const purge::CompactState& state, Now now)
{
    owner_.on_lost_track();
    state_.apply(invalidations_of(state, *sites_), now.mono);
    if (state.floor() != 0) state_.raise_floor({state.floor(), 0});
    state_.hear(state.through());
}

bool EdgeApplier::erase_loaded(Version through)
{
    owner_.on_erase(through);
    return true;
}

void EdgeApplier::reset(purge::JournalId journal, Now now)
{
    owner_.on_lost_track();
    // The state first: a fence of the old journal never goes by the name of the new one.
    state_.reset(now.mono);
    standing_.set_applied(journal, 0);
    times_.clear();
}

void EdgeApplier::cap(Version agreed, Now now)
{
    owner_.on_lost_track();
    state_.cap(agreed, now.mono);
}

void EdgeApplier::hear(Version version)
{
    state_.hear(version);
}

void EdgeApplier::fence_key(const purge::FenceKey& key)
{
    standing_.add_key(key);
}
} // namespace tidemark::follow
