#pragma once
#include <optional>
#include <string>
#include <string_view>

// The parts of a URI that cache keys and invalidation need (RFC 3986). Everything borrows.
namespace tidemark::cache
{
// A URI or relative reference taken apart (RFC 3986 appendix B). An absent component is told from
// an empty one.
struct UriReference {
    std::optional<std::string_view> scheme;
    std::optional<std::string_view> authority;
    std::string_view path;
    std::optional<std::string_view> query;
    std::optional<std::string_view> fragment;
};
[[nodiscard]] UriReference split_uri(std::string_view text) noexcept;

// RFC 3986 §5.2.4.
[[nodiscard]] std::string remove_dot_segments(std::string_view path);

// Appends host[:port], the host in lower case, without a port that is empty or the scheme's
// default.
void append_authority(std::string& out, std::string_view scheme, std::string_view authority);

// Visits the parameters of a query, split at '&': `visit(text, name)`, the name being what stands
// before the first '='.
template <class Visit> void each_parameter(std::string_view query, Visit&& visit)
{
    while (true) {
        const std::size_t end = query.find('&');
        const std::string_view text = query.substr(0, end);
        visit(text, text.substr(0, text.find('=')));
        if (end == std::string_view::npos) return;
        query.remove_prefix(end + 1);
    }
}
} // namespace tidemark::cache
