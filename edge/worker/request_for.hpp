#pragma once
#include "core/http/message.hpp"

#include <optional>
#include <string_view>

namespace tidemark::worker
{
// GET of an absolute http or https URI, without any field; nothing if it is no such URI. Borrows
// from it.
[[nodiscard]] std::optional<http::RequestHead> request_for(std::string_view uri);
} // namespace tidemark::worker
