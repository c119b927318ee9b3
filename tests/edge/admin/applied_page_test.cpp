#include "edge/admin/applied_page.hpp"

#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

using namespace tidemark;
using namespace tidemark::admin;
using namespace std::chrono_literals;

namespace
{
struct Asked {
    Asked()
    {
        times.note(7, MonoTime{5ms});
        times.note(9, MonoTime{6ms});
    }
    [[nodiscard]] Response ask(const std::string& query) const
    {
        Request request;
        request.query = query;
        return applied_page(times, [] { return purge::Version{9}; }).show(request);
    }
    follow::AppliedTimes times;
};
} // namespace

BOOST_AUTO_TEST_SUITE(applied_page)

BOOST_FIXTURE_TEST_CASE(alone_it_says_how_far_this_edge_is, Asked)
{
    const auto json = nlohmann::json::parse(ask("").body);
    BOOST_TEST(json.at("through") == 9);
    BOOST_TEST(json.at("times").empty());
}

BOOST_FIXTURE_TEST_CASE(a_range_is_answered_with_what_is_remembered_of_it, Asked)
{
    const auto json = nlohmann::json::parse(ask("first=7&last=9").body);
    BOOST_TEST_REQUIRE(json.at("times").size() == 2U);
    BOOST_TEST(json.at("times")[0].at("version") == 7);
    BOOST_TEST(json.at("times")[0].at("monotonic_ns") == 5'000'000);
    BOOST_TEST(json.at("times")[1].at("version") == 9);
    const auto far = ask("first=18446744073709551615&last=18446744073709551615");
    BOOST_TEST(far.status == 200);
}

BOOST_FIXTURE_TEST_CASE(a_range_that_is_none_is_refused, Asked)
{
    for (const char* query :
         {"first=7", "last=7", "first=0&last=3", "first=9&last=7", "first=a&last=7",
          "first=1&last=4097", "first=1&last=18446744073709551615", "version=7", "first=%zz"})
        BOOST_TEST(ask(query).status == 400, query);
}

BOOST_AUTO_TEST_SUITE_END()
