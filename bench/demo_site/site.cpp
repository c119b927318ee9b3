#include "bench/demo_site/site.hpp"

#include "bench/demo_site/images.hpp"
#include "bench/demo_site/pages.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <optional>

namespace tidemark::demo
{
namespace
{
constexpr std::uint64_t kBigBytesMax = std::uint64_t{64} << 30;
constexpr std::string_view kKept = "public, max-age=60";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kText = "text/plain; charset=utf-8";

// What a page is, before a request's conditions are looked at.
struct Page {
    std::string body;
    std::string_view type;
    std::string tags; // Surrogate-Key
};

std::string http_date(WallTime t)
{
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(since_epoch(t).count()));
}

WallTime midnight_before(WallTime t)
{
    return wall_time_of(std::chrono::floor<std::chrono::duration<std::int64_t, std::ratio<86'400>>>(
        since_epoch(t)));
}

// FNV-1a: stable from run to run, so a copy kept over a restart is still known.
std::string etag_of(std::string_view body)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : body)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
    return fmt::format("\"{:016x}\"", hash);
}

// If-None-Match outranks If-Modified-Since (RFC 9110 §13.2.2). Our dates come back byte for byte
// from a cache that kept one, so an equal text is enough.
bool unchanged(const Fields& asked, std::string_view etag, std::string_view modified)
{
    std::string_view tags = value_of(asked, "If-None-Match");
    if (tags.empty()) return value_of(asked, "If-Modified-Since") == modified;
    while (!tags.empty()) {
        const std::size_t comma = std::min(tags.find(','), tags.size());
        std::string_view tag = trim(tags.substr(0, comma));
        tags.remove_prefix(std::min(comma + 1, tags.size()));
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == "*" || tag == etag) return true;
    }
    return false;
}

Response plain(std::uint16_t status, std::string_view cache_control, std::string text)
{
    Response response;
    response.status = status;
    response.fields = {{"Content-Type", std::string(kText)},
                       {"Cache-Control", std::string(cache_control)}};
    response.body = std::move(text);
    return response;
}

Response html(std::string_view cache_control, std::string body)
{
    Response response = plain(200, cache_control, std::move(body));
    response.fields[0].second = kHtml;
    return response;
}

template <class T> const T* find_slug(std::span<const T> all, std::string_view slug)
{
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const T& one) { return one.slug == slug; });
    return found == all.end() ? nullptr : &*found;
}

std::optional<Page> image_page(std::string_view name, WallTime midnight)
{
    if (name == "logo.svg") return Page{std::string(logo_svg()), "image/svg+xml", "site images"};
    if (name == "chart.png") return Page{sea_chart_png(), "image/png", "site images"};
    if (!name.ends_with(".svg")) return std::nullopt;
    const Harbour* harbour = find_slug(harbours(), name.substr(0, name.size() - 4));
    if (harbour == nullptr) return std::nullopt;
    return Page{tide_curve_svg(*harbour, midnight), "image/svg+xml",
                fmt::format("site images tables harbour-{}", harbour->slug)};
}

// The pages that change once a day or never.
std::optional<Page> lasting_page(std::string_view path, WallTime midnight)
{
    const auto below = [&](std::string_view folder) { return path.substr(folder.size()); };
    if (path == "/") return Page{front_page(midnight), kHtml, "site front tables articles"};
    if (path == "/assets/style.css")
        return Page{std::string(style_css()), "text/css; charset=utf-8", "site assets"};
    if (path == "/assets/tide.js")
        return Page{std::string(tide_js()), "text/javascript; charset=utf-8", "site assets"};
    if (path.starts_with("/images/")) return image_page(below("/images/"), midnight);
    if (path.starts_with("/harbours/")) {
        if (const Harbour* harbour = find_slug(harbours(), below("/harbours/")))
            return Page{harbour_page(*harbour, midnight), kHtml,
                        fmt::format("site tables harbour-{}", harbour->slug)};
    } else if (path.starts_with("/articles/")) {
        if (const Article* article = find_slug(articles(), below("/articles/")))
            return Page{article_page(*article), kHtml,
                        fmt::format("site articles article-{} {}", article->slug, article->tags)};
    }
    return std::nullopt;
}

Response serve_page(Page page, const Request& request, WallTime midnight)
{
    const std::string etag = etag_of(page.body);
    const std::string modified = http_date(midnight);
    Response response;
    response.fields = {{"Cache-Control", std::string(kKept)},
                       {"ETag", etag},
                       {"Last-Modified", modified},
                       {"Surrogate-Key", page.tags}};
    if (unchanged(request.fields, etag, modified)) {
        response.status = 304;
        return response;
    }
    response.fields.emplace_back("Content-Type", page.type);
    response.body = std::move(page.body);
    return response;
}

Response serve_big(const Request& request)
{
    constexpr std::string_view kName = "bytes=";
    const auto bytes = request.query.starts_with(kName)
                           ? parse_decimal(std::string_view(request.query).substr(kName.size()))
                           : std::nullopt;
    if (!bytes || *bytes > kBigBytesMax)
        return plain(400, "no-store", "Ask for /big?bytes=N, N up to 64 GiB.\n");
    constexpr std::string_view kLine =
        "the tide comes in, the tide goes out, and nobody has ever minded\n";
    Response response = plain(200, kKept, "");
    while (response.body.size() < 64 * 1024)
        response.body += kLine;
    response.body_bytes = *bytes;
    if (*bytes < response.body.size()) response.body.resize(static_cast<std::size_t>(*bytes));
    response.fields.emplace_back("ETag", fmt::format("\"big-{}\"", *bytes));
    if (!unchanged(request.fields, response.fields.back().second, "-")) return response;
    response.status = 304;
    response.body.clear();
    response.body_bytes = 0;
    return response;
}

std::string clock_text(WallTime t)
{
    return fmt::format("{:%H:%M:%S} UTC", fmt::gmtime(since_epoch(t).count()));
}
} // namespace

std::string_view value_of(const Fields& fields, std::string_view name) noexcept
{
    for (const auto& [known, value] : fields)
        if (iequals(known, name)) return value;
    return {};
}

Response Site::answer(const Request& request, WallTime now)
{
    if (request.path == "/upload") {
        if (request.method != "POST" && request.method != "PUT")
            return plain(405, "no-store", "POST something here.\n");
        return plain(200, "no-store",
                     fmt::format("{} bytes, sha256 {}\n", request.body_bytes, request.body_sha256));
    }
    if (request.method != "GET" && request.method != "HEAD")
        return plain(405, "no-store", "Only GET and HEAD here.\n");

    if (request.path == "/slow") {
        Response response = html(
            kKept, note_page("Slow", fmt::format("<p>This took two seconds to write, until {}. "
                                                 "The next reader need not wait.</p>",
                                                 clock_text(now + Seconds{2}))));
        response.delay = Seconds{2};
        return response;
    }
    if (request.path == "/private")
        return html("no-store",
                    note_page("Private", fmt::format("<p>Visit number {}. Nobody keeps this.</p>",
                                                     ++private_visits_)));
    if (request.path == "/counter")
        return html("public, max-age=5, stale-while-revalidate=30",
                    note_page("Counter", fmt::format("<p>Asked {} times; this copy is from {}.</p>",
                                                     ++counter_visits_, clock_text(now))));
    if (request.path == "/big") return serve_big(request);

    const WallTime midnight = midnight_before(now);
    if (auto page = lasting_page(request.path, midnight))
        return serve_page(std::move(*page), request, midnight);
    return plain(404, "public, max-age=5", "There is no such page.\n");
}
} // namespace tidemark::demo
