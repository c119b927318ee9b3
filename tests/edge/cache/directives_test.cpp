#include "edge/cache/directives.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
void append_flag(std::string& out, bool flag, std::string_view name)
{
    if (flag) out.append(out.empty() ? "" : " ").append(name);
}

void append_seconds(std::string& out, const std::optional<Seconds>& value, std::string_view name)
{
    if (!value) return;
    out.append(out.empty() ? "" : " ").append(name).append("=");
    append_decimal(out, value->count());
}

void append_names(std::string& out, const std::vector<std::string>& names, std::string_view name)
{
    if (names.empty()) return;
    out.append(out.empty() ? "" : " ").append(name).append("=");
    for (const std::string& n : names)
        out.append(&n == &names[0] ? "" : ",").append(n);
}

// What was understood, in a fixed order.
std::string summary(const ResponseDirectives& d)
{
    std::string out;
    append_flag(out, d.no_store, "no-store");
    append_flag(out, d.no_cache, "no-cache");
    append_names(out, d.no_cache_fields, "no-cache");
    append_flag(out, d.is_private, "private");
    append_names(out, d.private_fields, "private");
    append_flag(out, d.is_public, "public");
    append_flag(out, d.must_revalidate, "must-revalidate");
    append_flag(out, d.proxy_revalidate, "proxy-revalidate");
    append_flag(out, d.must_understand, "must-understand");
    append_flag(out, d.no_transform, "no-transform");
    append_flag(out, d.immutable, "immutable");
    append_seconds(out, d.max_age, "max-age");
    append_seconds(out, d.s_maxage, "s-maxage");
    append_seconds(out, d.stale_while_revalidate, "swr");
    append_seconds(out, d.stale_if_error, "sie");
    return out;
}

std::string summary(const RequestDirectives& d)
{
    std::string out;
    append_flag(out, d.no_store, "no-store");
    append_flag(out, d.no_cache, "no-cache");
    append_flag(out, d.no_transform, "no-transform");
    append_flag(out, d.only_if_cached, "only-if-cached");
    append_seconds(out, d.max_age, "max-age");
    append_seconds(out, d.min_fresh, "min-fresh");
    append_flag(out, d.max_stale_any, "max-stale");
    append_seconds(out, d.max_stale, "max-stale");
    return out;
}

struct Row {
    const char* name;
    const char* fields;
    const char* expected;
};

