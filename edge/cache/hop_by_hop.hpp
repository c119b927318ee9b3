#pragma once
#include "core/http/message.hpp"

#include <string_view>

// Fields that belong to one connection and are neither stored nor freshened (RFC 9110 §7.6.1, RFC
// 9111 §3.1).
namespace tidemark::cache
{
// Connection and the fields that always go with it, and the Proxy-* ones of authentication;
// Proxy-Status is end-to-end.
[[nodiscard]] bool is_hop_by_hop(http::FieldId id) noexcept;

// Is `field` named by this Connection value? Not where its removal would change what the content is
// or who may have it: such a field is end-to-end and cannot be named (RFC 9110 §7.6.1).
[[nodiscard]] bool named_by_connection(const http::Field& field, std::string_view connection_value);
} // namespace tidemark::cache
