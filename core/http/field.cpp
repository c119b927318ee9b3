#include "core/http/field.hpp"

#include "core/http/grammar.hpp"

#include <algorithm>
#include <array>

namespace tidemark::http
{
namespace
{
constexpr std::size_t kIds = static_cast<std::size_t>(FieldId::count_);
// In the order of FieldId.
constexpr std::array<std::string_view, kIds> kNames = {
    "",
    "accept",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "cache-groups",
    "cache-group-invalidation",
    "cache-status",
    "cache-tag",
    "cdn-cache-control",
    "cdn-loop",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "edge-cache-tag",
    "etag",
    "expect",
    "expires",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "server",
    "set-cookie",
    "surrogate-capability",
    "surrogate-control",
    "surrogate-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "warning",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-magento-tags",
    "xkey",
    "tidemark-purge-version",
};

constexpr std::size_t kLongestName = [] {
    std::size_t longest = 0;
    for (const std::string_view name : kNames)
        longest = std::max(longest, name.size());
    return longest;
}();

// The ids, shortest name first, and where the names of each length begin.
struct LengthIndex {
    std::array<std::uint8_t, kIds> ids{};
    std::array<std::uint8_t, kLongestName + 2> begin{};
};
constexpr LengthIndex kByLength = [] {
    LengthIndex index;
    std::size_t filled = 0;
    for (std::size_t length = 0; length <= kLongestName; ++length) {
        index.begin[length] = static_cast<std::uint8_t>(filled);
        for (std::size_t id = 1; id < kIds; ++id)
            if (kNames[id].size() == length) index.ids[filled++] = static_cast<std::uint8_t>(id);
    }
    index.begin[kLongestName + 1] = static_cast<std::uint8_t>(filled);
    return index;
}();

// Upper-case ASCII letters of eight bytes made lower-case; other bytes stay as they are.
constexpr std::uint64_t lower_word(std::uint64_t word) noexcept
{
    const std::uint64_t seven_bits = word & ~detail::kHighBits;
    const std::uint64_t from_a = seven_bits + detail::kOnes * (0x80 - 'A');
    const std::uint64_t beyond_z = seven_bits + detail::kOnes * (0x7f - 'Z');
    const std::uint64_t upper = (from_a ^ beyond_z) & ~word & detail::kHighBits;
    return word | (upper >> 2);
}

// The bytes of a name shorter than eight, padded with zeros.
std::uint64_t load_short(std::string_view text) noexcept
{
    char bytes[8] = {};
    for (std::size_t i = 0; i < text.size(); ++i)
        bytes[i] = text[i];
    return detail::load_word(bytes);
}

// `name` equals `known`, which is lower-case and of the same length; `first` is the head of `name`,
// lower-case.
bool matches(std::string_view name, std::uint64_t first, std::string_view known) noexcept
{
    if (name.size() < 8) return first == load_short(known);
    if (first != detail::load_word(known.data())) return false;
    for (std::size_t at = 8; at < name.size(); at += 8) {
        const std::size_t from = std::min(at, name.size() - 8); // the last word overlaps
        if (lower_word(detail::load_word(name.data() + from)) !=
            detail::load_word(known.data() + from))
            return false;
    }
    return true;
}
} // namespace

FieldId field_id(std::string_view name) noexcept
{
    if (name.size() > kLongestName) return FieldId::other;
    const std::uint64_t first =
        lower_word(name.size() < 8 ? load_short(name) : detail::load_word(name.data()));
    for (std::size_t i = kByLength.begin[name.size()]; i < kByLength.begin[name.size() + 1]; ++i)
        if (matches(name, first, kNames[kByLength.ids[i]]))
            return static_cast<FieldId>(kByLength.ids[i]);
    return FieldId::other;
}

std::string_view field_name(FieldId id) noexcept
{
    return kNames[static_cast<std::size_t>(id)];
}
} // namespace tidemark::http
