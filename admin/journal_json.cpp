#include "admin/journal_json.hpp"

#include "admin/problem.hpp"
#include "admin/purge_request.hpp"
#include "admin/query.hpp"

#include <nlohmann/json.hpp>

namespace tidemark::admin
{
namespace
{
using Json = nlohmann::json;

const char* name_of(purge::OrderMode mode)
{
    switch (mode) {
    case purge::OrderMode::hard:
        return "hard";
    case purge::OrderMode::soft:
        return "soft";
    case purge::OrderMode::refresh:
        return "refresh";
    }
    return "unknown";
}
const char* name_of(purge::Adrift adrift)
{
    switch (adrift) {
    case purge::Adrift::revalidate:
        return "revalidate";
    case purge::Adrift::serve:
        return "serve";
    case purge::Adrift::fail:
        return "fail";
    }
    return "unknown";
}
const char* name_of(purge::CleanBy by)
{
    switch (by) {
    case purge::CleanBy::nothing:
        return "nothing";
    case purge::CleanBy::ack:
        return "ack";
    case purge::CleanBy::lease:
        return "lease";
    }
    return "unknown";
}

// What two orders must share to be shown as one object with several selectors.
bool alike(const purge::Order& a, const purge::Order& b)
{
    return a.scope == b.scope && a.mode == b.mode && a.max_stale == b.max_stale;
}
void put_order(Json& into, const purge::Order& order)
{
    into["type"] = type_name(order.scope);
    into["mode"] = name_of(order.mode);
    if (order.max_stale > Seconds{0}) into["max_stale"] = order.max_stale.count();
}

void put(Json& into, const purge::Invalidate& purge)
{
    into["kind"] = "purge";
    if (purge.erase) into["purge"] = true;
    Json objects = Json::array();
    const purge::Order* last = nullptr;
    for (const purge::Order& order : purge.orders) {
        if (last == nullptr || !alike(*last, order)) {
            objects.emplace_back(Json::object());
            put_order(objects.back(), order);
        }
        if (order.scope != purge::Scope::all) objects.back()["selectors"].push_back(order.selector);
        last = &order;
    }
    if (objects.size() == 1)
        into.update(objects.front());
    else
        into["barrier"] = std::move(objects);
}
void put(Json& into, const purge::Push& push)
{
    into["kind"] = "push";
    into["url"] = push.uri;
    into["bytes"] = push.content_bytes;
    into["as_of"] = push.as_of;
}
void put(Json& into, const purge::Undo& undo)
{
    into["kind"] = "undo";
    into["undone"] = undo.undone;
}
void put(Json& into, const purge::Floor& floor)
{
    into["kind"] = "floor";
    into["floor"] = floor.floor;
}
} // namespace

Json json_of(const purge::Message& message)
{
    Json json = {{"version", message.version},
                 {"journal", journal_text(message.journal)},
                 {"issued_at", time_text(message.issued_at)},
                 {"site", message.site}};
    if (!message.key.empty()) json["key"] = message.key;
    if (!message.actor.empty()) json["actor"] = message.actor;
    if (!message.note.empty()) json["note"] = message.note;
    std::visit([&](const auto& body) { put(json, body); }, message.body);
    return json;
}

Json json_of(const purge::VersionReport& report)
{
    Json edges = Json::array();
    for (const purge::EdgeOnVersion& edge : report.edges) {
        Json one = {{"name", edge.name},
                    {"clean", edge.clean != purge::CleanBy::nothing},
                    {"by", name_of(edge.clean)}};
        if (edge.applied_at) one["applied_at"] = time_text(*edge.applied_at);
        edges.push_back(std::move(one));
    }
    return {{"version", report.version},
            {"registered", report.edges.size()},
            {"clean", report.clean()},
            {"edges", std::move(edges)}};
}

Json json_of(const purge::EdgeReport& edge)
{
    Json json = {{"name", edge.name},
                 {"connected", edge.connected},
                 {"datagrams", edge.datagrams},
                 {"leaving", edge.leaving},
                 {"adrift", name_of(edge.adrift)},
                 {"only_acks_count", edge.only_acks_count},
                 {"lease_ms", edge.lease.count()},
                 {"contiguous", edge.contiguous},
                 {"heard", edge.heard},
                 {"loss", edge.loss},
                 {"backlog", edge.backlog},
                 {"address", edge.address}};
    if (edge.since_heard) json["since_heard_ms"] = edge.since_heard->count();
    return json;
}
} // namespace tidemark::admin
