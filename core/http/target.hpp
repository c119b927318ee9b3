#pragma once
#include "core/base/result.hpp"
#include "core/http/parser.hpp"

#include <string>

namespace tidemark::http
{
// Fills scheme, authority and path of `head` from its target and Host (RFC 9112 §3.2, §3.3).
// `scheme` is the transport's. `path_text` keeps a path that does not stand in the target as such.
[[nodiscard]] Result<void, HeadError> resolve_target(RequestHead& head, std::string_view scheme,
                                                     std::string& path_text);
} // namespace tidemark::http
