#include "journal/audit.hpp"
#include "tests/journal/journals.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>

namespace tidemark::journal::test
{
namespace
{
namespace data = boost::unit_test::data;
using purge::Scope;

struct CoverCase {
    const char* what;
    Scope scope;
    const char* selector;
    const char* url;
    bool covered;
};
std::ostream& operator<<(std::ostream& out, const CoverCase& c)
{
    return out << c.what;
}
const CoverCase kCovers[] = {
    {"the URL itself", Scope::url, "http://h/a?b", "http://h/a?b", true},
    {"another query", Scope::url, "http://h/a?b", "http://h/a", false},
    {"a prefix covers itself", Scope::prefix, "http://h/a", "http://h/a", true},
    {"a prefix covers what is below", Scope::prefix, "http://h/a", "http://h/a/b", true},
    {"a prefix covers a query", Scope::prefix, "http://h/a", "http://h/a?q", true},
    {"a prefix ends at a segment", Scope::prefix, "http://h/a", "http://h/ab", false},
    {"a prefix with a slash covers below", Scope::prefix, "http://h/a/", "http://h/a/b", true},
    {"a prefix with a slash not without", Scope::prefix, "http://h/a/", "http://h/a", false},
    {"a host at any scheme and port", Scope::host, "h.example", "https://H.example:8443/", true},
    {"a host is no suffix", Scope::host, "example", "http://h.example/", false},
    {"an IPv6 host", Scope::host, "[::1]", "http://[::1]:80/", true},
    {"an origin", Scope::origin, "http://h", "http://h/a", true},
    {"an origin's default port", Scope::origin, "https://h:443", "https://h/a", true},
    {"an origin of another port", Scope::origin, "http://h:81", "http://h/a", false},
    {"an origin of another scheme", Scope::origin, "https://h", "http://h/a", false},
    {"a pattern", Scope::pattern, "^http://h/.*\\.css$", "http://h/x/y.css", true},
    {"a pattern that fails", Scope::pattern, "^http://h/.*\\.css$", "http://h/y.js", false},
    {"a pattern that is none", Scope::pattern, "(", "(", false},
    {"everything", Scope::all, "", "http://h/a", true},
    {"a tag says nothing of URLs", Scope::tag, "http://h/a", "http://h/a", false},
};
purge::Message message_with(Scope scope, std::string selector)
{
    purge::Message message;
    message.body =
        purge::Invalidate{{{Scope::tag, purge::OrderMode::hard, Seconds{0}, "other"},
                           {scope, purge::OrderMode::hard, Seconds{0}, std::move(selector)}},
                          false};
    return message;
}
} // namespace

BOOST_AUTO_TEST_SUITE(audit)

BOOST_DATA_TEST_CASE(an_order_covers_what_its_selector_says, data::make(kCovers), c)
{
    BOOST_TEST(covers(message_with(c.scope, c.selector), c.url) == c.covered);
}

BOOST_AUTO_TEST_CASE(a_push_covers_its_uri_and_an_undo_nothing)
{
    purge::Message message;
    purge::Push push;
    push.uri = "http://h/a";
    message.body = push;
    BOOST_TEST(covers(message, "http://h/a"));
    message.body = purge::Undo{1};
    BOOST_TEST(!covers(message, "http://h/a"));
}

struct Searched {
    support::TempDir temp;
    Owner owner;
    explicit Searched(bool durable)
    {
        if (durable)
            owner.open(temp.path("data"));
        else
            owner.open_in_memory({1, 1000, {}});
        Draft first = purge_of("http://h/a", "key-1");
        first.actor = "ann";
        owner.append_one(first);
        Draft second;
        second.body =
            purge::Invalidate{{{Scope::tag, purge::OrderMode::hard, Seconds{0}, "shoes"}}, false};
        second.actor = "bob";
        owner.append_one(second);
        owner.append_urls(5);
    }
    std::vector<Version> found(const Query& query)
    {
        std::vector<Version> versions;
        for (const purge::Message& message : owner.search(query).messages)
            versions.push_back(message.version);
        return versions;
    }
};

BOOST_DATA_TEST_CASE(a_search_filters_by_everything_that_is_asked, data::make({false, true}),
                     durable)
{
    Searched s(durable);
    const auto by = [&](auto set) {
        Query query;
        set(query);
        return s.found(query);
    };
    using V = std::vector<Version>;
    BOOST_TEST(by([](Query& q) { q.actor = "ann"; }) == (V{1}));
    BOOST_TEST(by([](Query& q) { q.key = "key-1"; }) == (V{1}));
    BOOST_TEST(by([](Query& q) { q.scope = Scope::tag; }) == (V{2}));
    BOOST_TEST(by([](Query& q) { q.selector = "shoes"; }) == (V{2}));
    BOOST_TEST(by([](Query& q) {
                   q.selector = "shoes";
                   q.scope = Scope::url;
               }) == V{});
    BOOST_TEST(by([](Query& q) { q.url = "http://h/3"; }) == (V{6}));
    BOOST_TEST(by([](Query& q) { q.from = 6; }) == (V{6, 7}));
    BOOST_TEST(by([](Query& q) { q.to = 2; }) == (V{1, 2}));
    BOOST_TEST(by([](Query& q) { q.until = WallTime{Millis{1}}; }) == V{});
    BOOST_TEST(by([](Query& q) { q.since = WallTime{Millis{1}}; }).size() == 7U);
}

BOOST_DATA_TEST_CASE(a_search_goes_on_where_it_says, data::make({false, true}), durable)
{
    Searched s(durable);
    Query query;
    query.limit = 3;
    Found found = s.owner.search(query);
    BOOST_TEST(found.messages.back().version == 3U);
    BOOST_TEST((found.next == Version{4}));
    query.newest_first = true;
    found = s.owner.search(query);
    BOOST_TEST(found.messages.front().version == 7U);
    BOOST_TEST((found.next == Version{4}));
    query.to = *found.next;
    query.limit = 4;
    found = s.owner.search(query);
    BOOST_TEST(found.messages.back().version == 1U);
    BOOST_TEST(!found.next.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::journal::test
