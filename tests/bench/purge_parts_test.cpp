#include "bench/purge/http.hpp"
#include "bench/purge/upstream.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>

using namespace tidemark::bench;

BOOST_AUTO_TEST_SUITE(purge_parts)

BOOST_AUTO_TEST_CASE(the_site_is_its_generation_over_one_kept_connection)
{
    Upstream upstream;
    ApiConnection connection(upstream.port());
    BOOST_TEST(connection.call("GET", "/a")->body == "1");
    BOOST_TEST(upstream.change() == 2U);
    const auto answer = connection.call("GET", "/b");
    BOOST_TEST_REQUIRE(answer.has_value());
    BOOST_TEST(answer->status == 200);
    BOOST_TEST(answer->body == "2");
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_ended_is_replaced)
{
    auto first = std::make_unique<Upstream>();
    const std::uint16_t port = first->port();
    ApiConnection connection(port);
    BOOST_TEST(connection.call("GET", "/").has_value());
    first.reset();
    const auto nobody = connection.call("GET", "/");
    BOOST_TEST_REQUIRE(!nobody.has_value());
    BOOST_TEST(nobody.error() == "no connection to 127.0.0.1:" + std::to_string(port));
}

BOOST_AUTO_TEST_SUITE_END()