const Row kCacheControl[] = {
    {"no field at all", "date: x", ""},
    {"an empty field", "cache-control:", ""},
    {"5.2.2.1 max-age", "cache-control: max-age=60", "max-age=60"},
    {"5.2.2.2 must-revalidate", "cache-control: must-revalidate", "must-revalidate"},
    {"5.2.2.3 must-understand", "cache-control: must-understand, no-store",
     "no-store must-understand"},
    {"5.2.2.4 no-cache", "cache-control: no-cache", "no-cache"},
    {"5.2.2.5 no-store", "cache-control: no-store", "no-store"},
    {"5.2.2.6 no-transform", "cache-control: no-transform", "no-transform"},
    {"5.2.2.7 private", "cache-control: private", "private"},
    {"5.2.2.8 proxy-revalidate", "cache-control: proxy-revalidate", "proxy-revalidate"},
    {"5.2.2.9 public", "cache-control: public", "public"},
    {"5.2.2.10 s-maxage", "cache-control: s-maxage=7", "s-maxage=7"},
    {"RFC 5861 §3", "cache-control: max-age=600, stale-while-revalidate=30", "max-age=600 swr=30"},
    {"RFC 5861 §4", "cache-control: max-age=600, stale-if-error=1200", "max-age=600 sie=1200"},
    {"RFC 8246 §2", "cache-control: max-age=31536000, immutable", "immutable max-age=31536000"},
    {"5.2 directive names are case-insensitive", "cache-control: NO-Store, Max-AGE=5",
     "no-store max-age=5"},
    {"5.2 an extension is ignored", "cache-control: foo, bar=1, baz=\"x, y\", max-age=5",
     "max-age=5"},
    {"5.2 token and quoted form are equal", "cache-control: max-age=\"60\"", "max-age=60"},
    {"5.2.3 a directive within an extension's quotes is none",
     "cache-control: ext=\"max-age=9, no-store\", max-age=5", "max-age=5"},
    {"escaped quotes do not end a string", "cache-control: ext=\"a\\\", no-store\", max-age=5",
     "max-age=5"},
    {"all lines count", "cache-control: public\ncache-control: max-age=3", "public max-age=3"},
    {"empty members are skipped", "cache-control: ,, max-age=3 , ,public,", "public max-age=3"},
    {"tabs are white space", "cache-control: public\t,\tmax-age=3", "public max-age=3"},
    {"4.2.1 the first of a repeated max-age", "cache-control: max-age=1, max-age=1800",
     "max-age=1"},
    {"4.2.1 also over lines", "cache-control: max-age=1800\ncache-control: max-age=1",
     "max-age=1800"},
    {"a repeated one that was no number first", "cache-control: max-age=x, max-age=60",
     "max-age=0"},
    {"a repeated stale-if-error that was no number first",
     "cache-control: stale-if-error=x, stale-if-error=60", ""},
    {"1.2.2 leading zeros", "cache-control: max-age=003600", "max-age=3600"},
    {"1.2.2 2^31 - 1", "cache-control: max-age=2147483647", "max-age=2147483647"},
    {"1.2.2 2^31", "cache-control: max-age=2147483648", "max-age=2147483648"},
    {"1.2.2 beyond 2^31", "cache-control: max-age=2147483649", "max-age=2147483648"},
    {"1.2.2 far beyond 64 bits", "cache-control: s-maxage=99999999999999999999999999",
     "s-maxage=2147483648"},
    {"negative", "cache-control: max-age=-3600", "max-age=0"},
    {"plus sign", "cache-control: max-age=+3600", "max-age=0"},
    {"decimal", "cache-control: max-age=3600.5", "max-age=0"},
    {"letters", "cache-control: s-maxage=a100", "s-maxage=0"},
    {"trailing letters", "cache-control: max-age=100a", "max-age=0"},
    {"single quotes are no quotes", "cache-control: max-age='3600'", "max-age=0"},
    {"no argument", "cache-control: max-age", "max-age=0"},
    {"empty argument", "cache-control: max-age=", "max-age=0"},
    {"empty quoted argument", "cache-control: max-age=\"\"", "max-age=0"},
    {"white space before the equals sign", "cache-control: max-age =60", "max-age=0"},
    {"white space behind the equals sign", "cache-control: max-age= 60", "max-age=0"},
    {"white space within quotes", "cache-control: max-age=\" 60\"", "max-age=0"},
    {"text behind the quotes", "cache-control: max-age=\"60\"0", "max-age=0"},
    {"a quote that never closes", "cache-control: max-age=\"60", "max-age=0"},
    {"a stale-while-revalidate that is no number", "cache-control: stale-while-revalidate=x", ""},
    {"a stale-if-error without argument", "cache-control: stale-if-error", ""},
    {"a name with more behind it", "cache-control: no-store-x, max-age-x=3", ""},
    {"a flag with an argument still counts", "cache-control: no-store=1, must-revalidate=\"x\"",
     "no-store must-revalidate"},
    {"5.2.2.4 qualified no-cache", "cache-control: no-cache=\"Set-Cookie\"", "no-cache=set-cookie"},
    {"5.2.2.4 qualified no-cache, several fields", "cache-control: no-cache=\"A, b ,c\", max-age=3",
     "no-cache=a,b,c max-age=3"},
    {"5.2.2.7 qualified private", "cache-control: private=\"X-User\", max-age=3",
     "private=x-user max-age=3"},
    {"5.2.2.7 qualified in token form", "cache-control: private=x-user", "private=x-user"},
    {"qualified and not: both count", "cache-control: private=\"a\", private", "private private=a"},
    {"qualified twice: the fields add up", "cache-control: no-cache=\"a\", no-cache=\"b, a\"",
     "no-cache=a,b"},
    {"a qualified private that names nothing means all", "cache-control: private=\"\"", "private"},
    {"nothing but commas means all", "cache-control: no-cache=\" , \"", "no-cache"},
    {"a qualified private out of grammar means all", "cache-control: private=\"a b\"", "private"},
    {"a qualified private whose quote never closes means all", "cache-control: private=\"a",
     "private"},
    {"white space around a restriction's equals sign means all", "cache-control: private =\"a\"",
     "private"},
    {"a no-store behind an open quote counts", "cache-control: ext=\"a, no-store, max-age=60",
     "no-store"},
    {"a private behind an open quote counts", "cache-control: max-age=5, ext=\"a, b, private",
     "private max-age=5"},
    {"an open quote ends with its line", "cache-control: ext=\"a\ncache-control: max-age=60",
     "max-age=60"},
    {"5.4 Pragma is ignored", "pragma: no-cache\ncache-control: max-age=60", "max-age=60"},
};

