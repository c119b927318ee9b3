#include "edge/cache/cache_key.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
std::string variant(std::string_view vary, std::string_view fields)
{
    std::string key;
    append_variant_key(key, vary, fields_of(fields));
    return key;
}

struct VaryRow {
    const char* name;
    const char* fields;
    const char* expected;
};

// RFC 9110 §12.5.5
const VaryRow kVary[] = {
    {"no Vary", "a: b", ""},
    {"empty", "vary:", ""},
    {"empty members", "vary: , ,", ""},
    {"a name", "vary: Accept", "accept"},
    {"sorted, lower case, once", "vary: B, a, b,A", "a,b"},
    {"several lines", "vary: c\nvary: a, b", "a,b,c"},
    {"white space", "vary:  b \t,\ta ", "a,b"},
    {"*", "vary: *", "*"},
    {"* twice", "vary: *, *", "*"},
    {"* first", "vary: *, foo", "*"},
    {"* last", "vary: foo, *", "*"},
    {"* behind an empty member", "vary: , *", "*"},
    {"* on another line", "vary:\nvary: *", "*"},
    {"* between names on lines", "vary: a\nvary: b, *\nvary: c", "*"},
    {"* behind an open quote", "vary: \"a, *", "*"},
    {"what is no name cannot be matched", "vary: a b", "*"},
    {"nor what has parameters", "vary: accept;q=1", "*"},
};

struct PairRow {
    const char* name;
    const char* vary;
    const char* a;
    const char* b;
};

// RFC 9111 §4.1
const PairRow kSame[] = {
    {"nothing varies", "", "a: 1", "a: 2"},
    {"equal", "foo", "foo: 1", "foo: 1"},
    {"absent in both", "foo", "", "bar: 1"},
    {"what is not nominated", "foo", "foo: 1\nbar: 1", "foo: 1\nbar: 2"},
    {"letter case of the name", "foo", "foo: 1", "FOO: 1"},
    {"lines combined", "foo", "foo: 1, 2", "foo: 1\nfoo: 2"},
    {"white space around commas", "foo", "foo: 1,2", "foo:  1 ,\t2 "},
    {"order of the fields", "bar,foo", "foo: 1\nbar: 2", "bar: 2\nfoo: 1"},
    {"Accept-Language: white space", "accept-language", "accept-language: en, de",
     "accept-language:  en ,   de"},
    {"Accept-Language: case", "accept-language", "accept-language: en, de-AT",
     "accept-language: eN, De-at"},
    {"Accept-Language: order of equal weight", "accept-language", "accept-language: en, de",
     "accept-language: de, en"},
    {"Accept-Language: order of equal weights", "accept-language",
     "accept-language: fr;q=0.5, en, de, it;q=0.5", "accept-language: de, en, it;q=0.5, fr;q=0.5"},
    {"Accept-Language: weights stand for order", "accept-language", "accept-language: fr;q=0.5, de",
     "accept-language: de, fr;q=0.5"},
    {"Accept-Language: a weight of one is none", "accept-language",
     "accept-language: de;q=1.0, en;q=1", "accept-language: de, en;q=1.000"},
    {"Accept-Language: spelling of weights", "accept-language", "accept-language: de;q=0.50",
     "accept-language: de ; Q=0.5"},
    {"Accept-Language: said twice", "accept-language", "accept-language: de, de",
     "accept-language: de"},
    {"Accept-Encoding: order and case", "accept-encoding", "accept-encoding: gzip, BR, zstd",
     "accept-encoding: zstd,br,gzip"},
    {"Accept-Encoding: empty members", "accept-encoding", "accept-encoding: gzip,,",
     "accept-encoding: ,gzip"},
    {"Accept-Encoding: lines", "accept-encoding", "accept-encoding: gzip\naccept-encoding: br",
     "accept-encoding: br, gzip"},
    {"Accept: types and parameter names", "accept", "accept: Text/HTML;Level=1, */*;q=0.1",
     "accept: */*;q=0.1, text/html;level=1"},
};

