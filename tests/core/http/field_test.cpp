#include "core/http/field.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <cctype>
#include <string>
#include <vector>

namespace tidemark::http
{
namespace
{
std::vector<std::string> members(std::string_view list)
{
    std::vector<std::string> found;
    each_list_member(list, [&](std::string_view member) { found.emplace_back(member); });
    return found;
}

std::string upper(std::string_view text)
{
    std::string out(text);
    for (char& c : out)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

BOOST_AUTO_TEST_SUITE(http_field)

BOOST_AUTO_TEST_CASE(every_known_name_is_found_in_any_case)
{
    for (unsigned i = 1; i < static_cast<unsigned>(FieldId::count_); ++i) {
        const auto id = static_cast<FieldId>(i);
        BOOST_TEST_CONTEXT(field_name(id))
        {
            std::string mixed(field_name(id));
            mixed[0] = upper(mixed)[0];
            BOOST_TEST(!field_name(id).empty());
            BOOST_TEST((field_id(field_name(id)) == id));
            BOOST_TEST((field_id(upper(field_name(id))) == id));
            BOOST_TEST((field_id(mixed) == id));
        }
    }
}

BOOST_AUTO_TEST_CASE(names_are_those_that_http_knows)
{
    BOOST_TEST(field_name(FieldId::etag) == "etag");
    BOOST_TEST(field_name(FieldId::if_modified_since) == "if-modified-since");
    BOOST_TEST(field_name(FieldId::transfer_encoding) == "transfer-encoding");
    BOOST_TEST(field_name(FieldId::x_magento_tags) == "x-magento-tags");
    BOOST_TEST(field_name(FieldId::xkey) == "xkey");
    BOOST_TEST(field_name(FieldId::tidemark_purge_version) == "tidemark-purge-version");
    BOOST_TEST(field_name(FieldId::other).empty());
}

BOOST_AUTO_TEST_CASE(one_byte_off_is_another_name)
{
    for (unsigned i = 1; i < static_cast<unsigned>(FieldId::count_); ++i) {
        const std::string name(field_name(static_cast<FieldId>(i)));
        BOOST_TEST_CONTEXT(name)
        {
            for (std::size_t at = 0; at < name.size(); ++at) {
                for (const int flipped : {0x01, 0x40, 0x80, 0xdf}) {
                    std::string off = name;
                    off[at] = static_cast<char>(off[at] ^ flipped);
                    BOOST_TEST((field_id(off) == FieldId::other));
                }
                std::string shorter = name;
                shorter.erase(at, 1);
                if (shorter != "te") BOOST_TEST((field_id(shorter) == FieldId::other));
            }
            BOOST_TEST((field_id(name + "x") == FieldId::other));
            BOOST_TEST((field_id(name + std::string(1, '\0')) == FieldId::other));
        }
    }
    BOOST_TEST((field_id("") == FieldId::other));
    BOOST_TEST((field_id(std::string(1000, 'a')) == FieldId::other));
    BOOST_TEST((field_id("cache\rcontrol") == FieldId::other));
}

RC_BOOST_PROP(an_id_names_the_same_text_without_its_case, (const std::string& name))
{
    const FieldId id = field_id(name);
    std::string lower;
    for (const char c : name)
        lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    RC_ASSERT(id == FieldId::other || field_name(id) == lower);
}

BOOST_AUTO_TEST_CASE(a_list_of_fields_answers_by_id_in_the_order_received)
{
    FieldList fields;
    fields.add("Accept", "a");
    fields.add("X-Mine", "b");
    fields.add("ACCEPT", "c");
    BOOST_TEST(fields.size() == 3U);
    BOOST_TEST(fields.has(FieldId::accept));
    BOOST_TEST(!fields.has(FieldId::host));
    BOOST_TEST(fields.first(FieldId::accept) == "a");
    BOOST_TEST((fields.first(FieldId::host).data() == nullptr));
    BOOST_TEST(fields.lines_of(FieldId::accept) == 2U);
    std::string all;
    fields.each(FieldId::accept, [&](std::string_view value) { all += value; });
    BOOST_TEST(all == "ac");
    fields.clear();
    BOOST_TEST(fields.empty());
    BOOST_TEST(!fields.has(FieldId::accept));
}

// RFC 9110 §5.6.1
BOOST_AUTO_TEST_CASE(list_members_are_trimmed_and_empty_ones_skipped)
{
    struct Row {
        std::string_view list;
        std::vector<std::string> expected;
    };
    const Row rows[] = {
        {"", {}},
        {",", {}},
        {" , \t,, ", {}},
        {"a", {"a"}},
        {"a,b", {"a", "b"}},
        {" a ,\tb\t, c", {"a", "b", "c"}},
        {",a,,b,", {"a", "b"}},
        {"a b,c", {"a b", "c"}},
        {R"("a,b",c)", {R"("a,b")", "c"}},
        {R"(x="a\",b",c)", {R"(x="a\",b")", "c"}},
        {R"("never ends, b)", {R"("never ends, b)"}},
        {R"("ends in \)", {R"("ends in \)"}},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.list)
        {
            BOOST_TEST(members(row.list) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_visit_that_says_false_ends_the_walk)
{
    std::string seen;
    each_list_member("a,b,c", [&](std::string_view member) {
        seen += member;
        return member != "b";
    });
    BOOST_TEST(seen == "ab");
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http