const Row kCdnCacheControl[] = {
    {"2.1 it replaces Cache-Control", "cdn-cache-control: max-age=60\ncache-control: no-store",
     "max-age=60"},
    {"every directive with a boolean",
     "cdn-cache-control: public, must-revalidate, proxy-revalidate, must-understand, no-transform, "
     "immutable, max-age=1",
     "public must-revalidate proxy-revalidate must-understand no-transform immutable max-age=1"},
    {"no-store", "cdn-cache-control: no-store\ncache-control: max-age=60", "no-store"},
    {"no-cache", "cdn-cache-control: no-cache\ncache-control: max-age=60", "no-cache"},
    {"private", "cdn-cache-control: private\ncache-control: max-age=60", "private"},
    {"RFC 5861 directives",
     "cdn-cache-control: max-age=1, stale-while-revalidate=2, stale-if-error=3",
     "max-age=1 swr=2 sie=3"},
    {"an unknown directive is no error", "cdn-cache-control: foobar, max-age=60", "max-age=60"},
    {"unknown ones of any type", "cdn-cache-control: a=(1 2), b=\"x\", c=:aGk=:, d=1.5, max-age=60",
     "max-age=60"},
    {"parameters are ignored", "cdn-cache-control: max-age=60;x=1;y", "max-age=60"},
    {"all lines make one dictionary", "cdn-cache-control: public\ncdn-cache-control: max-age=9",
     "public max-age=9"},
    {"RFC 8941 §4.2.2 the last of a repeated key", "cdn-cache-control: max-age=1, max-age=9",
     "max-age=9"},
    {"a large number", "cdn-cache-control: max-age=99999999999", "max-age=2147483648"},
    {"a negative number is stale", "cdn-cache-control: max-age=-1", "max-age=0"},
    {"a negative allowance is none", "cdn-cache-control: max-age=5, stale-if-error=-1",
     "max-age=5"},
    {"a false flag", "cdn-cache-control: no-store=?0, max-age=60", "max-age=60"},
    {"a true flag", "cdn-cache-control: no-store=?1, max-age=60", "no-store max-age=60"},
    {"a string qualifies", "cdn-cache-control: private=\"Set-Cookie\", max-age=60",
     "private=set-cookie max-age=60"},
    {"a valid field without a directive of ours rules too",
     "cdn-cache-control: foo\ncache-control: max-age=60", ""},
    {"empty: ignored", "cdn-cache-control:\ncache-control: max-age=60", "max-age=60"},
    {"out of grammar: ignored", "cdn-cache-control: max-age=10, &&&\ncache-control: no-store",
     "no-store"},
    {"upper case is no key: ignored", "cdn-cache-control: Max-Age=10\ncache-control: no-store",
     "no-store"},
    {"white space before the equals sign: ignored",
     "cdn-cache-control: max-age =10\ncache-control: max-age=1", "max-age=1"},
    {"white space behind it: ignored", "cdn-cache-control: max-age= 10\ncache-control: max-age=1",
     "max-age=1"},
    {"a trailing comma: ignored", "cdn-cache-control: max-age=10,\ncache-control: max-age=1",
     "max-age=1"},
    {"a string where a number belongs: ignored",
     "cdn-cache-control: max-age=\"10\"\ncache-control: no-store", "no-store"},
    {"a decimal: ignored", "cdn-cache-control: max-age=10.0\ncache-control: no-store", "no-store"},
    {"no argument: ignored", "cdn-cache-control: max-age\ncache-control: no-store", "no-store"},
    {"a list: ignored", "cdn-cache-control: max-age=(10)\ncache-control: no-store", "no-store"},
    {"a number where a flag belongs: ignored",
     "cdn-cache-control: no-store=1, max-age=5\ncache-control: max-age=1", "max-age=1"},
    {"a wrong type behind a right one: ignored whole",
     "cdn-cache-control: max-age=60, stale-if-error=x\ncache-control: no-store", "no-store"},
    {"ignored, Surrogate-Control is next",
     "cdn-cache-control: max-age=x y\nsurrogate-control: max-age=7\ncache-control: no-store",
     "max-age=7"},
};

