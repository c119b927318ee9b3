#include "core/http/structured.hpp"

#include <boost/test/unit_test.hpp>
#include <rapidcheck/boost_test.h>

#include <sstream>
#include <string>
#include <vector>

namespace tidemark::http
{
namespace
{
using namespace std::string_view_literals;

// Every kind of value in a form of its own.
struct Printer {
    std::ostream& out;
    void operator()(std::int64_t value) const { out << 'i' << value; }
    void operator()(double value) const { out << 'd' << value; }
    void operator()(const std::string& value) const { out << "s'" << value << '\''; }
    void operator()(const SfToken& value) const { out << 't' << value.text; }
    void operator()(const SfBytes& value) const { out << "b'" << value.bytes << '\''; }
    void operator()(bool value) const { out << (value ? "?1" : "?0"); }
};

void print(std::ostream& out, const std::vector<SfParameter>& parameters)
{
    for (const SfParameter& parameter : parameters) {
        out << ';' << parameter.key << '=';
        std::visit(Printer{out}, parameter.value);
    }
}

void print(std::ostream& out, const SfItem& item)
{
    std::visit(Printer{out}, item.value);
    print(out, item.parameters);
}

std::string text_of(const std::optional<std::vector<SfMember>>& members)
{
    if (!members) return "none";
    std::ostringstream out;
    for (const SfMember& member : *members) {
        out << '[';
        if (!member.key.empty()) out << member.key << ": ";
        if (member.is_inner_list) {
            out << '(';
            for (const SfItem& item : member.inner) {
                print(out, item);
                out << ' ';
            }
            out << ')';
            print(out, member.item.parameters);
        } else
            print(out, member.item);
        out << ']';
    }
    return out.str();
}

std::string list_of(std::string_view text)
{
    return text_of(parse_sf_list(text));
}
std::string dictionary_of(std::string_view text)
{
    return text_of(parse_sf_dictionary(text));
}

struct Row {
    std::string_view text, expected;
};

BOOST_AUTO_TEST_SUITE(http_structured)

// RFC 8941 §3.1, §3.3
BOOST_AUTO_TEST_CASE(lists_of_every_kind_of_item_are_read)
{
    const Row rows[] = {
        {"", ""},
        {"   ", ""},
        {"a", "[ta]"},
        {"a, b", "[ta][tb]"},
        {"a,b", "[ta][tb]"},
        {"a \t, \t b", "[ta][tb]"},
        {"  a, b  ", "[ta][tb]"},
        {"*a:/!#$%&'*+-.^_`|~0Z", "[t*a:/!#$%&'*+-.^_`|~0Z]"},
        {"0", "[i0]"},
        {"-0", "[i0]"},
        {"42, -42", "[i42][i-42]"},
        {"007", "[i7]"},
        {"999999999999999", "[i999999999999999]"},
        {"-999999999999999", "[i-999999999999999]"},
        {"1.5, -1.5, 0.125, 1.0", "[d1.5][d-1.5][d0.125][d1]"},
        {"999999999999.5", "[d1e+12]"},
        {"\"\"", "[s'']"},
        {"\"a b, c\"", "[s'a b, c']"},
        {R"("a\"b\\c")", R"([s'a"b\c'])"},
        {"?1, ?0", "[?1][?0]"},
        {"::", "[b'']"},
        {":aGVsbG8=:", "[b'hello']"},
        {":aGVsbG8:", "[b'hello']"},
        {":YQ==:", "[b'a']"},
        {":YQ:", "[b'a']"},
        {":YR==:", "[b'a']"},
        {":Pj4+:", "[b'>>>']"},
        {":Pz8/:", "[b'?\?\?']"},
        {"a;b", "[ta;b=?1]"},
        {"a;b=1;c=\"d\"", "[ta;b=i1;c=s'd']"},
        {"a; b;  c", "[ta;b=?1;c=?1]"},
        {"a;b=1;c=2;b=3", "[ta;b=i3;c=i2]"},
        {"a;*k_-.*9=1", "[ta;*k_-.*9=i1]"},
        {"()", "[()]"},
        {"(a)", "[(ta )]"},
        {"( a  b )", "[(ta tb )]"},
        {"(a;x=1 \"b\");y", "[(ta;x=i1 s'b' );y=?1]"},
        {"(a), (b c)", "[(ta )][(tb tc )]"},
        {"a, a", "[ta][ta]"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(list_of(row.text) == row.expected);
        }
}

// RFC 8941 §4.2
BOOST_AUTO_TEST_CASE(a_list_with_any_fault_is_nothing)
{
    for (const std::string_view bad : {","sv,
                                       "a,"sv,
                                       ",a"sv,
                                       "a,,b"sv,
                                       "a, "sv,
                                       "a b"sv,
                                       "a;"sv,
                                       "a; "sv,
                                       "a ;b"sv,
                                       "a;b=("sv,
                                       "a;b="sv,
                                       "a;b= 1"sv,
                                       "a;b =1"sv,
                                       "a;B"sv,
                                       "a;1"sv,
                                       "a;-b"sv,
                                       "\ta"sv,
                                       "a\x0b"sv,
                                       "a\n"sv,
                                       "a\0"sv,
                                       "caf\xc3\xa9"sv,
                                       "\x80"sv,
                                       "1000000000000000"sv,
                                       "-1000000000000000"sv,
                                       "-"sv,
                                       "--1"sv,
                                       "+1"sv,
                                       "1."sv,
                                       ".1"sv,
                                       "1.2345"sv,
                                       "1.2.3"sv,
                                       "1234567890123.1"sv,
                                       "1e3"sv,
                                       "0x1"sv,
                                       "1a"sv,
                                       "-a"sv,
                                       "\""sv,
                                       "\"a"sv,
                                       "\"a\\\""sv,
                                       "\"a\\b\""sv,
                                       "\"a\tb\""sv,
                                       "\"a\x7f\""sv,
                                       "\"caf\xc3\xa9\""sv,
                                       "\"a\0\""sv,
                                       "\"a\"b"sv,
                                       "'a'"sv,
                                       "?"sv,
                                       "?2"sv,
                                       "?t"sv,
                                       "?11"sv,
                                       "? 1"sv,
                                       ":"sv,
                                       ":a"sv,
                                       ":a:"sv,
                                       ":YQ=:"sv,
                                       ":YQ===:"sv,
                                       ":YWJj=:"sv,
                                       ":=:"sv,
                                       ":====:"sv,
                                       ":Y=Q=:"sv,
                                       ":YQ-_:"sv,
                                       ":Y Q:"sv,
                                       ":YQ==:a"sv,
                                       "("sv,
                                       ")"sv,
                                       "(a"sv,
                                       "(a,b)"sv,
                                       "(a\tb)"sv,
                                       "(a(b))"sv,
                                       "(\"a\"\"b\")"sv,
                                       "(a b"sv,
                                       "()()"sv,
                                       "{a}"sv,
                                       "@1"sv,
                                       "a=1"sv,
                                       "a;b=1;"sv})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(list_of(bad) == "none");
        }
}

// RFC 8941 §3.2
BOOST_AUTO_TEST_CASE(dictionaries_are_read)
{
    const Row rows[] = {
        {"", ""},
        {"a", "[a: ?1]"},
        {"a=1", "[a: i1]"},
        {"max-age=60, no-store", "[max-age: i60][no-store: ?1]"},
        {"max-age=60,no-store;x=1", "[max-age: i60][no-store: ?1;x=i1]"},
        {"a=?0, b;c, d=?1;e", "[a: ?0][b: ?1;c=?1][d: ?1;e=?1]"},
        {"a=\"x, y\" \t,\t b=:YQ==:", "[a: s'x, y'][b: b'a']"},
        {"a=(1 2);p, b=()", "[a: (i1 i2 );p=?1][b: ()]"},
        {"*a_-.*1=t", "[*a_-.*1: tt]"},
        {"a=1, b=2, a=3", "[a: i3][b: i2]"},
        {"a=1;x, a", "[a: ?1]"},
        {"a=(1), a=2", "[a: i2]"},
        {"a=1, a=(2)", "[a: (i2 )]"},
        {" a=1 ", "[a: i1]"},
        {"hit, fwd=uri-miss;fwd-status=200", "[hit: ?1][fwd: turi-miss;fwd-status=i200]"},
    };
    for (const Row& row : rows)
        BOOST_TEST_CONTEXT(row.text)
        {
            BOOST_TEST(dictionary_of(row.text) == row.expected);
        }
}

BOOST_AUTO_TEST_CASE(a_dictionary_with_any_fault_is_nothing)
{
    for (const std::string_view bad : {","sv,
                                       "a,"sv,
                                       "a=1,"sv,
                                       "a=1, "sv,
                                       ",a"sv,
                                       "a,,b"sv,
                                       "a b"sv,
                                       "A=1"sv,
                                       "Max-Age=1"sv,
                                       "1a=1"sv,
                                       "-a"sv,
                                       "_a"sv,
                                       "a=,b"sv,
                                       "a="sv,
                                       "a= 1"sv,
                                       "a =1"sv,
                                       "a==1"sv,
                                       "\"a\"=1"sv,
                                       "a=1 b=2"sv,
                                       "a=1;"sv,
                                       "a=1;B"sv,
                                       "a={1}"sv,
                                       "a=1; b=2;"sv,
                                       "a=60s"sv,
                                       "a=(1"sv,
                                       "a\0"sv,
                                       "caf\xc3\xa9=1"sv,
                                       "a=\x80"sv,
                                       "max-age=60; no-store=, x"sv,
                                       "(a)"sv})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(dictionary_of(bad) == "none");
        }
}

BOOST_AUTO_TEST_CASE(members_and_parameters_are_counted)
{
    const auto repeated = [](std::string_view part, std::string_view between, int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            if (i > 0) text += between;
            text += std::string(part) + std::to_string(i);
        }
        return text;
    };
    BOOST_TEST(parse_sf_list(repeated("a", ",", 1024)).has_value());
    BOOST_TEST(!parse_sf_list(repeated("a", ",", 1025)).has_value());
    BOOST_TEST(parse_sf_dictionary(repeated("a", ",", 1024)).has_value());
    BOOST_TEST(!parse_sf_dictionary(repeated("a", ",", 1025)).has_value());
    BOOST_TEST(parse_sf_list("(" + repeated("a", " ", 1024) + ")").has_value());
    BOOST_TEST(!parse_sf_list("(" + repeated("a", " ", 1025) + ")").has_value());
    BOOST_TEST(parse_sf_list("x;" + repeated("a", ";", 64)).has_value());
    BOOST_TEST(!parse_sf_list("x;" + repeated("a", ";", 65)).has_value());
}

