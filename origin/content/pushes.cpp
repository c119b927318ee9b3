#include "origin/content/pushes.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::origin
{
PushId Pushes::begin(const StagedContent& content, std::string uri, purge::Version as_of,
                     journal::Draft draft, const std::vector<std::string>& waited_for, MonoTime now)
{
    const PushId id = ++last_;
    One& push = pushes_[id];
    push.content = content;
    push.uri = std::move(uri);
    push.as_of = as_of;
    push.draft = std::move(draft);
    push.missing.insert(waited_for.begin(), waited_for.end());
    push.due = now + settings_.stage_timeout;
    actions_.emplace_back(
        std::in_place_type<OfferContent>,
        purge::PushOffer{content.digest, content.content_bytes, content.packed_bytes, push.uri});
    issue_if_ready(id, push, now);
    return id;
}

void Pushes::on_staged(std::string_view edge, const purge::ContentDigest& digest, MonoTime now)
{
    for (auto& [id, push] : pushes_) {
        if (push.content.digest != digest) continue;
        if (const auto found = push.missing.find(edge); found != push.missing.end())
            push.missing.erase(found);
        issue_if_ready(id, push, now);
    }
}

void Pushes::on_removed(std::string_view edge, MonoTime now)
{
    for (auto& [id, push] : pushes_) {
        if (const auto found = push.missing.find(edge); found != push.missing.end())
            push.missing.erase(found);
        issue_if_ready(id, push, now);
    }
}

void Pushes::issue_if_ready(PushId id, One& push, MonoTime now)
{
    if (!push.issued && push.missing.empty()) issue(id, push, now);
}

void Pushes::issue(PushId id, One& push, MonoTime now)
{
    push.issued = true;
    push.due = now + settings_.offer_for;
    push.draft.body =
        purge::Push{push.uri, push.content.digest, push.content.content_bytes, push.as_of};
    actions_.emplace_back(std::in_place_type<IssuePush>, id, std::move(push.draft),
                          static_cast<std::uint32_t>(push.missing.size()));
}

void Pushes::on_time(MonoTime now)
{
    for (auto at = pushes_.begin(); at != pushes_.end();) {
        auto& [id, push] = *at;
        if (push.due > now) {
            ++at;
        } else if (!push.issued) {
            issue(id, push, now);
            ++at;
        } else {
            const purge::ContentDigest digest = push.content.digest;
            at = pushes_.erase(at);
            if (!is_offered(digest))
                actions_.emplace_back(std::in_place_type<WithdrawContent>, digest);
            actions_.emplace_back(std::in_place_type<ReleaseContent>, digest);
        }
    }
}

std::optional<MonoTime> Pushes::next_due() const
{
    std::optional<MonoTime> first;
    for (const auto& [id, push] : pushes_)
        if (!first || push.due < *first) first = push.due;
    return first;
}

std::vector<PushAction> Pushes::take_actions()
{
    return std::exchange(actions_, {});
}

std::size_t Pushes::staging() const noexcept
{
    return static_cast<std::size_t>(
        std::ranges::count_if(pushes_, [](const auto& one) { return !one.second.issued; }));
}

bool Pushes::is_offered(const purge::ContentDigest& digest) const
{
    return std::ranges::any_of(
        pushes_, [&](const auto& one) { return one.second.content.digest == digest; });
}
} // namespace tidemark::origin
