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
    "tidemark-debug",
    "tidemark-fence",
    "tidemark-purge-version",
    "tidemark-read",
};

constexpr std::size_t kLongestName = [] {
    std::size_t longest = 0;
    for (const std::string_view name : kNames)
        longest = std::max(longest, name.size());
    return longest;
}();

constexpr std::uint64_t byte_at(const char* at) noexcept
{
    return static_cast<unsigned char>(*at);
}
// Four bytes as one number, written out so that compilers make it one load.
constexpr std::uint64_t half_at(const char* at) noexcept
{
    return byte_at(at) | byte_at(at + 1) << 8 | byte_at(at + 2) << 16 | byte_at(at + 3) << 24;
}
constexpr std::uint64_t word_at(const char* at) noexcept
{
    return half_at(at) | half_at(at + 4) << 32;
}

// The first eight bytes of a name, or all of a shorter one (some of them twice).
constexpr std::uint64_t first_word(std::string_view name) noexcept
{
    const char* const at = name.data();
    const std::size_t bytes = name.size();
    if (bytes >= 8) return word_at(at);
    if (bytes >= 4) return half_at(at) | half_at(at + bytes - 4) << 32;
    if (bytes == 0) return 0;
    return byte_at(at) | byte_at(at + bytes / 2) << 8 | byte_at(at + bytes - 1) << 16;
}

// Upper-case ASCII letters of eight bytes made lower-case; other bytes stay as they are.
constexpr std::uint64_t lower_word(std::uint64_t word) noexcept
{
    const std::uint64_t seven_bits = word & ~detail::kHighBits;
    const std::uint64_t from_a = seven_bits + detail::kOnes * (0x80 - 'A');
    const std::uint64_t beyond_z = seven_bits + detail::kOnes * (0x7f - 'Z');
    const std::uint64_t upper = (from_a ^ beyond_z) & ~word & detail::kHighBits;
    return word | (upper >> 2);
}

// The names, shortest first, and where those of each length begin.
struct Known {
    std::uint64_t first_word = 0;
    FieldId id = FieldId::other;
};
struct LengthIndex {
    std::array<Known, kIds> names{};
    std::array<std::uint8_t, kLongestName + 2> begin{};
};
constexpr LengthIndex kByLength = [] {
    LengthIndex index;
    std::size_t filled = 0;
    for (std::size_t length = 0; length <= kLongestName; ++length) {
        index.begin[length] = static_cast<std::uint8_t>(filled);
        for (std::size_t id = 1; id < kIds; ++id)
            if (kNames[id].size() == length)
                index.names[filled++] = {first_word(kNames[id]), static_cast<FieldId>(id)};
    }
    index.begin[kLongestName + 1] = static_cast<std::uint8_t>(filled);
    return index;
}();

// `name` equals `known`, of the same length and lower-case, behind the first word.
bool rest_matches(std::string_view name, std::string_view known) noexcept
{
    for (std::size_t at = 8; at < name.size(); at += 8) {
        const std::size_t from = std::min(at, name.size() - 8); // the last word overlaps
        if (lower_word(word_at(name.data() + from)) != word_at(known.data() + from)) return false;
    }
    return true;
}
} // namespace

FieldId field_id(std::string_view name) noexcept
{
    if (name.size() > kLongestName) return FieldId::other;
    const std::uint64_t first = lower_word(first_word(name));
    const std::size_t end = kByLength.begin[name.size() + 1];
    for (std::size_t i = kByLength.begin[name.size()]; i < end; ++i) {
        const Known& known = kByLength.names[i];
        if (known.first_word == first &&
            rest_matches(name, kNames[static_cast<std::size_t>(known.id)]))
            return known.id;
    }
    return FieldId::other;
}

std::string_view field_name(FieldId id) noexcept
{
    return kNames[static_cast<std::size_t>(id)];
}
} // namespace tidemark::http