const Row kSurrogateControl[] = {
    {"it replaces Cache-Control", "surrogate-control: max-age=60\ncache-control: no-store",
     "max-age=60"},
    {"CDN-Cache-Control goes first", "surrogate-control: max-age=60\ncdn-cache-control: max-age=9",
     "max-age=9"},
    {"no-store", "surrogate-control: no-store\ncache-control: max-age=60", "no-store"},
    {"no-store-remote is meant for us", "surrogate-control: no-store-remote, max-age=5",
     "no-store max-age=5"},
    {"an extension", "surrogate-control: max-age=10+60", "max-age=10 swr=60"},
    {"an extension that is no number", "surrogate-control: max-age=10+x", "max-age=10"},
    {"an explicit window outranks the extension",
     "surrogate-control: max-age=10+60, stale-while-revalidate=5", "max-age=10 swr=5"},
    {"the extension of the first max-age", "surrogate-control: max-age=10, max-age=20+60",
     "max-age=10"},
    {"content is for others to read", "surrogate-control: content=\"ESI/1.0\", max-age=60",
     "max-age=60"},
    {"case-insensitive", "surrogate-control: MaX-aGe=60", "max-age=60"},
    {"a targeted directive is not ours", "surrogate-control: max-age=3600;other, max-age=60",
     "max-age=60"},
    {"nothing but targeted directives: not our field",
     "surrogate-control: max-age=3600;other\ncache-control: max-age=5", "max-age=5"},
    {"nothing about storing: not our field",
     "surrogate-control: content=\"ESI/1.0\"\ncache-control: max-age=5", "max-age=5"},
    {"a semicolon within quotes is no target",
     "surrogate-control: content=\"a;b\", private=\"a;b\"\ncache-control: max-age=5", "private"},
    {"stale allowances", "surrogate-control: max-age=5, stale-if-error=9", "max-age=5 sie=9"},
    {"a lifetime that is no number is none", "surrogate-control: max-age=x\ncache-control: public",
     "max-age=0"},
};

const Row kRequest[] = {
    {"nothing", "accept: */*", ""},
    {"5.2.1.1 max-age", "cache-control: max-age=0", "max-age=0"},
    {"5.2.1.2 max-stale without argument", "cache-control: max-stale", "max-stale"},
    {"5.2.1.2 max-stale", "cache-control: max-stale=10", "max-stale=10"},
    {"5.2.1.3 min-fresh", "cache-control: min-fresh=20", "min-fresh=20"},
    {"5.2.1.4 no-cache", "cache-control: no-cache", "no-cache"},
    {"5.2.1.5 no-store", "cache-control: no-store", "no-store"},
    {"5.2.1.6 no-transform", "cache-control: no-transform", "no-transform"},
    {"5.2.1.7 only-if-cached", "cache-control: only-if-cached", "only-if-cached"},
    {"case and lines", "cache-control: No-Cache\ncache-control: MAX-AGE=5", "no-cache max-age=5"},
    {"numbers in quotes", "cache-control: max-age=\"5\", min-fresh=\"6\", max-stale=\"7\"",
     "max-age=5 min-fresh=6 max-stale=7"},
    {"max-age that is no number", "cache-control: max-age=x", "max-age=0"},
    {"others that are no numbers", "cache-control: min-fresh=x, max-stale=y", ""},
    {"the first counts", "cache-control: max-age=1, max-age=2, min-fresh=x, min-fresh=3",
     "max-age=1"},
    {"the first max-stale counts", "cache-control: max-stale=3, max-stale", "max-stale=3"},
    {"a response's directives mean nothing", "cache-control: private, s-maxage=3", ""},
    {"Pragma is ignored", "pragma: no-cache", ""},
    {"a restriction behind an open quote", "cache-control: ext=\"a, no-cache, only-if-cached",
     "no-cache"},
};