const PairRow kDifferent[] = {
    {"values", "foo", "foo: 1", "foo: 2"},
    {"absent and empty", "foo", "", "foo:"},
    {"absent and present", "foo", "", "foo: 1"},
    {"one of two", "bar,foo", "foo: 1\nbar: 1", "foo: 1\nbar: 2"},
    {"the values of two swapped", "bar,foo", "foo: 1\nbar: 2", "foo: 2\nbar: 1"},
    {"one absent, the other has its value", "bar,foo", "foo: 1", "bar: 1"},
    {"case of an unknown field's value", "foo", "foo: A", "foo: a"},
    {"order of an unknown field's members", "foo", "foo: 1, 2", "foo: 2, 1"},
    {"repetition in an unknown field", "foo", "foo: 1, 1", "foo: 1"},
    {"empty members of an unknown field", "foo", "foo: 1,,2", "foo: 1,2"},
    {"white space within a member", "foo", "foo: a b", "foo: ab"},
    {"white space within quotes", "foo", "foo: \"a, b\"", "foo: \"a,b\""},
    {"a value that looks like another field", "bar,foo", "bar: 1;foo=1:2\nfoo: 3",
     "bar: 1\nfoo: 2;foo=1:3"},
    {"Accept-Language: weights", "accept-language", "accept-language: en, de;q=0.5",
     "accept-language: en;q=0.5, de"},
    {"Accept-Language: one more", "accept-language", "accept-language: en",
     "accept-language: en, de"},
    {"Accept-Language: weight of zero", "accept-language", "accept-language: en;q=0",
     "accept-language: en"},
    {"Accept-Language: what is no weight", "accept-language", "accept-language: en;q=2",
     "accept-language: en"},
    {"Accept-Encoding: empty is not absent", "accept-encoding", "accept-encoding:", ""},
    {"Accept: case of a parameter's value", "accept", "accept: a/b;c=X", "accept: a/b;c=x"},
    {"Accept: order of parameters", "accept", "accept: a/b;c=1;d=2", "accept: a/b;d=2;c=1"},
    {"Accept: a comma within quotes", "accept", "accept: a/b;c=\"x,y\"", "accept: a/b;c=\"x, y\""},
};
} // namespace

BOOST_AUTO_TEST_SUITE(vary)

BOOST_AUTO_TEST_CASE(vary_is_all_names_of_all_lines_or_any)
{
    for (const VaryRow& row : kVary)
        BOOST_TEST_CONTEXT(row.name)
        {
            const VarySpec spec = parse_vary(fields_of(row.fields));
            BOOST_TEST(vary_text(spec) == row.expected);
            BOOST_TEST(spec.any == (std::string_view(row.expected) == "*"));
        }
}

BOOST_AUTO_TEST_CASE(a_vary_on_very_many_names_is_a_vary_on_anything)
{
    std::string line = "a";
    for (int i = 0; i < 63; ++i)
        line.append(",n").append(std::to_string(i));
    http::FieldList fields;
    fields.add("vary", line);
    BOOST_TEST(parse_vary(fields).names.size() == 64u);
    BOOST_TEST(!parse_vary(fields).any);
    fields.add("vary", "one-more");
    BOOST_TEST(parse_vary(fields).any);
}

BOOST_AUTO_TEST_CASE(requests_that_mean_the_same_share_a_variant)
{
    for (const PairRow& row : kSame)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(variant(row.vary, row.a) == variant(row.vary, row.b));
        }
}

BOOST_AUTO_TEST_CASE(requests_that_may_differ_do_not)
{
    for (const PairRow& row : kDifferent)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(variant(row.vary, row.a) != variant(row.vary, row.b));
        }
}

// With nothing in a value that normalisation could change, equal keys mean equal values.
RC_BOOST_PROP(a_variant_key_is_injective, ())
{
    using Value = std::optional<std::string>;
    const auto value = rc::gen::map(
        rc::gen::pair(
            rc::gen::arbitrary<bool>(),
            rc::gen::container<std::string>(rc::gen::elementOf(std::string("1:;=-abfoor")))),
        [](const std::pair<bool, std::string>& p) { return p.first ? Value(p.second) : Value(); });
    const auto draw = [&] { return *rc::gen::container<std::vector<Value>>(3, value); };
    const auto key = [](const std::vector<Value>& values) {
        const char* names[] = {"bar", "baz", "foo"};
        http::FieldList fields;
        for (std::size_t i = 0; i < 3; ++i)
            if (values[i]) fields.add(names[i], *values[i]);
        std::string out;
        append_variant_key(out, "bar,baz,foo", fields);
        return out;
    };
    const auto a = draw();
    const auto b = draw();
    RC_ASSERT((key(a) == key(b)) == (a == b));
}

RC_BOOST_PROP(the_stored_form_of_vary_reads_back, ())
{
    const auto names = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("Accept", "accept", "Cookie", "x-a", "*", "", "B"));
    http::FieldList fields;
    for (const std::string& name : names)
        fields.add("Vary", name);
    const std::string text = vary_text(parse_vary(fields));
    http::FieldList again;
    again.add("vary", text);
    RC_ASSERT(vary_text(parse_vary(again)) == text);
}

BOOST_AUTO_TEST_SUITE_END()
