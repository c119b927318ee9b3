#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Structured fields (RFC 8941), the part that cache fields need: dictionaries and lists of bare
// items with parameters.
namespace tidemark::http
{
struct SfToken {
    std::string text;
    friend bool operator==(const SfToken&, const SfToken&) = default;
};
struct SfBytes {
    std::string bytes;
    friend bool operator==(const SfBytes&, const SfBytes&) = default;
};
// integer, decimal, string, token, byte sequence, boolean
using SfBare = std::variant<std::int64_t, double, std::string, SfToken, SfBytes, bool>;

struct SfParameter {
    std::string key;
    SfBare value;
};
struct SfItem {
    SfBare value;
    std::vector<SfParameter> parameters;
};
struct SfMember {
    std::string key; // empty in lists
    SfItem item;     // for an inner list: `inner` holds its items and `item` only the parameters
    bool is_inner_list = false;
    std::vector<SfItem> inner;
};

// Nothing if any byte is out of grammar: the whole field is then ignored. A repeated key keeps its
// last value, at its first place. Bounded: at most 1024 members and 64 parameters each.
[[nodiscard]] std::optional<std::vector<SfMember>> parse_sf_dictionary(std::string_view text);
[[nodiscard]] std::optional<std::vector<SfMember>> parse_sf_list(std::string_view text);
// An sf-string with its quotes; nothing if `text` holds what no sf-string can.
[[nodiscard]] bool append_sf_string(std::string& out, std::string_view text);
// True if `text` can stand as an sf-token.
[[nodiscard]] bool is_sf_token(std::string_view text) noexcept;
} // namespace tidemark::http
