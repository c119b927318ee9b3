#pragma once
#include "core/base/time.hpp"
#include "core/http/message.hpp"

#include <optional>
#include <string_view>

// Conditional requests (RFC 9110 §13), evaluated by a cache against a stored response (RFC 9111
// §4.3.2).
namespace tidemark::http
{
struct EntityTag {
    std::string_view opaque; // with its quotes
    bool weak = false;
};
// One entity-tag, nothing else (RFC 9110 §8.8.3).
[[nodiscard]] std::optional<EntityTag> parse_entity_tag(std::string_view text) noexcept;
[[nodiscard]] bool weak_equal(const EntityTag& a, const EntityTag& b) noexcept;
[[nodiscard]] bool strong_equal(const EntityTag& a, const EntityTag& b) noexcept;
// Does an If-Match or If-None-Match list (all lines) name `tag`, or is it "*"? Tolerates unquoted
// members as opaque text compared byte by byte.
[[nodiscard]] bool any_tag_matches(const FieldList& fields, FieldId list, std::string_view tag,
                                   bool weak);

// The validators of the selected representation, as stored; null views where it has none.
struct Validators {
    std::string_view etag;
    std::string_view last_modified;
    std::string_view
        date; // for the strength of last_modified (RFC 9110 §8.8.2.2) and its fall-back
};

enum class PreconditionOutcome : std::uint8_t { proceed, not_modified, failed };
// For GET and HEAD answered from cache with a 200: If-None-Match (weak, precedence) then
// If-Modified-Since. If-Match and If-Unmodified-Since are left to the origin server (RFC 9111
// §4.3.2): ask has_origin_precondition first.
[[nodiscard]] PreconditionOutcome evaluate_for_cache(const RequestHead& request,
                                                     const Validators& stored, WallTime stored_at,
                                                     WallTime now);
[[nodiscard]] bool has_origin_precondition(const RequestHead& request) noexcept;
// If-Range (RFC 9110 §13.1.5): true if Range is to be honoured (no If-Range, or a strong match).
[[nodiscard]] bool if_range_holds(const RequestHead& request, const Validators& stored,
                                  WallTime now);
} // namespace tidemark::http
