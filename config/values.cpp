#include "config/values.hpp"

#include "config/nearest.hpp"
#include "config/quoted.hpp"
#include "config/units.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace tidemark::config
{
namespace
{
constexpr std::size_t kEdgeNameBytesMax = 64;
constexpr std::size_t kHostBytesMax = 253;
constexpr std::size_t kPatternBytesMax = 1024;

bool is_alnum(char c) noexcept
{
    const char l = to_lower(c);
    return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'z');
}

// RFC 9110 §5.6.2.
bool is_token(std::string_view text) noexcept
{
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        return is_alnum(c) || kMarks.find(c) != kMarks.npos;
    });
}

bool is_visible_ascii(std::string_view text) noexcept
{
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_host_name(std::string_view text) noexcept
{
    return !text.empty() && text.size() <= kHostBytesMax && text.front() != '.' &&
           text.back() != '.' && text.find("..") == text.npos &&
           std::ranges::all_of(
               text, [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

bool is_bracketed_ipv6(std::string_view text) noexcept
{
    return text.starts_with('[') && text.ends_with(']') && is_ipv6(text.substr(1, text.size() - 2));
}

// "example.org", "[::1]" or "*.example.org".
bool is_site_host(std::string_view text) noexcept
{
    if (is_bracketed_ipv6(text)) return true;
    return is_host_name(text.starts_with("*.") ? text.substr(2) : text);
}

// host[:port] as a Host field has it (RFC 9110 §7.2).
bool is_authority(std::string_view text) noexcept
{
    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
    const std::string_view host = has_port ? text.substr(0, colon) : text;
    if (has_port && parse_decimal(text.substr(colon + 1)).value_or(65536) > 65535) return false;
    return is_bracketed_ipv6(host) || is_host_name(host);
}

// The name of a query parameter, perhaps with '*'.
bool is_parameter(std::string_view text) noexcept
{
    return !text.empty() && is_visible_ascii(text) && text.size() <= kPatternBytesMax &&
           text.find_first_of("&=#?") == text.npos;
}

bool star_only_at_end(std::string_view text) noexcept
{
    return text.find('*') >= text.size() - 1;
}

// These frame the message or belong to the connection; they are ours to write (RFC 9110 §7.6.1, RFC
// 9112 §6).
bool frames_message(std::string_view field) noexcept
{
    constexpr std::string_view kFraming[] = {
        "connection", "content-length",    "host",   "keep-alive", "te",
        "trailer",    "transfer-encoding", "upgrade"};
    return std::ranges::any_of(kFraming,
                               [&](std::string_view name) { return iequals(name, field); });
}

std::string lower(std::string_view text)
{
    std::string out;
    append_lower(out, text);
    return out;
}
} // namespace

std::string expected_text(NumberRange range)
{
    return "a whole number from " + std::to_string(range.least) + " to " +
           std::to_string(range.most);
}

std::string expected_text(SizeRange range)
{
    std::string out = "a size such as \"64KiB\", from " + size_text(range.least);
    return range.most == kSizeMax ? out + " up" : out + " to " + size_text(range.most);
}

std::string expected_text(DurationRange range)
{
    return "a duration such as \"10s\", from " + duration_text(range.least) + " to " +
           duration_text(range.most);
}

void ValueReader::refuse(std::string_view text, std::string_view why, std::string expected,
                         std::string nearest) const
{
    std::string message = name_.empty() ? quoted(text) : name_ + " " + quoted(text);
    errors_.add(at_, message.append(" ").append(why), std::move(expected), std::move(nearest));
}

void ValueReader::refuse_range(std::string_view text, std::string expected) const
{
    const std::string written{text};
    errors_.add(at_, name_.empty() ? written + " is out of range" : name_ + " is " + written,
                std::move(expected));
}

void ValueReader::add_once(std::string value, std::vector<std::string>& into) const
{
    if (std::ranges::find(into, value) != into.end())
        refuse(value, "is there twice", {});
    else
        into.push_back(std::move(value));
}

template <class T, class Value>
bool ValueReader::fits(const std::optional<Value>& value, std::string_view text,
                       std::string_view kind, const Range<T>& range) const
{
    if (!value)
        refuse(text, "is no " + std::string{kind}, expected_text(range));
    else if (*value < range.least || *value > range.most)
        refuse_range(text, expected_text(range));
    else
        return true;
    return false;
}

void ValueReader::number(std::optional<std::uint64_t> value, std::string_view text,
                         NumberRange range, std::uint32_t& into) const
{
    if (fits(value, text, "number", range)) into = static_cast<std::uint32_t>(*value);
}

void ValueReader::size(std::optional<std::uint64_t> value, std::string_view text, SizeRange range,
                       std::uint64_t& into) const
{
    if (fits(value, text, "size", range)) into = *value;
}

void ValueReader::duration(std::optional<Millis> value, std::string_view text, DurationRange range,
                           Millis& into) const
{
    if (fits(value, text, "duration", range)) into = *value;
}

void ValueReader::edge_name(std::string_view text, std::string& into) const
{
    if (is_token(text) && text.size() <= kEdgeNameBytesMax)
        into = text;
    else
        refuse(text, "cannot stand in Via and CDN-Loop",
               "1 to 64 letters, digits, '-', '.' or '_'");
}

void ValueReader::access_log(std::string_view text, std::string& into) const
{
    if (text.empty() || text.find('\0') != text.npos)
        refuse(text, "is no file", R"(a path, "-" for standard output, or "off")");
    else
        into = text == "off" ? std::string_view{} : text;
}

void ValueReader::log_level(std::string_view text, log::Level& into) const
{
    if (const auto level = log::level_named(text))
        into = *level;
    else
        refuse(text, "is no level", "trace, debug, info, warn or error",
               nearest_name(text, log::kLevelNames));
}

void ValueReader::listen(std::string_view text, std::vector<Address>& into) const
{
    auto address = parse_listen_address(text);
    if (!address) return errors_.add(at_, std::move(address).error());
    const auto* tcp = std::get_if<TcpAddress>(&*address);
    const bool chosen_later = tcp != nullptr && tcp->port == 0;
    if (!chosen_later && std::ranges::find(into, *address) != into.end())
        return refuse(text_of(*address), "is there twice", {});
    into.push_back(*std::move(address));
}

void ValueReader::admin(std::string_view text, std::optional<Address>& into) const
{
    auto address = parse_listen_address(text);
    if (!address) return errors_.add(at_, std::move(address).error());
    into = *std::move(address);
}

void ValueReader::upstream(std::string_view text, std::vector<UpstreamUrl>& into) const
{
    auto url = parse_upstream_url(text);
    if (!url) return errors_.add(at_, std::move(url).error());
    const auto same = [&](const UpstreamUrl& other) { return other.address == url->address; };
    if (std::ranges::any_of(into, same)) return refuse(text, "is there twice", {});
    into.push_back(*std::move(url));
}

void ValueReader::link(std::string_view text, std::optional<Address>& into) const
{
    auto address = parse_listen_address(text);
    if (!address) return errors_.add(at_, std::move(address).error());
    const auto* tcp = std::get_if<TcpAddress>(&*address);
    if (tcp == nullptr || tcp->port == 0)
        return refuse(text, "is no place for edges to connect to",
                      R"(an address with a port, ":7101")");
    into = *std::move(address);
}

// An address, or a name that is looked up at each connect.
void ValueReader::origin(std::string_view text, std::optional<Address>& into) const
{
    if (const auto literal = parse_listen_address(text)) {
        const auto* tcp = std::get_if<TcpAddress>(&*literal);
        if (tcp != nullptr && tcp->port != 0 && !tcp->host.empty()) {
            into = *literal;
            return;
        }
    }
    const std::size_t colon = text.rfind(':');
    const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
    const auto url = parse_upstream_url("http://" + std::string{text});
    if (!has_port || !url || text.ends_with('/'))
        return refuse(text, "is no place to connect to",
                      R"(the origin's --link address, "origin.example.org:7101")");
    into = url->address;
}

void ValueReader::folder(std::string_view text, std::string& into) const
{
    if (text.empty() || text.find('\0') != text.npos)
        refuse(text, "is no folder", R"(a path such as "/var/lib/tidemark")");
    else
        into = text;
}

void ValueReader::adrift(std::string_view text, purge::Adrift& into) const
{
    constexpr std::string_view kNames[] = {"revalidate", "serve", "fail"};
    constexpr purge::Adrift kPolicies[] = {purge::Adrift::revalidate, purge::Adrift::serve,
                                           purge::Adrift::fail};
    for (std::size_t i = 0; i < std::size(kNames); ++i)
        if (text == kNames[i]) {
            into = kPolicies[i];
            return;
        }
    refuse(text, "is no policy", "revalidate, serve or fail", nearest_name(text, kNames));
}

void ValueReader::as_of_field(std::string_view text, std::optional<std::string>& into) const
{
    if (!is_token(text) || frames_message(text))
        return refuse(text, "is no field that could carry a version",
                      R"(a name such as "X-Data-Version")");
    into = lower(text);
}

void ValueReader::token_name(std::string_view text, const std::vector<TokenSettings>& others,
                             std::string& into) const
{
    const auto plain = [](char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_'; };
    if (text.empty() || text.size() > kEdgeNameBytesMax || !std::ranges::all_of(text, plain))
        return refuse(text, "is no name for a caller", "1 to 64 letters, digits, '-', '.' or '_'");
    if (std::ranges::find(others, text, &TokenSettings::name) != others.end())
        return refuse(text, "is there twice", {});
    into = text;
}

void ValueReader::token_hash(std::string_view text, std::array<std::uint8_t, 32>& into) const
{
    constexpr std::string_view kKind = "sha256:";
    const auto digit = [](char c) -> unsigned {
        const char l = to_lower(c);
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        return l >= 'a' && l <= 'f' ? static_cast<unsigned>(l - 'a') + 10 : 16;
    };
    const std::string_view hex = text.substr(std::min(kKind.size(), text.size()));
    // What it is may be the token itself, put here by mistake: it is not shown.
    if (!text.starts_with(kKind) || hex.size() != 2 * into.size() ||
        std::ranges::any_of(hex, [&](char c) { return digit(c) > 15; }))
        return errors_.add(at_, name_ + " is no hash",
                           "\"sha256:\" and 64 hex digits, as `tidemark token hash` prints them");
    for (std::size_t i = 0; i < into.size(); ++i)
        into[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
}

void ValueReader::token_scope(std::string_view text, std::vector<TokenScope>& into) const
{
    const auto named = std::ranges::find(kTokenScopeNames, text);
    if (named == kTokenScopeNames.end())
        return refuse(text, "is no scope", "read, purge, purge-all or push",
                      nearest_name(text, kTokenScopeNames));
    const auto scope = static_cast<TokenScope>(named - kTokenScopeNames.begin());
    if (std::ranges::find(into, scope) != into.end()) return refuse(text, "is there twice", {});
    into.push_back(scope);
}

void ValueReader::token_site(std::string_view text, std::vector<std::string>& into) const
{
    if (text != "*" && !is_site_host(text))
        return refuse(text, "is no host",
                      R"("*" for all, "example.org", or all names below it, "*.example.org")");
    add_once(lower(text), into);
}

void ValueReader::site_host(std::string_view text, HostClaims& claims,
                            std::vector<std::string>& into) const
{
    if (!is_site_host(text))
        return refuse(
            text, "is no host",
            R"(a name without a port, "example.org", or all names below it, "*.example.org")");
    const auto [claim, is_new] = claims.try_emplace(lower(text), at_);
    if (is_new)
        into.push_back(claim->first);
    else
        refuse(text, "already has a site, in line " + std::to_string(claim->second.line), {});
}

void ValueReader::field_name(std::string_view text, std::vector<std::string>& into) const
{
    if (!is_token(text))
        return refuse(text, "is no field name", R"(a name such as "X-Forwarded-For")");
    add_once(lower(text), into);
}

void ValueReader::stripped_field(std::string_view text, std::vector<std::string>& into) const
{
    if (frames_message(text))
        return refuse(text, "frames the message and cannot be stripped", "another field");
    field_name(text, into);
}

void ValueReader::upgrade(std::string_view text, std::vector<std::string>& into) const
{
    if (iequals(text, "h2c") || iequals(text, "tls"))
        return refuse(text, "cannot be tunnelled: it would hide requests from this edge",
                      R"(protocols such as "websocket")");
    if (!is_token(text)) return refuse(text, "is no protocol", R"(a name such as "websocket")");
    add_once(lower(text), into);
}

void ValueReader::path_pattern(std::string_view text, std::string& into) const
{
    const bool anchored = text.starts_with('/') || text.starts_with('*');
    if (!anchored || !is_visible_ascii(text) || text.size() > kPatternBytesMax ||
        text.find_first_of("?#") != text.npos)
        return refuse(text, "is no path pattern",
                      R"(a path without a query, '*' for any run: "/static/*" or "*.css")");
    into = text;
}

void ValueReader::path_patterns(std::string_view text, std::vector<std::string>& into) const
{
    std::string pattern;
    path_pattern(text, pattern);
    if (!pattern.empty()) add_once(std::move(pattern), into);
}

void ValueReader::query_pattern(std::string_view text, std::vector<std::string>& into) const
{
    if (!is_parameter(text) || !star_only_at_end(text))
        return refuse(text, "is no query parameter",
                      R"(a name, '*' at its end for any rest: "gclid" or "utm_*")");
    add_once(std::string{text}, into);
}

void ValueReader::keyed_cookie(std::string_view text, std::vector<std::string>& into) const
{
    if (!is_token(text) || !star_only_at_end(text))
        return refuse(text, "is no cookie name",
                      R"(a name, '*' at its end for any rest: "currency" or "lang_*")");
    add_once(std::string{text}, into);
}

void ValueReader::cookie_pattern(std::string_view text, std::vector<std::string>& into) const
{
    if (!is_token(text) || text.size() > kPatternBytesMax)
        return refuse(text, "is no cookie name",
                      R"(a name, '*' for any run: "wordpress_logged_in_*")");
    add_once(std::string{text}, into);
}

void ValueReader::query_condition(std::string_view text, std::vector<std::string>& into) const
{
    if (!is_parameter(text))
        return refuse(text, "is no query parameter",
                      R"(a name, '*' for any run: "add-to-cart" or "preview*")");
    add_once(std::string{text}, into);
}

void ValueReader::field_condition(std::string_view text,
                                  std::vector<cache::FieldCondition>& into) const
{
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    cache::FieldCondition condition{lower(name), std::nullopt};
    if (colon < text.size()) condition.value = std::string{trim(text.substr(colon + 1))};
    const auto printable = [](char c) { return c == '\t' || (c >= 0x20 && c < 0x7f); };
    if (!is_token(name) || text.size() > kPatternBytesMax || !std::ranges::all_of(text, printable))
        return refuse(text, "is no field",
                      R"("X-Preview", or "X-Preview: yes*" where the value matters)");
    into.push_back(std::move(condition));
}

void ValueReader::host_header(std::string_view text, std::optional<std::string>& into) const
{
    if (text == "preserve")
        into.reset();
    else if (is_authority(text))
        into = std::string{text};
    else
        refuse(text, "is no host", R"("preserve" or a host such as "www.example.org:8080")");
}

void ValueReader::health_path(std::string_view text, std::string& into) const
{
    if (text.empty() || (text.starts_with('/') && is_visible_ascii(text) &&
                         text.size() <= kPatternBytesMax && text.find('#') == text.npos))
        into = text;
    else
        refuse(text, "is no path", R"(a path such as "/healthz", or "" for none)");
}
} // namespace tidemark::config
