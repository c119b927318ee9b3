#include "core/http/precondition.hpp"

#include "core/base/text.hpp"
#include "core/http/date.hpp"

#include <algorithm>

namespace tidemark::http
{
namespace
{
constexpr std::string_view kWeakPrefix = "W/";
// A Last-Modified this much older than Date cannot stand for two contents (RFC 9110 §8.8.2.2).
constexpr Seconds kStrongAge{1};

// etagc (RFC 9110 §8.8.3): a backslash is a byte like any other, there is no escaping.
bool is_etag_byte(char c) noexcept
{
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte != 0x7f);
}

// Takes the next member of a list of entity-tags off the front: up to the closing quote of a quoted
// one, then to the comma. A list of quoted-strings would read "\" otherwise.
std::string_view take_member(std::string_view& list) noexcept
{
    std::size_t end = 0;
    for (bool quoted = false; end < list.size() && (quoted || list[end] != ','); ++end)
        if (list[end] == '"') quoted = !quoted;
    const std::string_view member = trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    return member;
}

bool member_matches(std::string_view member, std::string_view tag, bool weak) noexcept
{
    const auto asked = parse_entity_tag(member);
    const auto stored = parse_entity_tag(tag);
    if (!asked || !stored) return member == tag;
    return weak ? weak_equal(*asked, *stored) : strong_equal(*asked, *stored);
}

std::optional<WallTime> date_in(std::string_view text, WallTime now) noexcept
{
    return text.empty() ? std::nullopt : parse_date(text, now);
}

// When the stored response's content was last known to change (RFC 9111 §4.3.2).
WallTime modified_at(const Validators& stored, WallTime stored_at, WallTime now) noexcept
{
    if (const auto modified = date_in(stored.last_modified, now)) return *modified;
    if (const auto date = date_in(stored.date, now)) return *date;
    return wall_time_of(since_epoch(stored_at));
}
} // namespace

std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept
{
    EntityTag tag;
    tag.weak = text.substr(0, kWeakPrefix.size()) == kWeakPrefix;
    if (tag.weak) text.remove_prefix(kWeakPrefix.size());
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
    for (const char c : text.substr(1, text.size() - 2))
        if (!is_etag_byte(c)) return std::nullopt;
    tag.opaque = text;
    return tag;
}

bool weak_equal(const EntityTag& a, const EntityTag& b) noexcept
{
    return a.opaque == b.opaque;
}
bool strong_equal(const EntityTag& a, const EntityTag& b) noexcept
{
    return !a.weak && !b.weak && a.opaque == b.opaque;
}

bool any_tag_matches(const FieldList& fields, FieldId list, std::string_view tag, bool weak)
{
    bool found = false;
    fields.each(list, [&](std::string_view value) {
        found = found || trim(value) == "*";
        while (!found && !tag.empty() && !value.empty())
            found = member_matches(take_member(value), tag, weak);
    });
    return found;
}

PreconditionOutcome evaluate_for_cache(const RequestHead& request, const Validators& stored,
                                       WallTime stored_at, WallTime now)
{
    if (request.method != Method::get && request.method != Method::head)
        return PreconditionOutcome::proceed;
    if (request.fields.has(FieldId::if_none_match)) {
        const bool named =
            any_tag_matches(request.fields, FieldId::if_none_match, stored.etag, true);
        return named ? PreconditionOutcome::not_modified : PreconditionOutcome::proceed;
    }
    if (request.fields.lines_of(FieldId::if_modified_since) != 1)
        return PreconditionOutcome::proceed;
    const auto since = parse_date(request.fields.first(FieldId::if_modified_since), now);
    if (!since || modified_at(stored, stored_at, now) > *since) return PreconditionOutcome::proceed;
    return PreconditionOutcome::not_modified;
}

bool has_origin_precondition(const RequestHead& request) noexcept
{
    return request.fields.has(FieldId::if_match) ||
           request.fields.has(FieldId::if_unmodified_since);
}

bool if_range_holds(const RequestHead& request, const Validators& stored, WallTime now)
{
    if (!request.fields.has(FieldId::if_range)) return true;
    if (request.fields.lines_of(FieldId::if_range) != 1) return false;
    const std::string_view value = request.fields.first(FieldId::if_range);
    if (const auto asked = parse_entity_tag(value)) {
        const auto tag = parse_entity_tag(stored.etag);
        return tag && strong_equal(*asked, *tag);
    }
    const auto asked = parse_date(value, now);
    const auto modified = date_in(stored.last_modified, now);
    const auto date = date_in(stored.date, now);
    return asked && modified && date && *asked == *modified && *date >= *modified + kStrongAge;
}
} // namespace tidemark::http