template <std::size_t N> void check_responses(const Row (&rows)[N])
{
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(summary(parse_response_directives(fields_of(row.fields))) == row.expected);
        }
}
} // namespace

BOOST_AUTO_TEST_SUITE(directives)

BOOST_AUTO_TEST_CASE(cache_control_is_read_as_rfc_9111_section_5_2_says)
{
    check_responses(kCacheControl);
}

BOOST_AUTO_TEST_CASE(cdn_cache_control_is_a_strict_dictionary_as_rfc_9213_section_2_says)
{
    check_responses(kCdnCacheControl);
}

BOOST_AUTO_TEST_CASE(surrogate_control_is_obeyed_where_it_speaks_of_storing)
{
    check_responses(kSurrogateControl);
}

BOOST_AUTO_TEST_CASE(request_directives_are_read_as_rfc_9111_section_5_2_1_says)
{
    for (const Row& row : kRequest)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(summary(parse_request_directives(fields_of(row.fields))) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(the_source_is_the_field_whose_rule_counts)
{
    using http::FieldId;
    const auto source = [](std::string_view text) {
        return parse_response_directives(fields_of(text)).source;
    };
    BOOST_TEST((source("date: x") == FieldId::other));
    BOOST_TEST((source("cache-control: foo") == FieldId::cache_control));
    BOOST_TEST(
        (source("surrogate-control: max-age=1\ncache-control: foo") == FieldId::surrogate_control));
    BOOST_TEST((source("cdn-cache-control: foo\nsurrogate-control: max-age=1") ==
                FieldId::cdn_cache_control));
    BOOST_TEST((source("cdn-cache-control: &\ncache-control: foo") == FieldId::cache_control));
    BOOST_TEST(!parse_response_directives(fields_of("cache-control: public")).targeted());
    BOOST_TEST(parse_response_directives(fields_of("cdn-cache-control: public")).targeted());
}

BOOST_AUTO_TEST_CASE(delta_seconds_are_digits_and_nothing_else)
{
    BOOST_TEST((parse_delta_seconds("0") == Seconds{0}));
    BOOST_TEST((parse_delta_seconds("0007") == Seconds{7}));
    BOOST_TEST((parse_delta_seconds("2147483648") == Seconds{2147483648}));
    BOOST_TEST((parse_delta_seconds("9223372036854775808") == Seconds{2147483648}));
    for (const char* text : {"", " 1", "1 ", "-1", "+1", "1.0", "0x1", "1e3", "\"1\"", "a"})
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_TEST(!parse_delta_seconds(text));
        }
}

// White space and empty members between directives, and their split over lines, mean nothing (RFC
// 9110 §5.3, §5.6.1).
RC_BOOST_PROP(the_lines_and_white_space_of_a_list_mean_nothing, ())
{
    const std::vector<std::string> all = {"max-age=5",   "max-age=\"7\"",    "s-maxage=x",
                                          "no-store",    "private=\"a, b\"", "no-cache",
                                          "ext=\"a,b\"", "stale-if-error=3", "PUBLIC"};
    const auto members = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(all));
    std::string plain;
    http::FieldList spread;
    for (const std::string& member : members) {
        plain.append(plain.empty() ? "" : ",").append(member);
        spread.add("Cache-Control", member);
    }
    std::string spaced;
    for (const std::string& member : members)
        spaced.append(" ,\t").append(member).append(" ,, ");

    http::FieldList one;
    one.add("cache-control", plain);
    http::FieldList loose;
    loose.add("cache-control", spaced);
    const std::string expected = summary(parse_response_directives(one));
    RC_ASSERT(summary(parse_response_directives(spread)) == expected);
    RC_ASSERT(summary(parse_response_directives(loose)) == expected);
}

RC_BOOST_PROP(a_no_store_always_counts, (const std::string& before, const std::string& after))
{
    http::FieldList fields;
    fields.add("cache-control", before);
    fields.add("cache-control", "no-store");
    fields.add("cache-control", after);
    RC_ASSERT(parse_response_directives(fields).no_store);
}

BOOST_AUTO_TEST_SUITE_END()
