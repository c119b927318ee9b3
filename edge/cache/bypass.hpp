#pragma once
#include "core/http/message.hpp"

#include <optional>
#include <string>
#include <vector>

// Which requests pass by the cache, as a site with log-ins, carts or previews needs it: such a
// request is neither answered from a stored response nor is its answer stored.
namespace tidemark::cache
{
// In every pattern '*' stands for any bytes, also none; all else is compared byte for byte.
struct FieldCondition {
    std::string name;                 // lower case
    std::optional<std::string> value; // pattern that one line must match; absent: any, even none
};

struct BypassRules {
    std::vector<std::string> cookies; // patterns of names: "wordpress_logged_in_*", "PHPSESSID"
    std::vector<std::string> query;   // patterns of parameter names: "add-to-cart", "preview*"
    std::vector<std::string> paths;   // patterns of whole paths: "/wp-admin/*", "*.php", "/cart"
    std::vector<FieldCondition> fields;
};

// True if one rule matches. Paths are compared as received and as the origin server may read them
// (percent-encodings decoded, dot segments removed, slashes in a row as one; RFC 3986 §6.2.2), so
// that no spelling of "/wp-admin/" slips through.
[[nodiscard]] bool bypasses(const BypassRules& rules, const http::RequestHead& request);
} // namespace tidemark::cache