// RFC 8941 §4.1.6
BOOST_AUTO_TEST_CASE(a_string_is_written_with_its_quotes)
{
    std::string out = "x=";
    BOOST_TEST(append_sf_string(out, R"(a"b\c)"));
    BOOST_TEST(out == R"(x="a\"b\\c")");
    for (const std::string_view bad : {"\n"sv, "a\tb"sv, "\x7f"sv, "caf\xc3\xa9"sv, "a\0"sv})
        BOOST_TEST(!append_sf_string(out, bad));
    BOOST_TEST(out == R"(x="a\"b\\c")");
}

BOOST_AUTO_TEST_CASE(tokens_are_told_from_other_texts)
{
    for (const std::string_view good : {"a", "A", "*", "a1", "a/b:c", "*foo", "a!#$%&'*+-.^_`|~"})
        BOOST_TEST_CONTEXT(good)
        {
            BOOST_TEST(is_sf_token(good));
        }
    for (const std::string_view bad : {""sv, "1a"sv, "-a"sv, "/a"sv, ":a"sv, "a b"sv, "a\"b"sv,
                                       "a,"sv, "a;"sv, "a="sv, "(a)"sv, "a\0"sv, "\xc3\xa9"sv})
        BOOST_TEST_CONTEXT(bad)
        {
            BOOST_TEST(!is_sf_token(bad));
        }
}

RC_BOOST_PROP(a_string_written_is_read_back, ())
{
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0x20, 0x7f));
    std::string written;
    RC_ASSERT(append_sf_string(written, text));
    const auto members = parse_sf_list(written);
    RC_ASSERT(members.has_value());
    RC_ASSERT(members->size() == 1U);
    RC_ASSERT(std::get<std::string>(members->front().item.value) == text);
}

RC_BOOST_PROP(a_text_is_a_token_exactly_if_it_is_read_as_one, ())
{
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange<char>(0x1f, 0x7f));
    const auto members = parse_sf_list(text);
    const bool read = members && members->size() == 1 && !members->front().is_inner_list &&
                      std::holds_alternative<SfToken>(members->front().item.value) &&
                      std::get<SfToken>(members->front().item.value).text == text;
    RC_ASSERT(read == is_sf_token(text));
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace
} // namespace tidemark::http
