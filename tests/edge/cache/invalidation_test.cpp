#include "edge/cache/invalidation.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
std::string joined(const std::vector<std::string>& texts)
{
    std::string out;
    for (const std::string& text : texts)
        out.append(out.empty() ? "" : " ").append(text);
    return out;
}

struct ResolveRow {
    const char* reference;
    const char* expected;
};

// RFC 3986 §5.4.1 and §5.4.2, base http://a/b/c/d;p?q
const ResolveRow kResolve[] = {
    {"g:h", "g:h"},
    {"g", "http://a/b/c/g"},
    {"./g", "http://a/b/c/g"},
    {"g/", "http://a/b/c/g/"},
    {"/g", "http://a/g"},
    {"//g", "http://g"},
    {"?y", "http://a/b/c/d;p?y"},
    {"g?y", "http://a/b/c/g?y"},
    {"#s", "http://a/b/c/d;p?q#s"},
    {"g#s", "http://a/b/c/g#s"},
    {"g?y#s", "http://a/b/c/g?y#s"},
    {";x", "http://a/b/c/;x"},
    {"g;x", "http://a/b/c/g;x"},
    {"g;x?y#s", "http://a/b/c/g;x?y#s"},
    {"", "http://a/b/c/d;p?q"},
    {".", "http://a/b/c/"},
    {"./", "http://a/b/c/"},
    {"..", "http://a/b/"},
    {"../", "http://a/b/"},
    {"../g", "http://a/b/g"},
    {"../..", "http://a/"},
    {"../../", "http://a/"},
    {"../../g", "http://a/g"},
    {"../../../g", "http://a/g"},
    {"../../../../g", "http://a/g"},
    {"/./g", "http://a/g"},
    {"/../g", "http://a/g"},
    {"g.", "http://a/b/c/g."},
    {".g", "http://a/b/c/.g"},
    {"g..", "http://a/b/c/g.."},
    {"..g", "http://a/b/c/..g"},
    {"./../g", "http://a/b/g"},
    {"./g/.", "http://a/b/c/g/"},
    {"g/./h", "http://a/b/c/g/h"},
    {"g/../h", "http://a/b/c/h"},
    {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
    {"g;x=1/../y", "http://a/b/c/y"},
    {"g?y/./x", "http://a/b/c/g?y/./x"},
    {"g?y/../x", "http://a/b/c/g?y/../x"},
    {"g#s/./x", "http://a/b/c/g#s/./x"},
    {"g#s/../x", "http://a/b/c/g#s/../x"},
    {"http:g", "http:g"},
    {"HTTP://X/a/../b", "HTTP://X/b"},
};

std::vector<std::string> invalidated(http::Method method, std::uint16_t status,
                                     std::string_view fields,
                                     std::string_view target = "http://a.example/x/y?z")
{
    http::ResponseHead response;
    response.status = status;
    response.fields = fields_of(fields);
    return uris_to_invalidate(method, target, response);
}

struct InvalidateRow {
    const char* name;
    const char* fields;
    const char* also; // beside the target
};

const InvalidateRow kInvalidate[] = {
    {"nothing else", "", ""},
    {"Location", "location: /l", " http://a.example/l"},
    {"Content-Location", "content-location: c", " http://a.example/x/c"},
    {"both", "content-location: ../c\nlocation: http://a.example/l",
     " http://a.example/l http://a.example/c"},
    {"each once", "content-location: /x/y?z\nlocation: ?z", ""},
    {"the same host in other words", "location: HTTP://A.Example:80/l", " http://a.example/l"},
    {"without its fragment", "location: /l#there", " http://a.example/l"},
    {"not another host", "location: http://b.example/l", ""},
    {"not a subdomain", "location: http://www.a.example/l", ""},
    {"not another port", "location: http://a.example:8080/l", ""},
    {"not another scheme", "location: https://a.example/l", ""},
    {"not by a user's name", "location: http://a.example@b.example/l", ""},
    {"not a scheme of its own", "location: mailto:x@a.example", ""},
    {"network-path reference to the same host", "location: //a.example/l", " http://a.example/l"},
    {"network-path reference to another", "location: //b.example/l", ""},
    {"what is no URI", "location: http://a.example/a b", ""},
    {"an empty Location is the target", "location:", ""},
};
} // namespace

BOOST_AUTO_TEST_SUITE(invalidation)

