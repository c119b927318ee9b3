#include "edge/cache/hop_by_hop.hpp"

#include "core/base/text.hpp"

namespace tidemark::cache
{
namespace
{
using http::FieldId;

bool must_stay(FieldId id) noexcept
{
    switch (id) {
    case FieldId::age:
    case FieldId::cache_control:
    case FieldId::cdn_cache_control:
    case FieldId::content_encoding:
    case FieldId::content_length:
    case FieldId::content_type:
    case FieldId::date:
    case FieldId::etag:
    case FieldId::expires:
    case FieldId::last_modified:
    case FieldId::surrogate_control:
    case FieldId::vary:
        return true;
    default:
        return false;
    }
}
} // namespace

bool is_hop_by_hop(FieldId id) noexcept
{
    switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authentication_info:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
        return true;
    default:
        return false;
    }
}

bool named_by_connection(const http::Field& field, std::string_view connection_value)
{
    if (connection_value.empty() || must_stay(field.id)) return false;
    bool named = false;
    http::each_list_member(connection_value, [&](std::string_view option) {
        named = iequals(option, field.name);
        return !named;
    });
    return named;
}
} // namespace tidemark::cache
