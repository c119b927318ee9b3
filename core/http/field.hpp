#pragma once
#include "core/base/text.hpp"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

// Field lines of a message (RFC 9110 §5), in the order received. Everything borrows.
namespace tidemark::http
{
// The field names that some decision of ours asks for. `other` stands for every further name.
enum class FieldId : std::uint8_t {
    other,
    accept,
    accept_encoding,
    accept_language,
    accept_ranges,
    age,
    allow,
    authorization,
    cache_control,
    cache_groups,
    cache_group_invalidation,
    cache_status,
    cache_tag,
    cdn_cache_control,
    cdn_loop,
    connection,
    content_encoding,
    content_language,
    content_length,
    content_location,
    content_range,
    content_type,
    cookie,
    date,
    edge_cache_tag,
    etag,
    expect,
    expires,
    forwarded,
    host,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    last_modified,
    location,
    max_forwards,
    pragma,
    proxy_authenticate,
    proxy_authentication_info,
    proxy_authorization,
    proxy_connection,
    range,
    retry_after,
    server,
    set_cookie,
    surrogate_capability,
    surrogate_control,
    surrogate_key,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    vary,
    via,
    warning,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_port,
    x_forwarded_proto,
    x_magento_tags,
    xkey,
    tidemark_debug,
    tidemark_fence,
    tidemark_purge_version,
    tidemark_read,
    count_
};

// Case-insensitive (RFC 9110 §5.1).
[[nodiscard]] FieldId field_id(std::string_view name) noexcept;
// The lower-case name; "" for other.
[[nodiscard]] std::string_view field_name(FieldId id) noexcept;

struct Field {
    FieldId id = FieldId::other;
    std::string_view name;  // as received
    std::string_view value; // without surrounding OWS
};

// A set of ids, for asking about many at once.
struct FieldSet {
    std::uint64_t bits[2] = {0, 0};
    constexpr FieldSet() = default;
    constexpr FieldSet(std::initializer_list<FieldId> ids)
    {
        for (const FieldId id : ids) {
            const auto bit = static_cast<unsigned>(id);
            bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
        }
    }
    [[nodiscard]] constexpr bool has(FieldId id) const noexcept
    {
        const auto bit = static_cast<unsigned>(id);
        return (bits[bit / 64] >> (bit % 64)) & 1;
    }
};

class FieldList
{
  public:
    void clear() noexcept
    {
        fields_.clear();
        present_[0] = present_[1] = 0;
    }
    void add(std::string_view name, std::string_view value)
    {
        add(Field{field_id(name), name, value});
    }
    void add(const Field& field)
    {
        fields_.push_back(field);
        const auto bit = static_cast<unsigned>(field.id);
        present_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    }

    // One test of a bit: false means that no line has this id. Not for FieldId::other.
    [[nodiscard]] bool has(FieldId id) const noexcept
    {
        const auto bit = static_cast<unsigned>(id);
        return (present_[bit / 64] >> (bit % 64)) & 1;
    }
    [[nodiscard]] bool has_any(const FieldSet& set) const noexcept
    {
        return ((present_[0] & set.bits[0]) | (present_[1] & set.bits[1])) != 0;
    }
    // The first line's value; a null view if there is none. Right for fields that are not lists.
    [[nodiscard]] std::string_view first(FieldId id) const noexcept
    {
        if (has(id))
            for (const Field& field : fields_)
                if (field.id == id) return field.value;
        return {};
    }
    // Every line of `id`, in order: all lines of a list field count (RFC 9110 §5.3).
    template <class Visit> void each(FieldId id, Visit&& visit) const
    {
        if (!has(id)) return;
        for (const Field& field : fields_)
            if (field.id == id) visit(field.value);
    }
    // The first line of a name that has no id. Walks every field: not for hot code.
    [[nodiscard]] std::string_view named(std::string_view name) const noexcept
    {
        for (const Field& field : fields_)
            if (iequals(field.name, name)) return field.value;
        return {};
    }
    [[nodiscard]] std::size_t lines_of(FieldId id) const noexcept
    {
        std::size_t n = 0;
        each(id, [&](std::string_view) { ++n; });
        return n;
    }

    [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
    [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
    [[nodiscard]] auto end() const noexcept { return fields_.end(); }
    [[nodiscard]] const Field& operator[](std::size_t i) const noexcept { return fields_[i]; }

  private:
    static_assert(static_cast<unsigned>(FieldId::count_) <= 128);
    std::vector<Field> fields_;
    std::uint64_t present_[2] = {0, 0};
};

// Visits the members of a comma-separated list (RFC 9110 §5.6.1): trimmed, empty members skipped,
// commas inside quoted strings kept. `visit(std::string_view)` may return bool; false ends the
// walk.
template <class Visit> void each_list_member(std::string_view list, Visit&& visit)
{
    std::size_t at = 0;
    while (at < list.size()) {
        std::size_t end = at;
        bool quoted = false;
        for (; end < list.size(); ++end) {
            const char c = list[end];
            if (quoted) {
                if (c == '\\' && end + 1 < list.size())
                    ++end;
                else if (c == '"')
                    quoted = false;
            } else if (c == '"')
                quoted = true;
            else if (c == ',')
                break;
        }
        std::string_view member = list.substr(at, end - at);
        while (!member.empty() && (member.front() == ' ' || member.front() == '\t'))
            member.remove_prefix(1);
        while (!member.empty() && (member.back() == ' ' || member.back() == '\t'))
            member.remove_suffix(1);
        at = end + 1;
        if (member.empty()) continue;
        if constexpr (requires { static_cast<bool>(visit(member)); }) {
            if (!visit(member)) return;
        } else
            visit(member);
    }
}
} // namespace tidemark::http
