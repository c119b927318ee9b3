#include "edge/serve/owned_request.hpp"

namespace tidemark::serve
{
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
        head_.fields.add(http::Field{field.id, keep(field.name), keep(field.value)});
}
} // namespace tidemark::serve