BOOST_AUTO_TEST_CASE(references_resolve_as_in_rfc_3986_section_5_4)
{
    for (const ResolveRow& row : kResolve)
        BOOST_TEST_CONTEXT(row.reference)
        {
            BOOST_TEST(resolve_uri("http://a/b/c/d;p?q", row.reference) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_base_without_a_path_takes_a_slash)
{
    BOOST_TEST(resolve_uri("http://a", "g") == "http://a/g");
    BOOST_TEST(resolve_uri("http://a?q", "g") == "http://a/g");
    BOOST_TEST(resolve_uri("http://a?q", "") == "http://a?q");
}

BOOST_AUTO_TEST_CASE(nothing_resolves_against_what_is_not_absolute)
{
    BOOST_TEST(resolve_uri("/a", "g") == "");
    BOOST_TEST(resolve_uri("mailto:x", "g") == "");
    BOOST_TEST(resolve_uri("", "http://a/") == "");
}

// RFC 9111 §4.4
BOOST_AUTO_TEST_CASE(the_target_and_same_origin_locations_are_invalidated)
{
    for (const InvalidateRow& row : kInvalidate)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(joined(invalidated(http::Method::post, 201, row.fields)) ==
                       std::string("http://a.example/x/y?z") + row.also);
        }
}

BOOST_AUTO_TEST_CASE(unsafe_and_unknown_methods_invalidate)
{
    using http::Method;
    for (const Method method :
         {Method::post, Method::put, Method::delete_, Method::patch, Method::other})
        BOOST_TEST_CONTEXT(static_cast<int>(method))
        {
            BOOST_TEST(invalidated(method, 200, "").size() == 1u);
        }
    for (const Method method : {Method::get, Method::head, Method::options, Method::trace})
        BOOST_TEST_CONTEXT(static_cast<int>(method))
        {
            BOOST_TEST(invalidated(method, 200, "location: /l").empty());
        }
}

BOOST_AUTO_TEST_CASE(only_answers_that_are_no_errors_invalidate)
{
    for (const int status : {200, 201, 204, 299, 301, 303, 307, 399})
        BOOST_TEST_CONTEXT(status)
        {
            BOOST_TEST(
                invalidated(http::Method::put, static_cast<std::uint16_t>(status), "").size() ==
                1u);
        }
    for (const int status : {100, 103, 199, 400, 404, 409, 500, 503, 599})
        BOOST_TEST_CONTEXT(status)
        {
            BOOST_TEST(
                invalidated(http::Method::put, static_cast<std::uint16_t>(status), "").empty());
        }
}

BOOST_AUTO_TEST_CASE(an_origin_is_scheme_host_and_port)
{
    const auto also = [](std::string_view target, std::string_view location) {
        return invalidated(http::Method::put, 200, std::string("location: ").append(location),
                           target)
                   .size() == 2;
    };
    BOOST_TEST(also("https://[::1]:8443/a", "https://[::1]:8443/b"));
    BOOST_TEST(!also("https://[::1]:8443/a", "https://[::1]/b"));
    BOOST_TEST(also("https://h/a", "https://h:443/b"));
    BOOST_TEST(!also("https://h/a", "https://h:80/b"));
    BOOST_TEST(invalidated(http::Method::put, 200, "", "*").empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tags)

BOOST_AUTO_TEST_CASE(every_tag_field_is_read_in_its_own_grammar)
{
    const InvalidateRow rows[] = {
        {"Surrogate-Key", "surrogate-key: a b  c", "a b c"},
        {"xkey", "xkey: a\txyz", "a xyz"},
        {"a comma is part of a space-separated tag", "xkey: a,b", "a,b"},
        {"Cache-Tag", "cache-tag: a, b,,c ", "a b c"},
        {"Edge-Cache-Tag", "edge-cache-tag: a", "a"},
        {"X-Magento-Tags", "x-magento-tags: cat_p_1,cat_p", "cat_p cat_p_1"},
        {"RFC 9875 §2 Cache-Groups", "cache-groups: \"scripts\", \"main\";x=1", "main scripts"},
        {"RFC 9875 §2 over lines", "cache-groups: \"b\"\ncache-groups: \"a\"", "a b"},
        {"Cache-Groups of another type is ignored whole", "cache-groups: \"a\", b", ""},
        {"Cache-Groups out of grammar", "cache-groups: \"a", ""},
        {"several fields and lines, each tag once",
         "surrogate-key: a b\nsurrogate-key: b c\ncache-tag: c,d\ncache-groups: \"e\"",
         "a b c d e"},
        {"no such field", "etag: \"a\"", ""},
        {"nothing in it", "surrogate-key:\ncache-tag: , ,", ""},
    };
    for (const InvalidateRow& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            const Tags tags = tags_of(fields_of(row.fields));
            BOOST_TEST(joined(tags.names) == row.also);
            BOOST_TEST(tags.dropped == 0u);
        }
}

BOOST_AUTO_TEST_CASE(tags_beyond_the_bounds_are_counted_not_kept)
{
    std::string many;
    for (int i = 0; i < 1003; ++i)
        many.append(" t").append(std::to_string(i));
    http::FieldList fields;
    fields.add("surrogate-key", many);
    Tags tags = tags_of(fields);
    BOOST_TEST(tags.names.size() == 1000u);
    BOOST_TEST(tags.dropped == 3u);

    const std::string longest(1024, 'x');
    const std::string longer(1025, 'y');
    http::FieldList sizes;
    sizes.add("cache-tag", longest);
    sizes.add("cache-tag", longer);
    tags = tags_of(sizes);
    BOOST_TEST(joined(tags.names) == longest);
    BOOST_TEST(tags.dropped == 1u);
}

BOOST_AUTO_TEST_CASE(fields_for_caches_are_not_shown_to_clients)
{
    using http::FieldId;
    for (const FieldId id :
         {FieldId::surrogate_key, FieldId::xkey, FieldId::cache_tag, FieldId::edge_cache_tag,
          FieldId::x_magento_tags, FieldId::surrogate_control})
        BOOST_TEST(stripped_towards_clients(id));
    for (const FieldId id : {FieldId::cache_groups, FieldId::cache_control,
                             FieldId::cdn_cache_control, FieldId::etag, FieldId::other})
        BOOST_TEST(!stripped_towards_clients(id));
}

BOOST_AUTO_TEST_SUITE_END()
