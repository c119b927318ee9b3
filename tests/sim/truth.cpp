#include "sim/truth.hpp"

#include <algorithm>

namespace tidemark::sim
{
namespace
{
using purge::Scope;

Object object_of(ObjectId id, Random& random)
{
    Object object;
    object.host = "h" + std::to_string(random.below(3)) + ".example";
    object.origin = "http://" + object.host;
    object.prefix = object.origin + "/s" + std::to_string(random.below(4));
    object.uri = object.prefix + "/" + std::to_string(id);
    for (std::uint64_t left = random.below(4); left > 0; --left)
        object.tags.push_back("t" + std::to_string(random.below(12)));
    for (const std::string& tag : object.tags)
        object.tag_hashes.push_back(purge::tag_hash(tag));
    object.lifetime = random.between(Millis{500}, Millis{30'000});
    return object;
}

bool covers(const purge::Order& order, const Object& object)
{
    switch (order.scope) {
    case Scope::url:
        return order.selector == object.uri;
    case Scope::tag:
        return std::ranges::find(object.tags, order.selector) != object.tags.end();
    case Scope::prefix:
        return order.selector == object.prefix;
    case Scope::host:
        return order.selector == object.host;
    case Scope::origin:
        return order.selector == object.origin;
    case Scope::all:
        return true;
    case Scope::pattern:
        break;
    }
    return false;
}

bool is_hard(const purge::Order& order)
{
    return order.mode == purge::OrderMode::hard ||
           (order.mode == purge::OrderMode::refresh && order.max_stale == Seconds{0});
}
} // namespace

Truth::Truth(const Plan& plan, Random random)
    : contents_(plan.objects, 1), entries_(plan.objects), promised_(plan.objects),
      promised_in_limbo_(plan.objects)
{
    for (ObjectId id = 0; id < plan.objects; ++id)
        objects_.push_back(object_of(id, random));
}

std::vector<Covered> Truth::covered_by(const purge::MessageBody& body) const
{
    std::vector<Covered> covered;
    const auto* push = std::get_if<purge::Push>(&body);
    const auto* orders = std::get_if<purge::Invalidate>(&body);
    for (ObjectId id = 0; id < objects_.size(); ++id) {
        bool any = push != nullptr && push->uri == objects_[id].uri;
        bool hard = any;
        if (orders != nullptr)
            for (const purge::Order& order : orders->orders) {
                if (!covers(order, objects_[id])) continue;
                any = true;
                hard = hard || is_hard(order);
            }
        if (any) covered.push_back({id, contents_[id], hard});
    }
    return covered;
}

Truth::FactId Truth::add(Fact fact)
{
    facts_.push_back(std::move(fact));
    return facts_.size() - 1;
}

const Fact* Truth::find(const purge::Message& message) const
{
    if (message.key.empty()) return nullptr;
    return &facts_[std::stoull(message.key)];
}

void Truth::on_durable(FactId id, JournalId journal, Version version, Instant now)
{
    Fact& fact = facts_[id];
    fact.journal = journal;
    fact.version = version;
    fact.entered = now;
    fact.durable = true;
    by_name_[journal][version] = id;
    for (const Covered& one : fact.covers) {
        std::vector<Entry>& entries = entries_[one.object];
        const Content before = entries.empty() ? 0 : entries.back().content;
        entries.push_back({now, std::max(before, one.content), id});
    }
}

void Truth::on_done(FactId id)
{
    Fact& fact = facts_[id];
    fact.done = true;
    promised_.raise(fact.covers);
    promised_in_limbo_.raise(fact.covers);
}

void Truth::on_restored(JournalId journal, Version mark, bool detected)
{
    if (!detected) limbo_[journal] = true;
    auto& names = by_name_[journal];
    for (auto lost = names.upper_bound(mark); lost != names.end(); lost = names.erase(lost))
        facts_[lost->second].lost = true;
    promised_in_limbo_ = Oldest{objects_.size()};
    for (const Fact& fact : facts_)
        if (fact.done && !fact.lost) promised_in_limbo_.raise(fact.covers);
}

Content Truth::valid_since(ObjectId object, Instant before, JournalId journal) const
{
    const std::vector<Entry>& entries = entries_[object];
    auto after = std::ranges::upper_bound(entries, before, {}, &Entry::entered);
    if (!in_limbo(journal)) return after == entries.begin() ? 0 : std::prev(after)->content;
    Content content = 0;
    for (; after != entries.begin(); --after) {
        const Fact& fact = facts_[std::prev(after)->fact];
        if (fact.lost) continue;
        for (const Covered& one : fact.covers)
            if (one.object == object) content = std::max(content, one.content);
    }
    return content;
}

Oldest Truth::all(bool with_lost) const
{
    Oldest oldest{objects_.size()};
    for (const Fact& fact : facts_)
        if (fact.durable && (with_lost || !fact.lost)) oldest.raise(fact.covers);
    return oldest;
}
} // namespace tidemark::sim
