#include "edge/cache/freshen.hpp"

#include "core/base/text.hpp"
#include "core/http/precondition.hpp"
#include "edge/cache/hop_by_hop.hpp"

#include <algorithm>

namespace tidemark::cache
{
namespace
{
using http::FieldId;
using http::FieldList;

// Is `stored` the representation that a 304 with this tag speaks of? A strong tag in the 304 of a
// weak stored one is accepted as well: servers that compress weaken the tag of the 200 and forget
// to in the 304 (see merge_fields).
bool same_tag(std::string_view update, std::string_view stored)
{
    const auto a = http::parse_entity_tag(update);
    const auto b = http::parse_entity_tag(stored);
    if (!a || !b) return update == stored; // out of grammar: an opaque text
    return a->weak || b->weak ? http::weak_equal(*a, *b) : http::strong_equal(*a, *b);
}

bool is_weak(std::string_view tag)
{
    const auto parsed = http::parse_entity_tag(tag);
    return parsed && parsed->weak;
}

// The stored content is a weak tag's: a strong one would claim that it is byte for byte the same.
bool would_strengthen_tag(const FieldList& stored, std::string_view update)
{
    const std::string_view tag = stored.first(FieldId::etag);
    return is_weak(tag) && !is_weak(update) && same_tag(update, tag);
}

bool listed_in_connection(const http::Field& field, const FieldList& fields)
{
    bool named = false;
    fields.each(FieldId::connection, [&](std::string_view value) {
        named = named || named_by_connection(field, value);
    });
    return named;
}

// RFC 9111 §3.2: what describes the stored content and its framing stays as it was stored.
bool describes_content(FieldId id) noexcept
{
    return id == FieldId::content_encoding || id == FieldId::content_type ||
           id == FieldId::content_range || id == FieldId::content_length;
}

bool updates(const http::Field& field, const FieldList& update, const FieldList& stored)
{
    if (describes_content(field.id) || is_hop_by_hop(field.id)) return false;
    if (field.id == FieldId::etag && would_strengthen_tag(stored, update.first(FieldId::etag)))
        return false;
    return !listed_in_connection(field, update);
}

bool has_name(const FieldList& fields, const http::Field& field)
{
    if (field.id != FieldId::other) return fields.has(field.id);
    return std::any_of(fields.begin(), fields.end(), [&](const http::Field& f) {
        return f.id == FieldId::other && iequals(f.name, field.name);
    });
}

bool differs(FieldId id, const FieldList& head, const FieldList& stored)
{
    return head.has(id) && stored.has(id) && head.first(id) != stored.first(id);
}
} // namespace

bool selects(const FieldList& not_modified, const FieldList& stored)
{
    if (not_modified.has(FieldId::etag) && stored.has(FieldId::etag))
        return same_tag(not_modified.first(FieldId::etag), stored.first(FieldId::etag));
    if (not_modified.has(FieldId::last_modified))
        return stored.first(FieldId::last_modified) == not_modified.first(FieldId::last_modified);
    return !not_modified.has(FieldId::etag);
}

void merge_fields(const FieldList& stored, const FieldList& update, FieldList& out)
{
    FieldList replacing;
    for (const http::Field& field : update)
        if (updates(field, update, stored)) replacing.add(field);

    // An Age belongs to the exchange that brought it: without one in the update the response is as
    // young as that.
    for (const http::Field& field : stored)
        if (field.id != FieldId::age && !has_name(replacing, field)) out.add(field);
    for (const http::Field& field : replacing)
        out.add(field);
}

HeadUpdate decide_head_update(const FieldList& head, const FieldList& stored)
{
    const bool other_tag = head.has(FieldId::etag) && stored.has(FieldId::etag) &&
                           !same_tag(head.first(FieldId::etag), stored.first(FieldId::etag));
    const bool other = other_tag || differs(FieldId::last_modified, head, stored) ||
                       differs(FieldId::content_length, head, stored);
    return other ? HeadUpdate::invalidate : HeadUpdate::freshen;
}
} // namespace tidemark::cache
