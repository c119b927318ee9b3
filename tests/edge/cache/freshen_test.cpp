#include "edge/cache/freshen.hpp"

#include "tests/edge/cache/fields.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

using namespace tidemark;
using namespace tidemark::cache;

namespace
{
std::string merged(std::string_view stored, std::string_view update)
{
    const http::FieldList a = fields_of(stored);
    const http::FieldList b = fields_of(update);
    http::FieldList out;
    merge_fields(a, b, out);
    return text_of_fields(out);
}

struct SelectRow {
    const char* name;
    const char* not_modified;
    const char* stored;
    bool selects;
};

// RFC 9111 §4.3.4
const SelectRow kSelects[] = {
    {"the same strong tag", "etag: \"a\"", "etag: \"a\"", true},
    {"another strong tag", "etag: \"b\"", "etag: \"a\"", false},
    {"tags are compared byte for byte", "etag: \"A\"", "etag: \"a\"", false},
    {"the same weak tag", "etag: W/\"a\"", "etag: W/\"a\"", true},
    {"another weak tag", "etag: W/\"b\"", "etag: W/\"a\"", false},
    {"a weak tag of a strong one", "etag: W/\"a\"", "etag: \"a\"", true},
    {"a strong tag of a weak one", "etag: \"a\"", "etag: W/\"a\"", true},
    {"a strong tag of another weak one", "etag: \"b\"", "etag: W/\"a\"", false},
    {"tags that are none, the same", "etag: abc", "etag: abc", true},
    {"tags that are none, others", "etag: abc", "etag: \"abc\"", false},
    {"a tag outranks the date", "etag: \"b\"\nlast-modified: x", "etag: \"a\"\nlast-modified: x",
     false},
    {"the same tag, another date", "etag: \"a\"\nlast-modified: y", "etag: \"a\"\nlast-modified: x",
     true},
    {"the same date", "last-modified: x", "last-modified: x", true},
    {"another date", "last-modified: y", "last-modified: x", false},
    {"a date where there was a tag too", "last-modified: x", "etag: \"a\"\nlast-modified: x", true},
    {"a date where there was a tag only", "last-modified: x", "etag: \"a\"", false},
    {"a tag where there was a date only", "etag: \"a\"", "last-modified: x", false},
    {"a tag and the date where there was a date", "etag: \"a\"\nlast-modified: x",
     "last-modified: x", true},
    {"no validator: the one that was asked about", "date: x", "etag: \"a\"\nlast-modified: x",
     true},
    {"no validator anywhere", "date: x", "date: y", true},
};

struct MergeRow {
    const char* name;
    const char* stored;
    const char* update;
    const char* expected;
};

// RFC 9111 §3.2
const MergeRow kMerges[] = {
    {"nothing new", "a: 1\nb: 2", "", "a: 1\nb: 2"},
    {"a new field", "a: 1", "b: 2", "a: 1\nb: 2"},
    {"a field is replaced", "a: 1\nb: 2", "a: 3", "b: 2\na: 3"},
    {"whatever its case", "X-Foo: 1", "x-fOO: 2", "x-fOO: 2"},
    {"all its lines go", "a: 1\nb: 0\na: 2", "a: 3", "b: 0\na: 3"},
    {"all its new lines come, in order", "set-cookie: a=1", "set-cookie: b=2\nset-cookie: c=3",
     "set-cookie: b=2\nset-cookie: c=3"},
    {"caching fields are replaced", "cache-control: max-age=1\nexpires: x\ndate: d1\nvary: a",
     "cache-control: max-age=9\nexpires: y\ndate: d2\nvary: b",
     "cache-control: max-age=9\nexpires: y\ndate: d2\nvary: b"},
    {"a validator is replaced", "etag: \"a\"\nlast-modified: x", "etag: \"b\"\nlast-modified: y",
     "etag: \"b\"\nlast-modified: y"},
    {"Content-Length is not", "content-length: 5", "content-length: 9", "content-length: 5"},
    {"nor what describes the content",
     "content-encoding: gzip\ncontent-type: a/b\ncontent-range: r",
     "content-encoding: br\ncontent-type: c/d\ncontent-range: s",
     "content-encoding: gzip\ncontent-type: a/b\ncontent-range: r"},
    {"nor added", "a: 1", "content-length: 9\ncontent-encoding: br", "a: 1"},
    {"other Content-* are replaced", "content-location: /a\ncontent-foo: 1",
     "content-location: /b\ncontent-foo: 2", "content-location: /b\ncontent-foo: 2"},
    {"hop-by-hop fields are not taken", "a: 1",
     "connection: keep-alive\nkeep-alive: x\ntransfer-encoding: chunked\nupgrade: h2\nte: x",
     "a: 1"},
    {"nor those that Connection names", "b: 1", "connection: a\nconnection: b\na: 2\nb: 2\nc: 2",
     "b: 1\nc: 2"},
    {"the stored Age goes", "age: 100\na: 1", "date: x", "a: 1\ndate: x"},
    {"the new Age comes", "age: 100", "age: 3", "age: 3"},
    {"a weak tag is not strengthened", "etag: W/\"a\"", "etag: \"a\"\nb: 1", "etag: W/\"a\"\nb: 1"},
    {"another strong tag replaces a weak one", "etag: W/\"a\"", "etag: \"b\"", "etag: \"b\""},
    {"a strong tag is weakened", "etag: \"a\"", "etag: W/\"a\"", "etag: W/\"a\""},
};

// RFC 9111 §4.3.5
const SelectRow kHeads[] = {
    {"nothing to compare", "a: 1", "b: 2", true},
    {"all the same", "etag: \"a\"\nlast-modified: x\ncontent-length: 3",
     "etag: \"a\"\nlast-modified: x\ncontent-length: 3", true},
    {"another tag", "etag: \"b\"", "etag: \"a\"", false},
    {"the same tag, weak", "etag: W/\"a\"", "etag: \"a\"", true},
    {"another date", "last-modified: y", "last-modified: x", false},
    {"another length", "content-length: 4", "content-length: 3", false},
    {"one of them differs", "etag: \"a\"\ncontent-length: 4", "etag: \"a\"\ncontent-length: 3",
     false},
    {"what one side lacks says nothing", "etag: \"b\"", "content-length: 3", true},
};

rc::Gen<std::vector<std::pair<std::string, std::string>>> lines()
{
    return rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(
        rc::gen::element<std::string>("a", "B", "age", "etag", "Connection", "content-type",
                                      "cache-control", "b", "Set-Cookie", "x-a"),
        rc::gen::element<std::string>("1", "2", "a", "b", "\"x\"", "W/\"x\"")));
}

