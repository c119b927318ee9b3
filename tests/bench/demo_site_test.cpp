#include "bench/demo_site/images.hpp"
#include "bench/demo_site/pages.hpp"
#include "bench/demo_site/site.hpp"
#include "bench/demo_site/tides.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

using namespace tidemark;
using namespace tidemark::demo;

namespace
{
constexpr WallTime kNow = wall_time_of(Seconds{1'700'000'000}); // 14 November 2023, 22:13:20 UTC
constexpr Seconds kDay{86'400};

Response get(Site& site, const std::string& path, Fields fields = {})
{
    Request request;
    request.method = "GET";
    const std::size_t question = std::min(path.find('?'), path.size());
    request.path = path.substr(0, question);
    request.query = path.substr(std::min(question + 1, path.size()));
    request.fields = std::move(fields);
    return site.answer(request, kNow);
}

// The paths of this site in href="…" and src="…".
std::set<std::string> links_in(std::string_view html)
{
    std::set<std::string> links;
    for (const std::string_view opening : {"href=\"/", "src=\"/"}) {
        for (std::size_t at = html.find(opening); at != std::string_view::npos;
             at = html.find(opening, at + 1)) {
            const std::size_t path = at + opening.size() - 1;
            links.emplace(html.substr(path, html.find('"', path) - path));
        }
    }
    return links;
}

std::string hex_of(std::string_view bytes)
{
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        text += {kDigits[value >> 4], kDigits[value & 15]};
    }
    return text;
}
} // namespace

BOOST_AUTO_TEST_SUITE(bench_demo_site)

BOOST_AUTO_TEST_CASE(every_link_of_every_page_leads_somewhere)
{
    Site site;
    std::set<std::string> seen;
    std::set<std::string> open{"/"};
    while (!open.empty()) {
        const std::string path = *open.begin();
        open.erase(open.begin());
        if (!seen.insert(path).second) continue;
        const Response response = get(site, path);
        BOOST_TEST(response.status == 200, path);
        if (value_of(response.fields, "Content-Type").starts_with("text/html"))
            open.merge(links_in(response.body));
    }
    BOOST_TEST(seen.size() > 15U);
}

BOOST_AUTO_TEST_CASE(a_page_may_be_kept_and_carries_validators_and_tags)
{
    Site site;
    const Response response = get(site, "/articles/springs-and-neaps");
    BOOST_TEST(value_of(response.fields, "Cache-Control") == "public, max-age=60");
    BOOST_TEST(value_of(response.fields, "Last-Modified") == "Tue, 14 Nov 2023 00:00:00 GMT");
    BOOST_TEST(value_of(response.fields, "ETag").size() == 18U);
    BOOST_TEST(value_of(response.fields, "Surrogate-Key") ==
               "site articles article-springs-and-neaps moon basics");
}

BOOST_AUTO_TEST_CASE(a_known_copy_is_answered_with_304_and_no_body)
{
    Site site;
    const std::string etag(value_of(get(site, "/").fields, "ETag"));
    const std::string date = "Tue, 14 Nov 2023 00:00:00 GMT";
    const struct {
        const char* what;
        Fields fields;
        int status;
    } rows[] = {
        {"its tag", {{"If-None-Match", etag}}, 304},
        {"a weak form of it, in a list", {{"if-none-match", "\"x\", W/" + etag}}, 304},
        {"any", {{"If-None-Match", "*"}}, 304},
        {"another tag", {{"If-None-Match", "\"x\""}}, 200},
        {"its date", {{"If-Modified-Since", date}}, 304},
        {"another tag outranks its date",
         {{"If-None-Match", "\"x\""}, {"If-Modified-Since", date}},
         200},
        {"nothing", {}, 200},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.what)
        {
            const Response response = get(site, "/", row.fields);
            BOOST_TEST(response.status == row.status);
            BOOST_TEST(response.body.empty() == (row.status == 304));
            BOOST_TEST(value_of(response.fields, "ETag") == etag);
        }
    }
}

BOOST_AUTO_TEST_CASE(the_pages_to_try_a_cache_on_say_how_long_they_may_be_kept)
{
    Site site;
    const struct {
        const char* path;
        const char* cache_control;
    } rows[] = {{"/slow", "public, max-age=60"},
                {"/private", "no-store"},
                {"/counter", "public, max-age=5, stale-while-revalidate=30"},
                {"/big?bytes=5", "public, max-age=60"},
                {"/big?bytes=-5", "no-store"},
                {"/nowhere", "public, max-age=5"}};
    for (const auto& row : rows)
        BOOST_TEST(value_of(get(site, row.path).fields, "Cache-Control") == row.cache_control,
                   row.path);
    BOOST_TEST((get(site, "/slow").delay == Seconds{2}));
    BOOST_TEST(get(site, "/private").body != get(site, "/private").body);
    BOOST_TEST(get(site, "/counter").body != get(site, "/counter").body);
}

BOOST_AUTO_TEST_CASE(a_big_page_is_as_long_as_asked)
{
    Site site;
    BOOST_TEST(get(site, "/big?bytes=5").body == "the t");
    BOOST_TEST(get(site, "/big?bytes=0").body.empty());
    const Response large = get(site, "/big?bytes=10000000000");
    BOOST_TEST(large.body_bytes == 10'000'000'000U);
    BOOST_TEST(large.body.size() < 100'000U);
    BOOST_TEST(get(site, "/big?bytes=99999999999999").status == 400);
}

BOOST_AUTO_TEST_CASE(an_upload_is_answered_with_its_length_and_digest)
{
    Site site;
    Request request;
    request.method = "POST";
    request.path = "/upload";
    request.body_bytes = 3;
    request.body_sha256 = "abc";
    BOOST_TEST(site.answer(request, kNow).body == "3 bytes, sha256 abc\n");
    request.path = "/";
    BOOST_TEST(site.answer(request, kNow).status == 405);
}

BOOST_AUTO_TEST_CASE(every_harbour_has_about_four_waters_a_day_high_and_low_in_turn)
{
    for (const Harbour& harbour : harbours()) {
        BOOST_TEST_CONTEXT(harbour.name)
        {
            const auto found = waters(harbour, wall_time_of(Seconds{1'700'000'000}), kDay * 30);
            BOOST_TEST(found.size() >= 114U);
            BOOST_TEST(found.size() <= 118U);
            for (std::size_t i = 1; i < found.size(); ++i) {
                BOOST_TEST(found[i].high != found[i - 1].high);
                BOOST_TEST((found[i].metres > found[i - 1].metres) == found[i].high);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_png_is_the_signature_and_its_chunks_with_true_checksums)
{
    // Python's zlib and struct wrote this one.
    const std::string expected = "89504e470d0a1a0a0000000d4948445200000002000000010803000000c3fc8f"
                                 "b800000006504c544501020304050695536f480000000e494441547801010300"
                                 "fcff00010000050002fcdf1b530000000049454e44ae426082";
    const std::string png = palette_png(2, 1, {{1, 2, 3}, {4, 5, 6}}, std::string("\x01\x00", 2));
    BOOST_TEST(hex_of(png) == expected);
}

BOOST_AUTO_TEST_SUITE_END()
