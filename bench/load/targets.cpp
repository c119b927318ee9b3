#include "bench/load/targets.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tidemark::bench
{
namespace
{
constexpr std::string_view kScheme = "http://";
constexpr std::string_view kPlace = "{}";

std::string quoted(std::string_view text)
{
    return "'" + std::string(text) + "'";
}

bool is_visible(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_field_line(std::string_view line)
{
    const std::size_t colon = line.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    return is_visible(line.substr(0, colon)) &&
           line.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_host_line(std::string_view line)
{
    return iequals(line.substr(0, line.find(':')), "host");
}

std::string request_tail(const Url& url, const std::vector<std::string>& fields)
{
    std::string tail = " HTTP/1.1\r\n";
    if (std::none_of(fields.begin(), fields.end(), is_host_line))
        tail += "Host: " + url.authority + "\r\n";
    for (const std::string& field : fields)
        tail += field + "\r\n";
    return tail + "\r\n";
}
} // namespace

Result<Url, std::string> parse_url(std::string_view text)
{
    if (!iequals(text.substr(0, kScheme.size()), kScheme))
        return fail(quoted(text) + ": a URL begins with http:// (TLS is not spoken)");
    const std::string_view rest = text.substr(kScheme.size());
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    const std::string_view authority = rest.substr(0, slash);
    std::string path(rest.substr(slash));
    if (path.empty() || path.front() == '?') path.insert(0, 1, '/');

    std::string_view host = authority;
    std::string_view port = "80";
    const std::size_t bracket = authority.rfind(']');
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon)) {
        host = authority.substr(0, colon);
        port = authority.substr(colon + 1);
    }
    const auto number = parse_decimal(port);
    if (host.empty() || !number || *number > 65535 || !is_visible(authority) ||
        authority.find('@') != std::string_view::npos)
        return fail(quoted(text) + ": not http://HOST[:PORT]/PATH");
    if (!is_visible(path) || path.find('#') != std::string::npos)
        return fail(quoted(text) + ": a path has no spaces, no fragment and only ASCII");
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    return Url{std::string(host), std::string(port), std::string(authority), std::move(path)};
}

Result<Popularity, std::string> parse_popularity(std::string_view text)
{
    const std::size_t comma = text.find(',');
    const auto count = parse_decimal(text.substr(0, comma));
    double alpha = -1;
    if (comma != std::string_view::npos) {
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + comma + 1, end, alpha);
        if (parsed.ec != std::errc{} || parsed.ptr != end) alpha = -1;
    }
    if (!count || *count == 0 || !std::isfinite(alpha) || alpha < 0 || alpha > 20)
        return fail(quoted(text) + " is not N,ALPHA with N from 1 and ALPHA from 0 to 20, as in "
                                   "100000,0.9");
    return Popularity{*count, alpha};
}

Result<Targets, std::string> Targets::make(const std::vector<std::string>& urls,
                                           const std::vector<std::string>& fields,
                                           std::optional<Popularity> popularity, bool one_server)
{
    if (urls.empty()) return fail(std::string("no URL given"));
    for (const std::string& field : fields)
        if (!is_field_line(field)) return fail(quoted(field) + " is not a field 'Name: value'");

    Targets targets;
    for (const std::string& text : urls) {
        auto url = parse_url(text);
        if (!url) return fail(std::move(url.error()));
        if (targets.requests_.empty()) targets.first_ = *url;
        if (one_server && (url->host != targets.first_.host || url->port != targets.first_.port))
            return fail(quoted(text) + " is on another server than " + quoted(urls.front()) +
                        ": say where to connect with --connect");
        targets.requests_.push_back("GET " + url->path + request_tail(*url, fields));
    }
    if (!popularity) return targets;

    const std::string& path = targets.first_.path;
    const std::size_t place = path.find(kPlace);
    if (urls.size() != 1 || place == std::string::npos ||
        path.find(kPlace, place + 1) != std::string::npos)
        return fail(std::string("--zipf takes exactly one --url, with one {} in its path"));
    targets.template_ =
        Template{"GET " + path.substr(0, place),
                 path.substr(place + kPlace.size()) + request_tail(targets.first_, fields),
                 Zipf(popularity->count, popularity->alpha)};
    return targets;
}

void Targets::append_request(std::string& out, std::uint64_t number, Random& random) const
{
    if (!template_) {
        out += requests_[number % requests_.size()];
        return;
    }
    out += template_->before;
    append_decimal(out, static_cast<std::int64_t>(template_->zipf.draw(random)));
    out += template_->after;
}
} // namespace tidemark::bench
