#include "edge/serve/owned_request.hpp"

#include "edge/cache/hop_by_hop.hpp"

namespace tidemark::serve
{
namespace
{
using http::FieldId;

// What this hop itself has to see, or must not lose, whatever Connection says.
constexpr http::FieldSet kOurs = {FieldId::connection,
                                  FieldId::host,
                                  FieldId::content_length,
                                  FieldId::transfer_encoding,
                                  FieldId::te,
                                  FieldId::trailer,
                                  FieldId::upgrade,
                                  FieldId::expect,
                                  FieldId::max_forwards,
                                  FieldId::via,
                                  FieldId::cdn_loop,
                                  FieldId::forwarded,
                                  FieldId::x_forwarded_for};

// Meant for this hop only: the upstream will not see it, so it must not select a variant either.
bool meant_for_us(const http::FieldList& fields, const http::Field& field)
{
    bool named = false;
    fields.each(FieldId::connection, [&](std::string_view value) {
        named = named || cache::named_by_connection(field, value);
    });
    return named && !kOurs.has(field.id);
}
} // namespace

OwnedRequest::OwnedRequest(const http::RequestHead& head)
{
    std::size_t bytes = head.method_text.size() + head.target.size() + head.scheme.size() +
                        head.authority.size() + head.path.size();
    for (const http::Field& field : head.fields)
        bytes += field.name.size() + field.value.size();
    bytes_.reserve(bytes);
    const auto keep = [&](std::string_view text) {
        const std::size_t at = bytes_.size();
        bytes_.append(text);
        return std::string_view(bytes_).substr(at);
    };
    head_.method = head.method;
    head_.minor_version = head.minor_version;
    head_.framing = head.framing;
    head_.keep_alive = head.keep_alive;
    head_.expect_continue = head.expect_continue;
    head_.method_text = keep(head.method_text);
    head_.target = keep(head.target);
    head_.scheme = keep(head.scheme);
    head_.authority = keep(head.authority);
    head_.path = keep(head.path);
    for (const http::Field& field : head.fields)
        if (!meant_for_us(head.fields, field))
            head_.fields.add(http::Field{field.id, keep(field.name), keep(field.value)});
}
} // namespace tidemark::serve
