#include "origin/content/pushes.hpp"

#include "tests/support/packed.hpp"

#include <boost/test/unit_test.hpp>

using namespace tidemark;
using namespace tidemark::origin;

namespace
{
constexpr MonoTime at(std::int64_t seconds)
{
    return MonoTime{Nanos{Seconds{seconds}}};
}

struct Desk {
    Pushes pushes{PushSettings{Millis{10'000}, Millis{300'000}}};

    PushId push(const std::string& content, const std::vector<std::string>& edges,
                MonoTime now = at(0))
    {
        return pushes.begin({test::sha256(content), content.size(), 5}, "http://h/" + content, 7,
                            journal::Draft{"*", "key", "ann", "why", {}}, edges, now);
    }
    // What was done since, in words.
    [[nodiscard]] std::vector<std::string> done()
    {
        std::vector<std::string> words;
        for (const PushAction& action : pushes.take_actions())
            words.push_back(std::visit([](const auto& one) { return word(one); }, action));
        return words;
    }
    static std::string word(const OfferContent& one) { return "offer " + one.offer.uri; }
    static std::string word(const IssuePush& one)
    {
        return "issue " + std::get<purge::Push>(one.draft.body).uri + " without " +
               std::to_string(one.without);
    }
    static std::string word(const WithdrawContent&) { return "withdraw"; }
    static std::string word(const ReleaseContent&) { return "release"; }
};
using Words = std::vector<std::string>;
} // namespace

BOOST_AUTO_TEST_SUITE(pushes)

BOOST_AUTO_TEST_CASE(a_version_is_issued_once_every_connected_edge_has_the_content)
{
    Desk desk;
    desk.push("a", {"x", "y"});
    BOOST_TEST(desk.done() == Words{"offer http://h/a"}, boost::test_tools::per_element());
    desk.pushes.on_staged("x", test::sha256("a"), at(1));
    desk.pushes.on_staged("y", test::sha256("b"), at(1)); // another content
    desk.pushes.on_staged("z", test::sha256("a"), at(1)); // came later: not waited for
    BOOST_TEST(desk.done().empty());
    desk.pushes.on_staged("y", test::sha256("a"), at(2));
    BOOST_TEST(desk.done() == Words{"issue http://h/a without 0"},
               boost::test_tools::per_element());
    desk.pushes.on_staged("y", test::sha256("a"), at(2));
    BOOST_TEST(desk.done().empty());
}

BOOST_AUTO_TEST_CASE(the_draft_says_what_the_content_is_and_reflects)
{
    Desk desk;
    desk.push("a", {});
    const auto actions = desk.pushes.take_actions();
    BOOST_REQUIRE(actions.size() == 2U);
    const auto& issue = std::get<IssuePush>(actions[1]);
    const purge::Push expected{"http://h/a", test::sha256("a"), 1, 7};
    BOOST_TEST((std::get<purge::Push>(issue.draft.body) == expected));
    BOOST_TEST(issue.draft.key == "key");
    BOOST_TEST(issue.draft.actor == "ann");
}

BOOST_AUTO_TEST_CASE(slow_edges_are_waited_for_no_longer_than_set)
{
    Desk desk;
    desk.push("a", {"x", "y", "z"});
    desk.pushes.on_staged("x", test::sha256("a"), at(1));
    BOOST_TEST((desk.pushes.next_due() == at(10)));
    desk.pushes.on_time(at(9));
    BOOST_TEST(desk.done() == Words{"offer http://h/a"}, boost::test_tools::per_element());
    desk.pushes.on_time(at(10));
    BOOST_TEST(desk.done() == Words{"issue http://h/a without 2"},
               boost::test_tools::per_element());
    BOOST_TEST(desk.pushes.staging() == 0U);
}

BOOST_AUTO_TEST_CASE(an_edge_that_left_the_registry_is_waited_for_no_more)
{
    Desk desk;
    desk.push("a", {"x"});
    desk.pushes.on_removed("x", at(1));
    BOOST_TEST(desk.done().back() == "issue http://h/a without 0");
}

BOOST_AUTO_TEST_CASE(the_offer_stands_for_a_while_after_the_version)
{
    Desk desk;
    desk.push("a", {});
    static_cast<void>(desk.done());
    desk.pushes.on_time(at(299));
    BOOST_TEST(desk.done().empty());
    desk.pushes.on_time(at(300));
    const Words expected{"withdraw", "release"};
    BOOST_TEST(desk.done() == expected, boost::test_tools::per_element());
    BOOST_TEST(!desk.pushes.next_due().has_value());
}

BOOST_AUTO_TEST_CASE(an_offer_that_another_push_needs_is_not_withdrawn)
{
    Desk desk;
    desk.push("a", {}, at(0));
    desk.push("a", {}, at(100));
    static_cast<void>(desk.done());
    desk.pushes.on_time(at(300));
    BOOST_TEST(desk.done() == Words{"release"}, boost::test_tools::per_element());
    desk.pushes.on_time(at(400));
    const Words expected{"withdraw", "release"};
    BOOST_TEST(desk.done() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