http::FieldList list_of(const std::vector<std::pair<std::string, std::string>>& pairs)
{
    http::FieldList fields;
    for (const auto& [name, value] : pairs)
        fields.add(name, value);
    return fields;
}
} // namespace

BOOST_AUTO_TEST_SUITE(freshen)

BOOST_AUTO_TEST_CASE(a_304_selects_by_the_best_validator_it_has)
{
    for (const SelectRow& row : kSelects)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(selects(fields_of(row.not_modified), fields_of(row.stored)) == row.selects);
        }
}

BOOST_AUTO_TEST_CASE(fields_are_merged_as_rfc_9111_section_3_2_says)
{
    for (const MergeRow& row : kMerges)
        BOOST_TEST_CONTEXT(row.name)
        {
            BOOST_TEST(merged(row.stored, row.update) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(the_answer_to_a_head_freshens_what_it_does_not_contradict)
{
    for (const SelectRow& row : kHeads)
        BOOST_TEST_CONTEXT(row.name)
        {
            const auto expected = row.selects ? HeadUpdate::freshen : HeadUpdate::invalidate;
            BOOST_TEST((decide_head_update(fields_of(row.not_modified), fields_of(row.stored)) ==
                        expected));
        }
}

RC_BOOST_PROP(merging_twice_is_merging_once, ())
{
    const auto stored_lines = *lines();
    const auto update_lines = *lines();
    const http::FieldList stored = list_of(stored_lines);
    const http::FieldList update = list_of(update_lines);
    http::FieldList once;
    merge_fields(stored, update, once);
    http::FieldList twice;
    merge_fields(once, update, twice);
    RC_ASSERT(text_of_fields(twice) == text_of_fields(once));
}

RC_BOOST_PROP(what_selects_by_its_own_fields_selects_itself, ())
{
    const auto stored_lines = *lines();
    const http::FieldList stored = list_of(stored_lines);
    RC_ASSERT(selects(stored, stored));
    RC_ASSERT((decide_head_update(stored, stored) == HeadUpdate::freshen));
}

BOOST_AUTO_TEST_SUITE_END()
