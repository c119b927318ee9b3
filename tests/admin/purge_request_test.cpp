#include "admin/purge_request.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::admin
{
namespace
{
std::vector<journal::Draft> accepted(std::string_view json)
{
    auto parsed = parse_purge(json);
    BOOST_TEST_REQUIRE(parsed.has_value(), (parsed ? "" : parsed.error().detail));
    return parsed->drafts;
}
const purge::Invalidate& purge_in(const journal::Draft& draft)
{
    return std::get<purge::Invalidate>(draft.body);
}
} // namespace

BOOST_AUTO_TEST_SUITE(purge_request)

BOOST_AUTO_TEST_CASE(every_problem_names_the_member_at_fault)
{
    struct Row {
        const char* json;
        const char* field;
        int status;
    };
    const Row rows[] = {
        {"type=all", "", 400},
        {"", "", 400},
        {"[]", "", 400},
        {"{}", "type", 400},
        {R"({"type":"nonsense","selectors":["x"]})", "type", 400},
        {R"({"type":"uri"})", "selectors", 400},
        {R"({"type":"uri","selectors":"http://h/"})", "selectors", 400},
        {R"({"type":"uri","selectors":[1]})", "selectors", 400},
        {R"({"type":"uri","selectors":["/path"]})", "selectors", 400},
        {R"({"type":"uri","selectors":["ftp://h/"]})", "selectors", 400},
        {R"({"type":"uri","selectors":["http://h/a b"]})", "selectors", 400},
        {R"({"type":"origin","selectors":["http://h/path"]})", "selectors", 400},
        {R"({"type":"host","selectors":["h/x"]})", "selectors", 400},
        {R"({"type":"group","groups":["two words"]})", "groups", 400},
        {R"({"type":"group","groups":["a"],"selectors":["b"]})", "selectors", 400},
        {R"({"type":"uri","selectors":["http://h/"],"groups":["b"]})", "groups", 400},
        {R"({"type":"pattern","selectors":["("]})", "selectors", 400},
        {R"({"type":"all","selectors":["http://h/"]})", "selectors", 400},
        {R"({"type":"all","mode":"gentle"})", "mode", 400},
        {R"({"type":"all","max_stale":5})", "max_stale", 400},
        {R"({"type":"all","mode":"soft","max_stale":-1})", "max_stale", 400},
        {R"({"type":"all","mode":"soft","max_stale":99999999999})", "max_stale", 400},
        {R"({"type":"all","purge":1})", "purge", 400},
        {R"({"type":"all","dry_run":"yes"})", "dry_run", 400},
        {R"({"type":"all","site":""})", "site", 400},
        {R"({"type":"all","key":7})", "key", 400},
        {R"({"type":"all","more":7})", "more", 400},
        {R"({"batch":[]})", "batch", 400},
        {R"({"batch":[{"type":"all"},{"type":"uri"}]})", "batch[1].selectors", 400},
        {R"({"batch":[{"type":"all","dry_run":true}]})", "batch[0].dry_run", 400},
        {R"({"barrier":[{"type":"all","key":"k"}]})", "barrier[0].key", 400},
        {R"({"barrier":[{"type":"all"}],"mode":"soft"})", "mode", 400},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.json)
        {
            const auto parsed = parse_purge(row.json);
            BOOST_TEST_REQUIRE(!parsed.has_value());
            BOOST_TEST(parsed.error().field == row.field);
            BOOST_TEST(parsed.error().status == row.status);
            BOOST_TEST(!parsed.error().detail.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(what_is_over_a_limit_is_413)
{
    const auto status = [](const std::string& json) { return parse_purge(json).error().status; };
    BOOST_TEST(status(R"({"type":"all","key":")" + std::string(256, 'k') + "\"}") == 413);
    BOOST_TEST(status(R"({"type":"group","groups":[")" + std::string(17'000, 'k') + "\"]}") == 413);
    std::string groups = "\"a\"";
    for (int i = 0; i < 4096; ++i)
        groups += ",\"a\"";
    BOOST_TEST(status(R"({"type":"group","groups":[)" + groups + "]}") == 413);
}

BOOST_AUTO_TEST_CASE(several_selectors_are_one_message_that_travels_as_received)
{
    const auto drafts = accepted(
        R"({"type":"uri","selectors":["HTTP://H:80/a","http://h/b#c"],"mode":"soft",
            "max_stale":30,"site":"shop","key":"k","note":"n"})");
    BOOST_TEST_REQUIRE(drafts.size() == 1U);
    BOOST_TEST(drafts[0].site == "shop");
    BOOST_TEST(drafts[0].key == "k");
    BOOST_TEST(drafts[0].note == "n");
    const auto& orders = purge_in(drafts[0]).orders;
    BOOST_TEST_REQUIRE(orders.size() == 2U);
    BOOST_TEST(orders[0].selector == "HTTP://H:80/a");
    BOOST_TEST((orders[1].mode == purge::OrderMode::soft));
    BOOST_TEST((orders[1].max_stale == Seconds{30}));
}

BOOST_AUTO_TEST_CASE(a_batch_is_several_messages_and_a_barrier_is_one)
{
    const auto batch = accepted(R"({"batch":[{"type":"all"},{"type":"host","selectors":["h"]}]})");
    BOOST_TEST(batch.size() == 2U);
    const auto barrier = accepted(
        R"({"barrier":[{"type":"all","mode":"refresh"},{"type":"group","groups":["a","b"]}],
            "purge":true})");
    BOOST_TEST_REQUIRE(barrier.size() == 1U);
    BOOST_TEST(purge_in(barrier[0]).orders.size() == 3U);
    BOOST_TEST(purge_in(barrier[0]).erase);
    BOOST_TEST(parse_purge(R"({"type":"all","dry_run":true})")->dry_run);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::admin
